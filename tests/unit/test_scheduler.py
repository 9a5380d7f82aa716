"""When a partition's scheduler wants to be called again."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.time import Instant
from outdial.clock import AcceleratedClock, Anchor
from streams.index import ContactIndex
from streams.scheduler import IDLE, Lead, Scheduler

NOW = Instant(1_000_000)
RATE = 600


@pytest.fixture
def index() -> ContactIndex:
    return ContactIndex()


@pytest.fixture
def scheduler(index: ContactIndex) -> Scheduler:
    """On a clock that stands still; nobody has a row."""
    clock = AcceleratedClock(Anchor(NOW, 5_000_000, RATE), lambda: 5_000_000)
    heads = SimpleNamespace(subscribe=lambda _changed: None, subscribe_held=lambda _changed: None)
    lane = SimpleNamespace(tick=lambda _fn: None, real_us=clock.real_us(), real_ms=clock.real_ms())
    flows: Any = SimpleNamespace(lane=lane, clock=clock, heads=heads, index={0: index}, retire=lambda _p: None)
    return Scheduler(flows, Lead())


def test_with_nothing_to_do_it_is_called_now_and_then(scheduler: Scheduler) -> None:
    assert scheduler.tick(0, NOW) == IDLE


def test_it_is_called_when_the_next_timer_is_due(scheduler: Scheduler, index: ContactIndex) -> None:
    index.wheel.put(Instant(NOW + 2_000 * RATE), "row", ("step", 1, 0))
    assert scheduler.tick(0, NOW) == pytest.approx(2.0)


def test_it_is_called_when_an_open_command_is_to_be_asked_after(scheduler: Scheduler, index: ContactIndex) -> None:
    """A text message takes no place on its line, so nothing else would call it before a minute has passed."""
    index.probes.put(Instant(5_000 + 1_500), "row", "dial")
    assert scheduler.tick(0, NOW) == pytest.approx(1.5)
