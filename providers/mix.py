"""What happens to simulated calls: a mix of dispositions, and from it one fate per number and attempt, the same in every run.

A fate depends on (seed, channel, number, nth attempt for it) alone, never on the order or the time of requests, so that runs of
different speed can be compared call by call.
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from math import ceil, exp
from pathlib import Path
from statistics import NormalDist
from struct import Struct
from typing import Any, NamedTuple

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.errors import UsageError
from engine.retries import Disposition

_WORDS = Struct("<8Q")
_NORMAL = NormalDist()

#: Campaign ms from the request to the end of what is no conversation: (least, most).
RINGS: dict[str, tuple[int, int]] = {
    Disposition.ANSWERED: (3_000, 20_000),
    Disposition.ANSWERED_SILENT: (3_000, 20_000),
    Disposition.VOICEMAIL: (15_000, 25_000),
    Disposition.FAX: (3_000, 8_000),
    Disposition.BUSY: (1_000, 3_000),
    Disposition.REJECTED: (2_000, 8_000),
    Disposition.INVALID_NUMBER: (300, 1_000),
    Disposition.SPAM_BLOCKED: (500, 1_000),
}
#: Campaign ms that a machine, or nobody, is listened to: (least, most).
TALKS: dict[str, tuple[int, int]] = {
    Disposition.ANSWERED_SILENT: (5_000, 12_000),
    Disposition.VOICEMAIL: (10_000, 30_000),
    Disposition.FAX: (2_000, 4_000),
}


class Wheel(NamedTuple):
    """Names by weight: the nth lies before the nth end."""

    names: tuple[str, ...]
    ends: tuple[float, ...]

    @classmethod
    def of(cls, weights: dict[str, float]) -> "Wheel":
        some = {name: weight for name, weight in weights.items() if weight > 0}
        return cls(tuple(some), tuple(accumulate(some.values())))


class Mix(BaseModel):
    """Weights of dispositions (any sum; names that Outdial has never heard of are allowed, as a drill), and shares from 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: dict[str, float] = {
        "answered": 35,
        "answered_silent": 3,
        "no_answer": 25,
        "voicemail": 20,
        "busy": 8,
        "rejected": 3,
        "invalid_number": 3,
        "provider_error": 1.5,
        "spam_blocked": 0.5,
    }
    messages: dict[str, float] = {"delivered": 95, "undelivered": 4, "provider_error": 1}
    emails: dict[str, float] = {"delivered": 96, "undelivered": 3, "provider_error": 1}
    opt_out: float = Field(default=0.02, ge=0, le=1, description="share of answered calls that end in an opt-out")
    callback: float = Field(default=0.0, ge=0, le=1, description="share of answered calls that ask to be called back")
    callback_ms: int = Field(default=7_200_000, ge=0, description="how long after the call they want it, campaign ms")
    unsubscribe: float = Field(default=0.0, ge=0, le=1, description="share of delivered emails whose link to unsubscribe is used")
    permanent: float = Field(default=0.5, ge=0, le=1, description="share of undelivered emails whose address does not exist")
    talk_ms: int = Field(default=45_000, ge=1, description="median talk time of answered calls, campaign ms")
    prices: dict[str, int] = Field(
        default={"call": 14_000, "sms": 7_900, "email": 400},
        description="millionths of a unit of currency: of a started minute of a call, of a message",
    )

    @model_validator(mode="after")
    def _weights_add_up(self) -> "Mix":
        for weights in (self.calls, self.messages, self.emails):
            if min(weights.values(), default=0) < 0 or not sum(weights.values()) > 0:
                raise ValueError("weights must not be negative, and one must be above 0")
        return self

    @cached_property
    def ringing(self) -> "Wheel":
        """What happens to calls to numbers that exist."""
        return Wheel.of({name: weight for name, weight in self.calls.items() if name != Disposition.INVALID_NUMBER})

    @cached_property
    def sent(self) -> "Wheel":
        """What becomes of messages."""
        return Wheel.of(self.messages)

    @cached_property
    def emailed(self) -> "Wheel":
        """What becomes of emails."""
        return Wheel.of(self.emails)

    def price(self, channel: str, talk_ms: int = 0) -> int:
        """What a call or message costs, in millionths of a unit of currency."""
        each = self.prices.get(channel, 0)
        return each * ceil(talk_ms / 60_000) if channel == "call" else each

    @cached_property
    def invalid(self) -> float:
        """Share of numbers that do not exist."""
        return self.calls.get(Disposition.INVALID_NUMBER, 0.0) / sum(self.calls.values())


PRESETS: dict[str, Mix] = {
    "realistic": Mix(),
    "answered": Mix(calls={"answered": 1}, messages={"delivered": 1}, emails={"delivered": 1}, opt_out=0),
    "no-answer": Mix(calls={"no_answer": 1}, messages={"delivered": 1}, emails={"delivered": 1}),
    "callbacks": Mix(callback=0.25),
    "failing": Mix(calls={"provider_error": 1}, messages={"provider_error": 1}, emails={"provider_error": 1}),
}


class Fate(msgspec.Struct, frozen=True, gc=False):
    """How one request ends. Times are campaign ms; `end_ms` counts from the request."""

    disposition: str
    ring_ms: int
    talk_ms: int
    opt_out: str | None = None
    callback_ms: int | None = None  # from the end of the call
    permanent: bool = False  # of what was not delivered: the address does not exist
    cost: int = 0  # millionths of a unit of currency

    @property
    def end_ms(self) -> int:
        return self.ring_ms + self.talk_ms


class _Draws:
    """Up to eight numbers between 0 and 1 that a text determines. Seeding a generator of Python's would take ten times as long."""

    __slots__ = ("_words",)

    def __init__(self, text: str) -> None:
        self._words: Iterator[int] = iter(_WORDS.unpack(blake2b(text.encode()).digest()))

    def uniform(self) -> float:
        return (next(self._words) + 0.5) / 2**64

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.uniform() * (most - least + 1))

    def pick(self, wheel: Wheel) -> str:
        return wheel.names[bisect_left(wheel.ends, self.uniform() * wheel.ends[-1])]


def call_fate(mix: Mix, seed: int, number: str, attempt: int, ring_timeout_ms: int, max_duration_ms: int) -> Fate:
    """The fate of the nth call (from 1) to a number. A number that is invalid is so at every attempt."""
    draws = _Draws(f"{seed}:call:{number}:{attempt}")
    disposition = Disposition.INVALID_NUMBER if _invalid(mix, seed, number) else draws.pick(mix.ringing)
    ring = min(ring_timeout_ms, draws.between(*RINGS.get(disposition, (ring_timeout_ms, ring_timeout_ms))))
    talk = min(max_duration_ms, _talk(draws, mix, disposition))
    cost = mix.price("call", talk)
    if disposition != Disposition.ANSWERED:
        return Fate(disposition, ring, talk, cost=cost)
    asked = draws.uniform()
    if asked < mix.opt_out:
        return Fate(disposition, ring, talk, opt_out="all", cost=cost)
    back = mix.callback_ms if asked < mix.opt_out + mix.callback else None
    return Fate(disposition, ring, talk, callback_ms=back, cost=cost)


def message_fate(mix: Mix, seed: int, number: str, attempt: int) -> Fate:
    """The fate of the nth text message (from 1) to a number: what its status becomes, and after how long."""
    draws = _Draws(f"{seed}:sms:{number}:{attempt}")
    return Fate(draws.pick(mix.sent), draws.between(1_000, 10_000), 0, cost=mix.price("sms"))


def email_fate(mix: Mix, seed: int, address: str, attempt: int) -> Fate:
    """The fate of the nth email (from 1) to an address. One that does not exist does so at every attempt that bounces."""
    draws = _Draws(f"{seed}:email:{address}:{attempt}")
    status, after = draws.pick(mix.emailed), draws.between(1_000, 30_000)
    permanent = status == Disposition.UNDELIVERED and _Draws(f"{seed}:mailbox:{address}").uniform() < mix.permanent
    leaves = status == Disposition.DELIVERED and draws.uniform() < mix.unsubscribe
    opt_out = "channel:email" if leaves else None
    return Fate(status, after, 0, opt_out=opt_out, permanent=permanent, cost=mix.price("email"))


def fate_of(mix: Mix, seed: int, channel: str, address: str, attempt: int, ring_timeout_ms: int, max_duration_ms: int) -> Fate:
    """The fate of the nth request (from 1) to an address by a channel."""
    if channel == "call":
        return call_fate(mix, seed, address, attempt, ring_timeout_ms, max_duration_ms)
    return (email_fate if channel == "email" else message_fate)(mix, seed, address, attempt)


def _invalid(mix: Mix, seed: int, number: str) -> bool:
    return mix.invalid > 0 and _Draws(f"{seed}:{number}").uniform() < mix.invalid


def read_mix(name: str) -> Mix:
    """A preset by its name, or a YAML file with the fields of Mix. Raises UsageError."""
    if name in PRESETS:
        return PRESETS[name]
    try:
        found: Any = yaml.safe_load(Path(name).read_text())
        return Mix.model_validate(found)
    except FileNotFoundError:
        raise UsageError(f"--mix {name} is neither a preset ({', '.join(PRESETS)}) nor a file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"--mix {name} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--mix {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _talk(draws: _Draws, mix: Mix, disposition: str) -> int:
    if disposition == Disposition.ANSWERED:
        return int(exp(0.6 * _NORMAL.inv_cdf(draws.uniform())) * mix.talk_ms)
    return draws.between(*TALKS[disposition]) if disposition in TALKS else 0
