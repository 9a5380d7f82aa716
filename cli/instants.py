"""Instants as people write them in options: 2026-11-26, 2026-11-26T14:00Z, 2026-11-26T09:00-05:00, or how long ago: 30m, 2h."""

from datetime import UTC, datetime, timedelta

from engine.delays import parse_delay
from engine.errors import UsageError
from engine.time import DAY, Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: str, option: str, now: Instant) -> Instant:
    """Campaign ms. Without an offset it is UTC; a day alone is its first moment. Raises UsageError that names the option."""
    try:
        delay = parse_delay(text)
    except ValueError:
        return parse_moment(text, option, "2026-11-26, 2026-11-26T14:00Z, or how long ago: 30m, 2h, 3 days")
    return Instant(now - delay.ms - delay.days * DAY)


def parse_moment(text: str, option: str, allowed: str = "2026-11-26T14:00Z or 2026-11-26T09:00-05:00") -> Instant:
    """As parse_instant, but not how long ago."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no instant: write {allowed}") from None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return Instant((aware - _EPOCH) // timedelta(milliseconds=1))


def since_and_until(since: str | None, until: str | None, now: Instant) -> tuple[Instant | None, Instant | None]:
    """The two options by these names: from `since` on, before `until`. Raises UsageError if nothing can lie between them."""
    begin = None if since is None else parse_instant(since, "--since", now)
    end = None if until is None else parse_instant(until, "--until", now)
    if begin is not None and end is not None and begin >= end:
        raise UsageError(f"--until {until!r} is not later than --since {since!r}: nothing lies between them")
    return begin, end
