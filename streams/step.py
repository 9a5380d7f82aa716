"""One step: what one record (or tick, or callback) changes, taken back as a whole if it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from streams.batches import Entry, check_size
from streams.offsets import Hold

if TYPE_CHECKING:
    from streams.records import Record
    from streams.store import Undo

#: A callback of a partition.
Follow = tuple[int, Callable[[], None]]


class Step:
    """Collects outputs, rows, what follows them, and how to undo the rows."""

    __slots__ = ("after", "holds", "outputs", "partition", "rows", "size", "source", "undo")

    def __init__(self, partition: int, source: Record | None = None) -> None:
        self.partition = partition
        self.source = source
        self.outputs: list[Entry] = []
        self.rows: list[Entry] = []  # for their changelogs
        self.size = 0  # bytes of both
        self.after: list[Follow] = []
        self.holds: list[Hold] = []
        self.undo: list[Undo] = []

    def check_size(self) -> None:
        """Raises RecordError if it is too large to be sent. Not to be asked below MOST_BYTES in all."""
        check_size(self.outputs)
        check_size(self.rows)

    def roll_back(self) -> None:
        """The tables are as they were before, and their observers know."""
        for table, partition, key, old in reversed(self.undo):
            table.set(partition, key, old)
        for hold in self.holds:
            hold.release()
