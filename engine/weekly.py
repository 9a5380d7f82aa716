"""A week of opening hours: how a campaign file writes it, and the arithmetic of intervals that repeat every week.

Weeks here are local and know no dates: engine/windows.py lays them over the calendar of time zones.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

from engine.time import DAY, MINUTE

#: (weekday Monday=0, start minute, end minute), local; an end above 1440 lies on the next day. Sorted, merged per day.
Weekly = tuple[tuple[int, int, int], ...]
Span = tuple[int, int]

WEEK = 7 * DAY
DAY_MINUTES = 1440
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_INTERVAL = re.compile(r"(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_TIME = r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?"
_LOOSE = re.compile(rf"{_TIME}\s*(?:-|to|until)\s*{_TIME}", re.ASCII)


def parse_weekly(weekly: Mapping[str, Sequence[str]]) -> Weekly:
    """`{"mon-fri": ["09:00-12:00"], "sat,sun": [...]}` as intervals. `fri-mon` wraps, `22:00-02:00` crosses midnight and belongs
    to the day it begins on, 24:00 may end a day; what overlaps on a day is merged.

    Raises ValueError: a sentence that names the bad part and what is allowed.
    """
    if not weekly:
        raise ValueError('no day has hours, so nobody could ever be contacted: write for example {mon-fri: ["09:00-17:00"]}')
    found: list[tuple[int, int, int]] = []
    for key, hours in weekly.items():
        if not hours:
            raise ValueError(f"{key!r} has no hours: leave the day out, or give it some, such as 09:00-17:00")
        spans = [parse_interval(text) for text in hours]
        found += [(day, *span) for day in parse_days(key) for span in spans]
    by_day = ((day, merged((s, e) for d, s, e in found if d == day)) for day in range(7))
    return tuple((day, start, end) for day, spans in by_day for start, end in spans)


def parse_days(text: str) -> list[int]:
    """`mon`, `mon-fri`, `fri-mon`, `sat,sun` as weekdays, Monday = 0. Raises ValueError."""
    days: list[int] = []
    for part in str(text).split(","):
        ends = [_day(name, text) for name in part.split("-")]
        if len(ends) > 2:
            raise ValueError(f"{text!r} is not a range of days: write two days, such as mon-fri")
        days += [day % 7 for day in range(ends[0], ends[0] + (ends[-1] - ends[0]) % 7 + 1)]
    return days


def _day(name: str, text: str) -> int:
    word = name.strip().casefold()
    if word in DAYS:
        return DAYS.index(word)
    near = get_close_matches(word, DAYS, 1, 0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    where = "" if name == text else f" in {text!r}"
    raise ValueError(f"{name.strip()!r}{where} is not a day: days are {', '.join(DAYS)}, ranges such as mon-fri.{hint}")


def parse_time(text: str) -> int:
    """`10:00` as a minute of the day. Raises ValueError."""
    match = _CLOCK.fullmatch(str(text).strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f"{text!r} is not a time of the day: write HH:MM in 24 hours, such as 09:00")
    return int(match[1]) * 60 + int(match[2])


def parse_interval(text: str) -> Span:
    """`09:00-12:00` as minutes since midnight; the end is above 1440 if it lies on the next day. Raises ValueError."""
    match = _INTERVAL.fullmatch(str(text).strip())
    if not match:
        raise ValueError(f"{text!r} is not a pair of times: write HH:MM-HH:MM in 24 hours, such as 09:00-17:30{_meant(str(text))}")
    h1, m1, h2, m2 = map(int, match.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if m1 > 59 or m2 > 59 or start >= 1440 or end > 1440:
        raise ValueError(f"{text!r} has a time that no clock shows: 00:00 to 23:59, and 24:00 to end a day")
    if start == end:
        raise ValueError(f"{text!r} has no length: for a whole day write 00:00-24:00")
    return start, end if end > start else end + 1440


def _meant(text: str) -> str:
    """`. Did you mean 09:00-17:00?`, for `9-17`, `9-5`, `9:00 - 17:00` and `9am-5pm`."""
    match = _LOOSE.fullmatch(text.strip().casefold())
    if not match:
        return ""
    h1, m1, half1, h2, m2, half2 = match.groups()
    start, end = _hour(h1, half1), _hour(h2, half2)
    end += 12 if half1 is half2 is None and end <= start and end < 12 else 0
    meant = f"{start:02}:{m1 or '00'}-{end:02}:{m2 or '00'}"
    return f". Did you mean {meant}?" if max(start, end) < 24 and max(m1 or "", m2 or "") < "60" else ""


def _hour(text: str, half: str | None) -> int:
    return int(text) if half is None else int(text) % 12 + (12 if half == "pm" else 0)


@lru_cache(maxsize=1024)
def spans(weekly: Weekly) -> tuple[Span, ...]:
    """The intervals as ms since Monday 00:00 local, in [0, WEEK), sorted and merged; (0, WEEK) alone is a week without a gap."""
    return normal((day * DAY + start * MINUTE, day * DAY + end * MINUTE) for day, start, end in weekly)


def normal(ranges: Iterable[Span]) -> tuple[Span, ...]:
    """Ranges of at most a week moved into [0, WEEK), cut where they leave it, sorted and merged."""
    inside: list[Span] = []
    for start, end in ranges:
        s = start % WEEK
        e = s + end - start
        inside += [(s, min(e, WEEK)), (0, e - WEEK)] if e > WEEK else [(s, e)]
    return merged(inside)


def merged(ranges: Iterable[Span]) -> tuple[Span, ...]:
    """Ranges sorted, those that touch or overlap joined."""
    found: list[Span] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def intersect(a: Sequence[Span], b: Sequence[Span]) -> tuple[Span, ...]:
    """What two sorted lists of disjoint ranges have in common."""
    both = ((max(s, u), min(e, v)) for s, e in a for u, v in b)
    return tuple(sorted((s, e) for s, e in both if s < e))


def around(ranges: tuple[Span, ...]) -> tuple[Span, ...]:
    """Joins a range that ends with the week to the one that begins with it: weeks repeat. Its end is then above WEEK."""
    if len(ranges) > 1 and ranges[0][0] == 0 and ranges[-1][1] == WEEK:
        return (*ranges[1:-1], (ranges[-1][0], WEEK + ranges[0][1]))
    return ranges
