"""What the stages themselves cost, by stage, without Kafka, sockets or Faust: `python -m bench.stages [people]`.

The people and the campaign of bench/lane.py go through all stages as a worker wires them, with their records in memory: encoded,
put into record batches, and read out of these again, as on the way over a broker. Runs differ by a hundredth, so they show what a
change costs. It keeps the lane's order (outputs, rows, what follows) and none of its promises: nothing is acknowledged.
"""

import asyncio
import sys
import time
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any

import yaml
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from rich.console import Console
from rich.table import Table

from bench import load
from bench.arguments import integers
from engine.errors import OutdialError
from outdial.clock import SystemClock
from providers.inprocess import InProcess
from schemas.base import encode
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion
from schemas.resources import Resources, resource_key
from schemas.topics import CAMPAIGN_EVENTS, CAMPAIGNS, CONTACTS, ENROLLMENTS, RESOURCES, TopicSpec
from streams.app import wire
from streams.batches import MOST_BYTES, Batches
from streams.fence import Fence
from streams.flush import Group
from streams.heads import Heads
from streams.lane import Lane, Record
from streams.partitions import partition_of
from streams.transport import freeze

PEOPLE, PARTITIONS = 10_000, 8
#: Records of a topic that are handled before the next one's: a slice of those that lead to calls, less of intake.
SLICE, INTAKE = 200, 60
#: Real seconds after which a run is given up.
TIMEOUT = 120.0


class Memory(Lane):
    """A lane whose topics are queues."""

    def __init__(self) -> None:
        self.takes: dict[str, Any] = {}
        self.queues: dict[str, deque[Record]] = defaultdict(deque)
        self.spent: dict[str, float] = defaultdict(float)
        self.written = self.left = 0
        kafka = SimpleNamespace(create_batch=lambda: BatchBuilder(MOST_BYTES, 0, is_transactional=False))
        app = SimpleNamespace(producer=SimpleNamespace(kafka=kafka), add_stage=self._add, add_changelogged=lambda *_: None)
        fence = Fence(limit_s=float("inf"))
        fence.beat(fence.now())
        super().__init__(app, SystemClock(), partitions=PARTITIONS, fence=fence)

    def _add(self, spec: TopicSpec, take: Any) -> None:
        self.takes[spec.name] = take.args[0]  # the stage's own function

    def publish(self, spec: TopicSpec, key: str, value: dict[str, Any]) -> None:
        """What others write."""
        at = int(time.time() * 1000)
        record = Record(spec.name, partition_of(key, PARTITIONS), len(self.queues[spec.name]), key.encode(), encode(value), at)
        self.queues[spec.name].append(record)

    def begin(self) -> None:
        """All partitions are here."""
        self._epochs = dict.fromkeys(range(PARTITIONS), self.clock.real_ms())
        self.active = frozenset(self._epochs)
        for p in self._epochs:
            self._run_hooks(self.on_assigned, p)
        names = [(i, p) for i in range(len(self._ticks._functions)) for p in self._epochs]
        self._ticks._due = dict.fromkeys(names, 0.0)

    async def round(self) -> bool:
        """Every stage once, ticks, requests and a flush; whether there was anything to do."""
        topics = [topic for topic in self.takes if self.queues[topic]]
        for topic in topics:
            self._timed(topic, self._slice_of, topic)
        self._timed("ticks", self._tick_all)
        began = time.process_time()
        await asyncio.sleep(0)  # requests are sent,
        await asyncio.sleep(0)  # and calls end
        self.spent["requests and the provider"] += time.process_time() - began
        group = self._timed("record batches", self._flush)
        self._timed("what follows rows", self._follow, group)
        return bool(topics or group)

    def _timed(self, what: str, work: Any, *arguments: Any) -> Any:
        began = time.process_time()
        try:
            return work(*arguments)
        finally:
            self.spent[what] += time.process_time() - began

    def _slice_of(self, topic: str) -> None:
        take, queue = self.takes[topic], self.queues[topic]
        self._read_clock()
        for _ in range(min(len(queue), INTAKE if topic in (CONTACTS.name, ENROLLMENTS.name) else SLICE)):
            record = queue.popleft()
            self._one(take, record.partition, record)

    def _tick_all(self) -> None:
        self._ticks._take_woken()
        now = time.monotonic()
        for name in [name for name, at in self._ticks._due.items() if at <= now]:
            self._ticks._call(name)

    def _flush(self) -> Group:
        """What a flush sends comes to its queues; what is to follow does not run yet."""
        group, self.flusher.group = self.flusher.group, self.flusher._new_group()
        for batches in (group.outputs, group.rows, group.rows_at_once):
            self._read_out(batches)
        self.flusher.group.outputs.add(group.following)
        return group

    def _read_out(self, batches: Batches) -> None:
        at = int(time.time() * 1000)
        for batch in batches:
            data = bytes(batch.seal()._build())
            self.written += batch.count
            if batch.topic in self.takes:
                queue = self.queues[batch.topic]
                for r in MemoryRecords(data).next_batch() or ():
                    queue.append(Record(batch.topic, batch.partition, r.offset, r.key, r.value, at))
            elif batch.topic == CAMPAIGN_EVENTS.name:
                self.left += data.count(b'"kind":"exited"')

    def _follow(self, group: Group) -> None:
        self._read_clock()
        for partition, fn in group.after:
            self._run(partition, fn)


def heads_of() -> Heads:
    """As if the topics had been read."""
    heads = Heads("nowhere")
    held, file = Resources.model_validate(yaml.safe_load(load.RESOURCES_YAML)), yaml.safe_load(load.CAMPAIGN_YAML)
    head = CampaignHead(id=load.CAMPAIGN, version=1, state=CampaignState.RUNNING, at=int(time.time() * 1000))
    version = CampaignVersion(id=head.id, version=head.version, file=file, at=head.at)
    for each in (*held.agents, *held.numbers, *held.lines):
        heads._take(RESOURCES.name, resource_key(each), encode(each))
    for record in (version, head):
        heads._take(CAMPAIGNS.name, record.key, encode(record))
    return heads


async def run(people: int) -> tuple[float, Memory]:
    """CPU seconds, and the lane, when nearly everybody has left (some retry a minute later). Raises OutdialError after TIMEOUT."""
    lane = Memory()
    wire(lane, lane.clock, heads_of(), InProcess(lane.clock, instant=True))
    lane.begin()
    who = [(f"person-{i:06}", phone) for i, phone in zip(range(people), load.phones(), strict=False)]
    for person, phone in who:
        lane.publish(CONTACTS, person, {"id": person, "phone": phone, "timezone": "America/New_York"})
    for person, _ in who:
        lane.publish(ENROLLMENTS, person, {"kind": "enroll", "contact_id": person, "campaign": load.CAMPAIGN})
    freeze()
    began, until = time.process_time(), time.monotonic() + TIMEOUT
    while lane.left < people * load.LEFT:
        if not await lane.round():
            await asyncio.sleep(0.002)  # slots are real time
        if time.monotonic() > until:
            raise OutdialError(f"only {lane.left} of {people} people have left within {TIMEOUT:.0f} s")
    return time.process_time() - began, lane


def show(people: int, seconds: float, lane: Memory) -> Table:
    """A line for each stage, the dearest first."""
    table = Table(title=f"{people:,} people, {lane.written / people:.1f} records a person written", title_justify="left")
    table.add_column("")
    table.add_column("CPU µs a person", justify="right")
    for what, spent in sorted(lane.spent.items(), key=lambda each: -each[1]):
        table.add_row(what, f"{spent / people * 1e6:.1f}")
    table.add_row("in all", f"{seconds / people * 1e6:.0f}")
    return table


def main(arguments: list[str]) -> None:
    (people,) = integers(__doc__, arguments, people=PEOPLE)
    seconds, lane = asyncio.run(run(people))
    Console(width=132, highlight=False).print(show(people, seconds, lane))


if __name__ == "__main__":
    main(sys.argv[1:])
