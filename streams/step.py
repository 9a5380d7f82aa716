"""One step: what one record (or tick, or callback) changes, taken back as a whole if it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streams.batches import Entry
from streams.offsets import Hold

if TYPE_CHECKING:
    from streams.records import Record
    from streams.store import Table


class Step:
    """Collects outputs, rows, what follows them, and how to undo the rows."""

    __slots__ = ("after", "holds", "outputs", "partition", "rows", "source", "undo")

    def __init__(self, partition: int, source: Record | None = None) -> None:
        self.partition = partition
        self.source = source
        self.outputs: dict[tuple[str, int], list[Entry]] = {}
        self.rows: dict[tuple[str, int], list[Entry]] = {}
        self.after: list[Callable[[], None]] = []
        self.holds: list[Hold] = []
        self.undo: list[tuple[Table[Any], int, str, Any]] = []

    def roll_back(self) -> None:
        """The tables are as they were before, and their observers know."""
        for table, partition, key, old in reversed(self.undo):
            table.set(partition, key, old)
        for hold in self.holds:
            hold.release()
