"""All that a provider says about a command. Topic `dial-receipts`, keyed by address."""

from enum import StrEnum
from typing import Any

from schemas.base import Record


class ReceiptKind(StrEnum):
    """What a provider said, or failed to say."""

    ACCEPTED = "accepted"  # it took the request
    REJECTED = "rejected"  # it refused the request: `disposition` says how
    UNKNOWN = "unknown"  # no answer: it may or may not have dialed
    ENDED = "ended"  # the call is over, or the message was sent: `disposition`
    NOT_FOUND = "not_found"  # a look-up found no such dial_id, and this provider's look-up is authoritative
    STATUS = "status"  # later news that moves no flow (delivered, undelivered, a late opt-out)


class Receipt(Record, kw_only=True, frozen=True):
    """One statement of a provider about one dial_id. Repeats do no harm."""

    dial_id: str
    address: str
    kind: str  # a ReceiptKind; others are kept as data and ignored
    provider_call_id: str | None = None
    disposition: str | None = None  # engine/retries.py; an unknown one is treated as `unknown`
    detail: str | None = None
    opt_out: str | None = None  # the scope the person asked for
    callback_at: str | None = None
    started_at: int | None = None  # campaign ms
    ended_at: int | None = None  # campaign ms
    talk_ms: int | None = None  # campaign ms spent talking
    source: str = "webhook"  # request | webhook | lookup
    raw: dict[str, Any] = {}

    @property
    def key(self) -> str:
        return self.address
