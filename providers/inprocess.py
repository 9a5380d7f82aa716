"""A provider inside the worker's own process, without any I/O: for tests and benchmarks. Its fates are the simulator's."""

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec

from engine.retries import Disposition
from outdial.clock import Clock
from providers.mix import Fate, Mix, fate_of
from providers.port import Request, statement
from providers.simnews import callback_at, recording_url, summary
from schemas.receipt import Receipt, ReceiptKind

_FAILED = frozenset((Disposition.PROVIDER_ERROR, Disposition.PROVIDER_THROTTLED, Disposition.CONFIG_ERROR))
#: Decides the fate of the nth request (from 1) to an address, instead of the seeded mix.
Script = Callable[[Request, int], Fate]


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A request as it arrived: campaign ms and real microseconds."""

    request: Request
    campaign_ms: int
    real_us: int

    @property
    def dial_id(self) -> str:
        return self.request.dial_id

    @property
    def address(self) -> str:
        return self.request.address


class InProcess:
    """Tells `on_receipt` how each call ended: after its ring and talk time on the clock, or as soon as the loop turns (`instant`).

    It never deduplicates: a dial_id requested twice stands twice in `requests`.
    """

    name = "inprocess"
    authoritative = True
    real = False

    def __init__(
        self,
        clock: Clock,
        on_receipt: Callable[[Receipt], None] = lambda _: None,
        *,
        seed: int = 0,
        mix: Mix | None = None,
        script: Script | None = None,
        instant: bool = False,
    ) -> None:
        self._clock, self.on_receipt, self._instant = clock, on_receipt, instant
        self._seed, self._mix = seed, mix or Mix()
        self._script = script or self._seeded
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._timers: set[asyncio.TimerHandle] = set()
        self._known: dict[str, Receipt] = {}
        self.requests: list[Taken] = []

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Calls that are going on are never heard of again."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    async def request(self, request: Request) -> Receipt:
        taken = Taken(request, self._clock.now(), self._clock.real_us())
        self._attempts[request.channel, request.address] += 1
        fate = self._script(request, self._attempts[request.channel, request.address])
        if fate.disposition in _FAILED:
            return self._say(request, ReceiptKind.REJECTED, "request", disposition=fate.disposition)
        self.requests.append(taken)
        call_id = f"inprocess-{len(self.requests)}"
        cost = None if request.channel == "call" else fate.cost
        accepted = self._say(request, ReceiptKind.ACCEPTED, "request", provider_call_id=call_id, cost=cost)
        self._known[request.dial_id] = accepted
        self._later(self._clock.real_delay(fate.end_ms), taken, fate, call_id)
        return accepted

    async def lookup(self, dial_id: str, address: str) -> Receipt:
        known = self._known.get(dial_id)
        return known or statement(dial_id, address, ReceiptKind.NOT_FOUND, "lookup")

    def _seeded(self, request: Request, attempt: int) -> Fate:
        times = (request.ring_timeout_ms, request.max_duration_ms)
        return fate_of(self._mix, self._seed, request.channel, request.address, attempt, *times)

    def _later(self, delay: float, taken: Taken, fate: Fate, call_id: str) -> None:
        loop = asyncio.get_running_loop()
        if self._instant:
            loop.call_soon(self._ended, taken, fate, call_id)
            return

        def fire() -> None:
            self._timers.discard(timer)
            self._ended(taken, fate, call_id)

        timer = loop.call_later(delay, fire)
        self._timers.add(timer)

    def _ended(self, taken: Taken, fate: Fate, call_id: str) -> None:
        request, ended_at = taken.request, taken.campaign_ms + fate.end_ms
        how = {"disposition": fate.disposition, "opt_out": fate.opt_out, "provider_call_id": call_id}
        if request.channel != "call":
            self.on_receipt(self._say(request, ReceiptKind.STATUS, "webhook", permanent=fate.permanent, **how))
            return
        ended = self._say(
            request,
            ReceiptKind.ENDED,
            "webhook",
            callback_at=callback_at(fate, ended_at),
            started_at=taken.campaign_ms,
            ended_at=ended_at,
            talk_ms=fate.talk_ms,
            recording_url=recording_url(call_id, fate),
            summary=summary(fate),
            cost=fate.cost,
            **how,
        )
        self._known[request.dial_id] = ended
        self.on_receipt(ended)

    def _say(self, request: Request, kind: ReceiptKind, source: str, **said: object) -> Receipt:
        return statement(request.dial_id, request.address, kind, source, **said)
