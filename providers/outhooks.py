"""Webhooks that campaigns send after calls: one signed request (Standard Webhooks), and what became of it.

Redirects are not followed: what people said goes where the campaign file says, or nowhere. What a server answers beside its status
is not read.
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

#: Real seconds that a server has to take a connection, and to answer.
CONNECT_S, ANSWER_S = 5.0, 15.0
#: What a server answers that wants no more of these, ever (Standard Webhooks).
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request. why: what went wrong, in words, None: it was taken. final: it would be no use to try again.

    pause: real ms that the server asks to be left alone.
    """

    why: str | None = None
    final: bool = False
    pause: int = 0


class OutHooks:
    """Sends webhooks. `secrets`: where the variables are that campaign files name."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, secret_env: str, webhook_id: str, body: str) -> Answer:
        """One request. Never raises: what went wrong is in the answer."""
        secret = self._secrets.get(secret_env, "").strip()
        if not secret:
            return Answer(
                f"{secret_env} is not set where the worker runs: set it to the secret of {_host(url)}, and restart the worker"
            )
        try:
            headers = _signed(Webhook(secret), webhook_id, body)
        except (binascii.Error, ValueError, EmptyWebhookSecretError):  # which would show the secret
            return Answer(f"{secret_env} is no secret: it must be `whsec_` and base64, as {_host(url)} has it")
        return await self._request(url, body, headers)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _request(self, url: str, body: str, headers: dict[str, str]) -> Answer:
        if self._session is None:
            # The caller limits how many there are at a time, for each server (streams/courier.py).
            limits = aiohttp.ClientTimeout(total=CONNECT_S + ANSWER_S, sock_connect=CONNECT_S)
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=limits)
        try:
            async with self._session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
                return judge(answer.status, answer.headers.get("Retry-After"))
        except TimeoutError:
            return Answer(f"{_host(url)} did not answer within {CONNECT_S + ANSWER_S:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(f"{_host(url)} could not be asked: {str(error) or type(error).__name__}")


def judge(status: int, retry_after: str | None = None) -> Answer:
    """What a status means: 2xx it is taken, 410 never again, anything else later."""
    if 200 <= status < 300:
        return Answer()
    if 300 <= status < 400:
        return Answer(f"it was answered {status}: redirects are not followed, write the address that it leads to")
    pause = int(retry_after) * 1000 if retry_after and retry_after.isascii() and retry_after.isdigit() else 0
    return Answer(f"it was answered {status}", final=status == GONE, pause=pause)


def _signed(signer: Webhook, webhook_id: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "user-agent": "Outdial",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(webhook_id, now, body),
    }


def _host(url: str) -> str:
    return url.split("/", 3)[2] if url.count("/") >= 2 else url
