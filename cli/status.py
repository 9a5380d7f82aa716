"""`outdial status`: people by campaign and state, why they wait, how they left, calls, and how far behind the workers are."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from cli.board import FAILING, SLOW, board, campaigns_table, span
from cli.pending import ToDo
from cli.read import read_heads
from cli.summary import CampaignSummary, Summary, Waits, iso
from cli.watch import Look, Watch
from engine.errors import UsageError
from engine.halts import words
from outdial.kafka import require_broker
from outdial.settings import Settings


def status(
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="A live board, until interrupted.")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between two looks of --watch.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --watch one a line for each look.")] = False,
) -> None:
    """People by campaign, why they wait, how they left; calls; lag; the broker.

    Example: outdial status --watch
    """
    settings, console = Settings(), Console()
    if watch and not as_json and not console.is_terminal:
        raise UsageError("--watch draws on a terminal, and this is none: add --json for one object a line, or leave --watch out")
    require_broker(settings)
    if campaign is not None:
        read_heads(settings).head(campaign)  # a typing error must not look like an empty campaign
    with Watch(settings) as eyes:
        _catch_up(eyes)
        if watch:
            _go_on(eyes, campaign, every, as_json)
        else:
            _print_once(_only(eyes.look(None), campaign), as_json)


def read_summary(settings: Settings, campaign: str | None = None) -> Summary:
    """Reads rows, profiles and closings and counts them; `campaign`: only this one's people."""
    with Watch(settings) as eyes:
        eyes.catch_up()
        return eyes.look(None).summary.only(campaign)


@contextmanager
def live_board(console: Console) -> Iterator[Callable[[Look], None]]:
    """Draws each look it is given over the last, on a screen of its own; when it is left, the terminal is as it was."""
    with Live(console=console, auto_refresh=False, screen=True) as live:
        yield lambda look: live.update(board(look, console.width, console.height), refresh=True)


def as_dict(look: Look) -> dict[str, Any]:
    """For --json."""
    lines = [asdict(line) | {"use": line.use} for line in look.lines]
    now = {"placed_per_second": look.placed, "lines": lines, "late_ms": asdict(look.lateness) if look.lateness else None}
    halts = [halt.model_dump(exclude_none=True) for halt in look.halts]
    around = {"workers": look.group.workers, "lag": look.group.lag, "broker": look.broker.as_dict(), "halts": halts}
    if look.failing is not None:
        around["provider_tried_again"] = iso(look.failing)
    if look.slow is not None:
        around["ready_after_ms"] = look.slow
    return _with_actions(look) | around | now


def _with_actions(look: Look) -> dict[str, Any]:
    """The summary; each campaign that has actions to do says so."""
    told = look.summary.as_dict()
    for one in told["campaigns"]:
        if todo := look.actions.get(one["campaign"]):
            one["actions"] = todo.as_dict()
    return told


def _catch_up(eyes: Watch) -> None:
    """The first reading, with a bar on a terminal: a million people take a while."""
    console = Console(stderr=True)
    columns = (TextColumn("Reading the topics"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        eyes.catch_up(lambda done, total: bars.update(task, completed=done, total=total))


def _go_on(eyes: Watch, campaign: str | None, every: float, as_json: bool) -> None:
    """Look after look, until Ctrl-C: that is the way to leave a board, and no failure."""
    console = Console()
    try:
        with nullcontext(_print_line) if as_json else live_board(console) as draw:
            while True:
                draw(_only(eyes.look(), campaign))
                eyes.follow(every)
    except KeyboardInterrupt:
        return


def _only(look: Look, campaign: str | None) -> Look:
    if campaign is None:
        return look
    return replace(look, summary=look.summary.only(campaign), actions={k: v for k, v in look.actions.items() if k == campaign})


def _print_line(look: Look) -> None:
    print(json.dumps(as_dict(look)), flush=True)


def _print_once(look: Look, as_json: bool) -> None:
    if as_json:
        _print_line(look)
    else:
        console = Console()
        console.print(page(look, console.width))


# --- for people -------------------------------------------------------------------------------------------------------------------


def page(look: Look, width: int) -> Group:
    """What is printed once: everything, however long."""
    campaigns = look.summary.campaigns
    parts: list[Any] = [campaigns_table(campaigns, look.placed, width, len(campaigns))]
    parts += [reasons_table(c, look.actions.get(c.campaign)) for c in campaigns if c.people or c.calls]
    behind = ", ".join(f"{topic} {'not read yet' if n < 0 else n}" for topic, n in look.group.lag.items() if n) or "none"
    parts += [Text(words(halt), style="bold red") for halt in look.halts]
    if look.failing is not None:
        parts.append(Text(f"{FAILING}: tried again at {iso(look.failing)} (real time)", style="bold red"))
    if look.slow is not None:
        ask = "Is the broker slow to acknowledge, or the machine too busy?"
        parts.append(Text(f"{SLOW}, which takes {span(look.slow)}: hardly anybody is called. {ask}", style="bold red"))
    parts += [Text(one.about, style="yellow") for one in campaigns if one.about]
    parts.append(Text(f"workers {look.group.workers or 'none: outdial worker'} · lag: {behind}"))
    parts.append(Text(f"broker {look.broker.state} at {look.broker.bootstrap} · campaign time {iso(look.at)}"))
    return Group(*parts)


def reasons_table(one: CampaignSummary, todo: ToDo | None = None) -> Table:
    """Of one campaign: why people wait, how they left, how commands closed, what is to be done after it."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("", Text(one.campaign, style="bold"))
    table.add_row("waiting", ", ".join(_waits(reason, w) for reason, w in sorted(one.waiting.items())) or "nobody")
    table.add_row("exits", _counts(one.exits) or "nobody")
    table.add_row("closings", _counts(one.calls) or "none")
    if todo is not None:
        table.add_row("actions", Text(todo.words(), style="red" if todo.failing else ""))
    return table


def _waits(reason: str, waits: Waits) -> str:
    until = f" (first at {iso(waits.until)})" if waits.until is not None else ""
    return f"{waits.count} {reason}{until}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
