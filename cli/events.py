"""`outdial events`: the public feed, each event once."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cli.read import Raw, read_records
from cli.summary import iso
from cli.tail import tail
from outdial.settings import Settings
from schemas.base import decoder
from schemas.event import Event
from schemas.topics import CAMPAIGN_EVENTS


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until interrupted.")] = False,
    contact: Annotated[str | None, typer.Option(help="Only of this contact id.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, as it lies on the topic.")] = False,
) -> None:
    """What happened to each enrollment, from enrolled to exited. In order for each person."""
    settings, console = Settings(), Console(soft_wrap=True, highlight=False)
    raws = tail(settings, CAMPAIGN_EVENTS, follow=True) if follow else read_records(settings, CAMPAIGN_EVENTS)
    try:
        for raw, event in distinct(raws):
            if contact not in (None, event.contact_id) or campaign not in (None, event.campaign):
                continue
            if as_json:
                print((raw.value or b"").decode(), flush=follow)
            else:
                console.print(line(event), markup=False)
    except KeyboardInterrupt:
        if not follow:
            raise


def distinct(raws: Iterator[Raw]) -> Iterator[tuple[Raw, Event]]:
    """Events that can be read, the first of each event_id."""
    decode, seen = decoder(Event).decode, set[str]()
    for raw in raws:
        try:
            event = decode(raw.value or b"")
        except msgspec.DecodeError:
            continue
        if event.event_id not in seen:
            seen.add(event.event_id)
            yield raw, event


def line(event: Event) -> str:
    """One event in one line: campaign time, kind, who, and what its kind adds."""
    more = " ".join(f"{name}={value}" for name, value in event.data.items())
    step = f" {event.step}" if event.step else ""
    return f"{iso(event.at)} {event.kind:<15} {event.contact_id} {event.campaign}/{event.entry}{step} {more}".rstrip()
