"""The receiver of webhooks: verifies, translates, and answers 2xx only when Kafka has the receipt.

    POST /v1/webhooks/simulator   204 acknowledged by Kafka; 401 bad signature; 400 not an event; 413 too long; 503 try again
    GET  /health

A provider repeats what is not answered 2xx. So nothing is lost while Kafka is away; and since a receipt's event_id is made of the
webhook's id, nothing is counted twice when an answer gets lost.
"""

import asyncio
import threading
from contextlib import suppress

import msgspec
from aiohttp import web
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from standardwebhooks import Webhook

from outdial.kafka import producer_config
from outdial.logs import get_logger
from outdial.settings import Settings
from providers.signing import verify
from providers.simwire import WEBHOOKS, News, to_receipt
from schemas import ids
from schemas.base import encode
from schemas.receipt import Receipt
from schemas.topics import DIAL_RECEIPTS

log = get_logger()

#: Bytes of a webhook's body.
BODY_LIMIT = 64 * 1024
#: Real ms that Kafka gets to acknowledge a receipt. Providers wait for an answer for about ten seconds.
ACK_TIMEOUT_MS = 4_000


class NotAcknowledgedError(Exception):
    """Kafka has not acknowledged the receipt; it may have it all the same."""


class Receipts:
    """Writes receipts to `dial-receipts` and waits for each acknowledgement. Used from one event loop."""

    def __init__(self, settings: Settings, topic: str = DIAL_RECEIPTS.name) -> None:
        self._config = producer_config(settings) | {"message.timeout.ms": ACK_TIMEOUT_MS}
        self._topic = topic
        self._producer = Producer(self._config)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="receipts", daemon=True)

    def start(self) -> None:
        """Begins to take acknowledgements."""
        self._thread.start()

    async def close(self) -> None:
        """Returns when all that was sent is acknowledged or has failed."""
        await asyncio.to_thread(self._producer.flush, ACK_TIMEOUT_MS / 1000)
        self._closing.set()
        await asyncio.to_thread(self._thread.join)

    async def send(self, receipt: Receipt) -> None:
        """Returns once Kafka has acknowledged it. Raises NotAcknowledgedError after ACK_TIMEOUT_MS, or at once if it refuses."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[KafkaError | None] = loop.create_future()

        def settle(error: KafkaError | None) -> None:
            if not told.done():
                told.set_result(error)

        def delivered(error: KafkaError | None, _: Message) -> None:
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                loop.call_soon_threadsafe(settle, error)

        try:
            self._producer.produce(self._topic, key=receipt.key.encode(), value=encode(receipt), on_delivery=delivered)
            async with asyncio.timeout(ACK_TIMEOUT_MS / 1000 + 1):
                error = await told
        except (BufferError, TimeoutError) as late:
            raise NotAcknowledgedError(str(late) or "no acknowledgement in time") from late
        except KafkaException as refused:
            error = refused.args[0]
        if error is not None:
            self._renew(error)
            raise NotAcknowledgedError(error.str())

    def _renew(self, error: KafkaError) -> None:
        """An idempotent producer that has failed for good (its sequence is lost) refuses everything: another takes its place."""
        if error.fatal():
            log.warning("The producer failed for good and is replaced.", action="producer_replaced", error=error.str())
            self._producer = Producer(self._config)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)


class Receiver:
    """The HTTP handlers."""

    def __init__(self, signer: Webhook, receipts: Receipts) -> None:
        self._signer, self._receipts = signer, receipts

    def app(self) -> web.Application:
        """The web application, for a running loop."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post(WEBHOOKS, self._take)
        app.router.add_get("/health", self._health)
        app.on_startup.append(self._start)
        app.on_cleanup.append(self._close)
        return app

    async def _start(self, _: web.Application) -> None:
        self._receipts.start()

    async def _close(self, _: web.Application) -> None:
        await self._receipts.close()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        refusal = verify(self._signer, body, request.headers)
        if refusal is not None:
            log.warning("A webhook was refused: its signature does not fit.", action="webhook_refused", reason=refusal)
            return _no(401, f"the signature does not fit: {refusal}")
        try:
            receipt = translate(request.headers["webhook-id"], body)
        except (msgspec.DecodeError, RecursionError) as error:
            return _no(400, f"this is not an event of the simulator: {error}")
        try:
            await self._receipts.send(receipt)
        except NotAcknowledgedError as error:
            log.warning("A webhook must come again: Kafka does not have it.", action="webhook_not_written", reason=str(error))
            return _no(503, f"Kafka has not acknowledged it: {error}", {"Retry-After": "1"})
        return web.Response(status=204)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})


def translate(webhook_id: str, body: bytes) -> Receipt:
    """The receipt of an event of the simulator. Raises msgspec.DecodeError, which says what is wrong and where."""
    receipt = to_receipt(msgspec.json.decode(body, type=News), "webhook")
    return msgspec.structs.replace(receipt, event_id=ids.event_id(webhook_id, "receipt", receipt.dial_id))


def _no(status: int, sentence: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": sentence}, status=status, headers=headers)
