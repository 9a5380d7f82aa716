"""The sender: reserved commands wait here for their slots, in one heap with one timer, and leave within them or not at all.

Right before the request the gate is asked once more, with nothing awaited in between. What the gate refuses, and what missed its
slot, closes as not dialed. The provider's answer goes to `dial-receipts`; if this worker loses the partition meanwhile, nobody
writes that answer, and the partition's next owner looks the command up.
"""

import asyncio
import heapq
import logging
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine import ledger
from providers.port import CLIENT_TIMEOUT_MS, Provider, Request
from schemas.command import Dial
from schemas.receipt import Receipt, ReceiptKind
from streams.circuit import ProviderCircuit

if TYPE_CHECKING:
    from streams.dialer import Dialer

log = logging.getLogger(__name__)

_UNKNOWN = ReceiptKind.UNKNOWN


class Sender:
    """One heap for all partitions of the worker."""

    def __init__(self, dialer: "Dialer", provider: Provider, circuit: ProviderCircuit | None = None) -> None:
        self._dialer, self._provider, self._circuit = dialer, provider, circuit or ProviderCircuit()
        self._clock, self._lane = dialer.clock, dialer.lane
        self._heap: list[tuple[int, str]] = []  # (slot start in real µs, dial_id)
        self._waiting: dict[str, tuple[int, Dial]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, p: int, dial: Dial) -> None:
        """A command whose reservation is durable."""
        if dial.slot.start <= self._lane.real_us:
            self._spawn(self._send(p, dial))
            return
        self._waiting[dial.dial_id] = (p, dial)
        heapq.heappush(self._heap, (dial.slot.start, dial.dial_id))
        self._arm()

    def waiting(self, dial_id: str) -> bool:
        return dial_id in self._waiting

    def discard(self, dial_id: str) -> None:
        """The command was closed while it waited."""
        self._waiting.pop(dial_id, None)

    def take_all(self, p: int) -> list[Dial]:
        """Takes out all commands of a partition that is being revoked."""
        found = [dial for owner, dial in self._waiting.values() if owner == p]
        for dial in found:
            del self._waiting[dial.dial_id]
        return found

    def look_up(self, p: int, address: str, dial_id: str) -> None:
        """Asks the provider what became of a command; its answer is a receipt like any other."""
        self._spawn(self._look_up(p, address, dial_id))

    async def drained(self) -> None:
        """Returns when the requests that are out have their answers."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _arm(self) -> None:
        """One timer for the earliest slot."""
        while self._heap and self._heap[0][1] not in self._waiting:
            heapq.heappop(self._heap)
        if not self._heap:
            return
        start = self._heap[0][0]
        if self._timer is not None:
            if self._timer_at <= start:
                return
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer_at = start
        self._timer = loop.call_at(loop.time() + max(0.0, (start - self._clock.real_us()) / 1e6), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.real_us()
        while self._heap and self._heap[0][0] <= now:
            _, dial_id = heapq.heappop(self._heap)
            if dial_id in self._waiting:
                self._spawn(self._send(*self._waiting.pop(dial_id)))
        self._arm()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, p: int, dial: Dial) -> None:
        if not self._lane.fence.ok():
            log.warning(
                "A worker that lost touch with its group does not dial.", extra={"action": "fenced", "dial_id": dial.dial_id}
            )
            return  # reserved, never requested: looked up by whoever has the partition
        row = self._dialer.ledger_row(p, dial.address)
        if p not in self._lane.active or not self._dialer.reserved(row, dial):
            return
        real = self._clock.real_us()  # not the lane's, which is the last slice's: a window may have closed since
        now = self._clock.at(real)
        verdict = self._dialer.verdict(row, dial, now, real)
        if not verdict.ok:
            self._lane.step(p, lambda: self._dialer.feed(p, dial.address, ledger.Refuse(dial.dial_id, verdict), now))
            return
        self._circuit.requested(real // 1000)
        receipt = await self._provider.request(self._request(dial))
        self._circuit.heard(receipt, self._clock.real_ms())
        if receipt.kind != _UNKNOWN:  # else nobody knows: the provider may get it later than this
            receipt = replace(receipt, requested_by=self._clock.now())
        self._tell(p, receipt)

    async def _look_up(self, p: int, address: str, dial_id: str) -> None:
        self._tell(p, await self._provider.lookup(dial_id, address))

    def _tell(self, p: int, receipt: Receipt) -> None:
        if p in self._lane.active:
            self._lane.step(p, lambda: self._lane.emit(receipt))

    def _request(self, dial: Dial) -> Request:
        plan = self._dialer.heads.plan(dial.campaign, dial.version)
        assert plan is not None, "the gate has just used it"
        return Request(
            dial_id=dial.dial_id,
            channel=dial.channel,
            address=dial.address,
            caller=dial.caller,
            sender=dial.sender,
            agent=dial.agent,
            subject=dial.subject,
            text=dial.text,
            variables=dial.variables,
            ring_timeout_ms=plan.window.ring_cut,
            max_duration_ms=plan.max_call,
            not_after=dial.slot.end // 1000 + CLIENT_TIMEOUT_MS,
        )
