"""What the simulator is made to do from outside: persons who write or call, and outages."""

import msgspec
from aiohttp import web

from engine.retries import Disposition
from outdial.clock import Clock
from providers.simanswers import answer
from providers.simhooks import Hooks
from providers.simwire import Inbound, News, Outage
from schemas.ids import digest


class Inbounds:
    """Pretends that a person sent something, or called. `hooks` None: nobody hears of it."""

    def __init__(self, seed: int, clock: Clock, hooks: Hooks | None) -> None:
        self._seed, self._clock, self._hooks = seed, clock, hooks
        self._count = 0

    async def take(self, request: web.Request) -> web.Response:
        """The HTTP handler."""
        try:
            sent = msgspec.json.decode(await request.read(), type=Inbound)
        except msgspec.DecodeError as error:
            return answer(400, error=Disposition.CONFIG_ERROR, message=str(error))
        if self._hooks is not None:
            self._count += 1
            unique = digest("inbound", self._seed, sent.from_, self._clock.real_us(), self._count)
            self._hooks.send(unique, _news(sent, unique))
        return answer(201)


def _news(sent: Inbound, unique: str) -> News:
    if sent.text is None:
        return News(type="call.received", from_=sent.from_, to=sent.to or "", call_id=unique)
    return News(type="message.received", from_=sent.from_, to=sent.to or "", subject=sent.subject, text=sent.text)


class Outages:
    """Whether requests are refused at the moment, and how many were."""

    def __init__(self) -> None:
        self._now = Outage()
        self.refused = 0

    async def take(self, request: web.Request) -> web.Response:
        """The HTTP handler: an outage begins or ends."""
        try:
            self._now = msgspec.json.decode(await request.read(), type=Outage)
        except msgspec.DecodeError as error:
            return answer(400, error=Disposition.CONFIG_ERROR, message=str(error))
        return web.Response(status=204)

    def answer(self) -> web.Response | None:
        """The answer to every request; None: there is no outage."""
        if self._now.status is None:
            return None
        self.refused += 1
        error = Disposition.PROVIDER_ERROR if self._now.status == 503 else Disposition.PROVIDER_THROTTLED
        return answer(self._now.status, {"Retry-After": "1"}, error=error, message="nothing is taken at the moment")
