"""The simulator's HTTP contract, shared by its server and its clients: what it is asked, what it tells in webhooks and look-ups."""

from typing import Annotated, Any

import msgspec

from engine.stop_words import asks_to_stop
from providers.port import statement
from schemas.receipt import Receipt, ReceiptKind

NAME = "simulator"
CALLS, MESSAGES, INBOUND, HEALTH = "/v1/calls", "/v1/messages", "/v1/inbound", "/v1/health"
WEBHOOKS = "/v1/webhooks/simulator"

#: E.164: a plus sign and 7 to 15 digits, the first not 0.
E164 = r"^\+[1-9]\d{6,14}$"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Instant = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Order(msgspec.Struct, frozen=True, rename={"from_": "from"}, omit_defaults=True):
    """The body of a request for a call or a message. Times are campaign ms; after `not_after` (real ms) it is refused."""

    dial_id: Name
    to: Name
    from_: str | None = None
    agent: str | None = None
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


class Text(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A message that a person sends: the body of a request to pretend so."""

    from_: Annotated[str, msgspec.Meta(pattern=E164)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    to: str | None = None


class News(msgspec.Struct, frozen=True, rename={"from_": "from"}, omit_defaults=True):
    """What a webhook tells and a look-up answers. Instants are campaign ms. Of `message.received`: from and text, no dial_id."""

    type: Name  # one of KINDS; others are passed on as data
    dial_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    to: str = ""
    from_: str | None = None
    text: str | None = None
    call_id: str | None = None
    disposition: str | None = None
    opt_out: str | None = None
    callback_at: str | None = None  # ISO 8601
    started_at: Instant | None = None
    ended_at: Instant | None = None
    talk_ms: Instant | None = None


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
    if news.type == "message.received":
        if not news.from_ or news.text is None:
            raise msgspec.ValidationError("message.received needs `from` and `text`")
        stop = "all" if asks_to_stop(news.text) else None
        return statement("", news.from_, ReceiptKind.INBOUND, source, detail=news.text, opt_out=stop)
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
    )
    return told if news.type in KINDS else msgspec.structs.replace(told, raw=msgspec.to_builtins(news))
