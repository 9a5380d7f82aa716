"""Ticks: functions that the lane calls for each active partition when they asked to be, or when they are woken."""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Protocol, TypeVar

from engine.time import Instant
from engine.timers import Wheel
from streams.turns import Turns

TickFn = Callable[[int, Instant], float | None]
#: A function and a partition.
Name = tuple[int, int]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: Real seconds between two calls of a tick that is woken again and again: under load one call does the work of many.
LEAST_S = 0.01


class Roomy(Protocol):
    """What is asked of a lane."""

    @property
    def roomy(self) -> bool: ...


def drained(wheel: Wheel[K, V], now: Instant, most: int, lane: Roomy) -> Iterator[tuple[K, V]]:
    """Takes out what is due, one after the other, `most` at the most, as long as the lane's step may take more."""
    for _ in range(most):
        if not lane.roomy or not (due := wheel.drain(now, 1)):
            return
        yield due[0]


class Ticks:
    """Who is due when, in monotonic seconds. `run` calls one tick as a step and returns what the function returned."""

    def __init__(self, run: Callable[[TickFn, int], float | None], turns: Turns, slice_s: float) -> None:
        self._run, self._turns, self._slice = run, turns, slice_s
        self._functions: list[TickFn] = []
        self._due: dict[Name, float] = {}
        self._called: dict[Name, float] = {}
        self._woken: set[Name] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, fn: TickFn) -> Callable[[int], None]:
        """One more. Returns what wakes it: called with a partition, its tick there is due."""
        i = len(self._functions)
        self._functions.append(fn)
        return partial(self._wake, i)

    def start(self, partitions: Iterable[int]) -> None:
        """From here on these partitions are ticked, all of them at once first."""
        self._due = {(i, p): 0.0 for i in range(len(self._functions)) for p in partitions}
        self._changed.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._forever())

    def stop(self) -> None:
        """No partition is ticked any more."""
        self._due = {}

    def _wake(self, i: int, partition: int) -> None:
        name = (i, partition)
        if name not in self._woken:  # several steps of a slice wake the same one
            self._woken.add(name)
            self._changed.set()

    def _take_woken(self) -> None:
        for name in self._woken:
            if name in self._due:
                self._due[name] = min(self._due[name], self._called.get(name, 0.0) + LEAST_S)
        self._woken.clear()

    async def _forever(self) -> None:
        while True:
            self._changed.clear()
            self._take_woken()
            due = min(self._due.values(), default=None)
            wait = None if due is None or due == float("inf") else due - time.monotonic()
            if wait is None or wait > 0:
                await self._sleep(wait)
            await self._one_slice()

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _one_slice(self) -> None:
        """Calls what is due, the longest overdue first, until the slice is used up."""
        async with self._turns.turn(0):
            self._take_woken()
            now = time.monotonic()
            for due, name in sorted((due, name) for name, due in self._due.items() if due <= now):
                if self._due.get(name) == due:
                    self._call(name)
                if time.monotonic() - now > self._slice:
                    break
            await asyncio.sleep(0)

    def _call(self, name: Name) -> None:
        self._due[name] = float("inf")  # before the call: the function may wake itself
        self._called[name] = time.monotonic()
        wait = self._run(self._functions[name[0]], name[1])
        if wait is not None and name in self._due:
            self._due[name] = min(self._due[name], time.monotonic() + max(0.0, wait))
