"""Whose law may hold for the people of a list, and where a rule pack has no hours: the part of `contacts zones` about the law."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from cli.rules import common, week
from cli.words import counted
from engine.countries import country_of
from engine.rulepack import Pack, load_pack, packs
from engine.rules import covers, strictest

#: Jurisdictions of a person, and who told them (engine/jurisdictions.py).
Lawful = tuple[tuple[str, ...], tuple[str, ...]]


def usual_pack(country: str) -> Pack:
    """The newest pack of a country; of the US if it has none."""
    newest = {pack.country: pack for pack in (load_pack(name, versions[-1]) for name, versions in packs().items())}
    return newest.get(country_of(country) or "", newest["US"])


def law_of(people: Iterable[Lawful], pack: Pack) -> dict[str, Any]:
    """Each place with its people (who may be in several; null: not known), who told it, for how many the strictest hours count."""
    every = Counter(people)
    told: Counter[str] = Counter()
    places: Counter[str | None] = Counter()
    for (where, sources), n in every.items():
        told[" + ".join(sources) or "nothing"] += n
        places.update(dict.fromkeys(where or (None,), n))
    rows = [{"place": each, "people": n, "covered": bool(each) and covers(pack, each or "")} for each, n in places.most_common()]
    outside = {row["place"] for row in rows if not row["covered"]}
    return {
        "pack": f"{pack.pack}@{pack.version}",
        "told_by": dict(told.most_common()),
        "places": rows,
        "strictest": sum(n for (where, _), n in every.items() if not outside.isdisjoint(where or (None,))),
        "strictest_hours": common(strictest(pack)),
    }


def law_tables(law: dict[str, Any]) -> Iterator[tuple[tuple[str, str], list[tuple[object, ...]]]]:
    """Titles and rows, for people. Every place that the pack has no hours for is listed, be they many."""
    yield ("jurisdiction from", "people"), [(name.replace("_", " "), n) for name, n in law["told_by"].items()]
    for covered, title in ((True, f"with hours in {law['pack']}"), (False, f"without hours in {law['pack']}")):
        yield (
            (title, "people"),
            [(row["place"] or "not known", row["people"]) for row in law["places"] if row["covered"] is covered],
        )


def law_sentence(law: dict[str, Any]) -> str:
    """For how many the strictest hours count."""
    who = counted(law["strictest"], "person", "people") if law["strictest"] else "nobody"
    hours = f", {week(law['strictest_hours'])}: all others have those of their places" if law["strictest"] else ""
    return f"\nunder {law['pack']} {who} may be called in its strictest hours alone{hours}"
