"""Retries at another time of day: who was not reached in the morning is tried at noon, or in the evening.

A preference among the open instants of the three days from the earliest one on, never a rule: the first that keeps away from the
times of day that failed and lies in a part of the day that was tried least; else the first that keeps away; else the earliest.
"""

from collections import Counter
from collections.abc import Iterator

from engine.time import DAY, MINUTE, Instant
from engine.windows import Window, clock_of, next_open

#: How long the preference is kept up, and how fine instants are looked at.
PREFERRED_FOR, GRAIN = 3 * DAY, 15 * MINUTE
#: Hours of the local day at which noon and evening begin, as far as calls are concerned.
NOON, EVENING = 11, 16


def another_time(earliest: Instant, failed: tuple[int, ...], apart: int, window: Window, zones: tuple[str, ...]) -> Instant:
    """When to try again. failed: instants of attempts; apart: ms of the day to keep from each. The first zone is the clock."""
    zone = zones[0]
    times = [_minute(Instant(at), zone) for at in failed]
    tried = Counter(map(_part, times))
    open_ = [(at, _minute(at, zone)) for at in _candidates(earliest, window, zones)]
    away = [(at, minute) for at, minute in open_ if all(_apart(minute, time) * MINUTE >= apart for time in times)]
    least = min((tried[_part(minute)] for _, minute in away), default=0)
    return next((at for at, minute in away if tried[_part(minute)] == least), earliest)


def _candidates(earliest: Instant, window: Window, zones: tuple[str, ...]) -> Iterator[Instant]:
    at, end = earliest, earliest + PREFERRED_FOR
    while (found := next_open(window, zones, at)) is not None and found.start < end:
        yield from (Instant(t) for t in range(found.start, min(found.end, end), GRAIN))
        at = found.end


def _minute(at: Instant, zone: str) -> int:
    clock = clock_of(at, zone)
    return clock.hour * 60 + clock.minute


def _apart(a: int, b: int) -> int:
    """Minutes between two times of day, the shorter way round."""
    return min((a - b) % 1440, (b - a) % 1440)


def _part(minute: int) -> str:
    hour = minute // 60
    return "morning" if hour < NOON else "noon" if hour < EVENING else "evening"
