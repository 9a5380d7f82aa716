"""The simulator's HTTP contract, shared by its server and its clients: what it is asked, what it tells in webhooks and look-ups."""

from typing import Annotated, Any, Literal

import msgspec

from engine.errors import RecordError
from engine.phone import canonical_address
from engine.stop_words import asks_to_stop, email_asks_to_stop
from providers.port import statement
from schemas.receipt import Receipt, ReceiptKind

NAME = "simulator"
CALLS, MESSAGES, EMAILS = "/v1/calls", "/v1/messages", "/v1/emails"
INBOUND, OUTAGE, HEALTH = "/v1/inbound", "/v1/outage", "/v1/health"
WEBHOOKS = "/v1/webhooks/simulator"

#: E.164: a plus sign and 7 to 15 digits, the first not 0.
E164 = r"^\+[1-9]\d{6,14}$"
#: What the simulator takes for an email address.
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Instant = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Order(msgspec.Struct, frozen=True, rename={"from_": "from"}, omit_defaults=True):
    """The body of a request for a call, text message or email. Times are campaign ms; after `not_after` (real ms) it is refused."""

    dial_id: Name
    to: Name
    from_: str | None = None
    agent: str | None = None
    subject: str | None = None
    text: str | None = None
    variables: dict[str, Any] = {}
    ring_timeout_ms: Annotated[int, msgspec.Meta(ge=1, lt=2**40)] = 30_000
    max_duration_ms: Annotated[int, msgspec.Meta(ge=1, lt=2**40)] = 3_600_000
    not_after: int | None = None


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an answer: the call's id with status 201, else what was wrong."""

    call_id: str | None = None
    error: str | None = None  # a disposition, or not_found
    message: str | None = None
    cost: int | None = None  # of a message, millionths of a unit of currency


class Inbound(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """What a person does: the body of a request to pretend so. With text a message or, by its sender, an email; else a call."""

    from_: Annotated[str, msgspec.Meta(pattern=f"{E164}|{EMAIL}")]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None
    subject: str | None = None
    to: str | None = None


class Outage(msgspec.Struct, frozen=True):
    """How requests are refused from now on: nobody is dialed. Without a status they are taken again."""

    status: Literal[429, 503] | None = None


class News(msgspec.Struct, frozen=True, rename={"from_": "from"}, omit_defaults=True):
    """What a webhook tells and a look-up answers. Instants are campaign ms. `message.received` and `call.received`: no dial_id."""

    type: Name  # one of KINDS; others are passed on as data
    dial_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    to: str = ""
    from_: str | None = None
    subject: str | None = None
    text: str | None = None
    call_id: str | None = None
    disposition: str | None = None
    opt_out: str | None = None
    callback_at: str | None = None  # ISO 8601
    started_at: Instant | None = None
    ended_at: Instant | None = None
    talk_ms: Instant | None = None
    recording_url: str | None = None
    summary: str | None = None
    cost: int | None = None  # millionths of a unit of currency
    permanent: bool = False  # of undelivered: nothing will ever arrive there


KINDS: dict[str, ReceiptKind] = {
    "call.accepted": ReceiptKind.ACCEPTED,
    "call.ended": ReceiptKind.ENDED,
    "message.accepted": ReceiptKind.ACCEPTED,
    "message.status": ReceiptKind.STATUS,
}


def to_receipt(news: News, source: str) -> Receipt:
    """The receipt of a piece of news. A type that is not known becomes its kind, which everyone ignores.

    Raises msgspec.ValidationError for one that lacks what its type needs.
    """
    if news.type in ("message.received", "call.received"):
        return _received(news, source)
    if not news.dial_id or not news.to:
        raise msgspec.ValidationError(f"{news.type} needs `dial_id` and `to`")
    told = statement(
        news.dial_id,
        news.to,
        KINDS.get(news.type, news.type),
        source,
        provider_call_id=news.call_id,
        disposition=news.disposition,
        opt_out=news.opt_out,
        callback_at=news.callback_at,
        started_at=news.started_at,
        ended_at=news.ended_at,
        talk_ms=news.talk_ms,
        recording_url=news.recording_url,
        summary=news.summary,
        cost=news.cost,
        permanent=news.permanent,
    )
    return told if news.type in KINDS else msgspec.structs.replace(told, raw=msgspec.to_builtins(news))


def _received(news: News, source: str) -> Receipt:
    """A person wrote or called. Who answers an email with STOP wants no more emails; a text message of it means everything."""
    if not news.from_:
        raise msgspec.ValidationError(f"{news.type} needs `from`")
    by_email = "@" in news.from_
    try:
        address = canonical_address("email", news.from_) if by_email else news.from_
    except RecordError as error:
        raise msgspec.ValidationError(f"{news.type}: from: {error}") from error
    if news.type == "call.received":
        return statement("", address, ReceiptKind.CALLED, source, provider_call_id=news.call_id)
    if news.text is None:
        raise msgspec.ValidationError("message.received needs `from` and `text`")
    stop = email_asks_to_stop(news.subject, news.text) if by_email else asks_to_stop(news.text)
    scope = "channel:email" if by_email else "all"
    return statement("", address, ReceiptKind.INBOUND, source, detail=news.text, opt_out=scope if stop else None)
