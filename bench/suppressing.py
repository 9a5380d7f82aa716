"""What a list of a million suppressed numbers costs: to import, to take up, to hold and to read again after a restart.

    python -m bench.suppressing [numbers]

Everything on one machine: the broker, the import and one worker share its processors. An import ends when the worker has every
number in its ledger, durably. A worker that starts reads the ledger again before it does anything.
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

from bench.arguments import integers
from bench.importing import national
from deploy.stack import Stack
from engine.errors import OutdialError
from outdial.settings import Settings

NUMBERS = 1_000_000
TIMEOUT = 1_800.0
WORKER, EMPTY = "worker-1", "a worker without rows"
#: A worker logs it when its tables are recovered.
_ACTIVE = "are active."
_MIB = 1 << 20


class Cost(NamedTuple):
    """Seconds, and a process's memory in MiB: the importer's at its peak, a worker's when it was done."""

    seconds: float | None
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
        found = {EMPTY: _started(stack)}
        found["import, until a worker knows all of them"] = _imported(stack, file, numbers)
        found["that worker then"] = Cost(None, _memory(stack))
        stack.stop(WORKER)
        found["a worker that starts with them"] = _started(stack)
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


def _started(stack: Stack) -> Cost:
    """A worker, until its partitions are active: its tables are recovered."""
    log = stack.logs / f"{WORKER}.log"
    before = log.read_text().count(_ACTIVE) if log.exists() else 0
    began = time.perf_counter()
    stack.start_worker(WORKER)
    stack.wait_for("the worker is active", lambda: log.read_text().count(_ACTIVE) > before, TIMEOUT)
    return Cost(time.perf_counter() - began, _memory(stack))


def _memory(stack: Stack) -> float:
    return psutil.Process(stack.pid(WORKER)).memory_info().rss / _MIB


def show(numbers: int, costs: dict[str, Cost]) -> Table:
    """A line for each."""
    table = Table(title=f"A list of {numbers:,} numbers", title_justify="left", box=None)
    for column in ("", "s", "numbers/s", "memory, MiB"):
        table.add_column(column, justify="right" if column else "left")
    for name, cost in costs.items():
        seconds = cost.seconds and f"{cost.seconds:.1f}"
        rate = f"{numbers / cost.seconds:,.0f}" if cost.seconds and name != EMPTY else None
        table.add_row(name, seconds, rate, f"{cost.memory:,.0f}")
    return table


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the broker is not to outlive us
    (numbers,) = integers(__doc__, arguments, numbers=NUMBERS)
    costs = measure(numbers, Settings().cache_dir().resolve())
    Console(width=132, highlight=False).print(show(numbers, costs))


if __name__ == "__main__":
    main(sys.argv[1:])
