"""The sender: what it asks right before a request, of which moment, and by when it says the provider had it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from engine.gate import Verdict
from engine.time import Instant
from outdial.clock import AcceleratedClock, Anchor
from providers.inprocess import InProcess
from providers.port import Request, statement
from schemas.receipt import Receipt
from schemas.rows import Call, CallState, LedgerRow
from streams.dialer import Dialer
from streams.fence import Fence
from streams.sender import Sender
from tests.unit.samples import NOW, PHONE, PLAN, SLOT, dial_of

RATE, LATER_US = 4_320, 900_000
DIAL = dial_of()


class Scene:
    """One reserved command, whose slot comes `LATER_US` behind the last slice."""

    def __init__(self) -> None:
        self.real_us = SLOT.start
        self.clock = AcceleratedClock(Anchor(NOW, SLOT.start, RATE), lambda: self.real_us)
        self.slice = self.clock.now()
        self.asked: list[Instant] = []
        self.told: list[Receipt] = []
        self._fence = Fence()
        self._fence.beat(self._fence.now())

    def play(self, provider: Any) -> None:
        asyncio.run(self._play(provider))

    async def _play(self, provider: Any) -> None:
        sender = Sender(self._dialer(), provider)
        self.real_us += LATER_US
        sender.add(0, DIAL)
        sender._fire()
        await sender.drained()

    def _dialer(self) -> Any:
        call = Call(dial_id=DIAL.dial_id, state=CallState.RESERVED, channel="call", contact_id="c7")
        return SimpleNamespace(
            clock=self.clock,
            lane=SimpleNamespace(
                real_us=0,
                fence=self._fence,
                active=frozenset({0}),
                now=lambda: self.slice,
                step=lambda _p, fn: fn(),
                emit=self.told.append,
            ),
            heads=SimpleNamespace(plan=lambda _campaign, _version: PLAN),
            ledger_row=lambda _p, _address: LedgerRow(address=PHONE, calls={DIAL.dial_id: call}),
            reserved=Dialer.reserved,
            verdict=self._verdict,
        )

    def _verdict(self, _row: LedgerRow, _dial: Any, now: Instant, _real_us: int) -> Verdict:
        self.asked.append(now)
        return Verdict(())


class Slow:
    """A provider that answers half a real second after it was asked."""

    def __init__(self, scene: Scene, kind: str) -> None:
        self._scene, self._kind = scene, kind

    async def request(self, request: Request) -> Receipt:
        self._scene.real_us += 500_000
        return statement(request.dial_id, request.address, self._kind, "request")


def test_the_gate_is_asked_of_the_moment_of_the_request_not_of_the_last_slice() -> None:
    """On an idle worker the last slice is up to a second old: at this rate more than an hour, in which a window may close."""
    scene = Scene()
    provider = InProcess(scene.clock, instant=True)
    scene.play(provider)
    assert [taken.dial_id for taken in provider.requests] == [DIAL.dial_id]
    assert scene.asked == [scene.slice + LATER_US // 1000 * RATE]


@pytest.mark.parametrize(("kind", "answered"), [("accepted", True), ("rejected", True), ("unknown", False)])
def test_the_provider_had_the_request_when_its_answer_was_here(kind: str, answered: bool) -> None:
    """Without an answer nobody knows: it may have it later than the sender gave up."""
    scene = Scene()
    scene.play(Slow(scene, kind))
    (receipt,) = scene.told
    assert receipt.kind == kind
    assert receipt.requested_by == (scene.asked[0] + 500 * RATE if answered else None)
