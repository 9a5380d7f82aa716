"""The thin stage around the pacer, on a lane that records what is emitted."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from engine.quotas import Quota
from engine.standing import MS, SECOND
from engine.time import Instant
from outdial.clock import SystemClock
from schemas.base import encode
from schemas.line import Demand, Grant
from schemas.resources import Line
from schemas.topics import LINE_EVENTS
from streams.lane import Lane, Record
from streams.pacer import PacerStage

T0 = 1_770_000_000 * SECOND


class RecordingLane:
    """The part of the lane's contract that the stage uses, without a broker."""

    def __init__(self) -> None:
        self.on_assigned: list[Callable[[int], None]] = []
        self.on_revoked: list[Callable[[int], None]] = []
        self.emitted: list[tuple[int, Grant]] = []
        self.woken: list[int] = []

    def stage(self, spec: object, fn: object) -> None:
        assert spec is LINE_EVENTS
        assert callable(fn)

    def tick(self, fn: object) -> Callable[[int], None]:
        assert callable(fn)
        return self.woken.append

    def epoch(self, _partition: int) -> int:
        return 7

    def emit(self, record: Grant, *, partition: int, spec: object, key: str) -> None:
        assert spec is not None
        assert key == record.line
        self.emitted.append((partition, record))


class OneLine:
    """Knows the line `main` only: ten calls a second. No campaign is limited."""

    def quota(self, _campaign: str) -> Quota | None:
        return Quota()

    def line(self, line: str) -> Line | None:
        return Line(id="main", calls_per_second=10, concurrency=None) if line == "main" else None


class World:
    """A worker that was assigned partition 2 a minute before T0."""

    def __init__(self) -> None:
        self.now = T0 - 60 * SECOND
        self.lane = RecordingLane()
        self.stage = PacerStage(cast(Lane, self.lane), OneLine(), SystemClock(lambda: self.now), 3)
        for hook in self.lane.on_assigned:
            hook(2)
        self.now = T0

    def demand(self, ready: int, line: str = "main", partition: int = 1, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "epoch": 7,
            "seen": 0,
            "in_flight": 0,
            "lead": 0,
            "skew": 0,
            "at": self.now,
            "writer": 1,
        } | changes
        value = encode(Demand(line=line, partition=partition, ready={"spring": ready}, oldest=None, **fields))
        self.stage.on_demand(2, Record("line-events", 2, 0, line.encode(), value, 0), Instant(0))

    @property
    def slots(self) -> list[int]:
        return [slot.start for _, grant in self.lane.emitted for slot in grant.slots()]


def test_a_first_demand_is_announced_and_answered_at_once() -> None:
    world = World()
    world.demand(ready=5)
    assert [(p, g.epoch, g.n) for p, g in world.lane.emitted] == [(0, 7, 0), (1, 7, 0), (2, 7, 0), (1, 7, 1)]
    assert world.slots == [T0 + 50 * MS]
    assert world.lane.woken == [2]


def test_ticks_grant_what_comes_due() -> None:
    world = World()
    world.demand(ready=5)
    wait = world.stage.tick(2, Instant(0))
    assert wait is not None
    world.now += round(wait * SECOND)
    world.stage.tick(2, Instant(0))
    assert world.slots == [T0 + 50 * MS, T0 + 151_500]


def test_what_is_known_goes_with_the_partition() -> None:
    world = World()
    world.demand(ready=5)
    for hook in world.lane.on_revoked:
        hook(2)
    count = len(world.lane.emitted)
    assert world.stage.tick(2, Instant(0)) is None
    assert len(world.lane.emitted) == count
    for hook in world.lane.on_assigned:
        hook(2)
    assert world.stage.tick(2, Instant(0)) is None  # nothing is known until somebody reports


def test_a_line_nobody_declared_gets_nothing() -> None:
    world = World()
    world.demand(ready=5, line="gone")
    assert world.lane.emitted == []
    assert world.stage.tick(2, Instant(0)) is None


@given(st.lists(st.tuples(st.integers(0, 300 * MS), st.integers(0, 2), st.integers(0, 5)), max_size=40))
def test_reports_at_any_moment_keep_the_spacing(reports: list[tuple[int, int, int]]) -> None:
    """However reports and ticks interleave, slots are a tenth of 1.015 s apart, and never in the past."""
    world = World()
    for wait, partition, ready in reports:
        world.now += wait
        seen = max((g.number for p, g in world.lane.emitted if p == partition), default=0)
        world.demand(ready, partition=partition, seen=seen)
        world.stage.tick(2, Instant(0))
    slots = world.slots
    assert all(b - a >= 101_500 for a, b in pairwise(slots))
    assert all(slot.start >= slot.granted + 50 * MS for _, grant in world.lane.emitted for slot in grant.slots())
