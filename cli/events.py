"""`outdial events`: the public feed, each event once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cli.cursor import Cursor
from cli.instants import since_and_until
from cli.interrupts import asked_to_stop
from cli.read import Raw
from cli.summary import iso
from cli.tail import Follower
from engine.time import MINUTE, Instant
from outdial.clock import Clock, clock_from
from outdial.settings import Settings
from schemas.base import decoder
from schemas.event import Event, EventKind
from schemas.topics import CAMPAIGN_EVENTS

#: Ids that are remembered, so that a repeat is recognised: a crash repeats what was under way, which is far less.
REMEMBERED = 500_000
KINDS = f"Only of this kind: {', '.join(EventKind)}"
#: Real ms by which the clocks of workers and broker may differ when the first record after an instant is looked for.
SKEW_MS = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Filter:
    """What to keep; None, or no kinds, keeps all."""

    contact: str | None = None
    campaign: str | None = None
    kinds: frozenset[str] = frozenset()
    since: Instant | None = None
    until: Instant | None = None

    def keeps(self, event: Event) -> bool:
        named = self.contact in (None, event.contact_id) and self.campaign in (None, event.campaign)
        early = self.since is not None and event.at < self.since
        late = self.until is not None and event.at >= self.until
        return named and not early and not late and (not self.kinds or event.kind in self.kinds)


class Feed:
    """Events that can be read, the first of each event_id."""

    def __init__(self) -> None:
        self._decode = decoder(Event).decode
        self._seen: dict[str, None] = {}

    def take(self, raw: Raw) -> Event | None:
        """None for a repeat, or what is no event."""
        try:
            event: Event = self._decode(raw.value or b"")
        except msgspec.DecodeError:
            return None
        if event.event_id in self._seen:
            return None
        self._seen[event.event_id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return event


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until interrupted.")] = False,
    contact: Annotated[str | None, typer.Option(help="Only of this contact id.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    kind: Annotated[list[EventKind], typer.Option(metavar="KIND", help=f"{KINDS}; may be given several times.")] = [],  # noqa: B006
    since: Annotated[str | None, typer.Option(help="From then on: 2026-11-26, 2026-11-26T14:00Z, or 2h ago as 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="Before then; written as --since is.")] = None,
    cursor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on behind what was printed with this file, and note it there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, as it lies on the topic.")] = False,
) -> None:
    """What happened to each enrollment, from enrolled to exited. In order for each person.

    With --cursor no event is left out however often the command ends and starts again; after a crash the last ones may come twice,
    with the event_id they had.

    Example: outdial events --follow --kind exited --cursor exits.cursor --json
    """
    settings = Settings()
    clock = clock_from(settings)
    begin, end = since_and_until(since, until, clock.now())
    wanted = Filter(contact, campaign, frozenset(kind), begin, end)
    place = None if cursor is None else Cursor(cursor, CAMPAIGN_EVENTS.name)
    start = {CAMPAIGN_EVENTS: None if begin is None else _appended(begin, clock)}
    with Follower(settings, start, place.places if place else None) as follower, asked_to_stop() as stopped:
        _run(follower, lambda: stopped() or not (follow or follower.unread), wanted, place, as_json)
        if stopped() and not follow:  # it has not come to its end
            raise KeyboardInterrupt


def _run(follower: Follower, ended: Callable[[], bool], wanted: Filter, place: Cursor | None, as_json: bool) -> None:
    """Prints batch after batch; the cursor moves when a batch has left."""
    feed, console = Feed(), Console(soft_wrap=True, highlight=False)
    while not ended():
        raws = follower.read()
        for raw in raws:
            event = feed.take(raw)
            if event is not None and wanted.keeps(event):
                _print(raw, event, console, as_json)
        console.file.flush()
        if place is not None:
            place.advance(raws)


def _print(raw: Raw, event: Event, console: Console, as_json: bool) -> None:
    if as_json:
        print((raw.value or b"").decode())
    else:
        console.print(line(event), markup=False)


def _appended(since: Instant, clock: Clock) -> int | None:
    """Real ms before which nothing about `since` was appended; None: from the beginning, for a clock that is not the real one may
    have been another when older records were written."""
    return max(0, since - SKEW_MS) if clock.is_real else None


def line(event: Event) -> str:
    """One event in one line: campaign time, kind, who, and what its kind adds."""
    more = " ".join(f"{name}={value}" for name, value in event.data.items())
    step = f" {event.step}" if event.step else ""
    who = f"{event.contact_id} {event.campaign}/{event.entry}" if event.contact_id else event.campaign
    return f"{iso(event.at)} {event.kind:<15} {who}{step} {more}".rstrip()
