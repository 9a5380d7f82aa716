"""Attempts, as their closings tell of them: what `calls` lists and `campaign report` counts. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cli.plans import Plans
from cli.summary import iso
from engine.errors import OutdialError
from engine.retries import Disposition
from engine.time import Instant
from engine.windows import timezone
from schemas.outcome import Outcome
from schemas.rows import Profile


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
    recording_url: str | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """What to keep; None keeps all. Closings that were not dialed are kept only if `all_` says so, or if asked for by name."""

    campaign: str | None = None
    contact: str | None = None
    phone: str | None = None  # E.164
    disposition: str | None = None
    step: str | None = None
    channel: str | None = None
    since: Instant | None = None  # ended at or after
    until: Instant | None = None  # ended before
    all_: bool = False

    def keeps(self, outcome: Outcome) -> bool:
        wanted = (
            (self.campaign, outcome.campaign),
            (self.contact, outcome.contact_id),
            (self.phone, outcome.address),
            (self.disposition, outcome.disposition),
            (self.step, outcome.step),
            (self.channel, outcome.channel),
        )
        hidden = outcome.disposition == Disposition.NOT_DIALED and not self.all_ and self.disposition is None
        early = self.since is not None and outcome.ended_at < self.since
        late = self.until is not None and outcome.ended_at >= self.until
        return not (hidden or early or late) and all(want is None or want == is_ for want, is_ in wanted)


def first_closings(outcomes: Iterable[Outcome], kept: Filter) -> Iterator[Outcome]:
    """The first closing of each dial_id: what a crash repeats is the same, and comes later."""
    seen: set[str] = set()
    for outcome in outcomes:
        if kept.keeps(outcome) and outcome.dial_id not in seen:
            seen.add(outcome.dial_id)
            yield outcome


def attempts_of(outcomes: Iterable[Outcome], profiles: Mapping[str, Profile], plans: Plans) -> Iterator[Attempt]:
    """Closings with the contact's wall clock. The zone is the first of those the person is measured by now."""
    for outcome in outcomes:
        zone = zone_of(outcome, profiles.get(outcome.contact_id), plans)
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
            local=local(outcome.ended_at, zone).isoformat(timespec="seconds") if zone else None,
            zone=zone,
            talk_ms=outcome.talk_ms,
            opt_out=outcome.opt_out,
            provider_call_id=outcome.provider_call_id,
            recording_url=outcome.recording_url,
            summary=outcome.summary,
        )


def zone_of(outcome: Outcome, profile: Profile | None, plans: Plans) -> str | None:
    """The first zone that the person is measured by; None: nothing tells."""
    own = profile.zones if profile else ()
    try:
        zones = plans.plan(outcome.campaign, outcome.version).zones(own)
    except OutdialError:  # the campaign is gone; its calls are not
        zones = own
    return zones[0] if zones else None


def local(instant: int, zone: str) -> datetime:
    """Campaign ms on the wall clock of a zone."""
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(timezone(zone))
