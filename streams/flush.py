"""Outputs, then rows, then source offsets, each acknowledged (design rule 2).

Everything that steps produce is collected in a group. A cycle sends the outputs of its group together with the rows of the group
before, whose outputs are acknowledged by then: the order costs no extra round trip under load. Rows of steps without outputs need
not wait, unless an earlier row of the same changelog partition does. A group ends, in order, when its rows are acknowledged: its
offsets may be committed, and what was to follow its rows runs.

While a cycle is under way the stages fill the next group, so flushes grow with the load. A lone record is flushed at once; a stream
of them is paced (`Pace`), for a cycle for each of 500 records a second would take most of a core. The more batches a cycle had, the
longer the pause behind it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from streams.batches import Batch, Batches, Entry, Place
from streams.fence import Fence
from streams.pace import Pace
from streams.step import Follow, Step

#: Source records whose effects are not durable yet; at this many the stages wait. Also the most that a kill can repeat.
MOST_UNFLUSHED = 20_000
#: A record batch costs some 80 µs of CPU, whatever is in it. So many of them are worth one of the flusher's turns (10 ms): then
#: sending takes a fifth of the time at most, and batches grow with the load. A cycle takes one turn at least: with four of them a
#: turn, three workers at 200 calls a second took a quarter more CPU, and the broker half as much again.
BATCHES_A_TURN = 10
#: Real seconds that the last flush before a revocation may take; the broker waits for us (rebalance time-out 60 s), the others too.
LAST_FLUSH_S = 10.0


class Group:
    """What the steps between two cycles produced."""

    __slots__ = ("_others", "_waiting", "acks", "after", "following", "offsets", "outputs", "records", "rows", "rows_at_once")

    def __init__(self, new_builder: Callable[[], Any], at_once: Batches | None = None) -> None:
        self.outputs = Batches(new_builder)
        self.rows = Batches(new_builder)  # wait for the outputs of this group
        self.rows_at_once = Batches(new_builder) if at_once is None else at_once
        self._others = self.rows_at_once.count  # what is in there of the group before
        self.offsets: dict[Place, int] = {}
        self.acks: list[Callable[[], None]] = []
        self.following: list[Entry] = []  # outputs of the group that takes over when this one is durable
        self.after: list[Follow] = []
        self.records = 0
        self._waiting: set[tuple[Place, bytes]] = set()  # places and keys of `rows`

    def __bool__(self) -> bool:
        written = self.outputs.count or self.rows.count or self.rows_at_once.count > self._others
        return bool(written or self.offsets or self.acks or self.following or self.after)

    def add(self, step: Step) -> None:
        """Takes over what a step produced.

        Rows of a step with outputs wait for these, and so do later rows of the same keys: the last of a key must stay last.
        """
        rows = step.rows
        if rows:
            batches = self.rows_at_once
            if step.outputs or (self._waiting and self._behind(rows)):
                batches = self.rows
                for one in rows:
                    self._waiting.add(one[:2])
            if len(rows) == 1:  # nearly all that have any
                batches.add(rows)
            else:
                batches.add_together(rows)
        if step.outputs:
            self.outputs.add(step.outputs)
        if step.following:
            self.following += step.following
        if step.after:
            self.after += step.after

    def _behind(self, rows: list[Entry]) -> bool:
        """Whether an earlier row of one of these keys waits."""
        for one in rows:  # noqa: SIM110 - any() would make a generator for each of a contact's rows
            if one[:2] in self._waiting:
                return True
        return False


class Flusher:
    """Runs the cycles. `settle` is called with each group that is durable; `fail` stops the worker."""

    def __init__(
        self,
        producer: Callable[[], Any],
        fence: Fence,
        *,
        sent: Callable[[Batch, int, int, float], None],
        settle: Callable[[Group], Awaitable[None]],
        fail: Callable[[str, BaseException | None], None],
        in_one_go: bool = False,
    ) -> None:
        self._producer, self._fence = producer, fence
        self._sent, self._settle, self._fail = sent, settle, fail
        self._in_one_go = in_one_go
        self._work, self._room, self._rest = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._rest.set()
        self._pace = Pace(every_s=0.01, burst=32)
        self._batches = 0  # of the last cycle
        self._task: asyncio.Task[None] | None = None
        self._waiting: Group | None = None
        self._generation = 0
        self._closed = False
        self.unflushed = 0
        self.cycles = 0
        self.latency_s = 0.0  # of the last cycle
        self.group = self._new_group()

    def _new_group(self, at_once: Batches | None = None) -> Group:
        return Group(lambda: self._producer().create_batch(), at_once)

    def start(self) -> None:
        """Idempotent; needs the running loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._cycles())

    def kick(self) -> None:
        """There may be something to send."""
        if self.group:
            self._rest.clear()
            self._work.set()

    async def room(self) -> None:
        """Waits while too much is not durable yet."""
        while self.unflushed >= MOST_UNFLUSHED:
            self._room.clear()
            await self._room.wait()

    async def last(self) -> bool:
        """Flushes everything there is. False if that could not be done: then all of it was dropped, and none may be relied on."""
        deadline = time.monotonic() + LAST_FLUSH_S
        self.kick()
        while not self._rest.is_set() and self._fence.ok() and time.monotonic() < deadline:
            await _wait(self._rest, 0.05)
        clean = self._rest.is_set() and self._fence.ok()
        self.drop()
        return clean

    def drop(self) -> None:
        """Forgets everything that is not durable yet. What is on its way to the broker may still arrive there."""
        self._generation += 1
        self._waiting, self.group, self.unflushed = None, self._new_group(), 0
        self._rest.set()
        self._room.set()

    def close(self) -> None:
        """Sends nothing any more."""
        self.drop()
        self._closed = True

    async def _cycles(self) -> None:
        try:
            while not self._closed:
                if self._waiting is None:
                    await self._something_to_do()
                await self._pace.turn(max(1.0, self._batches / BATCHES_A_TURN))
                if await self._may_send():
                    await self._cycle()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._fail("A flush failed: what it carried may not be durable, so nothing more is committed.", error)

    async def _something_to_do(self) -> None:
        while not self.group:
            self._work.clear()
            self._rest.set()
            await self._work.wait()

    async def _may_send(self) -> bool:
        """Waits while the fence is closed. False if everything was dropped meanwhile."""
        generation = self._generation
        while not self._fence.ok():  # noqa: ASYNC110 - a fence opens by the lapse of time and in another thread: no event tells
            await asyncio.sleep(0.05)
        return generation == self._generation and not self._closed and bool(self._waiting or self.group)

    async def _cycle(self) -> None:
        generation, before, group = self._generation, self._waiting, self.group
        late = group.rows.count and not self._in_one_go
        # What the next group need not wait with leaves together with these rows: in the same batches.
        self.group = self._new_group(group.rows if late else None)
        began = time.monotonic()
        sends = [before.rows] if before else []
        sends.append(group.outputs)
        if before is None or group.rows_at_once is not before.rows:
            sends.append(group.rows_at_once)
        if not late:
            sends.append(group.rows)
        self._batches = sum(map(len, sends))
        await self._send(sends)
        self.cycles += 1
        self.latency_s = time.monotonic() - began
        if generation != self._generation:
            return
        self._waiting = group if late else None
        for done in (before, None if late else group):
            if done and generation == self._generation:
                await self._end(done)

    async def _end(self, group: Group) -> None:
        generation = self._generation
        await self._settle(group)
        if generation == self._generation:
            self.unflushed -= group.records
            self._room.set()

    async def _send(self, sends: list[Batches]) -> None:
        """Sends and awaits all; raises the first error. Batches of one partition go out in order."""
        pending = []
        for batch in (batch for batches in sends for batch in batches):
            future = await self._producer().send_batch(batch.seal(), batch.topic, partition=batch.partition)
            pending.append((batch, time.time(), future))
        for batch, began, future in pending:
            acknowledged = await future
            self._sent(batch, acknowledged.offset, acknowledged.timestamp, began)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
