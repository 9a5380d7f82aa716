"""How fast a list goes in, against a bare loop over the same rows, and in how much memory.

    python -m bench.importing [--rows 1000000] [--dry-run]

The bare loop reads the rows (csv) and makes the library's calls that reading a number takes: parse, format_number,
is_valid_number, region_code_for_number, number_type, and the time zones. It normalises, checks, remembers and writes nothing. The
importer does all it does for a user, into a real broker; with --dry-run all but publishing. `national` are US numbers as people
write them, which the importer takes apart without the library; `british` are numbers for which it has to ask the library as well.
The ratio on the wall is fair on a machine that does nothing else: the importer shares it with its broker, the loop with nobody.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import phonenumbers
from phonenumbers.timezone import time_zones_for_number
from rich.console import Console
from rich.table import Table

from bench.arguments import parser_of
from deploy.broker import Broker
from outdial.settings import Settings
from tests.ports import free_pair

HEADER = ("id", "phone", "first_name", "last_name", "email", "state", "zip", "company", "plan")
_MIB = 1 << 20


def national(i: int) -> str:
    """A number of the US: 200 area codes and exchanges, so that a million rows are a million numbers."""
    return f"({212 + i % 5:03}) {200 + i // 50_000 % 700:03}-{i // 5 % 10_000:04}"


def british(i: int) -> str:
    """A number of London as people there write it."""
    return f"020 {7_000 + i // 10_000 % 1_900:04} {i % 10_000:04}"


KINDS: dict[str, tuple[str, Callable[[int], str]]] = {"national": ("US", national), "british": ("GB", british)}


def write(file: Path, kind: str, rows: int, number: Callable[[int], str]) -> None:
    """A list of `rows` people with nine columns."""
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        for i in range(rows):
            mail = f"person.{i}@example.com"
            writer.writerow((f"{kind}-{i}", number(i), "Ada", f"Ash{i % 997}", mail, "NY", "10001", "Ash, Birch & Co", "basic"))


class Cost(NamedTuple):
    """Seconds on the wall, and of this machine's processors."""

    wall: float
    cpu: float


def bare(file: Path, country: str) -> Cost:
    """A loop that reads the rows and makes the library's calls."""
    began, used = time.perf_counter(), time.process_time()
    with file.open(encoding="utf-8", newline="") as source:
        rows = csv.reader(source)
        next(rows)
        for row in rows:
            number = phonenumbers.parse(row[1], country)
            phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            phonenumbers.is_valid_number(number)
            phonenumbers.region_code_for_number(number)
            phonenumbers.number_type(number)
            time_zones_for_number(number)
    return Cost(time.perf_counter() - began, time.process_time() - used)


def imported(file: Path, country: str, dry_run: bool, environment: dict[str, str]) -> tuple[Cost, float, dict[str, object]]:
    """`outdial contacts import` from start to end: its cost, its peak memory in MiB, and what it said."""
    options = ["--country", country, "--json", *(["--dry-run"] if dry_run else ["--campaign", "simple-call"])]
    began = time.perf_counter()
    done = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "contacts", "import", str(file), *options],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout is not None
    said = done.stdout.read()
    _, status, used = os.wait4(done.pid, 0)
    if status:
        raise SystemExit(f"the import failed: {said}")
    cost = Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime)
    return cost, used.ru_maxrss * 1024 / _MIB, json.loads(said)


def measure(rows: int, dry_run: bool) -> Iterator[tuple[str, Cost, Cost, float]]:
    """kind, cost of the bare loop and of the importer, its peak memory in MiB."""
    for kind, (country, number) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder, _broker(Path(folder), dry_run) as environment:
            file = Path(folder) / f"{kind}.csv"
            write(file, kind, rows, number)
            loop = bare(file, country)
            cost, memory, said = imported(file, country, dry_run, environment)
            assert said["rows"] == said["accepted"] == rows, said
            yield kind, loop, cost, memory


class _broker:  # noqa: N801 - used like a function
    """A broker of its own with the example campaigns; the environment of commands that use it. None in a dry run."""

    def __init__(self, home: Path, dry_run: bool) -> None:
        cache = Path(os.environ.get("OUTDIAL_CACHE", ".outdial/cache")).resolve()
        self.settings = Settings(home=home / "home", cache=cache, broker_port=free_pair())
        self.dry_run = dry_run

    def __enter__(self) -> dict[str, str]:
        chosen = {
            "OUTDIAL_HOME": str(self.settings.home),
            "OUTDIAL_CACHE": str(self.settings.cache),
            "OUTDIAL_BROKER_PORT": str(self.settings.broker_port),
        }
        environment = os.environ | chosen
        if not self.dry_run:
            Broker(self.settings).up()
            examples = Path(__file__).parent.parent / "examples"
            for command in (
                ["topics", "apply"],
                ["resources", "apply", str(examples / "resources.yaml")],
                ["campaign", "apply", str(examples / "simple-call.yaml")],
            ):
                subprocess.run([sys.executable, "-m", "cli.main", *command], env=environment, check=True, stdout=subprocess.DEVNULL)
        return environment

    def __exit__(self, *_: object) -> None:
        if not self.dry_run:
            Broker(self.settings).down()


def main(arguments: list[str]) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dry-run", action="store_true", help="all but publishing; needs no broker")
    asked = parser.parse_args(arguments)
    titles = ("bare loop, rows/s", "importer, rows/s", "ratio", "ratio by CPU time", "peak memory")
    table = Table(f"import of {asked.rows:,} rows", *titles, box=None)
    for kind, loop, cost, memory in measure(asked.rows, asked.dry_run):
        rates = (f"{asked.rows / loop.wall:,.0f}", f"{asked.rows / cost.wall:,.0f}")
        table.add_row(kind, *rates, f"{loop.wall / cost.wall:.2f}", f"{loop.cpu / cost.cpu:.2f}", f"{memory:.0f} MiB")
    Console(width=132, highlight=False).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
