"""The simulator's webhooks: signed (Standard Webhooks), repeated until somebody answers 2xx, under the same id each time."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import aiohttp
import msgspec
from standardwebhooks import Webhook

from outdial.logs import get_logger
from providers.simwire import News

log = get_logger()

#: Real seconds after which an event that nobody took is given up.
RETRY_FOR = 300.0
#: Real seconds between two attempts: doubling from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 10.0
#: Real seconds that `close` gives to what has not been delivered.
LAST_ATTEMPTS = 3.0
#: Webhooks under way at the same time.
CONNECTIONS = 64


class Hooks:
    """Delivers events to one URL."""

    def __init__(self, url: str, signer: Webhook) -> None:
        self._url, self._signer = url, signer
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self.delivered = 0

    @property
    def pending(self) -> int:
        """Events that have not been delivered, nor given up."""
        return len(self._tasks)

    def send(self, webhook_id: str, news: News, times: int = 1) -> None:
        """Delivers an event in the background; `times` above 1 repeats it after its delivery."""
        task = asyncio.get_running_loop().create_task(self._deliver(webhook_id, msgspec.json.encode(news).decode(), times))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Tries once more, at once, what has not been delivered."""
        self._closing.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=LAST_ATTEMPTS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, webhook_id: str, body: str, times: int) -> None:
        for _ in range(times):
            for pause in self._pauses():
                if await self._post(webhook_id, body):
                    self.delivered += 1
                    break
                if self._closing.is_set():
                    return
                await self._rest(pause)
            else:
                log.warning("Nobody took a webhook: it is given up.", action="webhook_given_up", webhook_id=webhook_id)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    @staticmethod
    def _pauses() -> Iterator[float]:
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + RETRY_FOR, FIRST_PAUSE
        while loop.time() < until:
            yield pause
            pause = min(LAST_PAUSE, pause * 2)

    async def _post(self, webhook_id: str, body: str) -> bool:
        if self._session is None:
            # No limit on the whole, which would count the wait for one of the connections too.
            limits = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=10)
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=limits)
        try:
            async with self._session.post(self._url, data=body.encode(), headers=self._headers(webhook_id, body)) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _headers(self, webhook_id: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(webhook_id, now, body),
        }
