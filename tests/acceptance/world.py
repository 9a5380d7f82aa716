"""A whole Outdial for acceptance tests: real processes on a real broker, on an accelerated clock, with people made up here.

Nothing in here looks into a worker. What became of people is read from the topics, as any command does, and from the simulator's
own log, which is on disk before a request is answered.
"""

import csv
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from typer.testing import CliRunner

from cli.gather import read_each
from cli.group import group_state
from cli.main import app
from cli.publish import Publisher
from cli.read import read_rows
from cli.topics import apply
from deploy.processes import Child
from deploy.stack import Stack, clock_at
from engine.errors import OutdialError
from engine.retries import effect
from outdial.kafka import reader
from outdial.settings import Settings
from providers.simlog import read_log
from schemas.contact import Contact
from schemas.enrollment import Enroll
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, State, TimerRow
from schemas.topics import CALL_OUTCOMES, CONTACTS, ENROLLMENTS, STEP_TIMERS
from tests.brokers import empty
from tests.conftest import CACHE
from tests.forks import Fork
from tests.wait import until

#: A Monday, long before any window opens in the US.
MONDAY = datetime(2026, 6, 1, 11, tzinfo=UTC)

#: The campaign of drills: open all day, on a line without a rate, so that as many calls as can be are under way at any moment.
DRILL = """\
id: drill
name: Drill
purpose: informational
agent: drill-agent
numbers: {list: ["+12125550101"]}
line: drill
window:
  weekly: {mon-sun: ["00:00-24:00"]}
  timezone: {use: fixed, zone: Etc/UTC}
rules: none
flow:
  - {id: first, call: {}, retry: {busy: {after: 10m, max: 2}, no_answer: {after: 10m, max: 1}}}
  - {id: pause, wait: 10m}
  - {id: second, call: {}}
  - {id: text, sms: {template: "Hi {{first_name}}"}}
exit: [answered, opted_out, unreachable]
"""
#: A campaign of that line whose calls are placed as soon as they may. `more`: further keys, one a line. `steps`: YAML, indented.
OPEN = """\
id: {name}
agent: drill-agent
numbers: {{list: ["+12125550101"]}}
line: drill
window:
  weekly: {{mon-sun: ["00:00-24:00"]}}
  timezone: {{use: fixed, zone: Etc/UTC}}
rules: none
{more}
flow:
{steps}
"""
RESOURCES = """\
agents: [{id: drill-agent, name: Robin}]
numbers: [{number: "+12125550101"}]
lines: [{id: drill}]
"""
#: Campaign seconds in a real one, in drills: ten minutes pass in a second.
DRILL_RATE = 600

#: Of each topic. Enough for three workers, and less for the broker to do than the usual eight.
PARTITIONS = 4

#: Numbers that one batch of people may use.
BATCH = 1_000

CLEAN = "0 unreconciled, 0 forgotten"


@dataclass(frozen=True)
class Done:
    """A command that has ended: what it printed, and what it complained of."""

    status: int
    printed: str
    complained: str = ""

    @property
    def said(self) -> str:
        return self.printed + self.complained

    @property
    def lines(self) -> list[str]:
        return self.said.strip().splitlines()


@dataclass(frozen=True)
class Findings:
    """What must not be, of some people."""

    lost: tuple[str, ...]  # people who were enrolled and never left
    repeated: tuple[str, ...]  # dial_ids that were requested more than once
    uncounted: tuple[str, ...]  # dial_ids that were requested without being an attempt: whoever it was is called once more
    stuck: tuple[str, ...] = ()  # rows that have not moved to their end in time, in words

    def __bool__(self) -> bool:
        return bool(self.lost or self.repeated or self.uncounted or self.stuck)

    def __str__(self) -> str:
        counts = f"{len(self.lost)} lost, {len(self.repeated)} requested twice, {len(self.uncounted)} requested without an attempt"
        return counts + (f", {len(self.stuck)} stuck: {self.stuck[0]}" if self.stuck else "")


class World(Stack):
    """A stack, and what tests ask of it. `rate`: campaign seconds in a real one; what `environment` names, every process has.

    `broker`: whose broker it uses, emptied before and afterwards; None: one of its own.
    """

    def __init__(self, home: Path, rate: float, broker: Settings | None = None, **environment: str) -> None:
        environment["OUTDIAL_PARTITIONS"] = str(PARTITIONS)
        super().__init__(home, CACHE, environment=environment, bootstrap=broker and broker.bootstrap_servers())
        self.settings = self.settings.model_copy(update={"partitions": PARTITIONS})
        self._rate = rate
        self._ends: Consumer | None = None

    def up(self, *workers: str, ahead: float = 0.0, seed: int = 1, provider: tuple[str, ...] = ()) -> None:
        """Broker, topics, clock, provider and workers. `ahead`: real seconds until the clock shows its beginning.

        `provider`: options of `outdial simulator`.
        """
        self.broker.up()
        if self.settings.bootstrap:
            empty(self.settings)
        apply(self.settings)
        self.set_clock(clock_at(MONDAY, self._rate, ahead))
        self.start_provider("--seed", str(seed), *provider)
        for name in workers:
            self.start_worker(name)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.settings.bootstrap:
            empty(self.settings)

    def _spawn(self, arguments: tuple[str, ...], log: Path) -> Child:
        return Fork(arguments, self.environment, log)

    def start_drill(self) -> None:
        """The campaign of drills is there and runs."""
        for name, text in (("resources", RESOURCES), ("campaign", DRILL)):
            file = self.settings.home / f"{name}.yaml"
            file.write_text(text)
            self.run(name, "apply", str(file))
        self.run("campaign", "start", "drill")

    # --- workers ---

    def terminate(self, name: str) -> None:
        """SIGTERM, without waiting."""
        self._children[name].send_signal(signal.SIGTERM)

    def ended(self, name: str, timeout: float = 20.0) -> int:
        """The exit status of a worker, once it has ended; it is not watched any more."""
        status = self._children[name].wait(timeout)
        del self._children[name]
        return status

    def everyone_is_here(self, workers: int) -> None:
        """Returns when so many workers are in the group."""
        self.wait_for(f"{workers} workers in the group", lambda: group_state(self.settings).workers == workers)

    def nobody_died(self) -> None:
        """Fails if a process has ended that nobody killed."""
        dead = [name for name, child in self._children.items() if child.poll() not in (None, -signal.SIGKILL)]
        assert not dead, f"{dead[0]} ended: {self.log_of(dead[0])[-2_000:]}"

    def log_of(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text()

    # --- commands ---

    def command(self, *arguments: str) -> Done:
        """Runs `outdial ARGUMENTS` to its end, whatever its exit status. In this process: another takes half a second of a core."""
        done = CliRunner().invoke(app, list(arguments), env=self.environment)
        error = done.exception
        if isinstance(error, OutdialError):
            return Done(error.exit_status, done.stdout, f"{done.stderr}error: {error}")
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Done(done.exit_code, done.stdout, done.stderr)

    def run(self, *arguments: str) -> str:
        """What the command prints. Fails unless its exit status is 0."""
        done = self.command(*arguments)
        assert done.status == 0, f"outdial {' '.join(arguments)}: {done.said}"
        return done.printed

    def verify(self) -> Done:
        return self.command("verify", "--simulator-log", str(self.simulator_log))

    def calls(self) -> list[dict[str, Any]]:
        """What `outdial calls --all --json` prints."""
        return [json.loads(line) for line in self.run("calls", "--all", "--json").splitlines()]

    # --- people ---

    def enroll(self, people: list[str], campaign: str = "drill") -> None:
        """Publishes people whose ids come from `people_of`, and enrolls them."""
        with Publisher(self.settings, CONTACTS, ENROLLMENTS) as publisher:
            for person in people:
                publisher.send(CONTACTS, person, Contact(id=person, phone=number_of(person), first_name="Fern"))
                publisher.send(ENROLLMENTS, person, Enroll(contact_id=person, campaign=campaign))

    def rows(self) -> dict[str, EnrollmentRow]:
        """The state row of every enrollment."""
        found = read_rows(self.settings, STEP_TIMERS, TimerRow)
        return {key: row for key, row in found.items() if isinstance(row, EnrollmentRow)}

    def changes(self) -> int:
        """How many state rows have been written; cheap enough to be asked all the time."""
        if self._ends is None:
            self._ends = reader(self.settings)
        places = [TopicPartition(STEP_TIMERS.name, p) for p in range(self.settings.partitions)]
        return sum(self._ends.get_watermark_offsets(place, timeout=10)[1] for place in places)

    def everyone_exited(self, count: int, every: float = 0.3) -> None:
        """Returns when so many enrollments are there and none of them is active. All are read whenever they have come to rest.
        Fails when nothing has changed for two minutes, in which a weekend passes."""
        last = looked = 0

        def exited() -> bool:
            nonlocal last, looked
            self.nobody_died()
            last, before = self.changes(), last
            if last != before or last == looked:
                return False
            looked, rows = last, self.rows()
            return len(rows) >= count and all(row.state is State.EXITED for row in rows.values())

        until(exited, 120.0, every, progress=lambda: last)

    # --- what was dialed ---

    def requests(self) -> list[dict[str, Any]]:
        """The simulator's log, oldest first."""
        return list(read_log(self.simulator_log)) if self.simulator_log.exists() else []

    def requested(self) -> int:
        """How many requests the simulator has accepted."""
        return self.simulator_log.read_bytes().count(b"\n") if self.simulator_log.exists() else 0

    def closings(self) -> dict[str, Outcome]:
        """The closing of each dial_id."""
        return {outcome.dial_id: outcome for _, outcome in read_each(self.settings, CALL_OUTCOMES, Outcome)}

    def examine(self, people: list[str]) -> Findings:
        """One enrollment each that has exited, one request for each attempt and no other: all that is not so, of these people."""
        exited = {row.contact_id for row in self.rows().values() if row.state is State.EXITED}
        numbers = {number_of(person) for person in people}
        times = Counter(line["dial_id"] for line in self.requests() if line["number"] in numbers)
        attempts = {dial_id for dial_id, outcome in self.closings().items() if effect(outcome.disposition).counts}
        return Findings(
            lost=tuple(person for person in people if person not in exited),
            repeated=tuple(dial_id for dial_id, n in times.items() if n > 1),
            uncounted=tuple(dial_id for dial_id in times if dial_id not in attempts),
        )


def people_of(batch: int, count: int, first: int = 0) -> list[str]:
    """Ids of people whom no other batch (of 37) has, each with a number of its own, reserved for fiction (555-01xx)."""
    assert first + count <= BATCH
    with (Path(__file__).parent / "area_codes.csv").open(newline="") as file:
        places = [row["area_code"] for row in csv.DictReader(file)]
    numbers = range(batch * BATCH + first, batch * BATCH + first + count)
    return [f"b{batch}-+1{places[n // 100]}55501{n % 100:02}" for n in numbers]


def number_of(person: str) -> str:
    """The number of somebody from `people_of`."""
    return person.split("-")[1]


def within(seconds: float, predicate: Callable[[], object], every: float = 0.005) -> bool:
    """Waits until it holds, or the time is up; says which."""
    deadline, pause = time.monotonic() + seconds, Event()
    while not predicate():
        if time.monotonic() > deadline:
            return False
        pause.wait(every)
    return True


@contextmanager
def drills(home: Path, broker: Settings | None, *workers: str, **environment: str) -> Iterator[World]:
    """A world in which the campaign of drills runs."""
    with World(home, DRILL_RATE, broker, **environment) as world:
        world.up(*workers)
        world.start_drill()
        yield world
