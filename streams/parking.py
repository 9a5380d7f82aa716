"""Records that need a campaign nobody has heard of yet (design rule 5).

Such a record is held, its offset with it, until the campaigns topic has been read past the end it had when the record came. Then
the stage takes it again; if the campaign is still unknown, the record goes to the dead letters.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from engine.errors import RecordError
from engine.time import Instant
from streams.heads import Heads
from streams.lane import Lane, Record

Stage = Callable[[int, Record, Instant], None]


class Parking:
    """Holds records while the heads catch up."""

    def __init__(self, lane: Lane, heads: Heads) -> None:
        self._lane, self._heads = lane, heads
        self._again: set[tuple[str, int, int]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def park(self, p: int, record: Record, reason: str, stage: Stage) -> None:
        """Called inside a stage. Raises RecordError with `reason` when the record has waited already."""
        name = (record.topic, p, record.offset)
        if name in self._again:
            raise RecordError(reason)
        release = self._lane.hold()
        task = asyncio.get_running_loop().create_task(self._wait(p, record, stage, release))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait(self, p: int, record: Record, stage: Stage, release: Callable[[], None]) -> None:
        name = (record.topic, p, record.offset)
        await self._heads.caught_up()
        self._again.add(name)
        try:
            self._lane.handle(stage, p, record)
        finally:
            self._again.discard(name)
            release()
