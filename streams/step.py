"""One step: what one record (or tick, or callback) changes, taken back as a whole if it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from streams.batches import MOST_BYTES, Entry, Place, check_size
from streams.offsets import Hold

if TYPE_CHECKING:
    from streams.records import Record
    from streams.store import Undo


class Step:
    """Collects outputs, rows, what follows them, and how to undo the rows."""

    __slots__ = ("after", "holds", "outputs", "partition", "rows", "size", "source", "undo")

    def __init__(self, partition: int, source: Record | None = None) -> None:
        self.partition = partition
        self.source = source
        self.outputs: list[tuple[Place, Entry]] = []
        self.rows: list[tuple[Place, Entry]] = []
        self.size = 0  # bytes of both
        self.after: list[Callable[[], None]] = []
        self.holds: list[Hold] = []
        self.undo: list[Undo] = []

    def emit(self, place: Place, entry: Entry) -> None:
        """An output."""
        self.outputs.append((place, entry))
        self.size += entry[3]

    def put(self, place: Place, entry: Entry) -> None:
        """A row, for its changelog."""
        self.rows.append((place, entry))
        self.size += entry[3]

    def check_size(self) -> None:
        """Raises RecordError if it is too large to be sent."""
        if self.size > MOST_BYTES:
            check_size(self.outputs)
            check_size(self.rows)

    def roll_back(self) -> None:
        """The tables are as they were before, and their observers know."""
        for table, partition, key, old in reversed(self.undo):
            table.set(partition, key, old)
        for hold in self.holds:
            hold.release()
