"""A table's rows in recovery: the greatest stamp of a key stays, whatever the order on the topic."""

from typing import NamedTuple

import pytest

from schemas.base import encode
from schemas.rows import Row
from schemas.topics import TopicSpec
from streams.store import Table, stamp_bytes, stamp_of


class Number(Row, kw_only=True, tag_field="row", tag="number"):
    n: int = 0


class Lying(NamedTuple):
    """What aiokafka hands over of a changelog record."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def row(key: str, n: int, stamp: tuple[int, int]) -> Lying:
    return Lying(key.encode(), encode(Number(n=n, stamp=stamp)))


def gone(key: str, stamp: tuple[int, int] | None = None) -> Lying:
    return Lying(key.encode(), None, (("stamp", stamp_bytes(stamp)),) if stamp else ())


CASES = {
    "the later of one writer": ([row("a", 1, (5, 1)), row("a", 2, (5, 2))], {"a": 2}),
    "a zombie's row that arrives late": ([row("a", 2, (6, 1)), row("a", 1, (5, 9))], {"a": 2}),
    "falsy values are values": ([row("a", 0, (5, 1))], {"a": 0}),
    "a delete marker": ([row("a", 1, (5, 1)), gone("a", (5, 2))], {}),
    "a row after a delete marker": ([row("a", 1, (5, 1)), gone("a", (5, 2)), row("a", 0, (5, 3))], {"a": 0}),
    "a zombie's delete marker": ([row("a", 2, (6, 1)), gone("a", (5, 9))], {"a": 2}),
    "a zombie's row after our delete marker": ([gone("a", (6, 1)), row("a", 1, (5, 9))], {}),
    "a delete marker without a stamp counts by its place": ([row("a", 1, (5, 1)), gone("a")], {}),
    "a marker of the lane": ([row("a", 1, (5, 1)), gone("~")], {"a": 1}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("at_once", [True, False])
def test_recovery_keeps_the_greatest_stamp(name: str, at_once: bool) -> None:
    records, expected = CASES[name]
    table: Table[Number] = Table(TopicSpec("t", "key", (Number,)), Number)
    for batch in [records] if at_once else [[record] for record in records]:
        table.apply(3, batch)
    table.recovered()
    assert {key: found.n for key, found in table.rows(3).items()} == expected


def test_the_greatest_epoch_of_a_partition_is_known() -> None:
    table: Table[Number] = Table(TopicSpec("t", "key", (Number,)), Number)
    table.apply(0, [row("a", 1, (7, 1)), row("b", 1, (5, 2)), gone("c", (9, 3))])
    assert table.greatest_epoch(0) == 9
    assert table.greatest_epoch(1) == 0


def test_observers_hear_of_live_changes_with_the_old_row() -> None:
    table: Table[Number] = Table(TopicSpec("t", "key", (Number,)), Number)
    heard: list[tuple[int, str, int | None, int | None]] = []
    table.observers.append(lambda p, key, old, new: heard.append((p, key, old and old.n, new and new.n)))
    table.set(1, "a", Number(n=1))
    table.set(1, "a", Number(n=2))
    table.set(1, "a", None)
    assert heard == [(1, "a", None, 1), (1, "a", 1, 2), (1, "a", 2, None)]
    assert table.get(1, "a") is None


def test_stamps_in_headers() -> None:
    assert stamp_of([("other", b"x"), ("stamp", stamp_bytes((1_800_000_000_000, 7)))]) == (1_800_000_000_000, 7)
    assert stamp_of([]) == (0, 0)
