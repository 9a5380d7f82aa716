"""`outdial rules`: the legal rules that campaigns may name, as somebody who signs them off reads them. Needs no broker."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.errors import UsageError
from engine.layers import Layer
from engine.rulepack import Pack, Rule, load_pack, packs
from engine.rules import said_of, strictest
from engine.time import DAY, HOUR, MINUTE
from engine.weekly import DAYS, WEEK, Span, intersect, spans


def rules(
    pack: Annotated[
        str | None, typer.Argument(metavar="PACK[@VERSION]", help="One of them, the newest version if none is given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the rule packs there are; or all rules of one, with their sources, and which of them nobody has reviewed.

    Example: outdial rules us@2026-11
    """
    if pack is None:
        _list(as_json)
        return
    found = pack_of(pack)
    if as_json:
        print(json.dumps(facts(found)))
    else:
        _print(found)


def pack_of(text: str) -> Pack:
    """`us@2026-11`, or `us` for its newest version. Raises UsageError with those there are."""
    name, at, version = text.strip().partition("@")
    try:
        return load_pack(name, version if at else packs().get(name, ("",))[-1])
    except ValueError as error:
        raise UsageError(str(error)) from error


def facts(pack: Pack) -> dict[str, Any]:
    """A pack for programs: its head, the strictest hours, the rules as they are written with what they say."""
    head = pack.model_dump(mode="json", exclude={"rules"})
    rows = [rule.model_dump(mode="json", by_alias=True, exclude_none=True) | {"says": said_of(rule)} for rule in pack.rules]
    return head | {"strictest": common(strictest(pack)), "rules": rows}


def common(layers: tuple[Layer, ...]) -> dict[str, list[str]]:
    """The hours that layers have in common, by day, holidays and dates aside; days without any are left out."""
    left: tuple[Span, ...] = ((0, WEEK),)
    for layer in layers:
        left = intersect(left, spans(layer.weekly))
    found: dict[str, list[str]] = {}
    for day, name in enumerate(DAYS):
        for start, end in intersect(left, ((day * DAY, (day + 1) * DAY),)):
            found.setdefault(name, []).append(f"{_clock(start - day * DAY)}-{_clock(end - day * DAY)}")
    return found


def week(hours: dict[str, list[str]]) -> str:
    """`mon-fri 10:00-18:00; sat 08:00-12:00`: days that follow each other with equal hours together."""
    runs: list[list[str]] = []
    for day in hours:
        if runs and hours[day] == hours[runs[-1][0]] and DAYS.index(day) == DAYS.index(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return "; ".join(f"{'-'.join(dict.fromkeys((run[0], run[-1])))} {', '.join(hours[run[0]])}" for run in runs) or "never"


def _clock(ms: int) -> str:
    return f"{ms // HOUR:02}:{ms % HOUR // MINUTE:02}"


# --- for people -------------------------------------------------------------------------------------------------------------------


def _list(as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: list(versions) for name, versions in packs().items()}))
        return
    table = Table("pack", "versions", "country", "rules", "not reviewed", box=None, pad_edge=False)
    for name, versions in packs().items():
        newest = load_pack(name, versions[-1])
        waiting = sum(not rule.reviewed for rule in newest.rules)
        table.add_row(name, ", ".join(versions), newest.country, str(len(newest.rules)), str(waiting))
    console = _console()
    console.print(table)
    console.print("\nNot legal advice. `outdial rules PACK` shows the rules of one.")


def _print(pack: Pack) -> None:
    console = _console()
    console.print(f"[bold]{escape(pack.pack)} {escape(pack.version)}[/bold]  {escape(pack.notice)}\n")
    table = Table("place", "says", "from", "reviewed", "source", "id", box=None, pad_edge=False)
    for rule in pack.rules:
        table.add_row(*map(escape, row_of(rule)))
    console.print(table)
    if pack.divisions:
        hours = week(common(strictest(pack)))
        console.print(f"\nWhere no row has hours, and for people of whom no place is known, the strictest hold: {hours}.")


def row_of(rule: Rule) -> tuple[str, ...]:
    """A rule as a row: where, what, from when on, whether it was reviewed, its source, its id."""
    return (rule.jurisdiction, said_of(rule), rule.since.isoformat(), "yes" if rule.reviewed else "no", rule.source, rule.id)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)
