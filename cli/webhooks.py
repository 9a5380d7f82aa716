"""`outdial webhooks`: the receiver of providers' webhooks."""

import asyncio

from outdial.settings import Settings


def webhooks() -> None:
    """Receive what providers tell of calls and messages, and hand it on to Kafka, until it is ended.

    Example: outdial webhooks
    """
    from outdial import logs  # structlog takes a tenth of a second to import: not for `outdial --help`

    logs.configure()
    asyncio.run(_run(Settings()))


async def _run(settings: Settings) -> None:
    from providers.serving import serve  # aiohttp takes a quarter of a second to import: not for `outdial --help`
    from providers.signing import signer
    from providers.webhooks import Receipts, Receiver

    receiver = Receiver(signer(settings), Receipts(settings))
    await serve(receiver.app(), settings.webhook_host, settings.webhook_port, "receiver of webhooks", "OUTDIAL_WEBHOOK_PORT")
