"""Three example campaigns over any list of people, and whether all adds up: `python -m bench.accept FILE [--map FIELD=COLUMN]`.

Exit status 0 only if everybody has left, the simulator's log and Outdial's own agree call by call, the witness has nothing to say
and `outdial verify` finds nothing.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.arguments import parser_of
from tests.acceptance.campaigns import CAMPAIGNS, RATE, Outcome, run
from tests.acceptance.world import CLEAN, World


def main(arguments: list[str]) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("file", type=Path, help="people to call (CSV)")
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help="as for `outdial contacts import`")
    asked = parser.parse_args(arguments)
    mapping = dict(part.split("=", 1) for given in asked.map for part in given.split(","))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home, World(Path(home) / "home", RATE) as world:
        outcome = run(world, asked.file, mapping)
    return show(outcome, asked.file, time.monotonic() - began)


def show(outcome: Outcome, file: Path, seconds: float) -> int:
    """Prints the run. The exit status."""
    console, said = Console(width=132, highlight=False), outcome.imported
    figures = f"{said['accepted']} accepted + {said['merged']} merged + {said['rejected']} rejected"
    console.print(f"{file.name}: {said['rows']} rows = {figures}; three campaigns, {seconds:.0f} s\n")
    console.print(_table("people, by exit", {c.campaign: c.exits for c in outcome.summary.campaigns}))
    console.print(_table("calls and messages", {c.campaign: c.calls for c in outcome.summary.campaigns}))
    log, calls = Counter(outcome.log), Counter(outcome.calls)
    console.print(
        f"simulator's log: {log.total()} requests, {len({d for d, _, _ in log})} dial_ids; Outdial's calls: {calls.total()}"
    )
    console.print(f"in one and not in the other: {(log - calls).total()} + {(calls - log).total()}")
    console.print(f"witness: {outcome.report.summary()}")
    console.print(f"verify: {outcome.verified.lines[-1]} (exit status {outcome.verified.status})")
    well = log == calls and not outcome.report.problems and outcome.verified.lines[-1] == CLEAN
    return 0 if well and outcome.verified.status == 0 else 1


def _table(title: str, counted: Mapping[str, Counter[str]]) -> Table:
    """A line for each reason, a column for each campaign, sums on both sides."""
    table = Table(title, *CAMPAIGNS, "in all", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in sorted({name for counts in counted.values() for name in counts}):
        row = [counted[campaign][name] for campaign in CAMPAIGNS]
        table.add_row(name, *map(str, row), str(sum(row)))
    totals = [counted[campaign].total() for campaign in CAMPAIGNS]
    table.add_row("in all", *map(str, totals), str(sum(totals)), end_section=True)
    table.add_row("")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
