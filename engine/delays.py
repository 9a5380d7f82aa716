"""How a campaign file writes durations: `30s`, `15m`, `24h` are exact, `1 day` is a calendar day, `1 business day` an open one."""

import re

from engine.time import HOUR, MINUTE, SECOND, Delay

_EXACT = re.compile(r"(\d+)\s*(s|m|h)", re.ASCII)
_DAYS = re.compile(r"(\d+)\s*days?", re.ASCII)
_BUSINESS = re.compile(r"(\d+)\s*business[\s_-]*days?", re.ASCII)
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR}
#: What people write -> how it is written, and how many of it one is.
_MEANT = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), ("s", 1)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("m", 1)),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), ("h", 1)),
    "d": (" days", 1),
    **dict.fromkeys(("w", "week", "weeks"), (" days", 7)),
}
_WORDED = re.compile(r"(\d+)\s*([a-z]+)", re.ASCII)
_LONGEST = 400  # days; beyond the horizon of windows nothing is ever due


def parse_delay(text: str) -> Delay:
    """`90s`, `15m`, `24h` (exact), `2 days` (same wall time, days later) or `2 business days` (closed days are not counted).

    Raises ValueError, a sentence with what is allowed.
    """
    word = str(text).strip().casefold()
    if match := _BUSINESS.fullmatch(word):
        business = int(match[1])
        _check(text, business, business * 7 / 5)
        return Delay(business=business)
    if match := _DAYS.fullmatch(word):
        days = int(match[1])
        _check(text, days, days)
        return Delay(days=days)
    if match := _EXACT.fullmatch(word):
        ms = int(match[1]) * _UNITS[match[2]]
        _check(text, ms, ms / (24 * HOUR))
        return Delay(ms=ms)
    raise ValueError(f"{text!r} is not a duration: write a number with s, m, h or days, such as 30s, 15m, 24h, 1 day{_meant(word)}")


def _meant(word: str) -> str:
    """`. Did you mean 15m?`, for a unit that is written otherwise."""
    match = _WORDED.fullmatch(word)
    if not match or match[2] not in _MEANT:
        return ""
    unit, each = _MEANT[match[2]]
    amount = int(match[1]) * each
    if not 0 < amount <= _LONGEST:
        return ""
    return f". Did you mean {amount}{' day' if (amount, unit) == (1, ' days') else unit}?"


def parse_ms(text: str) -> int:
    """An exact duration such as `30s`, in ms. Raises ValueError."""
    delay = parse_delay(text)
    if not delay.ms:
        hours = (delay.days or delay.business) * 24
        raise ValueError(f"{text!r} is in calendar days: write an exact duration with s, m or h, such as {hours}h")
    return delay.ms


def length_of(text: str) -> int:
    """A duration in ms, a day taken for 24 hours: for ages. Raises ValueError."""
    delay = parse_delay(text)
    if delay.business:
        raise ValueError(f"{text!r} has no fixed length: write days, such as {delay.business} days")
    return delay.ms + delay.days * 24 * HOUR


def _check(text: str, amount: int, days: float) -> None:
    if amount == 0:
        raise ValueError(f"{text!r} has no length: write at least 1s")
    if days > _LONGEST:
        raise ValueError(f"{text!r} is too long: at most {_LONGEST} days")
