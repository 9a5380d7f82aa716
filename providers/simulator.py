"""The simulator's adapter: HTTP over warm connections. What may not have reached the provider is never called refused by it."""

import asyncio

import aiohttp
import msgspec

from engine.retries import Disposition
from outdial.clock import Clock
from outdial.logs import get_logger
from providers.port import CLIENT_TIMEOUT_MS, Request, statement
from providers.simwire import CALLS, EMAILS, HEALTH, MESSAGES, NAME, Answer, News, Order, to_receipt
from schemas.receipt import Receipt, ReceiptKind

log = get_logger()

#: Connections that are opened at the start and kept open, and the real seconds after which each is used again.
WARM, WARM_EVERY = 8, 15.0
#: Real seconds after which an idle connection is closed; the simulator waits longer, so that it is never the first.
IDLE = 60.0

#: Refusals by which nobody was dialed. A gateway's other 5xx say nothing of what stands behind it.
REFUSED: dict[int, Disposition] = {
    429: Disposition.PROVIDER_THROTTLED,
    503: Disposition.PROVIDER_ERROR,
    400: Disposition.CONFIG_ERROR,
    401: Disposition.CONFIG_ERROR,
    403: Disposition.CONFIG_ERROR,
    404: Disposition.CONFIG_ERROR,
    405: Disposition.CONFIG_ERROR,
    413: Disposition.CONFIG_ERROR,
    422: Disposition.CONFIG_ERROR,
}
#: What an answer of one of these states may name itself.
NAMED = frozenset(
    {Disposition.INVALID_NUMBER, Disposition.CONFIG_ERROR, Disposition.PROVIDER_ERROR, Disposition.PROVIDER_THROTTLED}
)
#: Where requests of each channel go.
PLACES = {"call": CALLS, "sms": MESSAGES, "email": EMAILS}
#: Raised while connecting: nothing has left.
NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class SimulatorProvider:
    """Asks the simulator at `url` (http://host:port)."""

    name = NAME
    authoritative = True
    real = False

    def __init__(self, url: str, clock: Clock, timeout_ms: int = CLIENT_TIMEOUT_MS) -> None:
        self._url, self._clock, self._timeout_ms = url.rstrip("/"), clock, timeout_ms
        self._session: aiohttp.ClientSession | None = None
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._warm()
        self._warming = asyncio.get_running_loop().create_task(self._keep_warm())

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def request(self, request: Request) -> Receipt:
        try:
            body = msgspec.json.encode(_order(request))
        except Exception as error:  # variables that JSON cannot hold
            return _rejected(request, Disposition.CONFIG_ERROR, str(error))
        left = min(self._timeout_ms, request.not_after - self._clock.real_ms()) / 1000
        if left <= 0:
            return _rejected(request, Disposition.PROVIDER_ERROR, "too late: the request may not leave any more")
        url = self._url + PLACES[request.channel]
        # Half of the time for connecting: a provider that is not reached has certainly dialed nobody.
        limits = aiohttp.ClientTimeout(total=left, connect=left / 2)
        headers = {"content-type": "application/json"}
        try:
            # A POST is not repeated by aiohttp, and must not be by a redirect.
            async with self._client().post(url, data=body, headers=headers, timeout=limits, allow_redirects=False) as answer:
                return _read(request, answer.status, await answer.read())
        except NOT_CONNECTED as error:
            return _rejected(request, Disposition.PROVIDER_ERROR, f"not reached: {error}")
        except Exception as error:  # the port never raises; and nobody knows how far this one came
            return _unknown(request.dial_id, request.address, "request", error)

    async def lookup(self, dial_id: str, address: str) -> Receipt:
        limits = aiohttp.ClientTimeout(total=self._timeout_ms / 1000)
        try:
            async with self._client().get(self._url + CALLS, params={"dial_id": dial_id}, timeout=limits) as answer:
                return _found(dial_id, address, answer.status, await answer.read())
        except Exception as error:
            return _unknown(dial_id, address, "lookup", error)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit: a request whose slot has come must not wait for another's answer.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def _keep_warm(self) -> None:
        while True:
            await asyncio.sleep(WARM_EVERY)
            await self._warm()

    async def _warm(self) -> None:
        """At the same time, so that each takes a connection of its own."""
        await asyncio.gather(*(self._touch() for _ in range(WARM)))

    async def _touch(self) -> None:
        try:
            async with self._client().get(self._url + HEALTH, timeout=aiohttp.ClientTimeout(total=1)) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.debug("The provider is not there.", action="provider_not_reached", error=str(error))


def _order(request: Request) -> Order:
    return Order(
        dial_id=request.dial_id,
        to=request.address,
        from_=request.sender if request.channel == "email" else request.caller,
        agent=request.agent,
        subject=request.subject,
        text=request.text,
        variables=dict(request.variables),
        ring_timeout_ms=request.ring_timeout_ms,
        max_duration_ms=request.max_duration_ms,
        not_after=request.not_after,
    )


def _read(request: Request, status: int, body: bytes) -> Receipt:
    answer = _decoded(body)
    if 200 <= status < 300:
        said = {"provider_call_id": answer.call_id} if answer.call_id else {}
        return statement(request.dial_id, request.address, ReceiptKind.ACCEPTED, "request", cost=answer.cost, **said)
    if status not in REFUSED:
        return _unknown(request.dial_id, request.address, "request", f"status {status}: {answer.message}")
    disposition = Disposition(answer.error) if answer.error in NAMED else REFUSED[status]
    return _rejected(request, disposition, f"status {status}: {answer.message or 'no reason given'}")


def _found(dial_id: str, address: str, status: int, body: bytes) -> Receipt:
    # Any server may say 404; only the provider says that it knows no such dial_id.
    if status == 404 and _decoded(body).error == "not_found":
        return statement(dial_id, address, ReceiptKind.NOT_FOUND, "lookup")
    if status != 200:
        return _unknown(dial_id, address, "lookup", f"status {status}")
    news = msgspec.json.decode(body, type=News)
    if (news.dial_id, news.to) != (dial_id, address):
        return _unknown(dial_id, address, "lookup", "it is about another call")
    return to_receipt(news, "lookup")


def _decoded(body: bytes) -> Answer:
    try:
        return msgspec.json.decode(body, type=Answer)
    except msgspec.DecodeError:
        return Answer()


def _rejected(request: Request, disposition: Disposition, detail: str) -> Receipt:
    said = {"disposition": str(disposition), "detail": detail[:200]}
    return statement(request.dial_id, request.address, ReceiptKind.REJECTED, "request", **said)


def _unknown(dial_id: str, address: str, source: str, reason: object) -> Receipt:
    detail = f"{type(reason).__name__}: {reason}" if isinstance(reason, Exception) else str(reason)
    return statement(dial_id, address, ReceiptKind.UNKNOWN, source, detail=detail[:200])
