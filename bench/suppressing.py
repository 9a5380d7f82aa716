"""What a list of a million suppressed numbers costs: to import, to take up, to hold and to read again after a restart.

    python -m bench.suppressing [numbers]

Everything on one machine: the broker, the import and one worker share its processors. Taken up: from the worker's start until
every number has its row in the ledger. Recovery: from the start of a second worker until it has read those rows again.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from rich.console import Console
from rich.table import Table

from bench.importing import national
from bench.load import written
from deploy.stack import Stack
from engine.errors import OutdialError
from outdial.settings import Settings
from schemas.topics import DIAL_LEDGER

NUMBERS = 1_000_000
TIMEOUT = 1_800.0
EMPTY = "a worker without rows"
#: A worker logs it when its tables are recovered.
_ACTIVE = "are active."
_MIB = 1 << 20


class Cost(NamedTuple):
    """Seconds, and a process's memory in MiB: the importer's at its peak, a worker's when it was done."""

    seconds: float
    memory: float


def measure(numbers: int, cache: Path) -> dict[str, Cost]:
    """By what was done."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "home", cache) as stack:
        file = Path(folder) / "list.csv"
        with file.open("w") as target:
            target.write("phone\n")
            target.writelines(f"{national(i)}\n" for i in range(numbers))
        stack.broker.up()
        stack.run("topics", "apply")
        found = {EMPTY: _worker(stack)}
        found["import"] = _imported(stack, file, numbers)
        found["a worker takes them up"] = _worker(stack, numbers)
        found["a worker reads them again"] = _worker(stack, numbers)
        found["import of the same again"] = _imported(stack, file, numbers)
    return found


def _imported(stack: Stack, file: Path, numbers: int) -> Cost:
    arguments = ("suppress", "import", str(file), "--list", "us-national", "--as-of", "2026-11-20", "--json")
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments], env=stack.environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status or json.loads(said)["addresses"] != numbers:
        raise OutdialError(f"the import failed: {said}")
    return Cost(time.perf_counter() - began, used.ru_maxrss * 1024 / _MIB)


def _worker(stack: Stack, rows: int = 0) -> Cost:
    """Starts a worker, and ends it when its partitions are active and so many rows have been written."""
    log = stack.logs / "worker-1.log"
    before = log.read_text().count(_ACTIVE) if log.exists() else 0
    began = time.perf_counter()
    pid = stack.start_worker("worker-1")
    stack.wait_for("the worker is active", lambda: log.read_text().count(_ACTIVE) > before, TIMEOUT)
    stack.wait_for("the rows are there", lambda: _rows(stack) >= rows, TIMEOUT)
    cost = Cost(time.perf_counter() - began, psutil.Process(pid).memory_info().rss / _MIB)
    stack.stop("worker-1")
    return cost


def _rows(stack: Stack) -> int:
    return written(stack.settings, "", [DIAL_LEDGER.name])[DIAL_LEDGER.name]


def show(numbers: int, costs: dict[str, Cost]) -> Table:
    """A line for each."""
    table = Table(title=f"A list of {numbers:,} numbers", title_justify="left", box=None)
    for column in ("", "s", "numbers/s", "memory, MiB"):
        table.add_column(column, justify="right" if column else "left")
    for name, cost in costs.items():
        rate = "" if name == EMPTY else f"{numbers / cost.seconds:,.0f}"
        table.add_row(name, f"{cost.seconds:.1f}", rate, f"{cost.memory:,.0f}")
    return table


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the broker is not to outlive us
    numbers = int(arguments[0]) if arguments else NUMBERS
    costs = measure(numbers, Settings().cache_dir().resolve())
    Console(width=132, highlight=False).print(show(numbers, costs))


if __name__ == "__main__":
    main(sys.argv[1:])
