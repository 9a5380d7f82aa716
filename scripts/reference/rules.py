"""The reference of the rule packs, from their files."""

from cli.rules import common, row_of, week
from engine.rulepack import Pack, load_pack, packs
from engine.rules import strictest
from scripts.reference.markdown import code, page, table

INTRO = """# Rule packs

Written by `python -m scripts.reference` from `engine/rulepacks/`; `outdial rules PACK` shows the same. What a pack is and how
another version is made: [rules.md](../rules.md).

**Not legal advice.** Each row is an input that a lawyer signs off. Rows that nobody has reviewed come from a vendor's table, or
from custom; their sources say so."""

TITLES = ("place", "says", "from", "reviewed", "source", "id")


def rules() -> str:
    """docs/reference/rules.md."""
    return page(INTRO, *(_pack(load_pack(name, version)) for name, versions in packs().items() for version in versions))


def _pack(pack: Pack) -> str:
    rows = ((code(place), *told, code(name)) for place, *told, name in map(row_of, pack.rules))
    hours = week(common(strictest(pack)))
    where = "Where no row has hours, and for people of whom no place is known" if pack.divisions else "For people of elsewhere"
    return page(f"## {pack.pack} {pack.version}", table(TITLES, rows), f"{where}, the strictest hold: {hours}.")
