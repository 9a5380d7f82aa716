"""One writer a changelog partition (design rule 18).

What we append to a changelog partition must lie there without gaps: an offset in between is another writer's, a worker that lost
the partition and does not know it yet. Its rows are read, and ours for those keys are written again, so that the last row of each
key is its owner's, whatever compaction then removes.

The count begins with a marker, a delete marker for the key `~`, appended before recovery reads. It also makes the end of every
changelog a record that exists: on a compacted topic whose last records were removed, Faust would wait for ever for an offset that
is no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from streams.store import Table

if TYPE_CHECKING:
    from streams.lane import Lane

log = logging.getLogger("outdial.lane")

MARKER = b"~"

Place = tuple[str, int]


class Writers:
    """Where our next row of each changelog partition must land."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._next: dict[Place, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept: dict[Place, int] = {}

    def watches(self, topic: str) -> bool:
        """Whether it is one of our changelogs."""
        return topic in self._lane.tables

    async def mark(self, places: Iterable[Place]) -> None:
        """Appends the markers of partitions that are about to be recovered. Raises KafkaError."""
        producer = self._lane.app.producer.kafka
        pending = []
        for topic, partition in places:
            builder = producer.create_batch()
            builder.append(timestamp=None, key=MARKER, value=None, headers=[])
            pending.append((topic, partition, await producer.send_batch(builder, topic, partition=partition)))
        for topic, partition, future in pending:
            self._next[topic, partition] = (await future).offset + 1

    def revoked(self, clean: bool) -> None:
        """All partitions go. If everything was flushed, the rows of one that comes back need not be read from the beginning."""
        self._kept = dict(self._next) if clean else {}
        self._next = {}

    def kept(self, topic: str, partition: int) -> int | None:
        """Offset from which a changelog partition must be read again when it comes back; None: from its beginning."""
        return self._kept.get((topic, partition))

    def appended(self, topic: str, partition: int, base: int, count: int) -> None:
        """A batch of ours was appended at `base`. Anything between the expected offset and that is foreign."""
        expected = self._next.get((topic, partition))
        self._next[topic, partition] = base + count
        if expected is None or base == expected or partition not in self._lane.active:
            return
        self._lane.stats.gaps += 1
        log.error(
            "Another writer appended to %s partition %s (offsets %s to %s): its rows are replaced by ours.",
            *(topic, partition, expected, base - 1),
            extra={"action": "foreign_rows", "topic": topic, "partition": partition},
        )
        task = asyncio.get_running_loop().create_task(self._answer(topic, partition, expected, base))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, topic: str, partition: int, first: int, end: int) -> None:
        epoch = self._lane.epoch(partition)
        try:
            keys = await self._read(topic, partition, first, end)
        except Exception as error:
            self._lane.fail(f"Foreign rows of {topic} partition {partition} could not be read.", error)
            return
        table = self._lane.tables[topic]
        if partition in self._lane.active and self._lane.epoch(partition) == epoch:
            self._lane.step(partition, lambda: self._rewrite(table, partition, sorted(keys)))

    def _rewrite(self, table: Table[Any], partition: int, keys: list[str]) -> None:
        """Our rows, or delete markers, again: nothing has changed."""
        for key in keys:
            self._lane.put(table, partition, key, table.get(partition, key))
        self._lane.stats.rewritten += len(keys)

    async def _read(self, topic: str, partition: int, first: int, end: int) -> set[str]:
        """The keys that lie between two offsets."""
        import aiokafka

        place = aiokafka.TopicPartition(topic, partition)
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=self._lane.app.bootstrap, enable_auto_commit=False)
        keys: set[str] = set()
        await consumer.start()
        try:
            consumer.assign([place])
            consumer.seek(place, first)
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    keys |= {r.key.decode() for r in records if r.offset < end and r.key is not None and r.key != MARKER}
        finally:
            await consumer.stop()
        return keys
