"""The simulator's HTTP answers, and why a request is refused."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from engine.retries import Disposition
from providers.simwire import E164, EMAIL, Answer, Order

#: What a request must have, by channel, and what its address looks like.
_NEEDED = {"call": ("agent",), "sms": ("text",), "email": ("subject", "text")}
_ADDRESS = {"call": (E164, "an E.164 number"), "sms": (E164, "an E.164 number"), "email": (EMAIL, "an email address")}


def refusal(order: Order, channel: str) -> web.Response | None:
    pattern, meant = _ADDRESS[channel]
    if not re.fullmatch(pattern, order.to):
        return answer(422, error=Disposition.INVALID_NUMBER, message=f"to: {order.to!r} is not {meant}")
    missing = [name for name in _NEEDED[channel] if not getattr(order, name)]
    return answer(400, error=Disposition.CONFIG_ERROR, message=f"{missing[0]}: missing") if missing else None


def answer(status: int, headers: Mapping[str, str] | None = None, **body: Any) -> web.Response:
    return json_answer(status, Answer(**body), headers)


def json_answer(status: int, body: msgspec.Struct, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), headers=headers, content_type="application/json")
