"""What one flush sends: record batches by (topic, partition), appended to as the stages run, so that a flush itself costs little.

All rows that one step writes to one changelog partition land in one record batch, which Kafka appends whole or not at all.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engine.errors import RecordError

#: Bytes from which on a batch takes no further step.
BATCH_BYTES = 400_000
#: Bytes one step may write to one partition, and the greatest batch. Below the limit of a topic (Kafka's default: 1,048,588).
MOST_BYTES = 950_000
#: Upper bound of what a record costs beyond its key, value and headers.
_OVERHEAD = 40


class Entry(NamedTuple):
    """One record to send. `stamp` goes into a header: a tombstone has no value to carry it."""

    key: bytes | None
    value: bytes | None
    stamp: bytes | None = None

    @property
    def size(self) -> int:
        return len(self.key or b"") + len(self.value or b"") + len(self.stamp or b"") + _OVERHEAD


class Batch:
    """One record batch under construction."""

    __slots__ = ("builder", "count", "partition", "size", "topic")

    def __init__(self, topic: str, partition: int, builder: Any) -> None:
        self.topic, self.partition, self.builder = topic, partition, builder
        self.size = 0
        self.count = 0

    def add(self, entries: list[Entry], size: int) -> None:
        """Appends them; `size` is their sum. Raises RuntimeError if the builder is full, which `Batches.add` has excluded."""
        for key, value, stamp in entries:
            headers = [("stamp", stamp)] if stamp else []
            if self.builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
                raise RuntimeError(f"a record batch of {self.topic} is full at {self.size} bytes")
        self.size += size
        self.count += len(entries)


class Batches:
    """Batches by (topic, partition), each partition's in order."""

    __slots__ = ("_by_place", "_new", "count")

    def __init__(self, new_builder: Callable[[], Any]) -> None:
        self._new = new_builder
        self._by_place: dict[tuple[str, int], list[Batch]] = {}
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def __iter__(self) -> Iterator[list[Batch]]:
        return iter(self._by_place.values())

    def __contains__(self, place: tuple[str, int]) -> bool:
        return place in self._by_place

    def add(self, topic: str, partition: int, entries: list[Entry]) -> None:
        """Appends what one step writes to one partition: together, in one batch."""
        size = sum(entry.size for entry in entries)
        batches = self._by_place.get((topic, partition))
        if batches is None:
            batches = self._by_place[(topic, partition)] = []
        if not batches or batches[-1].size + size > BATCH_BYTES:
            batches.append(Batch(topic, partition, self._new()))
        batches[-1].add(entries, size)
        self.count += len(entries)


def check_size(topic: str, entries: list[Entry]) -> None:
    """Raises RecordError if they do not fit into one batch: then the record that caused them is refused."""
    size = sum(entry.size for entry in entries)
    if size > MOST_BYTES:
        raise RecordError(f"handling it would write {size:,} bytes to one partition of {topic}; at most {MOST_BYTES:,} fit a batch")
