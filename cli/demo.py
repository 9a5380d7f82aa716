"""`outdial demo`: example campaigns from begin to end, in a minute or two. A whole Outdial of its own, gone when it ends."""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.broker import shown_progress
from cli.columns import mapping_of
from cli.group import group_state
from cli.importing import layout_for
from cli.listing import survey
from cli.main import app
from cli.status import live_board, read_summary
from cli.summary import Summary
from cli.watch import Watch
from deploy.stack import Stack, clock_at
from engine.complaints import listed, nearest
from engine.errors import OutdialError, UsageError
from engine.time import DAY
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.rows import State

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CAMPAIGNS = ("simple-call", "multi-step", "call-and-message")

#: A Monday, half an hour before the first window opens in New York.
BEGIN = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Show:
    """Campaigns of the examples, the days they get, and how many campaign seconds pass in a real one."""

    campaigns: tuple[str, ...]
    days: int
    rate: float
    contacts: str = "contacts.csv"
    mix: str = "realistic"


#: By the name that the command takes. The first is what it shows when it is given none.
SHOWS: dict[str, Show] = {
    "patterns": Show(CAMPAIGNS, 3, 4_800),
    "appointment-reminder": Show(("appointment-reminder",), 3, 3_600, contacts="customers.csv", mix="callbacks"),
    "payment-reminder": Show(("payment-reminder",), 7, 9_600, contacts="customers.csv"),
    "re-engagement": Show(("re-engagement",), 32, 21_600, contacts="customers.csv"),
    "two-on-a-line": Show(("sales-push", "service-notes"), 2, 900, mix="no-answer"),
}

#: Real seconds from the moment the processes start until campaign time is at BEGIN. A slow machine begins later in the day, with as
#: many days before it: people are enrolled when the workers are there.
AHEAD = 7.0
REFRESH = 1.0


def demo(
    contacts: Annotated[Path | None, typer.Argument(help="People to call (CSV); left out, those of the examples.")] = None,
    show: Annotated[str, typer.Option(help=f"Which examples: {', '.join(SHOWS)}.")] = "patterns",
    map_: Annotated[str, typer.Option("--map", help="Columns by name: phone=phone1,...")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")] = False,
) -> None:
    """Run example campaigns on a broker and a provider of its own: nobody real is called, nothing is left running.

    Example: outdial demo --show re-engagement
    """
    if show not in SHOWS:
        raise UsageError(f"--show {show!r} is none of the examples: write {listed(SHOWS)}{nearest(show, SHOWS)}")
    console = Console(file=sys.stdout, quiet=as_json)  # this one, whatever stands in for it while a command runs in here
    settings, chosen = Settings(), SHOWS[show]
    people = contacts or EXAMPLES / chosen.contacts
    _check_list(people, map_)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with Stack(settings.home / "demo", settings.cache_dir()) as stack:
        _set_up(stack, chosen, console, people, map_)
        passed = _watch(stack, chosen, console)
        console.rule(f"After {passed / DAY:.1f} campaign days")
        summary = _last_look(stack, console)
        said = _run(stack, "verify", "--simulator-log", str(stack.simulator_log)).strip().splitlines()[-1]
    console.print(f"[bold]verify:[/bold] {said}")
    _print_next(console, summary, time.monotonic() - began)
    if as_json:
        print(json.dumps(_told(summary, said, time.monotonic() - began)))


def _check_list(contacts: Path, mapping: str) -> None:
    """Refuses what the import would refuse as a whole, before anything is started: a file that cannot be read, a wrong column."""
    columns = mapping_of([mapping] if mapping else [])
    layout_for(survey(contacts, None, tuple(columns.values())), columns, "US")


def _told(summary: Summary, said: str, seconds: float) -> dict[str, Any]:
    campaigns = {
        c.campaign: {
            "enrolled": c.people,
            "exits": dict(c.exits),
            "still_in": c.people - c.states[State.EXITED],
            "calls": dict(c.calls),
        }
        for c in summary.campaigns
    }
    return {"campaigns": campaigns, "verify": said, "seconds": round(seconds, 1)}


def _set_up(stack: Stack, show: Show, console: Console, contacts: Path, mapping: str) -> None:
    with nullcontext() if console.quiet else shown_progress() as progress:
        stack.broker.up(*([progress] if progress else []))
    with _doing(console, "Topics, the simulated provider, webhooks and two workers"):
        stack.set_clock(clock_at(BEGIN, show.rate, AHEAD))
        _run(stack, "topics", "apply")
        stack.start_provider("--seed", "7", "--mix", show.mix)
        stack.start_worker("worker-1")
        stack.start_worker("worker-2")
        _run(stack, "resources", "apply", str(EXAMPLES / "resources.yaml"))
        _run(stack, "campaign", "apply", *(str(EXAMPLES / f"{name}.yaml") for name in show.campaigns))
        stack.wait_for("the workers taking their partitions", lambda: group_state(stack.settings).workers == 2)
    with _doing(console, f"Importing {contacts.name} into {', '.join(show.campaigns)}, which start"):
        enrolled = [option for name in show.campaigns for option in ("--campaign", name)]
        said = _run(stack, "contacts", "import", str(contacts), *enrolled, *(["--map", mapping] if mapping else []))
        for name in show.campaigns:
            _run(stack, "campaign", "start", name)
    console.print(said.rstrip(), highlight=False)


def _run(stack: Stack, *arguments: str) -> str:
    """What `outdial ARGUMENTS` prints. It runs in this process, since another takes a second of a core for its imports.

    Raises what the command raises, and OutdialError if its exit status is another than 0.
    """
    printed, before = StringIO(), dict(os.environ)
    os.environ.update(stack.environment)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            status = app(arguments, standalone_mode=False)
    finally:
        os.environ.clear()
        os.environ.update(before)
    if status:
        raise OutdialError(f"outdial {' '.join(arguments)} failed: {printed.getvalue().strip() or f'exit status {status}'}")
    return printed.getvalue()


def _watch(stack: Stack, show: Show, console: Console) -> int:
    """Shows the board until everybody has left, or the days are over: then the campaigns are stopped. Returns campaign ms."""
    clock = clock_from(stack.settings)
    begun = max(clock.now(), int(BEGIN.timestamp() * 1000))
    last = begun + show.days * DAY
    with Watch(stack.settings) as eyes:
        eyes.catch_up()
        with live_board(console) if console.is_terminal and not console.quiet else nullcontext(lambda _: None) as draw:
            while clock.now() < last:
                look = eyes.look()
                draw(look)
                if _active(look.summary) == 0 and any(c.people for c in look.summary.campaigns):
                    return clock.now() - begun
                eyes.follow(REFRESH)
    with _doing(console, "The days are over: stopping the campaigns, calls under way come to their end"):
        for name in show.campaigns:
            _run(stack, "campaign", "stop", name)
        stack.wait_for("everybody leaving", lambda: _active(read_summary(stack.settings)) == 0, 30.0)
    return last - begun


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
        f"What to try next: outdial demo --show {', '.join(list(SHOWS)[1:])}; and with a list of your own:\n"
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
    if console.is_terminal and not console.quiet:
        with console.status(what + " ..."):
            yield
    else:
        console.print(what + " ...", highlight=False)
        yield
