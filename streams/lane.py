"""The batch lane: synchronous stages over a real Faust app, a slice of records at a time. The contract is docs/lane.md.

Faust keeps the group, the assignment, agents, tables and recovery (streams/transport.py has what is overridden). One Faust event
carries all records fetched of one topic; the lane hands them to the stage one by one. What a stage emits and puts is a *step*:
it counts as a whole, or is taken back and the record goes to the dead letters.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from outdial.clock import Clock
from schemas.topics import TopicSpec
from streams.batches import Batch
from streams.fence import Fence
from streams.flush import Flusher, Group
from streams.records import Record as Record
from streams.records import StageFn as StageFn
from streams.stats import FailureRate, Skew
from streams.steps import Steps
from streams.store import Table as Table
from streams.ticks import TickFn as TickFn
from streams.ticks import Ticks
from streams.turns import Turns
from streams.writers import Writers

log = logging.getLogger("outdial.lane")

#: Real seconds between commits under load. A kill repeats what was handled since the last one.
COMMIT_S = 0.1
#: Records of one topic that may wait for their stage. What is more stays with the broker, and in nobody's way.
MOST_COMING = 2_000
#: Records, or callbacks, handled between two looks at the clock: some 0.4 ms.
BETWEEN_LOOKS = 8


class Lane(Steps):
    """Stages, tables and ticks of one worker."""

    def __init__(
        self, app: Any, clock: Clock, *, partitions: int, fence: Fence, ablate: frozenset[str] = frozenset(), slice_ms: float = 3
    ) -> None:
        super().__init__(clock, partitions, ablate)
        self.app, self.fence = app, fence
        self.active: frozenset[int] = frozenset()
        self.before_assigned: list[Callable[[], Awaitable[None]]] = []  # what hooks and stages rely on is brought up to date here
        self.on_assigned: list[Callable[[int], None]] = []
        self.on_revoked: list[Callable[[int], None]] = []
        self.tables: dict[str, Table[Any]] = {}  # by the name of the changelog
        self.topics: list[TopicSpec] = []
        self.failed: asyncio.Future[str] | None = None
        self.failure: str | None = None
        self._slice = slice_ms / 1000
        self._turns = Turns()  # one slice per round of the loop, whatever the number of agents
        self._serial = 0  # grows whenever partitions come or go
        self._rates: dict[str, FailureRate] = {}
        self._coming: Counter[str] = Counter()  # records that were fetched and not handled yet, by topic
        self._skew = Skew()
        self._durable = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []
        self._commit_lock = asyncio.Lock()
        self._ticks = Ticks(self._tick, self._turns, self._slice)
        self.writers = Writers(self)
        self.flusher = Flusher(
            lambda: app.producer.kafka, fence, sent=self._sent, settle=self._settle, fail=self.fail, in_one_go="one-flush" in ablate
        )
        app.lane = self

    def table(self, spec: TopicSpec, model: Any) -> Table[Any]:
        """A table whose changelog is the topic of `spec`, one dict a partition. `model`: a row type or a union of them."""
        rows: Table[Any] = Table(spec, model)
        self.app.add_changelogged(rows, self.fail)
        self.tables[rows.name] = rows
        return rows

    def stage(self, spec: TopicSpec, fn: StageFn, patience_s: float = 0.005) -> None:
        """Registers `fn` for the records of a topic. Before the app starts. `patience_s`: how long they may wait for others'."""
        self._rates[spec.name] = FailureRate(spec.name)
        self.topics.append(spec)
        self.app.add_stage(spec, partial(self._take, fn, patience_s))

    def tick(self, fn: TickFn) -> Callable[[int], None]:
        """Has `fn(partition, now)` called for each active partition. It returns real seconds to its next call; None: when woken,
        by what this returns."""
        return self._ticks.add(fn)

    def coming(self, topic: str, count: int) -> None:
        """So many records were fetched; those of a source wait for their stage."""
        if topic in self._rates:
            self._coming[topic] += count

    def full(self) -> set[str]:
        """Topics of which no more is to be fetched for now."""
        return {topic for topic, count in self._coming.items() if count >= MOST_COMING}

    async def room(self) -> None:
        """Waits while too much is not durable yet; for whoever produces in bulk outside of stages."""
        await self.flusher.room()

    @property
    def skew_us(self) -> int:
        """Real µs between our clock and the broker's LogAppendTime, as far as round trips tell."""
        return self._skew.us

    def _tick(self, fn: TickFn, partition: int) -> float | None:
        self._read_clock()
        wait: float | None = self._run(partition, lambda: fn(partition, self._now))
        self.flusher.kick()
        return wait

    # -- records -----------------------------------------------------------------------------------------------------------------

    async def _take(self, fn: StageFn, patience_s: float, event: Any) -> None:
        """All records of one Faust event. Those that come after a revocation are dropped: they were not committed."""
        try:
            await self._batch(fn, patience_s, event.value)
        except Exception as error:
            self.fail("The lane itself failed.", error)
        finally:
            topic = event.message.topic
            self._coming[topic] = max(0, self._coming[topic] - len(event.value))  # never below: it began anew with an assignment

    async def _batch(self, fn: StageFn, patience_s: float, records: list[Any]) -> None:
        rate, serial, done = self._rates[records[0].topic], self._serial, 0
        while done < len(records):
            await self.flusher.room()
            async with self._turns.turn(patience_s):
                if serial != self._serial or not self.active:
                    return
                self._read_clock()
                start, end = done, time.perf_counter() + self._slice
                while done < len(records) and time.perf_counter() < end and not rate.hopeless:
                    few = records[done : done + BETWEEN_LOOKS]
                    done += len(few)
                    well = 0
                    for record in few:
                        well += self._one(fn, record.partition, record)
                    rate.count(len(few), len(few) - well)
                self._handled(records[start:done])
                if rate.hopeless:
                    self.fail(rate.sentence(), None)
                    return
                await asyncio.sleep(0)

    def _handled(self, records: list[Any]) -> None:
        group, following = self.flusher.group, {(r.topic, r.partition): r.offset + 1 for r in records}
        self.stats.records += len(records)
        self.flusher.unflushed += len(records)
        group.records += len(records)
        group.offsets.update(following)
        if "one-flush" in self._ablate:
            for place, offset in following.items():
                self._offsets.durable(place, offset)
            self._durable.set()
        self.flusher.kick()

    # -- what follows from an acknowledgement ------------------------------------------------------------------------------------

    def _sent(self, batch: Batch, base: int, timestamp: int, began: float) -> None:
        self._skew.sample(began, timestamp, time.time())
        if self.writers.watches(batch.topic):
            self.writers.appended(batch.topic, batch.partition, base, batch.count)

    async def _settle(self, group: Group) -> None:
        """The group is durable: its offsets may be committed, and what was to follow its rows runs, by the slice."""
        for place, following in group.offsets.items():
            self._offsets.durable(place, following)
        for release in group.acks:
            release()
        if group.following:
            self.flusher.group.outputs.add(group.following)
            self.flusher.kick()
        if group.offsets or group.acks:
            self._durable.set()
        serial, done = self._serial, 0
        while done < len(group.after):
            async with self._turns.turn(0):
                if serial != self._serial:
                    return
                self._read_clock()
                end = time.perf_counter() + self._slice
                while done < len(group.after) and time.perf_counter() < end:
                    for partition, fn in group.after[done : done + BETWEEN_LOOKS]:
                        done += 1
                        if partition in self._epochs:
                            self._run(partition, fn)
                self.flusher.kick()
                await asyncio.sleep(0)

    async def _commits(self) -> None:
        while True:
            await self._durable.wait()
            self._durable.clear()
            try:
                await self.commit()
            except Exception as error:
                self.fail("Source offsets could not be committed.", error)
            await asyncio.sleep(COMMIT_S)

    async def commit(self) -> bool:
        """Commits what may be; whether the broker took something."""
        async with self._commit_lock:
            offsets = self._offsets.committable()
            if not offsets or not self.fence.ok() or not await self.app.consumer.commit_places(offsets):
                return False
            self._offsets.committed(offsets)
            self.stats.commits += 1
            return True

    # -- assignment --------------------------------------------------------------------------------------------------------------

    async def activate(self, partitions: Iterable[int]) -> bool:
        """The tables of these partitions are recovered: hooks, then ticks and records. Called by recovery, before records flow.

        False if they are not active after all: something failed, or they were revoked while they came.
        """
        mine = frozenset(partitions)
        self._serial += 1
        serial = self._serial
        self._coming.clear()
        self._offsets.clear()
        real = self.clock.real_ms()
        for p in mine:
            self._epochs[p] = max([real, *(table.greatest_epoch(p) + 1 for table in self.tables.values())])
        self._start_tasks()
        try:
            for prepare in self.before_assigned:
                await prepare()
        except Exception as error:  # Faust would swallow it, and go on
            self.fail("What the partitions rely on could not be read.", error)
        for p in sorted(mine):
            if serial != self._serial or self.failure is not None:
                return False
            self._run_hooks(self.on_assigned, p)
            await asyncio.sleep(0)
        if serial != self._serial or self.failure is not None:
            return False
        self.active = mine
        self._ticks.start(mine)
        log.info("Partitions %s are active.", sorted(mine), extra={"action": "assigned"})
        return True

    def _run_hooks(self, hooks: list[Callable[[int], None]], p: int) -> None:
        """Each makes steps of its own: all of a partition's work in one would not fit a batch."""
        self._read_clock()
        for hook in hooks:
            try:
                hook(p)
            except Exception as error:
                self.fail(f"A hook of partition {p} failed.", error)

    async def revoke(self) -> None:
        """All partitions are about to go: hooks, the last flush and commit. Nothing is sent if they may be gone already."""
        mine = sorted(self._epochs)
        self.active = frozenset()
        self._ticks.stop()
        for p in mine:
            self._run_hooks(self.on_revoked, p)
        self._serial += 1
        clean = await self.flusher.last() and bool(mine)
        if clean:
            await self.commit()
        else:
            if mine:
                log.warning("Partitions %s went before their last flush: it is repeated.", mine, extra={"action": "unclean"})
            for table in self.tables.values():
                table.drop_all()
        self.writers.revoked(clean)
        self._epochs = {}
        self._offsets.clear()

    def _start_tasks(self) -> None:
        if not self._tasks:
            self.flusher.start()
            self._tasks = [asyncio.get_running_loop().create_task(self._commits())]

    def fail(self, sentence: str, error: BaseException | None) -> None:
        """Stops the worker: nothing is handled or committed any more, and `run` exits with 1."""
        if self.failure is None:
            log.critical("%s The worker stops.", sentence, exc_info=error, extra={"action": "failed"})
            self.failure = sentence
            self.active, self._epochs = frozenset(), {}
            self._ticks.stop()
            self.flusher.close()
            self._offsets.clear()
            if self.failed is not None and not self.failed.done():
                self.failed.set_result(sentence)
