"""Ticks: called when due or woken, for active partitions alone."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from engine.time import Instant
from streams.ticks import LEAST_S, TickFn, Ticks
from streams.turns import Turns


class Bench:
    def __init__(self) -> None:
        self.calls: list[int] = []
        self.wait: float | None = None
        self.ticks = Ticks(self._run, Turns(), slice_s=0.003)
        self.wake = self.ticks.add(self._tick)

    def _tick(self, partition: int, _now: Instant) -> float | None:
        self.calls.append(partition)
        return self.wait

    @staticmethod
    def _run(fn: TickFn, partition: int) -> float | None:
        return fn(partition, Instant(0))


def played(scene: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        await scene(Bench())

    asyncio.run(play())


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def called(bench: Bench, count: int) -> None:
    while len(bench.calls) < count:  # noqa: ASYNC110 - nothing to wait on but the calls themselves
        await asyncio.sleep(0.001)


def test_each_partition_is_ticked_once_and_then_when_woken() -> None:
    async def scene(bench: Bench) -> None:
        bench.ticks.start([0, 1])
        await called(bench, 2)
        assert sorted(bench.calls) == [0, 1]
        bench.wake(1)
        await called(bench, 3)
        assert bench.calls[2:] == [1]

    played(scene)


def test_a_partition_that_is_not_here_is_not_ticked() -> None:
    async def scene(bench: Bench) -> None:
        bench.ticks.start([0])
        await settle()
        bench.wake(7)
        bench.ticks.stop()
        bench.wake(0)
        await settle()
        assert bench.calls == [0]

    played(scene)


def test_it_comes_back_no_sooner_than_asked() -> None:
    async def scene(bench: Bench) -> None:
        bench.wait = 0.02
        began = time.monotonic()
        bench.ticks.start([0])
        await called(bench, 4)
        assert time.monotonic() - began >= 0.06

    played(scene)


def test_a_tick_may_wake_itself_and_is_called_a_little_later() -> None:
    async def scene(bench: Bench) -> None:
        again = bench.ticks.add(lambda p, now: (bench._tick(p, now), again(p) if len(bench.calls) < 4 else None)[0])
        began = time.monotonic()
        bench.ticks.start([0])
        await called(bench, 4)
        assert time.monotonic() - began >= 2 * LEAST_S
        await settle()
        assert len(bench.calls) == 4

    played(scene)
