"""Two campaigns, 3:1, on one line of the real pipeline, while a worker is killed: `python -m bench.sharing [calls/s ...]`.

Three workers on an embedded broker, the simulator behind HTTP, calls that end 25 to 55 seconds after they began. For each rate, in
turn: how much of the line was used while people waited (before the kill; from ten seconds after it; all of it), how many sliding
seconds held more requests than the rate allows, by when they were at the provider's socket and by the provider's own log, and what
part of the calls the campaign of weight 3 had. The worker that is killed is the one that owns the line.
"""

import signal
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.table import Table

from bench.arguments import parser_of, positive
from bench.load import People
from bench.pacing import violations
from bench.tap import Tap
from cli.group import group_state
from cli.read import read_rows
from deploy.stack import Stack
from outdial.kafka import admin
from outdial.settings import Settings
from providers.simlog import read_log
from schemas.rows import EnrollmentRow, TimerRow
from schemas.topics import LINE_EVENTS, STEP_TIMERS
from streams.partitions import partition_of
from streams.transport import GROUP

RATES = (1, 10, 50, 200)
WORKERS = ("worker-1", "worker-2", "worker-3")
#: Real seconds of dialing, at the least and at the most; in between until so many calls.
SECONDS, LONGEST, CALLS = 60.0, 240.0, 600
#: Real seconds after the kill from which on the line is to be used as before.
RECOVERY = 10.0
SECOND = 1_000_000

RESOURCES = """\
agents: [{{id: robin}}]
numbers: [{{number: "+12125550101", tags: [sales]}}]
lines: [{{id: main, calls_per_second: {rate}}}]
"""
CAMPAIGN = """\
id: {name}
agent: robin
numbers: {{tag: sales}}
line: main
weight: {weight}
window:
  weekly: {{mon-sun: ["00:00-24:00"]}}
  timezone: {{use: fixed, zone: UTC}}
rules: none
flow:
  - {{id: call, call: {{}}}}
exit: [answered, opted_out, unreachable]
"""
WEIGHTS = {"big": 3, "small": 1}
#: Every call rings out, reaches a machine, and ends 25 to 55 seconds after it began.
MIX = "calls: {voicemail: 1}\n"


@dataclass(frozen=True)
class Run:
    """What one run left. Instants are real µs: when each request was at the socket, and by the log, with its campaign."""

    rate: float
    socket: list[int]
    log: list[tuple[int, str]]
    killed: int
    end: int
    owner: bool  # whether the worker that was killed owned the line

    def use(self, begin: int, end: int) -> float:
        """Percent of what the rate allows, between two instants."""
        times = [at for at, _ in self.log]
        return 100 * (bisect_left(times, end) - bisect_right(times, begin)) / ((end - begin) / SECOND * self.rate)

    @property
    def begin(self) -> int:
        """The first call of the campaign that began last."""
        return max(next(at for at, name in self.log if name == campaign) for campaign in WEIGHTS)

    @property
    def part(self) -> tuple[float, int]:
        """Percent of the calls that the campaign of weight 3 had, and of how many, since both had begun."""
        both = [name for at, name in self.log if self.begin <= at < self.end]
        return 100 * both.count("big") / len(both), len(both)

    @property
    def pause(self) -> float:
        """The longest real time without a call, seconds."""
        times = [at for at, _ in self.log if at >= self.begin]
        return max(b - a for a, b in pairwise(times)) / SECOND


def measure(rate: float, seconds: float = SECONDS, calls: int = CALLS) -> Run:
    """One run at a rate, on a stack of its own."""
    seconds = max(seconds, min(calls / rate, LONGEST))
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(Path(home) / "home", Settings().cache_dir().resolve())
        with stack, Tap(stack.settings.simulator_port) as tap:
            stack.environment["OUTDIAL_PROVIDER_URL"] = f"http://127.0.0.1:{tap.port}"
            crowd = set_up(stack, rate, int(rate * seconds * 1.3) + 40)
            return dial(stack, tap, crowd, rate, seconds)


def set_up(stack: Stack, rate: float, people: int) -> People:
    """Everybody is in their campaign, and neither has begun."""
    stack.broker.up()
    home = stack.settings.home
    files = {"resources": RESOURCES.format(rate=rate), "mix": MIX}
    files |= {name: CAMPAIGN.format(name=name, weight=weight) for name, weight in WEIGHTS.items()}
    for name, text in files.items():
        (home / f"{name}.yaml").write_text(text)
    stack.run("topics", "apply")
    stack.run("resources", "apply", str(home / "resources.yaml"))
    for name in WEIGHTS:
        stack.run("campaign", "apply", str(home / f"{name}.yaml"))
    stack.start_provider("--mix", str(home / "mix.yaml"))
    for name in WORKERS:
        stack.start_worker(name)
    stack.wait_for("three workers in the group", lambda: group_state(stack.settings).workers == len(WORKERS))
    crowd = People(stack.settings)
    for name, weight in WEIGHTS.items():
        crowd.publish(people * weight // 4 + 20, name)
    stack.wait_for("everybody is enrolled", partial(_enrolled, stack.settings, people), 300)
    return crowd


def _enrolled(settings: Settings, people: int) -> bool:
    rows = read_rows(settings, STEP_TIMERS, TimerRow)
    return sum(isinstance(row, EnrollmentRow) for row in rows.values()) >= people


def dial(stack: Stack, tap: Tap, crowd: People, rate: float, seconds: float) -> Run:
    """Both campaigns start; in the middle of it the owner of the line is killed."""
    for name in WEIGHTS:
        stack.run("campaign", "start", name)
    stack.wait_for("the first call", lambda: bool(tap.stamps))
    begun = time.time()
    time.sleep(seconds / 2)
    victim = owner(admin(stack.settings), stack.settings.partitions)
    stack.kill(victim or WORKERS[0])
    killed = time.time()
    time.sleep(max(0.0, begun + seconds - time.time()))
    end = int(time.time() * SECOND)
    log = sorted((entry["received_real_us"], crowd.campaigns[entry["number"]]) for entry in read_log(stack.simulator_log))
    return Run(rate, sorted(tap.stamps), log, int(killed * SECOND), end, victim is not None)


def owner(client: AdminClient, partitions: int) -> str | None:
    """The worker that has the line's partition of line-events."""
    described = client.describe_consumer_groups([GROUP], request_timeout=10)[GROUP].result()
    place = partition_of("main", partitions)
    for member in described.members:
        held = {(tp.topic, tp.partition) for tp in member.assignment.topic_partitions}
        if (LINE_EVENTS.name, place) in held:
            return str(member.group_instance_id)
    return None


def show(runs: list[Run]) -> Table:
    """A line for each rate."""
    table = Table(title="Two campaigns, 3:1, on one line; three workers, the line's owner killed half-way", title_justify="left")
    columns = (
        "calls/s",
        "calls",
        "use %: before",
        "after",
        "of all",
        "pause s",
        "over rate: socket",
        "log",
        "weight 3 had %",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for run in runs:
        part, _ = run.part
        over = (violations(run.socket, run.rate), violations([at for at, _ in run.log], run.rate))
        uses = (run.use(run.begin, run.killed), run.use(run.killed + int(RECOVERY * SECOND), run.end), run.use(run.begin, run.end))
        figures = (*(f"{use:.1f}" for use in uses), f"{run.pause:.1f}", *map(str, over), f"{part:.2f}")
        table.add_row(f"{run.rate:g}", str(len(run.log)), *figures)
    return table


def main(arguments: list[str]) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("rates", metavar="calls/s", type=positive(float), nargs="*", default=RATES, help="one or more")
    rates = parser.parse_args(arguments).rates
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # brokers are not to outlive us
    runs = [measure(rate) for rate in rates]
    Console(width=132, highlight=False).print(show(runs))
    return 1 if any(violations([at for at, _ in run.log], run.rate) for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
