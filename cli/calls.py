"""`outdial calls`: one row for each attempt, as its closing tells it."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.table import Table

from cli.attempts import Attempt, Filter, attempts_of, first_closings
from cli.files import whole
from cli.gather import read_each
from cli.instants import since_and_until
from cli.read import read_heads, read_table
from engine.errors import RecordError, UsageError
from engine.phone import canonical_address, parse_phone
from engine.plan import Channel
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.outcome import Outcome
from schemas.rows import Profile
from schemas.topics import CALL_OUTCOMES, CONTACT_PROFILES


def calls(
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    contact: Annotated[str | None, typer.Option(help="Only of this contact id.")] = None,
    phone: Annotated[str | None, typer.Option(help="Only to this number, or email address.")] = None,
    disposition: Annotated[str | None, typer.Option(help="Only with this disposition.")] = None,
    step: Annotated[str | None, typer.Option(help="Only of this step.")] = None,
    channel: Annotated[Channel | None, typer.Option(help="Only calls, or only messages.")] = None,
    since: Annotated[str | None, typer.Option(help="Ended from then on: 2026-11-26, 2026-11-26T14:00Z, or 2h ago as 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="Ended before then; written as --since is.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also commands that were not dialed.")] = False,
    csv_: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a CSV file, all columns; - is stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Calls and messages: one row for each attempt, oldest first.

    Example: outdial calls --campaign spring --since 2h --csv calls.csv
    """
    if csv_ is not None and as_json:
        raise UsageError("--csv and --json both say how to write: give one of them")
    settings = Settings()
    begin, end = since_and_until(since, until, clock_from(settings).now())
    kept = Filter(campaign, contact, _number(phone), disposition, step, channel, begin, end, all_)
    attempts = read_attempts(settings, kept)
    if csv_ is not None:
        _write(csv_, attempts)
    elif as_json:
        for attempt in attempts:
            print(json.dumps(asdict(attempt), ensure_ascii=False))
    else:
        _print(list(attempts))


def read_attempts(settings: Settings, kept: Filter) -> Iterator[Attempt]:
    """What the topics hold of these attempts, by the instant they ended. The profiles of other people are not looked into."""
    outcomes = (record for _, record in read_each(settings, CALL_OUTCOMES, Outcome))
    found = sorted(first_closings(outcomes, kept), key=lambda o: (o.ended_at, o.dial_id))
    profiles: Mapping[str, Profile] = read_table(settings, CONTACT_PROFILES, Profile) if found else {}
    return attempts_of(found, profiles, read_heads(settings))


def _number(phone: str | None) -> str | None:
    if phone is None:
        return None
    try:
        return canonical_address("email", phone) if "@" in phone else parse_phone(phone, "US").e164
    except RecordError as error:
        raise UsageError(f"--phone: {error}") from error


def _write(target: Path, attempts: Iterable[Attempt]) -> None:
    with _opened(target) as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Attempt)])
        writer.writeheader()
        count = 0
        for count, attempt in enumerate(attempts, 1):  # noqa: B007 - told below
            writer.writerow(asdict(attempt))
    if str(target) != "-":
        print(f"{target}: {count} {'call' if count == 1 else 'calls'}")


@contextmanager
def _opened(target: Path) -> Iterator[TextIO]:
    if str(target) == "-":
        yield sys.stdout
        return
    with whole(target, "--csv") as draft, draft.open("w", encoding="utf-8", newline="") as file:
        yield file


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
    if kept := sum(one.recording_url is not None or one.summary is not None for one in attempts):
        Console().print(f"[dim]{kept} with a recording or a summary: --json and --csv show them[/dim]")
