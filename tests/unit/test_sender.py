"""The sender: what it asks right before a request, and of which moment."""

import asyncio
from types import SimpleNamespace
from typing import Any

from engine.gate import Verdict
from engine.time import Instant
from outdial.clock import AcceleratedClock, Anchor
from providers.inprocess import InProcess
from schemas.rows import Call, CallState, LedgerRow
from streams.dialer import Dialer
from streams.fence import Fence
from streams.sender import Sender
from tests.unit.samples import NOW, PHONE, PLAN, SLOT, dial_of

RATE, LATER_US = 4_320, 900_000


def test_the_gate_is_asked_of_the_moment_of_the_request_not_of_the_last_slice() -> None:
    """On an idle worker the last slice is up to a second old: at this rate more than an hour, in which a window may close."""
    real = [SLOT.start]
    clock, dial, asked = AcceleratedClock(Anchor(NOW, real[0], RATE), lambda: real[0]), dial_of(), []
    slice_ = clock.now()
    row = LedgerRow(
        address=PHONE, calls={dial.dial_id: Call(dial_id=dial.dial_id, state=CallState.RESERVED, channel="call", contact_id="c7")}
    )
    fence = Fence()
    fence.beat(fence.now())

    def verdict(_row: LedgerRow, _dial: Any, now: Instant, _real_us: int) -> Verdict:
        asked.append(now)
        return Verdict(())

    lane: Any = SimpleNamespace(real_us=0, fence=fence, active=frozenset({0}), now=lambda: slice_, step=lambda _p, _fn: None)
    heads = SimpleNamespace(plan=lambda _campaign, _version: PLAN)
    dialer: Any = SimpleNamespace(
        clock=clock, lane=lane, heads=heads, ledger_row=lambda _p, _address: row, reserved=Dialer.reserved, verdict=verdict
    )
    provider = InProcess(clock, instant=True)

    async def scene() -> None:
        sender = Sender(dialer, provider)
        real[0] += LATER_US
        sender.add(0, dial)
        sender._fire()
        await sender.drained()

    asyncio.run(scene())
    assert [taken.dial_id for taken in provider.requests] == [dial.dial_id]
    assert asked == [slice_ + LATER_US // 1000 * RATE]
