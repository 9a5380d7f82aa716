"""Ticks: functions that the lane calls for each active partition when they asked to be, or when they are woken."""

import asyncio
import time
from collections.abc import Callable, Iterable

from engine.time import Instant
from streams.turns import Turns

TickFn = Callable[[int, Instant], float | None]


class Ticks:
    """Who is due when, in monotonic seconds. `run` calls one tick as a step and returns what the function returned."""

    def __init__(self, run: Callable[[TickFn, int], float | None], turns: Turns, slice_s: float) -> None:
        self._run, self._turns, self._slice = run, turns, slice_s
        self.functions: list[TickFn] = []
        self._due: dict[tuple[int, int], float] = {}  # by (function, partition)
        self._woken: set[int] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, partitions: Iterable[int]) -> None:
        """From here on these partitions are ticked, all of them at once first."""
        self._due = {(i, p): 0.0 for i in range(len(self.functions)) for p in partitions}
        self._changed.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._forever())

    def stop(self) -> None:
        """No partition is ticked any more."""
        self._due = {}

    def wake(self, partition: int | None = None) -> None:
        """Its ticks (None: all) are due now."""
        if partition is None:
            self._due = dict.fromkeys(self._due, 0.0)
            self._changed.set()
        elif partition not in self._woken:  # several steps of a slice wake the same partition
            self._woken.add(partition)
            self._changed.set()

    def _take_woken(self) -> None:
        for name in [(i, p) for p in self._woken for i in range(len(self.functions))]:
            if name in self._due:
                self._due[name] = 0.0
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

    def _call(self, name: tuple[int, int]) -> None:
        self._due[name] = float("inf")  # before the call: the function may wake itself
        wait = self._run(self.functions[name[0]], name[1])
        if wait is not None and name in self._due:
            self._due[name] = min(self._due[name], time.monotonic() + max(0.0, wait))
