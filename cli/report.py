"""`outdial campaign report`: what a campaign came to."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.attempts import Filter, first_closings
from cli.funnel import Funnel, Rate, funnel_of, hours
from cli.gather import read_each
from cli.people import People
from cli.plot import check, plot
from cli.read import read_heads, read_records, read_table, uncollected
from cli.summary import Closings, iso
from engine.time import Instant
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.outcome import Outcome
from schemas.rows import Profile
from schemas.topics import CALL_OUTCOMES, CONTACT_PROFILES, STEP_TIMERS

#: Cells of a bar that stands for all.
CELLS = 30


def report(
    campaign: Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")],
    plot_: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it as well: .png, .svg or .pdf.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """How far people got and how they left; answer rates by the hour where they live, and by attempt.

    Example: outdial campaign report spring --plot spring.png
    """
    settings = Settings()
    if plot_ is not None:
        check(plot_)
    funnel = read_funnel(settings, campaign)
    if plot_ is not None:
        plot(funnel, plot_)
    if as_json:
        print(json.dumps(funnel.as_dict()))
    else:
        _print(funnel, clock_from(settings).now())


def read_funnel(settings: Settings, campaign: str) -> Funnel:
    """Raises OutdialError for a campaign that nobody has applied."""
    plans, clock = read_heads(settings), clock_from(settings)
    plans.head(campaign)
    oldest: dict[int, tuple[int, int]] = {}  # partition -> offset and instant of its first closing
    closings = []
    for raw, outcome in read_each(settings, CALL_OUTCOMES, Outcome):
        oldest.setdefault(raw.partition, (raw.offset, outcome.ended_at))
        if outcome.campaign == campaign:
            closings.append(outcome)
    people = People(plans, clock.rate, 1)
    with uncollected():
        for raw in read_records(settings, STEP_TIMERS):
            people.take_row(raw.key or "", raw.value)
    people.refresh(now := clock.now(), limit=0)
    (summary,) = people.summary(now, Closings()).only(campaign).campaigns
    rows = (row for row in people.enrolled() if row.campaign == campaign)
    profiles = read_table(settings, CONTACT_PROFILES, Profile)
    found = funnel_of(summary, rows, first_closings(closings, Filter()), profiles, plans)
    found.counted_from = max((at for offset, at in oldest.values() if offset), default=None)
    return found


# --- for people -------------------------------------------------------------------------------------------------------------------


def _print(funnel: Funnel, now: Instant) -> None:
    console, one = Console(highlight=False), funnel.people
    console.print(f"[bold]{one.campaign}@{one.version}[/bold] {one.state}, campaign time {iso(now)}\n")
    console.print(_counts("people", funnel.stages, funnel.people.people))
    inside = {state: n for state, n in one.states.items() if n and state != "exited"}
    console.print(_counts("exits", dict(one.exits.most_common()), one.people))
    if inside:
        console.print(Text(f"still in: {', '.join(f'{n:,} {state}' for state, n in inside.items())}\n"))
    console.print(_rates("local hour", [("no zone" if h is None else f"{h:02}:00", rate) for h, rate in hours(funnel)]))
    console.print(_rates("attempt", [(str(n), rate) for n, rate in sorted(funnel.by_attempt.items())]))
    console.print(f"calls: {_words(funnel.calls)}\nmessages: {_words(funnel.messages)}")
    if funnel.counted_from is not None:
        console.print(
            f"[yellow]Calls that ended before {iso(funnel.counted_from)} have expired from their topic: not counted.[/yellow]"
        )


def _counts(title: str, counts: dict[str, int], whole: int) -> Table:
    """A line each, with its share of all who enrolled."""
    table = _table(title, "", "")
    for name, n in counts.items():
        table.add_row(name, f"{n:,}", f"{n / whole:.1%}" if whole else "", _bar(n / whole if whole else 0.0))
    table.add_row("" if counts else "nobody yet")
    return table


def _rates(title: str, rates: list[tuple[str, Rate]]) -> Table:
    table = _table(title, "calls", "answered", "rate")
    for name, one in rates:
        table.add_row(name, f"{one.calls:,}", f"{one.answered:,}", f"{one.rate or 0:.1%}", _bar(one.rate or 0.0))
    table.add_row("" if rates else "no calls yet")
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if table.columns else "left", no_wrap=True)
    table.add_column("", no_wrap=True)
    return table


def _bar(share: float) -> Text:
    return Text("█" * round(share * CELLS), "green")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items(), key=lambda item: -item[1])) or "none"
