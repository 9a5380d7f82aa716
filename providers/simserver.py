"""The simulator: an HTTP provider of calls and messages that rings nobody, in a process of its own.

    POST /v1/calls, /v1/messages, /v1/emails    201 {"call_id"}; 503, 429: it failed and nothing rang; 400, 422: wrong request
    GET  /v1/calls?dial_id=                     the last of any kind with this dial_id; 404 if it was never asked for one
    POST /v1/inbound                            pretends that a person sent a message or an email, or called
    POST /v1/outage                             {"status": 503} or 429: refuses all requests from now on; {}: takes them again
    GET  /v1/health

It never deduplicates: a dial_id that is requested twice is two calls and stands twice in its log, for that is what a real phone
would ring. Its look-up may be trusted: a request is known to it from the moment it was read, after a restart from its log; and one
that is read later than `not_after` (it waited in some buffer) is refused, so that *not found* after that instant stays true.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import msgspec
from aiohttp import web

from engine.retries import Disposition
from outdial.clock import Clock
from outdial.logs import get_logger
from providers.mix import Mix, fate_of
from providers.simanswers import answer, json_answer, refusal
from providers.simdrills import Inbounds, Outages
from providers.simhooks import Hooks
from providers.simlog import Entry, Log
from providers.simnews import accepted, ended
from providers.simwire import CALLS, EMAILS, HEALTH, INBOUND, MESSAGES, OUTAGE, Order
from schemas.ids import digest

log = get_logger()

#: Bytes of a request's body.
BODY_LIMIT = 256 * 1024
#: Real ms: a call that ended so shortly before a restart is told of again, under the same webhook id.
TELL_AGAIN = 60_000
#: Real seconds for which a request is left without an answer (drill `hang`).
HANG = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the simulator does. The drills are shares of all accepted requests, from 0 to 1."""

    seed: int = 1
    mix: Mix = field(default_factory=Mix)
    silent: float = 0.0  # its webhook is never sent
    hang: float = 0.0  # accepted, logged, dialed; the HTTP request is never answered
    repeat: float = 0.0  # its webhook is sent twice


class Simulator:
    """The provider's state and its HTTP handlers. `hooks` None: it tells nobody."""

    def __init__(self, options: Options, clock: Clock, log: Log, hooks: Hooks | None) -> None:
        self._options, self._clock, self._log, self._hooks = options, clock, log, hooks
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._known: dict[str, Entry] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closing = asyncio.Event()
        self.accepted = 0
        self._inbound, self._outages = Inbounds(options.seed, clock, hooks), Outages()

    def app(self) -> web.Application:
        """The web application, for a running loop."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post(CALLS, self._call)
        app.router.add_post(MESSAGES, self._message)
        app.router.add_post(EMAILS, self._email)
        app.router.add_post(INBOUND, self._inbound.take)
        app.router.add_post(OUTAGE, self._outages.take)
        app.router.add_get(CALLS, self._find)
        app.router.add_get(HEALTH, self._health)
        app.on_startup.append(self._recover)
        app.on_shutdown.append(self._let_go)
        app.on_cleanup.append(self._close)
        return app

    async def _recover(self, _: web.Application) -> None:
        """Knows what the log holds, and goes on with calls that have not ended."""
        recent = self._clock.now() - TELL_AGAIN * self._clock.rate
        for entry in self._log.entries:
            self._known[entry.dial_id] = entry
            key = entry.channel, entry.number
            self._attempts[key] = max(self._attempts[key], entry.attempt)
            if entry.ends_at > recent:
                self._ring(entry)
        self.accepted = len(self._log.entries)
        self._log.entries.clear()

    async def _let_go(self, _: web.Application) -> None:
        """Before the server waits for its requests: those that hang would keep it."""
        self._closing.set()

    async def _close(self, _: web.Application) -> None:
        """Tries undelivered webhooks once more. Calls that go on are left to the log."""
        for timer in self._timers.values():
            timer.cancel()
        if self._hooks is not None:
            await self._hooks.close()
        await self._log.close()

    # --- requests ---

    async def _call(self, request: web.Request) -> web.Response:
        return await self._take(request, "call")

    async def _message(self, request: web.Request) -> web.Response:
        return await self._take(request, "sms")

    async def _email(self, request: web.Request) -> web.Response:
        return await self._take(request, "email")

    async def _take(self, request: web.Request, channel: str) -> web.Response:
        # Read before the body is: pacing and windows are judged by when a request arrived.
        arrived = self._clock.now(), self._clock.real_us()
        try:
            order = msgspec.json.decode(await request.read(), type=Order)
        except msgspec.DecodeError as error:
            return answer(400, error=Disposition.CONFIG_ERROR, message=str(error))
        refused = self._outages.answer() or refusal(order, channel) or self._too_late(order)
        if refused is not None:
            return refused
        entry = self._entry(order, channel, *arrived)
        if entry.disposition == Disposition.PROVIDER_ERROR:
            return answer(503, {"Retry-After": "1"}, error=Disposition.PROVIDER_ERROR, message="the network is congested")
        return await self._accept(entry)

    async def _accept(self, entry: Entry) -> web.Response:
        earlier = self._known.get(entry.dial_id)
        self._known[entry.dial_id] = entry  # a look-up that overtakes the fsync must not deny it
        try:
            await self._log.append(entry)
        except OSError as error:
            self._forget(entry, earlier)
            log.error("The log cannot be written: nothing is dialed.", action="log_failed", error=str(error))
            return answer(503, error=Disposition.PROVIDER_ERROR, message=f"the log cannot be written: {error.strerror}")
        self.accepted += 1
        self._ring(entry)
        if "hang" in entry.drills:
            await self._hang()
        return answer(201, call_id=entry.call_id, cost=None if entry.channel == "call" else entry.cost)

    def _too_late(self, order: Order) -> web.Response | None:
        if order.not_after is None or self._clock.real_ms() <= order.not_after:
            return None
        return answer(503, error=Disposition.PROVIDER_ERROR, message="not_after has passed")

    def _entry(self, order: Order, channel: str, campaign_ms: int, real_us: int) -> Entry:
        key, o = (channel, order.to), self._options
        self._attempts[key] += 1
        attempt = self._attempts[key]
        fate = fate_of(o.mix, o.seed, *key, attempt, order.ring_timeout_ms, order.max_duration_ms)
        return Entry(
            call_id=digest("simulator", o.seed, channel, order.to, attempt),
            dial_id=order.dial_id,
            channel=channel,
            number=order.to,
            caller=order.from_,
            attempt=attempt,
            received_campaign_ms=campaign_ms,
            received_real_us=real_us,
            disposition=fate.disposition,
            ring_ms=fate.ring_ms,
            talk_ms=fate.talk_ms,
            agent=order.agent,
            subject=order.subject,
            text=order.text,
            opt_out=fate.opt_out,
            callback_ms=fate.callback_ms,
            permanent=fate.permanent,
            cost=fate.cost,
            drills=self._drills(*key, attempt),
        )

    def _drills(self, channel: str, number: str, attempt: int) -> tuple[str, ...]:
        shares = {"silent": self._options.silent, "hang": self._options.hang, "repeat": self._options.repeat}
        if not any(shares.values()):
            return ()
        random = Random(f"{self._options.seed}:drill:{channel}:{number}:{attempt}")
        return tuple(name for name, share in shares.items() if random.random() < share)

    def _forget(self, entry: Entry, earlier: Entry | None) -> None:
        if self._known.get(entry.dial_id) is entry:
            del self._known[entry.dial_id]
            if earlier is not None:
                self._known[entry.dial_id] = earlier

    async def _hang(self) -> None:
        try:
            async with asyncio.timeout(HANG):
                await self._closing.wait()
        except TimeoutError:
            pass
        raise web.HTTPGatewayTimeout

    # --- what becomes of them ---

    def _ring(self, entry: Entry) -> None:
        delay = self._clock.real_delay(entry.ends_at - self._clock.now())
        self._timers[entry.call_id] = asyncio.get_running_loop().call_later(delay, self._end, entry)

    def _end(self, entry: Entry) -> None:
        del self._timers[entry.call_id]
        if self._hooks is not None and "silent" not in entry.drills:
            kind = "ended" if entry.channel == "call" else "status"
            self._hooks.send(f"{entry.call_id}-{kind}", ended(entry), times=2 if "repeat" in entry.drills else 1)

    async def _find(self, request: web.Request) -> web.Response:
        entry = self._known.get(request.query.get("dial_id", ""))
        if entry is None:
            return answer(404, error="not_found", message="there was no request with this dial_id")
        over = entry.channel == "call" and entry.ends_at <= self._clock.now()
        return json_answer(200, ended(entry) if over else accepted(entry))

    async def _health(self, _: web.Request) -> web.Response:
        going_on, hooks = len(self._timers), self._hooks
        figures = {"accepted": self.accepted, "refused": self._outages.refused, "going_on": going_on}
        figures |= {"pending_webhooks": hooks.pending if hooks else 0}
        return web.json_response({"status": "ok"} | figures)
