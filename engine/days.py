"""Calendar days of a zone, as ranges of instants: what is counted by the day is counted from one local midnight to the next.

A day begins at the first instant at which its date has come, whether or not its clock shows 00:00. Days follow each other without
a gap: where a clock is put back across midnight, what it shows a second time belongs to the day that had begun.
"""

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from engine.calendars import offset_at, offsets
from engine.time import DAY, HOUR, Instant

#: Further from UTC than any clock (ms).
_FURTHEST = 26 * HOUR


class Day(NamedTuple):
    """Half-open, UTC ms; usually 24 hours, 23 or 25 at a clock change. `number` counts dates from 1970-01-01, which is 0."""

    start: Instant
    end: Instant
    number: int


def day_of(zone: str, at: int) -> Day:
    """The day of `zone` (IANA) that `at` belongs to. Raises ValueError for what is not a zone."""
    number = (at + offset_at(zone, at)) // DAY
    if first_instant(zone, number + 1) <= at:
        number += 1
    return numbered(zone, number)


@lru_cache(maxsize=4096)
def numbered(zone: str, number: int) -> Day:
    """The day of a zone by its number."""
    return Day(first_instant(zone, number), first_instant(zone, number + 1), number)


@lru_cache(maxsize=4096)
def first_instant(zone: str, number: int) -> Instant:
    """When the date with this number comes to a zone."""
    midnight = number * DAY
    changes, shifts = offsets(zone)
    i = max(0, bisect_right(changes, midnight - _FURTHEST) - 1)
    while i + 1 < len(changes) and max(changes[i], midnight - shifts[i]) >= changes[i + 1]:
        i += 1
    return Instant(max(changes[i], midnight - shifts[i]))
