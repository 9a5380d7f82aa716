"""`outdial when`: the next times at which a campaign may contact somebody, and what closes them. Needs no broker.

The hours are all that is asked: windows, dates and law, in the zones and jurisdictions of the contact. The 250 ms that a request
may take on its way are not taken off, nor is anything known of attempts, opt-outs or consent: `outdial explain` tells of those.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.documents import load
from cli.instants import parse_instant
from cli.summary import iso
from engine.compile import compile_plan, faults
from engine.errors import OutdialError, UsageError
from engine.hours import Closer, closers, ended_by
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
    """What is open, in which zones; if nothing is, what closes the instant that was asked for."""

    open: tuple[Opening, ...]
    zones: tuple[str, ...]
    shut: tuple[Closer, ...] = ()

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
        _cases(plan, asked, cases, count)
        return
    if contact is None or not begin:
        raise UsageError("give --contact and --from, or --cases with a file of many")
    at = parse_instant(begin, "--from", Instant(0))
    try:
        found = answer(plan, asked, json.loads(contact), at, count)
    except (ValueError, ValidationError) as error:
        raise UsageError(f"--contact {contact!r} is no contact: {_sentence(error)}") from error
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
    """The next ranges for a contact, as it is published. Raises ValueError (ValidationError is one) for what is no contact."""
    if not isinstance(contact, dict):
        raise ValueError("it must be an object")
    profile = profile_of(Contact.model_validate({"id": _NOBODY} | contact))
    window = plan.terms(step, profile.jurisdictions).window
    zones = plan.zones(profile.zones)
    found = tuple(openings(window, zones, at, count))
    return Answer(found, clocks(window, zones), () if found else closers(window, zones, at))


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


# --- many -------------------------------------------------------------------------------------------------------------------------


def _cases(plan: Plan, step: Contacting, file: str, count: int) -> None:
    """One line for each line. Raises OutdialError at the end if some could not be answered."""
    bad = 0
    try:
        with nullcontext(sys.stdin) if file == "-" else Path(file).open(encoding="utf-8") as lines:
            for number, text in enumerate(lines, 1):
                if text.strip():
                    told = _case(plan, step, text, number, count)
                    bad += "error" in told
                    print(json.dumps(told))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--cases {file}: cannot be read: {error}") from error
    if bad:
        raise OutdialError(f"{file}: {bad} of its lines could not be answered: each says why")


def _case(plan: Plan, step: Contacting, text: str, number: int, count: int) -> dict[str, Any]:
    try:
        case = json.loads(text)
        at = _instant(case["from"])
        return answer(plan, step, case["contact"], at, count).as_json()
    except KeyError as error:
        return {"error": f"line {number}: {error.args[0]!r} is missing: write contact and from"}
    except (ValueError, TypeError, UsageError, OverflowError) as error:
        return {"error": f"line {number}: {_sentence(error)}"}


def _instant(value: Any) -> Instant:
    if isinstance(value, int) and not isinstance(value, bool):
        return Instant(value)
    return parse_instant(value, "from", Instant(0))


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
    return str(error)


# --- for people -------------------------------------------------------------------------------------------------------------------


def _print(found: Answer) -> None:
    console = Console(soft_wrap=True, highlight=False)
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
        table.add_row(*local, f"{datetime.fromtimestamp(each.range.start / 1000, UTC):%d %b %H:%M}", escape(names(each.closers)))
    console.print(table)


def _local(found: Range, zone: str) -> str:
    start, end = (datetime.fromtimestamp(min(at, 2**42) / 1000, ZoneInfo(zone)) for at in found)
    if found.end >= NEVER:
        return f"{start:%a %d %b %H:%M} on"
    return (
        f"{start:%a %d %b %H:%M} - {end:%H:%M:%S}"
        if start.date() == end.date()
        else f"{start:%a %d %b %H:%M} - {end:%a %d %b %H:%M:%S}"
    )
