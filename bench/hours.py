"""How many people of a list a rule pack allows to be called at each hour of a Monday and a Sunday, and how long the answers take.

    python -m bench.hours LIST.csv [--pack us@2026-11] [--monday 2026-11-30] [--zone America/New_York]

The list is read as `contacts import` reads it; rows that cannot be used are left out. The campaign's own window is open all day, so
that the law alone decides; a phone rings for at most 30 s, and must have stopped when the law closes. Attempts and consent are not
asked. The Sunday is the day before the Monday. The hours are those of --zone, and people are counted at their first instant.
"""

import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from bench.arguments import parser_of
from cli.importing import Person, layout_for, person_of
from cli.listing import survey
from cli.rules import pack_of
from cli.when import step_of
from engine.compile import compile_plan
from engine.hours import open_until
from engine.intake import profile_of
from engine.plan import Plan
from engine.rulepack import Pack
from engine.rules import covers
from engine.time import Instant
from engine.windows import Window
from schemas.base import encode
from schemas.contact import Contact
from schemas.rows import Profile


class Asked(NamedTuple):
    """A person as the gate's hours see them."""

    window: Window
    zones: tuple[str, ...]


def plan_of(pack: Pack) -> Plan:
    """A campaign that is always open, under a pack."""
    return compile_plan(
        {
            "id": "hours",
            "agent": "nobody",
            "line": "main",
            "purpose": "informational",
            "numbers": {"tag": "none"},
            "window": {"weekly": {"mon-sun": ["00:00-24:00"]}, "timezone": {"use": "contact", "fallback": "America/New_York"}},
            "rules": {"pack": pack.pack, "version": pack.version},
            "flow": [{"id": "call", "call": {}}],
            "exit": ["answered"],
        },
        1,
    )


def people_of(file: Path, country: str) -> Iterator[Profile]:
    """The usable rows of a list, as the intake keeps them."""
    listing = survey(file, country=country)
    layout = layout_for(listing, {}, country)
    for row, cells in listing:
        person = person_of(row, cells, layout, country)
        if isinstance(person, Person):
            yield profile_of(Contact.model_validate_json(encode(person.contact)))


def hours_of(day: date, zone: str) -> list[Instant]:
    """The first instants of a day's hours, 23 to 25 of them."""
    begin, end = (datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)).timestamp() for d in (day, day + timedelta(days=1)))
    return [Instant(int(at) * 1000) for at in range(int(begin), int(end), 3600)]


def open_at(people: list[Asked], at: Instant) -> int:
    """How many may be called."""
    return sum(open_until(each.window, each.zones, 0, at) is not None for each in people)


def main(arguments: list[str]) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("file", type=Path, metavar="LIST.csv")
    parser.add_argument("--pack", default="us")
    parser.add_argument("--monday", type=date.fromisoformat, default=date(2026, 11, 30))
    parser.add_argument("--zone", default="America/New_York")
    parser.add_argument("--country", default="US")
    asked = parser.parse_args(arguments)
    pack = pack_of(asked.pack)
    plan = plan_of(pack)
    step, profiles = step_of(plan, None), list(people_of(asked.file, asked.country))
    people = [Asked(plan.terms(step, each.jurisdictions).window, plan.zones(each.zones)) for each in profiles]
    days = {day: hours_of(day, asked.zone) for day in (asked.monday, asked.monday - timedelta(days=1))}
    began = time.perf_counter()
    counts = {day: [open_at(people, at) for at in hours] for day, hours in days.items()}
    took = (time.perf_counter() - began) / max(1, len(people) * sum(map(len, counts.values())))
    outside = sum(not each.jurisdictions or not all(covers(pack, place) for place in each.jurisdictions) for each in profiles)
    console = Console(width=132, highlight=False)
    console.print(f"{asked.file.name} under {pack.pack}@{pack.version}: {len(people)} people, {outside} under its strictest hours")
    console.print(table_of(counts, asked.zone))
    console.print(f"{took * 1e6:.1f} us an answer")


def table_of(counts: dict[date, list[int]], zone: str) -> Table:
    """A row for each hour of the longest day."""
    table = Table(f"hour, {zone}", *(f"{day:%A %d %b %Y}" for day in counts), box=None)
    for hour in range(max(map(len, counts.values()))):
        table.add_row(f"{hour:02}:00", *(str(each[hour]) if hour < len(each) else "" for each in counts.values()))
    return table


if __name__ == "__main__":
    main(sys.argv[1:])
