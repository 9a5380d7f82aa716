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
_OVERHEAD = 40

#: Topic and partition.
Place = tuple[str, int]
#: One record to send: key, value (None: a tombstone), stamp (of a tombstone, for a header: it has no value to carry it) and its
#: size, at most. A plain tuple: there are twenty for each contact.
Entry = tuple[bytes, bytes | None, bytes | None, int]


def entry(key: bytes, value: bytes | None, stamp: bytes | None = None) -> Entry:
    """A record to send."""
    return key, value, stamp, len(key) + len(value or b"") + len(stamp or b"") + _OVERHEAD


class Batch:
    """One record batch under construction. `append` is its builder's."""

    __slots__ = ("append", "builder", "count", "partition", "size", "topic")

    def __init__(self, place: Place, builder: Any) -> None:
        self.topic, self.partition = place
        self.builder, self.append = builder, builder.append
        self.size = 0
        self.count = 0


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

    def __contains__(self, place: Place) -> bool:
        return place in self._last

    def add(self, place: Place, one: Entry, limit: int = BATCH_BYTES) -> None:
        """Appends one record. Raises RuntimeError if the builder is full, which the sizes have excluded."""
        key, value, stamp, size = one
        batch = self._last.get(place)
        if batch is None or batch.size + size > limit:
            batch = self._begin(place)
        if batch.append(timestamp=None, key=key, value=value, headers=[("stamp", stamp)] if stamp else []) is None:
            raise RuntimeError(f"a record batch of {batch.topic} is full at {batch.size} bytes")
        batch.size += size
        batch.count += 1
        self.count += 1

    def add_together(self, place: Place, entries: list[Entry]) -> None:
        """Appends records that must be there whole or not at all: in one batch."""
        batch = self._last.get(place)
        if batch is not None and batch.size + _sum(entries) > BATCH_BYTES:
            self._begin(place)
        for one in entries:
            self.add(place, one, MOST_BYTES)

    def _begin(self, place: Place) -> Batch:
        batch = self._last[place] = Batch(place, self._new())
        self._all.append(batch)
        return batch


def by_place(entries: Iterable[tuple[Place, Entry]]) -> dict[Place, list[Entry]]:
    """The entries of each place, in order."""
    found: dict[Place, list[Entry]] = {}
    for place, each in entries:
        found.setdefault(place, []).append(each)
    return found


def check_size(entries: Iterable[tuple[Place, Entry]]) -> None:
    """Raises RecordError if they do not fit into one batch of their place: then the record that caused them is refused."""
    for (topic, _), each in by_place(entries).items():
        if (size := _sum(each)) > MOST_BYTES:
            raise RecordError(
                f"handling it would write {size:,} bytes to one partition of {topic}; at most {MOST_BYTES:,} fit a batch"
            )


def _sum(entries: Iterable[Entry]) -> int:
    return sum(each[3] for each in entries)
