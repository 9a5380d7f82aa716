"""Signatures of webhooks: Standard Webhooks (HMAC-SHA256 over id, timestamp and raw body), with the secret of the settings."""

import binascii
from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from engine.errors import UsageError
from outdial.settings import Settings

REMEDY = "set it, for every process, to `whsec_` and the base64 of 24 to 64 random bytes (`openssl rand -base64 32`)"


def signer(settings: Settings) -> Webhook:
    """Signs and verifies with OUTDIAL_WEBHOOK_SECRET. Raises UsageError if it is not set or cannot be used."""
    secret = settings.webhook_secret
    if secret is None or not secret.get_secret_value().strip():
        raise UsageError(f"OUTDIAL_WEBHOOK_SECRET is not set, and without it anybody could say how a call ended: {REMEDY}")
    try:
        return Webhook(secret.get_secret_value().strip())
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        # `from None`: the cause would show the secret.
        raise UsageError(f"OUTDIAL_WEBHOOK_SECRET is no base64: {REMEDY}") from None


def verify(webhook: Webhook, body: bytes, headers: Mapping[str, str]) -> str | None:
    """Why the body is not from who has the secret, or is more than 5 minutes (real time) old; None if all is well."""
    try:
        webhook.verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        return str(error)
    except ValueError:  # the library takes malformed signatures and bodies apart unchecked
        return "Invalid Signature Headers"
    return None
