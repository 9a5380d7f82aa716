"""`outdial webhooks`: the receiver of providers' webhooks."""

import asyncio

from outdial import logs
from outdial.settings import Settings
from providers.serving import serve
from providers.signing import signer
from providers.webhooks import Receipts, Receiver


def webhooks() -> None:
    """Receive what providers tell of calls and messages, and hand it on to Kafka, until it is ended."""
    logs.configure()
    settings = Settings()
    verifier = signer(settings)
    asyncio.run(_run(settings, Receiver(verifier, Receipts(settings))))


async def _run(settings: Settings, receiver: Receiver) -> None:
    await serve(receiver.app(), settings.webhook_host, settings.webhook_port, "receiver of webhooks", "OUTDIAL_WEBHOOK_PORT")
