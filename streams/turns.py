"""Whose slice of the event loop is next: the one whose patience ends first.

All stages, ticks and callbacks share one loop, a slice at a time. If they took turns in the order in which they came, an import of
a million people would fill the queues in front of the dialer faster than the dialer's share empties them, and dial commands would
reach it when their slots are over. So who waits names a patience: stages on the way of a call next to none, intake more. Then work
that has begun goes on before more is begun, and intake, whose patience ends too, never stands still.
"""

import asyncio
import time
from heapq import heappop, heappush
from itertools import count
from types import TracebackType


class Turns:
    """One holder at a time, in the order of (asked at + patience)."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def turn(self, patience_s: float) -> "Turn":
        """An asynchronous context manager that holds the turn."""
        return Turn(self, patience_s)

    async def take(self, patience_s: float) -> None:
        """Returns when it is the caller's turn."""
        if not self._taken:
            self._taken = True
            return
        called = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (time.monotonic() + patience_s, next(self._numbers), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self.give()  # called and cancelled in one round: the turn is not ours to keep
            raise

    def give(self) -> None:
        """Ends the turn."""
        while self._waiting:
            called = heappop(self._waiting)[2]
            if not called.done():
                called.set_result(None)
                return
        self._taken = False


class Turn:
    """One turn that is asked for, and held inside."""

    __slots__ = ("_patience", "_turns")

    def __init__(self, turns: Turns, patience_s: float) -> None:
        self._turns, self._patience = turns, patience_s

    async def __aenter__(self) -> None:
        await self._turns.take(self._patience)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._turns.give()
