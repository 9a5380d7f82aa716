"""Tables: one dict a partition, kept by a Faust table whose changelog is a compacted topic.

Faust drives recovery and hands over changelog records by the batch; of a key's rows the one with the greatest stamp (epoch, seq)
stays, whatever the order in which two writers' rows reached the topic. A delete marker carries its stamp in a header.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec
from faust.stores import memory
from faust.tables.table import Table as FaustTable

from schemas.base import decoder
from schemas.rows import Row, Stamp
from schemas.topics import TopicSpec

R = TypeVar("R", bound=Row)
Observer = Callable[[int, str, R | None, R | None], None]
#: Table, partition, key, and the row that was there.
Undo = tuple["Table[Any]", int, str, Any]


def stamp_bytes(stamp: Stamp) -> bytes:
    """A stamp as a header's value."""
    return b"%d.%d" % stamp


def stamp_of(headers: Iterable[tuple[str, bytes]]) -> Stamp:
    """The stamp in the headers of a delete marker; (0, 0) if there is none."""
    for name, value in headers:
        if name == "stamp":
            epoch, _, seq = value.partition(b".")
            return int(epoch), int(seq)
    return (0, 0)


class Table(Generic[R]):
    """The rows of one kind. Write through `Lane.put` alone; `observers` hear (partition, key, old, new) of every live change."""

    def __init__(self, spec: TopicSpec, model: Any) -> None:
        self.spec = spec
        self.name = spec.name
        self.observers: list[Observer[R]] = []
        self._model = model
        self._rows: dict[int, dict[str, R]] = defaultdict(dict)
        self._markers: dict[int, dict[str, Stamp]] = {}
        self._greatest: dict[int, int] = {}

    def rows(self, partition: int) -> dict[str, R]:
        """The rows of a partition by key; empty if the partition is elsewhere. Not to be changed."""
        return self._rows[partition]

    def get(self, partition: int, key: str) -> R | None:
        """The row, or None."""
        return self._rows[partition].get(key)

    def set(self, partition: int, key: str, new: R | None, undo: list[Undo] | None = None) -> None:
        """Sets (None: removes) the row in memory, tells the observers, and notes in `undo` what there was. For the lane alone."""
        rows = self._rows[partition]
        old = rows.get(key)
        if undo is not None:
            undo.append((self, partition, key, old))
        if new is not None:
            rows[key] = new
        elif old is not None:
            del rows[key]
        for observer in self.observers:
            observer(partition, key, old, new)

    def greatest_epoch(self, partition: int) -> int:
        """The greatest epoch (real ms) of any row that recovery read in this partition."""
        return self._greatest.get(partition, 0)

    def drop(self, partition: int) -> None:
        """The partition is elsewhere, or its rows cannot be trusted."""
        self._rows.pop(partition, None)
        self._markers.pop(partition, None)
        self._greatest.pop(partition, None)

    def drop_all(self) -> None:
        """All partitions are elsewhere, or recovery was broken off: read again from the beginning."""
        for partition in list(self._rows):
            self.drop(partition)

    def recovered(self) -> None:
        """Recovery is over: from here on the dicts are the truth, delete markers are not needed any more."""
        self._markers.clear()

    def apply(self, partition: int, records: Iterable[Any]) -> None:
        """Applies changelog records in recovery. Raises msgspec.ValidationError on a row that cannot be read."""
        rows, markers = self.rows(partition), self._markers.setdefault(partition, {})
        decode = decoder(self._model).decode
        greatest = self._greatest.get(partition, 0)
        for record in records:
            key = record.key.decode()
            known = rows[key].stamp if key in rows else markers.get(key, (0, 0))
            if record.value is None:
                stamp = stamp_of(record.headers)
                if stamp >= known or stamp == (0, 0):
                    rows.pop(key, None)
                    markers[key] = stamp
            else:
                row = decode(record.value)
                stamp = row.stamp = tuple(row.stamp)
                if stamp >= known:
                    rows[key] = row
            greatest = max(greatest, stamp[0])
        self._greatest[partition] = greatest


class Store(memory.Store):  # type: ignore[misc] # faust is untyped here
    """What Faust sees of a Table: the part that recovery and rebalances drive."""

    def __init__(self, *args: Any, rows: Table[Any], fail: Callable[[str, BaseException], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rows, self._fail = rows, fail

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:  # noqa: ARG002 - Faust's signature
        for event in batch:
            try:
                self._rows.apply(event.message.partition, event.value)
            except (msgspec.MsgspecError, UnicodeDecodeError, AttributeError) as error:
                # Faust would log it and go on without the row.
                self._fail(f"A row of {self._rows.name} partition {event.message.partition} cannot be read.", error)
                return

    async def on_rebalance(self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0) -> None:  # noqa: ARG002
        for topic, partition in (*revoked, *newly_assigned):
            if topic == self._rows.name:
                self._rows.drop(partition)

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:  # noqa: ARG002
        self._rows.recovered()


class Changelogged(FaustTable):  # type: ignore[misc]
    """A Faust table whose store is a Table's."""

    def __init__(self, app: Any, *, rows: Table[Any], fail: Callable[[str, BaseException], None], **kwargs: Any) -> None:
        super().__init__(app, name=rows.name, **kwargs)
        self._lane_rows, self._lane_fail = rows, fail

    def _new_store(self) -> Store:
        return Store("memory://", self.app, self, rows=self._lane_rows, fail=self._lane_fail, table_name=self.name, loop=self.loop)
