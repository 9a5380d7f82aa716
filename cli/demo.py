"""`outdial demo`: three campaigns, three campaign days, one minute. A whole Outdial of its own, which is gone when it ends."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.broker import shown_progress
from cli.group import group_state
from cli.status import live_board, read_summary
from cli.summary import Summary
from cli.watch import Watch
from deploy.stack import Stack, clock_at
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.rows import State

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CAMPAIGNS = ("simple-call", "multi-step", "call-and-message")

#: A Monday, half an hour before the first window opens in New York.
BEGIN = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
DAYS = 3
#: Campaign seconds in a real one: three days in 54 seconds.
RATE = 4_800
#: Real seconds from the moment the processes start until campaign time is at BEGIN.
AHEAD = 9.0
REFRESH = 1.0


def demo(
    contacts: Annotated[Path, typer.Argument(help="People to call (CSV).")] = EXAMPLES / "contacts.csv",
    map_: Annotated[str, typer.Option("--map", help="Columns by name: phone=phone1,...")] = "",
) -> None:
    """Run three example campaigns on a broker and a provider of its own: nobody real is called, nothing is left running.

    Example: outdial demo
    """
    console = Console()
    settings = Settings()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with Stack(settings.home / "demo", settings.cache_dir()) as stack:
        _set_up(stack, console, contacts, map_)
        _watch(stack, console)
        console.rule("After three campaign days")
        summary = _last_look(stack, console)
        said = stack.run("verify", "--simulator-log", str(stack.simulator_log)).strip().splitlines()[-1]
    console.print(f"[bold]verify:[/bold] {said}")
    _print_next(console, summary, time.monotonic() - began)


def _set_up(stack: Stack, console: Console, contacts: Path, mapping: str) -> None:
    with shown_progress() as progress:
        stack.broker.up(progress)
    with _doing(console, "Topics, the simulated provider, webhooks and two workers"):
        stack.set_clock(clock_at(BEGIN, RATE, AHEAD))
        stack.run("topics", "apply")
        stack.start_provider("--seed", "7")
        stack.start_worker("worker-1")
        stack.start_worker("worker-2")
        stack.run("resources", "apply", str(EXAMPLES / "resources.yaml"))
        stack.run("campaign", "apply", *(str(EXAMPLES / f"{name}.yaml") for name in CAMPAIGNS))
    with _doing(console, f"Importing {contacts.name} into {', '.join(CAMPAIGNS)}"):
        enrolled = [option for name in CAMPAIGNS for option in ("--campaign", name)]
        said = stack.run("contacts", "import", str(contacts), *enrolled, *(["--map", mapping] if mapping else []))
    console.print(said.rstrip(), highlight=False)
    with _doing(console, "Starting the campaigns"):
        for name in CAMPAIGNS:
            stack.run("campaign", "start", name)
    stack.wait_for("the workers taking their partitions", lambda: group_state(stack.settings).workers == 2)


def _watch(stack: Stack, console: Console) -> None:
    """Shows the board until everybody has left, or the days are over: then the campaigns are stopped."""
    clock, end = clock_from(stack.settings), BEGIN + timedelta(days=DAYS)
    last = int(end.timestamp() * 1000)
    with Watch(stack.settings) as eyes:
        eyes.catch_up()
        with live_board(console) if console.is_terminal else nullcontext(lambda _: None) as draw:
            while clock.now() < last:
                look = eyes.look()
                draw(look)
                if _active(look.summary) == 0 and any(c.people for c in look.summary.campaigns):
                    return
                eyes.follow(REFRESH)
    with _doing(console, "The days are over: stopping the campaigns, calls under way come to their end"):
        for name in CAMPAIGNS:
            stack.run("campaign", "stop", name)
        stack.wait_for("everybody leaving", lambda: _active(read_summary(stack.settings)) == 0, 30.0)


def _last_look(stack: Stack, console: Console) -> Summary:
    summary = read_summary(stack.settings)
    enrolled = {c.campaign: c.people for c in summary.campaigns}
    left = {c.campaign: c.people - c.states[State.EXITED] for c in summary.campaigns}
    exits = {c.campaign: c.exits for c in summary.campaigns}
    calls = {c.campaign: Counter({k: n for k, n in c.calls.items() if k != "not_dialed"}) for c in summary.campaigns}
    people = _table("people", exits, {"still in": left, "enrolled": enrolled})
    console.print(people, _table("calls and messages", calls, {"in all": {name: sum(n.values()) for name, n in calls.items()}}))
    return summary


def _table(title: str, counted: dict[str, Counter[str]], sums: dict[str, dict[str, int]]) -> Table:
    """A line for each reason or disposition, a column for each campaign, and the sums below."""
    table = Table(title, *counted, "in all", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in sorted({name for counts in counted.values() for name in counts}):
        row = [counts[name] for counts in counted.values()]
        table.add_row(name, *map(str, row), str(sum(row)))
    for name, by_campaign in sums.items():
        row = [by_campaign[campaign] for campaign in counted]
        table.add_row(f"[bold]{name}[/bold]", *map(str, row), str(sum(row)))
    table.add_row("")
    return table


def _print_next(console: Console, summary: Summary, seconds: float) -> None:
    people, left = sum(c.people for c in summary.campaigns), _active(summary)
    console.print(f"{people} enrolled = {people - left} exited + {left} still in. {seconds:.0f} s, nothing is left running.\n")
    console.print(
        "What to try next, with a list of your own:\n"
        "  outdial demo PEOPLE.csv --map phone=YOUR_COLUMN      the same three days for your people\n"
        "  outdial broker up && outdial topics apply            a broker that stays\n"
        "  outdial resources apply examples/resources.yaml      agents, caller IDs, lines\n"
        "  outdial campaign apply examples/multi-step.yaml      a campaign; change the file, apply it again\n"
        "  outdial contacts import PEOPLE.csv --campaign multi-step\n"
        "  outdial simulator, outdial webhooks, outdial worker  each in a terminal of its own\n"
        "  outdial campaign start multi-step; outdial status; outdial calls; outdial verify",
        highlight=False,
        markup=False,
    )


def _active(summary: Summary) -> int:
    return sum(c.people - c.states[State.EXITED] for c in summary.campaigns)


@contextmanager
def _doing(console: Console, what: str) -> Iterator[Any]:
    if console.is_terminal:
        with console.status(what + " ..."):
            yield
    else:
        console.print(what + " ...", highlight=False)
        yield
