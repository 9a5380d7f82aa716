"""`outdial verify`: recounts everything from the topics, and says what does not reconcile and who is forgotten.

Topics cannot be read all at one instant. While workers run, a difference may be a record on its way: then everything is read again,
and only what differs in both readings, for the same subject, is reported.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.checks import Check, persisting
from cli.gather import Telling, gather
from cli.reconcile import reconcile
from cli.world import World
from outdial.settings import Settings

#: Readings at the most, and real seconds between them.
READINGS = 3
PAUSE = 3.0
#: Differences of a check that are printed; --json has more.
EXAMPLES = 3
JSON_EXAMPLES = 100


def verify(
    simulator_log: Annotated[Path | None, typer.Option(help="The simulator's own log, compared with what was commanded.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Recount everything from the topics. Exit status 0 only if all of it reconciles and nobody is forgotten.

    Example: outdial verify --simulator-log .outdial/simulator.jsonl
    """
    with _telling() as telling:
        world, checks = recount(Settings(), simulator_log, telling)
    unreconciled, forgotten = totals(checks)
    if as_json:
        body = {"workers": world.workers, "unreconciled": unreconciled, "forgotten": forgotten}
        print(json.dumps(body | {"checks": [_as_dict(check) for check in checks]}, ensure_ascii=False))
    else:
        _print(world, checks)
    if unreconciled or forgotten:
        raise typer.Exit(1)


def recount(
    settings: Settings, simulator_log: Path | None = None, telling: Telling = lambda _: None
) -> tuple[World, tuple[Check, ...]]:
    """Reads and checks; again while workers run and something differs, for what was under way to arrive."""
    world = gather(settings, simulator_log, telling)
    checks = reconcile(world)
    for _ in range(READINGS - 1):
        if not world.workers or not any(check.differences for check in checks):
            break
        time.sleep(PAUSE)
        world = gather(settings, simulator_log, telling)
        checks = persisting(checks, reconcile(world))
    return world, checks


def totals(checks: tuple[Check, ...]) -> tuple[int, int]:
    """(unreconciled, forgotten)."""
    forgotten = sum(len(check.differences) for check in checks if check.name == "forgotten")
    return sum(len(check.differences) for check in checks) - forgotten, forgotten


def sentence(checks: tuple[Check, ...]) -> str:
    """The result in a few words; other programs look for it."""
    unreconciled, forgotten = totals(checks)
    return f"{unreconciled} unreconciled, {forgotten} forgotten"


def _as_dict(check: Check) -> dict[str, Any]:
    shown = [asdict(difference) for difference in check.differences[:JSON_EXAMPLES]]
    return {
        "name": check.name,
        "counted": check.counted,
        "differing": len(check.differences),
        "note": check.note,
        "examples": shown,
    }


def _print(world: World, checks: tuple[Check, ...]) -> None:
    console = Console(highlight=False)
    table = Table("check", "counted", "differing", "", box=None, pad_edge=False)
    for column in table.columns[1:3]:
        column.justify = "right"
    for check in checks:
        style = "red" if check.differences else "green"
        shown = "\n".join(escape(d.text) for d in check.differences[:EXAMPLES])
        more = len(check.differences) - EXAMPLES
        parts = (check.note and f"[dim]{escape(check.note)}[/dim]", shown, f"... and {more} more" if more > 0 else "")
        number = f"[{style}]{len(check.differences)}[/{style}]"
        table.add_row(check.name, str(check.counted), number, "\n".join(part for part in parts if part))
    console.print(table)
    if not world.workers:
        console.print("No worker is running: nobody moves until one is started (outdial worker).")
    console.print(sentence(checks))


@contextmanager
def _telling() -> Iterator[Telling]:
    """Names the topic that is being read, on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("reading") as spinner:
        yield lambda topic: spinner.update(f"reading {topic}")
