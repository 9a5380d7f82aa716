"""`outdial calls`: one row for each attempt, as its closing tells it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.gather import read_each
from cli.read import Snapshot, read_heads, read_rows
from cli.summary import iso
from engine.errors import OutdialError, RecordError, UsageError
from engine.phone import parse_phone
from engine.retries import Disposition
from engine.windows import timezone
from outdial.settings import Settings
from schemas.outcome import Outcome
from schemas.rows import Profile
from schemas.topics import CALL_OUTCOMES, CONTACT_PROFILES


@dataclass(frozen=True, slots=True)
class Attempt:
    """One closed command. Instants are ISO 8601 on the campaign's clock; `local` is `ended_at` in `zone`, the contact's first."""

    dial_id: str
    campaign: str
    contact_id: str
    entry: int
    step: str
    seq: int
    channel: str
    address: str
    caller: str | None
    disposition: str
    reason: str | None
    requested_at: str | None
    ended_at: str | None
    local: str | None
    zone: str | None
    talk_ms: int | None
    opt_out: str | None
    provider_call_id: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What to keep; None keeps all. Closings that were not dialed are kept only if `all_` says so, or if asked for by name."""

    campaign: str | None = None
    contact: str | None = None
    phone: str | None = None  # E.164
    disposition: str | None = None
    all_: bool = False

    def keeps(self, outcome: Outcome) -> bool:
        wanted = (
            (self.campaign, outcome.campaign),
            (self.contact, outcome.contact_id),
            (self.phone, outcome.address),
            (self.disposition, outcome.disposition),
        )
        hidden = outcome.disposition == Disposition.NOT_DIALED and not self.all_ and self.disposition is None
        return not hidden and all(want is None or want == is_ for want, is_ in wanted)


def calls(
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    contact: Annotated[str | None, typer.Option(help="Only of this contact id.")] = None,
    phone: Annotated[str | None, typer.Option(help="Only to this number.")] = None,
    disposition: Annotated[str | None, typer.Option(help="Only with this disposition.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also commands that were not dialed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Calls and messages: one row for each attempt, oldest first."""
    settings, kept = Settings(), Filter(campaign, contact, _number(phone), disposition, all_)
    outcomes = (record for _, record in read_each(settings, CALL_OUTCOMES, Outcome))
    found = sorted(first_closings(outcomes, kept), key=lambda o: (o.ended_at, o.dial_id))
    profiles: dict[str, Profile] = read_rows(settings, CONTACT_PROFILES, Profile) if found else {}
    attempts = attempts_of(found, profiles, read_heads(settings))
    if as_json:
        for attempt in attempts:
            print(json.dumps(asdict(attempt), ensure_ascii=False))
    else:
        _print(list(attempts))


def first_closings(outcomes: Iterable[Outcome], kept: Filter) -> Iterator[Outcome]:
    """The first closing of each dial_id: what a crash repeats is the same, and comes later."""
    seen: set[str] = set()
    for outcome in outcomes:
        if outcome.dial_id not in seen:
            seen.add(outcome.dial_id)
            if kept.keeps(outcome):
                yield outcome


def attempts_of(outcomes: Iterable[Outcome], profiles: dict[str, Profile], plans: Snapshot) -> Iterator[Attempt]:
    """Closings with the contact's wall clock. The zone is the first of those the person is measured by now."""
    for outcome in outcomes:
        zone = _zone(outcome, profiles.get(outcome.contact_id), plans)
        yield Attempt(
            dial_id=outcome.dial_id,
            campaign=outcome.campaign,
            contact_id=outcome.contact_id,
            entry=outcome.entry,
            step=outcome.step,
            seq=outcome.seq,
            channel=outcome.channel,
            address=outcome.address,
            caller=outcome.caller,
            disposition=outcome.disposition,
            reason=outcome.reason,
            requested_at=iso(outcome.requested_at),
            ended_at=iso(outcome.ended_at),
            local=_local(outcome.ended_at, zone) if zone else None,
            zone=zone,
            talk_ms=outcome.talk_ms,
            opt_out=outcome.opt_out,
            provider_call_id=outcome.provider_call_id,
        )


def _zone(outcome: Outcome, profile: Profile | None, plans: Snapshot) -> str | None:
    own = profile.zones if profile else ()
    try:
        zones = plans.plan(outcome.campaign, outcome.version).zones(own)
    except OutdialError:  # the campaign is gone; its calls are not
        zones = own
    return zones[0] if zones else None


def _local(instant: int, zone: str) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(timezone(zone)).isoformat(timespec="seconds")


def _number(phone: str | None) -> str | None:
    if phone is None:
        return None
    try:
        return parse_phone(phone, "US").e164
    except RecordError as error:
        raise UsageError(f"--phone: {error}") from error


def _print(attempts: list[Attempt]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("ended (UTC)", "local", "contact", "campaign", "step", "to", "disposition"):
        # An instant or a number that is cut is none; what else is too long goes on in the next line.
        table.add_column(name, no_wrap=name in ("ended (UTC)", "to"), overflow="fold")
    for one in attempts:
        how = one.disposition if one.reason is None else f"{one.disposition} ({one.reason})"
        local = f"{one.local[11:16]} {one.zone}" if one.local else ""
        ended = (one.ended_at or "")[:19].replace("T", " ")
        table.add_row(ended, local, one.contact_id, one.campaign, one.step, one.address, how)
    Console().print(table if attempts else "No calls.")
