"""One step: what one record (or tick, or callback) changes, taken back as a whole if it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from streams.batches import Entry, check_size
from streams.offsets import Hold

if TYPE_CHECKING:
    from streams.records import Record
    from streams.store import Undo

#: A callback of a partition.
Follow = tuple[int, Callable[[], None]]


class Step(msgspec.Struct, gc=False):
    """Collects outputs, rows, what follows them, and how to undo the rows."""

    partition: int
    source: Record | None
    outputs: list[Entry] = []
    rows: list[Entry] = []  # for their changelogs
    size: int = 0  # bytes of both
    following: list[Entry] = []  # outputs that leave once the rows are acknowledged
    after: list[Follow] = []
    holds: list[Hold] = []
    undo: list[Undo] = []

    def check_size(self) -> None:
        """Raises RecordError if it is too large to be sent. Not to be asked below MOST_BYTES in all."""
        check_size(self.outputs)
        check_size(self.rows)
        check_size(self.following)

    def roll_back(self) -> None:
        """The tables are as they were before, and their observers know."""
        for table, partition, key, old in reversed(self.undo):
            table.set(partition, key, old)
        for hold in self.holds:
            hold.release()
