"""`outdial contacts zones`: before anybody is called, who told the time zones of the people of a list, and where that is doubtful;
whose law may hold for them, and where the rule pack has none.

Nothing is written and no broker is needed. The zones and jurisdictions are those that an import of the file would give.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from cli.importing import Person, Reject, layout_for, mapping_of, person_of
from cli.lawful import law_of, law_sentence, law_tables, usual_pack
from cli.listing import survey
from cli.rules import pack_of
from cli.words import counted
from engine.address import address_of
from engine.errors import OutdialError
from engine.jurisdictions import Sources, jurisdictions_of
from engine.rulepack import Pack
from engine.zones import SOURCES, Conflict, civil_zone, conflicts, told_by

#: Conflicts, zones and remarks shown unless --all asks for more.
SHOWN = 10

Row = tuple[object, ...]


class Told(NamedTuple):
    """Where one person's zones came from, and whose law may hold. sources: who spoke, and the zones given; lawful: who spoke of the
    places. taken: an abbreviation and its zone."""

    zones: tuple[str, ...]
    sources: tuple[tuple[str, tuple[str, ...]], ...]
    places: tuple[str, ...]
    lawful: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    taken: tuple[str, str] | None
    problems: tuple[str, ...]
    mended: bool

    @property
    def apart(self) -> bool:
        return any(conflict.apart for conflict in self.conflicts)


class Said(NamedTuple):
    """What the list says of a person whose sources disagree."""

    row: int
    postal_code: str | None
    state: str | None
    country: str | None
    phone: str | None


@dataclass(slots=True)
class Survey:
    """What a list tells of its people's zones. `people` holds each id once; of two rows of one person the later counts.

    What is the same for many is there once, so that a million people take little more than their ids.
    """

    pack: Pack
    rows: int = 0
    rejected: int = 0
    people: dict[str, Told] = field(default_factory=dict)
    disputed: dict[str, Said] = field(default_factory=dict)

    def add(self, row: int, person: Person) -> None:
        """Counts a usable row."""
        contact = person.contact
        told = self.people[contact.id] = told_of(person)
        self.disputed.pop(contact.id, None)
        if told.conflicts:
            self.disputed[contact.id] = Said(row, contact.postal_code, contact.state, contact.country, contact.phone)

    def by(self, key: Callable[[Told], Iterable[Any]]) -> Counter[Any]:
        """How many people have each of what `key` says of them."""
        return Counter(each for told in self.people.values() for each in key(told))

    def told_by(self) -> dict[str, int]:
        """Who spoke -> people."""
        return dict(self.by(lambda told: [told_by(name for name, _ in told.sources)]).most_common())

    def conflicting(self) -> list[str]:
        """Ids of everybody whose sources disagree; those without a time in common first, then as in the list."""
        return sorted(self.disputed, key=lambda contact: (not self.people[contact].apart, self.disputed[contact].row))

    def conflict(self, contact: str) -> dict[str, Any]:
        """All about one person whose sources disagree."""
        told, said = self.people[contact], self.disputed[contact]
        between = [conflict._asdict() for conflict in told.conflicts]
        return {"contact_id": contact} | said._asdict() | {"sources": dict(told.sources), "between": between}

    def summary(self, listed: int | None) -> dict[str, Any]:
        """All figures, for --json; of the conflicts as many as are to be listed."""
        named, zones = self.by(lambda told: [name for name, _ in told.sources]), self.by(lambda told: [told.zones])
        taken = self.by(lambda told: [told.taken] if told.taken else [])
        conflicting = self.conflicting()
        return {
            "rows": self.rows,
            "people": len(self.people),
            "merged": self.rows - self.rejected - len(self.people),
            "rejected": self.rejected,
            "told_by": self.told_by(),
            "sources": {name: named[name] for name in SOURCES},
            "fallback": zones[()],
            "zones": [{"zones": list(names), "people": n} for names, n in zones.most_common() if names],
            "conflicts": len(conflicting),
            "apart": sum(self.people[contact].apart for contact in conflicting),
            "conflicting": [self.conflict(contact) for contact in conflicting[:listed]],
            "abbreviations": [{"written": text, "taken_for": zone, "people": n} for (text, zone), n in taken.most_common()],
            "mended_postal_codes": sum(told.mended for told in self.people.values()),
            "problems": dict(self.by(lambda told: told.problems).most_common()),
            "law": law_of(((told.places, told.lawful) for told in self.people.values()), self.pack),
        }


def zones(
    file: Annotated[Path, typer.Argument(help="A list as `contacts import` takes it.")],
    mapping: Annotated[list[str], typer.Option("--map", help="FIELD=COLUMN[,FIELD=COLUMN...]")] = [],  # noqa: B006 - typer's way to say none
    country: Annotated[str, typer.Option(help="How national numbers are read in rows without a country.")] = "US",
    encoding: Annotated[str | None, typer.Option(help="If the one that is found is wrong, for example windows-1250.")] = None,
    rules: Annotated[
        str | None, typer.Option(metavar="PACK[@VERSION]", help="Whose rules; unset: the newest of the country, else of the US.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List all conflicts, zones and remarks, not the first few.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show, before a launch, what tells the time zones of a list's people, where address and phone disagree, and whose law holds.

    Example: outdial contacts zones leads.csv --map phone=mobile,postal_code=zip
    """
    found = look(file, mapping, country, encoding, pack_of(rules) if rules else usual_pack(country))
    if as_json:
        print(json.dumps({"file": str(file)} | found.summary(None if everything else SHOWN)))
    else:
        _print(file, found, everything)
    if not found.people:
        raise OutdialError(f"{file}: none of its {found.rows} rows can be used: `contacts import --dry-run` tells why")


def look(file: Path, mapping: list[str], country: str, encoding: str | None, pack: Pack) -> Survey:
    """Reads the whole list. Raises OutdialError and UsageError as an import would."""
    fields = mapping_of(mapping)
    listing = survey(file, encoding, tuple(fields.values()), country)
    layout = layout_for(listing, fields, country)
    found, console = Survey(pack), Console(stderr=True)
    hidden = not console.is_terminal
    for row, cells in track(listing, "Reading", listing.rows, console=console, disable=hidden, transient=True):
        found.rows += 1
        person = person_of(row, cells, layout, country)
        if isinstance(person, Reject):
            found.rejected += 1
        else:
            found.add(row, person)
    return found


def told_of(person: Person) -> Told:
    """What a person tells of its zones."""
    contact, found = person.contact, person.zones
    zone, problem = civil_zone(contact.timezone) if contact.timezone else (None, None)
    taken = (contact.timezone.strip(), zone) if contact.timezone and zone and problem else None
    problems = (problem,) if problem and not zone else ()
    address = address_of(contact.postal_code, contact.state, contact.country, person.phone)
    law = jurisdictions_of(person.phone, contact.postal_code, contact.state, contact.country)
    mended = "postal_code" in person.mended
    return _told(found.zones, tuple(found.sources.items()), law, taken, problems + address.problems, mended)


@lru_cache(maxsize=16_384)
def _told(
    zones: tuple[str, ...],
    sources: tuple[tuple[str, tuple[str, ...]], ...],
    law: tuple[tuple[str, ...], Sources],
    taken: tuple[str, str] | None,
    problems: tuple[str, ...],
    mended: bool,
) -> Told:
    places, lawful = law
    return Told(zones, sources, places, tuple(name for name, _ in lawful), conflicts(dict(sources)), taken, problems, mended)


# --- for people -------------------------------------------------------------------------------------------------------------------


def _print(file: Path, found: Survey, everything: bool) -> None:
    shown = None if everything else SHOWN
    facts = found.summary(shown)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{escape(str(file))}: {facts['people']} people in {facts['rows']} rows{_left_out(facts)}")
    _table(console, ("time zone from", "people"), ((name.replace("_", " "), n) for name, n in facts["told_by"].items()), None)
    _table(console, ("time zones", "people"), ((", ".join(each["zones"]), each["people"]) for each in facts["zones"]), shown)
    if facts["conflicts"]:
        _conflicts(console, facts)
    taken = ((each["written"], each["taken_for"], each["people"]) for each in facts["abbreviations"])
    _table(console, ("no place's time", "taken for", "people"), taken, shown)
    _table(console, ("people", "noted"), ((n, problem) for problem, n in facts["problems"].items()), shown)
    for sentence in _sentences(facts):
        console.print(sentence)
    for titles, rows in law_tables(facts["law"]):
        _table(console, titles, rows, None)
    console.print(law_sentence(facts["law"]))


def _conflicts(console: Console, facts: dict[str, Any]) -> None:
    who = counted(facts["conflicts"], "person's sources disagree", "people's sources disagree")
    console.print(f"\n{who}, {facts['apart']} without a time in common: all of their zones have to be inside the window")
    rows = ((each["row"], _sentence(conflict, each)) for each in facts["conflicting"] for conflict in each["between"])
    _table(console, ("row", "conflict"), rows, None)
    _more(console, facts["conflicts"] - len(facts["conflicting"]))


def _sentence(conflict: dict[str, Any], each: dict[str, Any]) -> str:
    one, other = (f"{conflict[side].replace('_', ' ')} {each[conflict[side]]}" for side in ("one", "other"))
    zones, adds = ", ".join(each["sources"][conflict["one"]]), ", ".join(conflict["adds"])
    return f"{one} says {zones}, {other} {adds}" if conflict["apart"] else f"{one} says {zones}, {other} adds {adds}"


def _left_out(facts: dict[str, Any]) -> str:
    parts = [f"{facts[name]} {name}" for name in ("merged", "rejected") if facts[name]]
    return f" ({', '.join(parts)})" if parts else ""


def _sentences(facts: dict[str, Any]) -> Iterator[str]:
    yield ""
    if mended := facts["mended_postal_codes"]:
        yield f"{counted(mended, 'postal code', 'postal codes')} had lost a leading zero, mended"
    fall = counted(facts["fallback"], "person falls", "people fall") if facts["fallback"] else "nobody falls"
    yield f"{fall} back on the campaign's zone (window.timezone.fallback)"


def _table(console: Console, titles: tuple[str, ...], rows: Iterable[Row], shown: int | None) -> None:
    every = list(rows)
    if not every:
        return
    table = Table(*titles, box=None, pad_edge=False)
    for row in every[:shown]:
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print()
    console.print(table)
    _more(console, len(every) - len(every[:shown]))


def _more(console: Console, left: int) -> None:
    if left:
        console.print(f"... and {left} more: --all lists them")
