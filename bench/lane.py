"""How much a worker carries: the product beside an app of plain Faust that does the same job (bench/idiomatic.py), one after the
other on one embedded broker, people preloaded: `python -m bench.lane [people for the product] [people for the baseline]`.

Every person: a contact, an enrollment, one call at once, an exit. Both have their provider in the process, and write the same
records. Measured by the broker's timestamps and the workers' CPU time, start-up left out.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # its stubs do not mark what it re-exports
from rich.console import Console
from rich.table import Table

from bench import idiomatic, load
from bench.arguments import integers
from bench.load import Meter, People, Run
from deploy.stack import Stack
from outdial.kafka import admin
from outdial.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, BASELINE_PEOPLE = 20_000, 2_000
TIMEOUT = 600.0
#: What both write. The line's reports and grants are many people's: they are left out, in favour of the baseline.
STREAMS = ["contacts", "enrollments", "dial-commands", "decisions", "dial-receipts", "call-outcomes", "campaign-events"]
TABLES = ["contact-profiles", "step-timers", "dial-ledger"]
#: Faust names changelogs so; links have a table of their own there, the product keeps them in the ledger's.
CHANGELOGS = [f"{name}-changelog" for name in (*TABLES, "links")]


def product(stack: Stack, people: int) -> Run:
    """`outdial worker` with its provider in the process and a line without a rate."""
    set_up(stack)
    People(stack.settings).publish(people)
    meter = Meter(stack.start("worker-1", "worker", "--name", "worker-1"))
    try:
        load.wait_until_quiet(stack.settings, "", people, TIMEOUT, lambda: stack.alive("worker-1"))
    finally:
        meter.stop()
        stack.stop("worker-1")
    return load.judge("Outdial", stack.settings, "", people, meter, STREAMS + TABLES)


def set_up(stack: Stack) -> None:
    """Topics, and the campaign: applied and running."""
    resources, campaign = load.write_files(stack.settings.home)
    stack.run("topics", "apply")
    stack.run("resources", "apply", str(resources))
    stack.run("campaign", "apply", str(campaign))
    stack.run("campaign", "start", load.CAMPAIGN)


def baseline(settings: Settings, people: int) -> Run:
    """The app of plain Faust, in its own process."""
    _create_topics(settings)
    People(settings, idiomatic.PREFIX).publish(people)
    environment = os.environ | {"BENCH_BOOTSTRAP": settings.bootstrap_servers(), "BENCH_DATADIR": str(settings.home / "idiomatic")}
    command = [sys.executable, "-m", "faust", "-A", "bench.idiomatic:app", "worker", "-l", "warn"]
    with (settings.home / "idiomatic.log").open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    meter = Meter(child.pid)
    try:
        load.wait_until_quiet(settings, idiomatic.PREFIX, people, TIMEOUT, lambda: child.poll() is None)
    finally:
        meter.stop()
        child.kill()
        child.wait()
    return load.judge("Faust, as its docs teach", settings, idiomatic.PREFIX, people, meter, STREAMS + CHANGELOGS)


def _create_topics(settings: Settings) -> None:
    """With the broker's timestamps, as the product's. Faust would make the changelogs, but not always before it needs them."""
    client, stamped, compact = admin(settings), {"message.timestamp.type": "LogAppendTime"}, {"cleanup.policy": "compact"}
    wanted = dict.fromkeys(STREAMS, stamped) | dict.fromkeys(CHANGELOGS, compact)
    new = [NewTopic(idiomatic.PREFIX + name, idiomatic.PARTITIONS, 1, config=config) for name, config in wanted.items()]
    for future in client.create_topics(new).values():
        future.result()


def show(runs: list[Run]) -> Table:
    """A line for each run, and how many times the last is the first."""
    table = Table(title="One worker, one call a person", title_justify="left")
    for column in ("", "people", "contacts/s", "contacts/s, first to last exit", "CPU µs a contact", "records a contact"):
        table.add_column(column, justify="left" if not column else "right")
    for run in runs:
        figures = (f"{run.rate:,.0f}", f"{run.left / run.exiting_seconds:,.0f}", f"{run.cpu_us:,.0f}", f"{run.records:.1f}")
        table.add_row(run.name, f"{run.left:,}", *figures)
    slow, fast = runs
    times = (
        fast.rate / slow.rate,
        (fast.left / fast.exiting_seconds) / (slow.left / slow.exiting_seconds),
        slow.cpu_us / fast.cpu_us,
    )
    table.add_row("times better", "", *(f"{t:.1f}" for t in times), "")
    return table


def measure(people: int = PEOPLE, baseline_people: int = BASELINE_PEOPLE) -> list[Run]:
    """The baseline's run, then the product's."""
    cache = Settings().cache_dir().resolve()
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(Path(home) / "home", cache, environment={"OUTDIAL_PROVIDER": "inprocess"})
        with stack:
            stack.broker.up()
            return [baseline(stack.settings, baseline_people), product(stack, people)]


def main(arguments: list[str]) -> None:
    counts = integers(__doc__, arguments, people=PEOPLE, people_for_the_baseline=BASELINE_PEOPLE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the broker is not to outlive us
    Console(width=132, highlight=False).print(show(measure(*counts)))


if __name__ == "__main__":
    main(sys.argv[1:])
