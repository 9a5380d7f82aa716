"""`outdial when`: the next times at which a campaign may contact somebody, and what closes them. Needs no broker.

The hours are all that is asked: windows, dates and law, in the zones and jurisdictions of the contact. The 250 ms that a request
may take on its way are not taken off, nor is anything known of attempts, opt-outs or consent: `outdial explain` tells of those.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.documents import load
from cli.summary import iso
from cli.when_cases import answer_all, asked_instant
from engine.calendars import offset_at
from engine.compile import compile_plan, faults
from engine.errors import OutdialError, UsageError
from engine.hours import Closer, ended_by, never_open
from engine.intake import profile_of
from engine.plan import Contacting, Plan
from engine.time import NEVER, Instant
from engine.windows import Range, Window, next_open
from schemas.contact import Contact

#: A contact of a case needs no id: nobody is looked up.
_NOBODY = "somebody"


class Opening(NamedTuple):
    """A range, the first clipped to the instant that was asked for, and what closes it."""

    range: Range
    closers: tuple[Closer, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is open, in which zones; if nothing is, what closes. problems: what could not be read of the contact, in words."""

    open: tuple[Opening, ...]
    zones: tuple[str, ...]
    shut: tuple[Closer, ...] = ()
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "open": [{"start": moment(each.range.start), "end": moment(each.range.end)} for each in self.open],
            "zones": list(self.zones),
            "closed_by": [names(each.closers) for each in self.open] or [each.name for each in self.shut],
        }


def when(
    file: Annotated[Path, typer.Argument(metavar="CAMPAIGN.yaml", help="A campaign file; it need not have been applied.")],
    contact: Annotated[str | None, typer.Option(metavar="JSON", help="The person, as an import or a CRM would publish it.")] = None,
    begin: Annotated[str, typer.Option("--from", metavar="INSTANT", help="From when on: 2026-11-27T14:00Z, for example.")] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many ranges.")] = 5,
    step: Annotated[str | None, typer.Option(help="A step of the campaign; left out, the first that contacts.")] = None,
    cases: Annotated[
        str | None,
        typer.Option(metavar="FILE.jsonl", help='Many: a {"contact": {...}, "from": "..."} a line; - is standard input.'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the next times at which a campaign may contact somebody, after the ring time, and what closes them.

    Example: outdial when spring.yaml --cases people.jsonl --count 3
    """
    plan = plan_of(file)
    asked = step_of(plan, step)
    if cases is not None:
        if contact is not None or begin:
            raise UsageError("give either --cases, or --contact and --from: a case holds both")
        answer_all(cases, lambda who, at: answer(plan, asked, who, at, count).as_json())
        return
    if contact is None or not begin:
        raise UsageError("give --contact and --from, or --cases with a file of many")
    at = asked_instant(int(begin) if begin.isdecimal() else begin, "--from")
    try:
        found = answer(plan, asked, json.loads(contact), at, count)
    except json.JSONDecodeError as error:
        raise UsageError(f"--contact {contact!r} is no JSON: {error}") from error
    except ValueError as error:
        raise UsageError(f"--contact {contact!r}: {error}") from error
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        _print(found)


def plan_of(file: Path) -> Plan:
    """The plan of a file, whose resources are not looked up. Raises OutdialError with every fault."""
    document = load(file)
    found = [*document.unread, *((f.line or 1, f"{file}:{f.line or 1}: {f}") for f in faults(document.data, None, document.lines))]
    if found:
        raise OutdialError("\n  ".join([f"{file} cannot be used:", *(fault for _, fault in sorted(found))]))
    return compile_plan(document.data, 1)


def step_of(plan: Plan, name: str | None) -> Contacting:
    """The step that is asked for. Raises UsageError."""
    contacting = [step for step in plan.steps if isinstance(step, Contacting)]
    found = next((step for step in contacting if name in (None, step.id)), None)
    if found is None:
        known = ", ".join(step.id for step in contacting) or "none"
        raise UsageError(f"--step {name!r}: the steps of {plan.campaign} that contact are {known}")
    return found


def answer(plan: Plan, step: Contacting, contact: Any, at: Instant, count: int) -> Answer:
    """The next ranges for a contact, as it is published. Raises ValueError, a sentence, for what is no contact."""
    if not isinstance(contact, dict):
        raise ValueError(f"contact must be an object, and not {json.dumps(contact)}")
    try:
        profile = profile_of(Contact.model_validate({"id": _NOBODY} | contact))
    except ValidationError as error:
        every = error.errors(include_url=False)
        raise ValueError("; ".join(f"contact.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in every)) from None
    window = plan.terms(step, profile.jurisdictions).window
    zones = plan.zones(profile.zones)
    found = tuple(openings(window, zones, at, count))
    return Answer(found, clocks(window, zones), () if found else never_open(window, zones, at), profile.problems)


def openings(window: Window, zones: tuple[str, ...], at: Instant, count: int) -> Iterator[Opening]:
    """The next `count` ranges from `at` on."""
    for _ in range(count):
        found = next_open(window, zones, at)
        if found is None:
            return
        yield Opening(found, () if found.end == NEVER else ended_by(window, zones, found.end))
        if found.end == NEVER:
            return
        at = Instant(found.end + window.ring_cut)


def clocks(window: Window, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones whose clocks are read."""
    return tuple(sorted({zone for layer in window.layers for zone in ((layer.zone,) if layer.zone else zones)}))


def names(found: Iterable[Closer]) -> str:
    return "; ".join(dict.fromkeys(each.name for each in found)) or "never"


def moment(at: Instant) -> str | None:
    """`2026-06-05T13:00:00.000Z`; None for an end that never comes."""
    return None if at >= NEVER else iso(at)


# --- for people -------------------------------------------------------------------------------------------------------------------


def _print(found: Answer) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for problem in found.problems:
        console.print(f"note: {escape(problem)}")
    console.print(f"measured by {', '.join(found.zones)}")
    if not found.open:
        console.print("never open within 400 days:")
        for closer in found.shut:
            console.print(f"  {escape(closer.detail)}")
        return
    table = Table(box=None, pad_edge=False)
    for title in (*found.zones, "from (UTC)", "closed by"):
        table.add_column(title, no_wrap=True)
    for each in found.open:
        local = (_local(each.range, zone) for zone in found.zones)
        table.add_row(*local, f"{_wall(each.range.start):%Y-%m-%d %H:%M}", escape(names(each.closers)))
    console.width = max(console.width, sum(36 for _ in table.columns))
    console.print(table)


def _local(found: Range, zone: str) -> str:
    start = _wall(found.start, zone)
    if found.end >= NEVER:
        return f"{start:%a %d %b %H:%M} on"
    end = _wall(found.end, zone)
    return f"{start:%a %d %b %H:%M} - {end:{'%H:%M:%S' if start.date() == end.date() else '%a %d %b %H:%M:%S'}}"


def _wall(at: Instant, zone: str = "UTC") -> datetime:
    """What a clock reads."""
    return datetime.fromtimestamp((at + offset_at(zone, at)) / 1000, UTC)
