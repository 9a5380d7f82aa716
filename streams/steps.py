"""Steps: what one record, tick or callback does counts as a whole, or is taken back. This half of the lane knows no Faust."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from engine.time import Instant
from outdial.clock import Clock
from schemas.base import encode
from schemas.rows import Row
from schemas.topics import DEAD_LETTERS, TOPIC_OF, TopicSpec
from streams.batches import BATCH_BYTES, MOST_BYTES, OVERHEAD, entry
from streams.flush import Flusher
from streams.offsets import Offsets
from streams.partitions import partition_of
from streams.records import ORDINARY, Record, StageFn, dead_letter
from streams.stats import Stats
from streams.step import Step
from streams.store import Table, stamp_bytes

log = logging.getLogger("outdial.lane")
R = TypeVar("R", bound=Row)


class Steps:
    """What stages, ticks and callbacks use of the lane. Everything is synchronous."""

    flusher: Flusher
    #: Real time, as `now` read once a slice.
    real_us: int
    real_ms: int

    def __init__(self, clock: Clock, partitions: int, ablate: frozenset[str]) -> None:
        self.clock, self.partitions = clock, partitions
        self.stats = Stats()
        self._ablate = ablate
        self._step: Step | None = None
        self._epochs: dict[int, int] = {}
        self._seq = 0
        self._read_clock()
        self._offsets = Offsets()

    def fail(self, sentence: str, error: BaseException | None) -> None:
        """Stops the worker."""
        raise NotImplementedError

    def emit(self, record: Any, *, partition: int | None = None, spec: TopicSpec | None = None, key: str | None = None) -> None:
        """An output of this step. Its topic and key are the record's own unless given; encoded at once."""
        step = self._step or self._in_step()
        topic = spec or TOPIC_OF[type(record)]
        text: str = record.key if key is None else key
        if partition is None:
            partition = partition_of(text, self.partitions) if topic.partitioned else 0
        name, value = text.encode(), encode(record)
        size = len(name) + len(value) + OVERHEAD
        step.outputs.append(((topic.name, partition), name, value, None, size))
        step.size += size

    def emit_after(self, record: Any) -> None:
        """An output that leaves once the rows put in this step are acknowledged. Dropped if the partition goes."""
        step = self._in_step()
        self.emit(record)
        if "command-first" not in self._ablate:
            step.following.append(step.outputs.pop())

    def put(self, table: Table[R], partition: int, key: str, row: R | None) -> None:
        """Sets (None: deletes) a row: in memory at once, in the changelog with this step. Stamps it (epoch, seq)."""
        step = self._step or self._in_step()
        self._seq += 1
        stamp, name = (self._epochs[partition], self._seq), key.encode()
        if row is None:
            one = entry((table.name, partition), name, None, stamp_bytes(stamp))
        else:
            row.stamp = stamp
            value = encode(row)
            one = ((table.name, partition), name, value, None, len(name) + len(value) + OVERHEAD)
        step.rows.append(one)
        step.size += one[4]
        table.set(partition, key, row, step.undo)

    def then(self, fn: Callable[[], None]) -> None:
        """Runs `fn`, as a step of its own, once the rows put in this step are acknowledged. Dropped if the partition goes."""
        if "command-first" in self._ablate:
            fn()
        else:
            step = self._step or self._in_step()
            step.after.append((step.partition, fn))

    @property
    def roomy(self) -> bool:
        """Whether this step may take more: a tick with much to do ends before its rows fill a batch, and goes on in another."""
        return (self._step or self._in_step()).size < BATCH_BYTES

    def hold(self) -> Callable[[], None]:
        """Keeps the offset of the record being handled from being committed until the returned function is called.

        The release counts once everything produced before it is acknowledged.
        """
        step = self._in_step()
        if step.source is None:
            raise RuntimeError("only a record can be held; this step has none")
        hold = self._offsets.hold((step.source.topic, step.source.partition), step.source.offset)
        step.holds.append(hold)
        return partial(self._release, hold.release)

    def step(self, partition: int, fn: Callable[[], None]) -> None:
        """Runs `fn` as one step of this partition (a tick, a callback). An exception is logged and stops the worker.

        Does nothing if the partition is not here any more. Within a step of the same partition it is part of that.
        """
        if self._step is not None and self._step.partition == partition:
            fn()
        elif partition in self._epochs:
            self._read_clock()
            self._run(partition, fn)
            self.flusher.kick()

    def handle(self, fn: StageFn, partition: int, record: Record) -> None:
        """Hands a record to a stage outside its turn (it was held). An exception sends it to the dead letters, as ever."""
        if partition in self._epochs:
            self._read_clock()
            self._one(fn, partition, record)
            self.flusher.kick()

    def epoch(self, partition: int) -> int:
        """Real ms at which the partition was assigned, and greater than any epoch before. Raises KeyError if it is not here."""
        return self._epochs[partition]

    def now(self) -> Instant:
        """Campaign ms, read once a slice."""
        return self._now

    def _read_clock(self) -> None:
        self.real_us = self.clock.real_us()
        self.real_ms = self.real_us // 1_000
        self._now = self.clock.at(self.real_us)

    def _in_step(self) -> Step:
        if self._step is None:
            raise RuntimeError("emit, put, then and hold belong in a stage, a tick or Lane.step")
        return self._step

    def _release(self, release: Callable[[], None]) -> None:
        self.flusher.group.acks.append(release)
        self.flusher.kick()

    def _nested(self, partition: int) -> RuntimeError:
        there = self._step.partition if self._step else None
        return RuntimeError(f"a step of partition {partition} within one of partition {there}")

    def _accept(self, step: Step) -> None:
        """The step holds: what it produced joins the group."""
        self._step = None
        try:
            self.flusher.group.add(step)
        except Exception as error:  # its rows are in memory, and half of it may be in the group: nothing more may be sent
            self.fail("What a step produced could not be taken over.", error)

    def _run(self, partition: int, fn: Callable[[], Any]) -> Any:
        """One step that is no record's. A failure is ours, so it stops the worker."""
        if self._step is not None:
            raise self._nested(partition)
        self._step = step = Step(partition, None)
        try:
            result = fn()
            if step.size > MOST_BYTES:
                step.check_size()
        except Exception as error:
            self._step = None
            step.roll_back()
            self.stats.step_errors += 1
            self.fail(f"A step of partition {partition} that belongs to no record failed.", error)
            return None
        self._accept(step)
        return result

    def _one(self, fn: StageFn, partition: int, record: Record) -> bool:
        """One record as one step; whether it went well."""
        if self._step is not None:
            raise self._nested(partition)
        self._step = step = Step(partition, record)
        try:
            fn(partition, record, self._now)
            if step.size > MOST_BYTES:
                step.check_size()
        except Exception as error:
            self._step = None
            step.roll_back()
            self._refuse(partition, record, error)
            return False
        self._accept(step)
        return True

    def _refuse(self, partition: int, record: Record, error: Exception) -> None:
        where = {"action": "dead_letter", "topic": record.topic, "partition": partition, "offset": record.offset}
        if isinstance(error, ORDINARY):
            log.warning("A record of %s was refused: %s", record.topic, error, extra=where)
        else:
            log.error("A record of %s could not be handled.", record.topic, exc_info=error, extra=where)
        self.stats.dead_letters += 1
        self._step = step = Step(partition, None)
        self.emit(dead_letter(record, error, self.clock.real_ms()), partition=partition, spec=DEAD_LETTERS)
        self._accept(step)
