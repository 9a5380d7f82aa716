"""Whose turn it is to be delivered: at most so many at a time for one endpoint, and in all. A slow one holds up nobody else."""

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

log = logging.getLogger(__name__)

#: Deliveries at a time: for one endpoint, and in all.
EACH, ALL = 8, 128


class Courier:
    """Runs `deliver(name)` for each name that is added; a name that waits or runs already is not added again."""

    def __init__(self, deliver: Callable[[Any], Awaitable[None]], each: int = EACH, most: int = ALL) -> None:
        self._deliver, self._each, self._most = deliver, each, most
        self._waiting: OrderedDict[str, deque[Hashable]] = OrderedDict()  # by endpoint, in the order of their turns
        self._known: set[Hashable] = set()  # that wait or run
        self._running: Counter[str] = Counter()  # by endpoint
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, endpoint: str, name: Hashable) -> None:
        """One more, when its turn comes."""
        if name not in self._known:
            self._known.add(name)
            self._waiting.setdefault(endpoint, deque()).append(name)
            self._start()

    def forget(self, wanted: Callable[[Any], bool]) -> None:
        """Those that wait and are not wanted any more are dropped; what runs, runs."""
        for endpoint, names in list(self._waiting.items()):
            kept = deque(name for name in names if wanted(name))
            self._known -= set(names) - set(kept)
            if kept:
                self._waiting[endpoint] = kept
            else:
                del self._waiting[endpoint]

    async def close(self, seconds: float) -> None:
        """Gives what runs so many real seconds more. What waits is for the next worker."""
        self.forget(lambda _: False)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _start(self) -> None:
        while len(self._tasks) < self._most and (endpoint := self._free()) is not None:
            names = self._waiting[endpoint]
            name = names.popleft()
            if names:
                self._waiting.move_to_end(endpoint)
            else:
                del self._waiting[endpoint]
            self._running[endpoint] += 1
            task = asyncio.get_running_loop().create_task(self._run(name))
            self._tasks.add(task)
            task.add_done_callback(lambda task, endpoint=endpoint, name=name: self._ended(task, endpoint, name))  # type: ignore[misc]

    def _free(self) -> str | None:
        """The endpoint whose turn it is, of those that have room."""
        return next((endpoint for endpoint in self._waiting if self._running[endpoint] < self._each), None)

    async def _run(self, name: Hashable) -> None:
        await self._deliver(name)

    def _ended(self, task: asyncio.Task[None], endpoint: str, name: Hashable) -> None:
        self._tasks.discard(task)
        self._known.discard(name)
        self._running[endpoint] -= 1
        if not self._running[endpoint]:
            del self._running[endpoint]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A delivery failed in a way that is not foreseen.", exc_info=error, extra={"action": "delivery_failed"})
        self._start()
