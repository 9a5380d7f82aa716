"""What one flush sends: record batches by (topic, partition), appended to as the stages run, so that a flush itself costs little.

All rows that one step writes to one changelog partition land in one record batch, which Kafka appends whole or not at all.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.errors import RecordError

#: Bytes from which on a batch takes no further step.
BATCH_BYTES = 400_000
#: Bytes one step may write to one partition, and the greatest batch. Below the limit of a topic (Kafka's default: 1,048,588).
MOST_BYTES = 950_000
#: Upper bound of what a record costs beyond its key, value and headers.
OVERHEAD = 40

#: Topic and partition.
Place = tuple[str, int]
#: One record to send: its place, key, value (None: a tombstone), stamp (of a tombstone, for a header: it has no value to carry it)
#: and its size, at most. A plain tuple: there are twenty for each contact.
Entry = tuple[Place, bytes, bytes | None, bytes | None, int]
_NO_HEADERS: list[tuple[str, bytes]] = []


def entry(place: Place, key: bytes, value: bytes | None, stamp: bytes | None = None) -> Entry:
    """A record to send."""
    return place, key, value, stamp, len(key) + len(value or b"") + len(stamp or b"") + OVERHEAD


class Batch:
    """One record batch under construction."""

    __slots__ = ("append", "builder", "count", "partition", "size", "topic")

    def __init__(self, place: Place, builder: Any) -> None:
        self.topic, self.partition = place
        self.builder = builder
        self.append = builder._builder.append  # the compiled part: what aiokafka wraps around it takes as long again
        self.size = 0
        self.count = 0

    def seal(self) -> Any:
        """The builder, ready to be sent."""
        self.builder._relative_offset = self.count
        self.builder.close()
        return self.builder


class Batches:
    """Batches by (topic, partition), each partition's in order."""

    __slots__ = ("_all", "_last", "_new", "count")

    def __init__(self, new_builder: Callable[[], Any]) -> None:
        self._new = new_builder
        self._all: list[Batch] = []
        self._last: dict[Place, Batch] = {}
        self.count = 0

    def __iter__(self) -> Iterator[Batch]:
        """In the order in which they are to be sent."""
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, entries: list[Entry], limit: int = BATCH_BYTES) -> None:
        """Appends records. Raises RuntimeError if a builder is full, which the sizes have excluded."""
        last = self._last
        for place, key, value, stamp, size in entries:
            batch = last.get(place)
            if batch is None or batch.size + size > limit:
                batch = self._begin(place)
            if batch.append(batch.count, None, key, value, [("stamp", stamp)] if stamp else _NO_HEADERS) is None:
                raise RuntimeError(f"a record batch of {batch.topic} is full at {batch.size} bytes")
            batch.count += 1
            batch.size += size
        self.count += len(entries)

    def add_together(self, entries: list[Entry]) -> None:
        """Appends records that must be there whole or not at all: those of one place in one batch."""
        for place, each in by_place(entries).items():
            batch = self._last.get(place)
            if batch is not None and batch.size + _sum(each) > BATCH_BYTES:
                self._begin(place)
            self.add(each, MOST_BYTES)

    def _begin(self, place: Place) -> Batch:
        batch = self._last[place] = Batch(place, self._new())
        self._all.append(batch)
        return batch


def by_place(entries: Iterable[Entry]) -> dict[Place, list[Entry]]:
    """The entries of each place, in order."""
    found: dict[Place, list[Entry]] = {}
    for one in entries:
        found.setdefault(one[0], []).append(one)
    return found


def check_size(entries: Iterable[Entry]) -> None:
    """Raises RecordError if they do not fit into one batch of their place: then the record that caused them is refused."""
    for (topic, _), each in by_place(entries).items():
        if (size := _sum(each)) > MOST_BYTES:
            raise RecordError(
                f"handling it would write {size:,} bytes to one partition of {topic}; at most {MOST_BYTES:,} fit a batch"
            )


def _sum(entries: Iterable[Entry]) -> int:
    return sum(each[4] for each in entries)
