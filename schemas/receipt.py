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
    INBOUND = "inbound"  # the person sent a message: `detail` is its text
    CALLED = "called"  # the person called us
    STATUS = "status"  # later news that moves no flow (delivered, undelivered, a late opt-out)


class Receipt(Record, kw_only=True, frozen=True):
    """One statement of a provider, about one dial_id or of what a person sent. Repeats do no harm."""

    dial_id: str  #: the command it is about; empty: of none, as an inbound message is
    address: str  #: number (E.164) or email address that it is about
    kind: str  #: a ReceiptKind; others are kept as data and ignored
    provider_call_id: str | None = None  #: the provider's own id
    disposition: str | None = None  #: how it ended (engine/retries.py); one that is not known is treated as `unknown`
    detail: str | None = None  #: the provider's words
    opt_out: str | None = None  #: scope in which the person asked not to be contacted again
    callback_at: str | None = None  #: when the person asked to be called back
    requested_by: int | None = None  #: campaign ms, by when the provider had the request: of the answer to it
    started_at: int | None = None  #: campaign ms
    ended_at: int | None = None  #: campaign ms
    talk_ms: int | None = None  #: campaign ms spent talking
    recording_url: str | None = None  #: where the recording is
    summary: str | None = None  #: what was talked about
    cost: int | None = None  #: millionths of the provider's unit of currency
    permanent: bool = False  #: of undelivered: nothing will ever arrive at this address
    source: str = "webhook"  #: request, webhook or lookup
    raw: dict[str, Any] = {}  #: what else the provider said

    @property
    def key(self) -> str:
        return self.address
