"""How often something may happen under load, without making the first ones wait."""

import asyncio
import time


class Pace:
    """A bucket of turns: `burst` at once, then one each `every_s` real seconds."""

    def __init__(self, every_s: float, burst: int) -> None:
        self._every, self._burst = every_s, float(burst)
        self._left = float(burst)
        self._at = time.monotonic()

    async def turn(self, cost: float = 1.0) -> None:
        """Takes `cost` turns; waits, if the bucket is empty, until they are there."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) / self._every) - cost
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left * self._every)
