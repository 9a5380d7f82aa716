"""When people may be contacted: weekly windows on the wall clocks of one or several time zones. The only home of local time.

An instant is inside if the wall clock of *each* zone reads inside: a skipped hour has no instants, a repeated one counts twice.
Open ranges are half-open, in UTC and maximal (touching ones are one); each then loses the ring cut at its end, once, so that a
phone never rings past the window. A range that the cut swallows does not exist.

How a look-up stays below a microsecond: a zone's offset is constant between two changes, so on such a stretch the window is the
same pattern every week, shifted by the offset. Patterns are shared by all zones with the same offsets, a look-up is two binary
searches, and only a range that touches a change of offset has to be joined with its neighbour in the next stretch.

pytz's tables end in 2037; later instants keep the last offset, which is behind the horizon of any campaign.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import product
from typing import Any, NamedTuple, cast

import pytz

from engine.layers import Layer
from engine.time import DAY, NEVER, Delay, Instant
from engine.weekly import WEEK, Weekly, around, intersect, normal, parse_weekly, spans

__all__ = [
    "Range",
    "Window",
    "add_delay",
    "is_open",
    "next_open",
    "offsets",
    "open_range",
    "parse_weekly",
    "timezone",
    "weekly_window",
]

HORIZON = 400 * DAY  # nothing within it: never
_MONDAY = 4 * DAY  # 1970-01-05, the first Monday since the epoch
_END = 2**60  # beyond NEVER, so that every instant lies in a stretch
_EPOCH = datetime(1970, 1, 1)
_MS = timedelta(milliseconds=1)
_KEPT = 4096  # sets of zones kept per window; a country's numbers make a few hundred


class Range(NamedTuple):
    """Half-open, UTC ms."""

    start: Instant
    end: Instant


#: Range from a pair, without the call of its constructor and two of Instant: a third of the time of a look-up.
_range = cast("Callable[[tuple[int, int]], Range]", partial(tuple.__new__, Range))
_ALWAYS = Range(Instant(0), NEVER)


class Pattern(NamedTuple):
    """One week's open ranges in UTC, ms since Monday 00:00 UTC, sorted, with the neighbours that may reach into the week."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Calendar(NamedTuple):
    """A window in a set of zones. Stretch i lasts from edges[i] to edges[i+1] (UTC ms) and has patterns[i]."""

    edges: list[int]
    patterns: list[Pattern]


@dataclass(frozen=True, slots=True)
class Window:
    """All layers must be open. `ring_cut` in ms. Its calendars are kept with it: hashing it takes longer than a look-up."""

    layers: tuple[Layer, ...]
    ring_cut: int
    always: bool = field(init=False, repr=False, compare=False)  # open all week: its one range has no end
    _calendars: dict[tuple[str, ...], Calendar] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        always = all(spans(layer.weekly) == ((0, WEEK),) for layer in self.layers)
        object.__setattr__(self, "always", always)  # frozen for everybody else


def weekly_window(weekly: Weekly, ring_cut: int) -> Window:
    """A window of weekly hours and nothing else."""
    return Window((Layer("window", "the campaign's hours", weekly),), ring_cut)


def open_range(window: Window, zones: tuple[str, ...], t: Instant) -> Range | None:
    """The open range that contains `t`, whole (its start may lie before `t`), else the next one; None: none within 400 days.

    Raises ValueError without zones or with one that is not an IANA name.
    """
    calendar = window._calendars.get(zones) or _calendar(window, zones)
    if window.always:
        return _ALWAYS
    edges, patterns = calendar
    i = bisect_right(edges, t) - 1
    starts, ends = patterns[i]
    cut = window.ring_cut
    monday = t - (t - _MONDAY) % WEEK
    k = bisect_right(ends, t - monday + cut)
    if k < len(ends):  # the usual case: a range that does not touch a change of offset
        start, end = monday + starts[k], monday + ends[k]
        if edges[i] < start and end < edges[i + 1] and start < end - cut:
            return _range((start, end - cut))
    return _search(window, calendar, i, t)


def is_open(window: Window, zones: tuple[str, ...], t: Instant) -> bool:
    """Whether `t` lies inside an open range, the ring cut taken off. Raises as open_range."""
    found = open_range(window, zones, t)
    return found is not None and found.start <= t


def next_open(window: Window, zones: tuple[str, ...], t: Instant) -> Range | None:
    """What is left of the open range from `t` on, else the next one; None: none within 400 days. Raises as open_range."""
    found = open_range(window, zones, t)
    return found if found is None or found.start >= t else Range(t, found.end)


def _search(window: Window, calendar: Calendar, i: int, t: int) -> Range | None:
    """As open_range, over changes of offset."""
    edges, at = calendar.edges, t
    while at <= t + HORIZON and i < len(calendar.patterns):
        piece = _piece(calendar, i, at)
        if piece is None:
            i += 1
            at = edges[i]
            continue
        start, end = _joined(calendar, i, *piece)
        if start > t + HORIZON:
            break
        if end - window.ring_cut > max(start, t):
            return _range((start, end - window.ring_cut))
        at = end
        i = bisect_right(edges, at) - 1
    return None


def _piece(calendar: Calendar, i: int, t: int) -> tuple[int, int] | None:
    """The part, within stretch i, of the range that contains `t` or else follows it; None: no more in this stretch."""
    starts, ends = calendar.patterns[i]
    if not starts:
        return None
    monday = t - (t - _MONDAY) % WEEK
    k = bisect_right(ends, t - monday)
    start, end = max(monday + starts[k], calendar.edges[i]), min(monday + ends[k], calendar.edges[i + 1])
    return (start, end) if start < end else None


def _joined(calendar: Calendar, i: int, start: int, end: int) -> tuple[int, int]:
    """The piece with those of the neighbouring stretches that it touches."""
    edges, j = calendar.edges, i
    while start == edges[j] and j > 0:
        before = _piece(calendar, j - 1, start - 1)
        if before is None or before[0] >= start:
            break
        start, j = before[0], j - 1
    j = i
    while end == edges[j + 1] and j + 1 < len(calendar.patterns):
        after = _piece(calendar, j + 1, end)
        if after is None or after[0] > end:
            break
        end, j = after[1], j + 1
    return start, end


def _calendar(window: Window, zones: tuple[str, ...]) -> Calendar:
    """Compiles the window for these zones and keeps it. Several zones: a change in any of them begins a stretch."""
    if not zones:
        raise ValueError("a window needs at least one time zone")
    tables = [offsets(zone) for zone in zones]
    edges = sorted({edge for changes, _ in tables for edge in changes})
    shifts = [tuple(table[bisect_right(changes, edge) - 1] for changes, table in tables) for edge in edges]
    calendar = Calendar([*edges, _END], [_pattern(tuple(layer.weekly for layer in window.layers), each) for each in shifts])
    if len(window._calendars) >= _KEPT:
        window._calendars.clear()  # an LRU would cost every look-up; this costs a rebuild, rarely
    window._calendars[zones] = calendar
    return calendar


@lru_cache(maxsize=4096)
def _pattern(layers: tuple[Weekly, ...], shifts: tuple[int, ...]) -> Pattern:
    """The week in UTC while the zones' offsets (ms) are `shifts`: what the zones' weeks have in common."""
    common: tuple[tuple[int, int], ...] = ((0, WEEK),)
    for weekly, shift in product(layers, set(shifts)):
        common = intersect(common, normal((s - shift, e - shift) for s, e in spans(weekly)))
    if common == ((0, WEEK),):
        return Pattern((-_END,), (_END,))
    week = around(common)
    wide = [(s + w, e + w) for w in (-WEEK, 0, WEEK) for s, e in week]
    return Pattern(tuple(s for s, _ in wide), tuple(e for _, e in wide))


@lru_cache(maxsize=1024)
def offsets(zone: str) -> tuple[list[int], list[int]]:
    """A zone's changes (UTC ms; the first lies before all instants) and the offset (ms, local less UTC) from each on.

    Raises ValueError for what is not an IANA zone.
    """
    tz = timezone(zone)
    times = getattr(tz, "_utc_transition_times", None)
    if times is None:  # a fixed offset
        return [-_END], [tz.utcoffset(_EPOCH) // _MS]
    first = bisect_right(times, _EPOCH)  # what was before 1970 is no instant
    return [-_END, *((at - _EPOCH) // _MS for at in times[first:])], [info[0] // _MS for info in tz._transition_info[first - 1 :]]


def timezone(zone: str) -> Any:
    """pytz's object for an IANA zone. Raises ValueError for what is none."""
    try:
        return pytz.timezone(zone)
    except pytz.UnknownTimeZoneError:
        raise ValueError(f"{zone!r} is not an IANA time zone such as America/New_York") from None


def add_delay(delay: Delay, t: Instant, zones: tuple[str, ...]) -> Instant:
    """`t` plus an exact delay; or the same wall time on a later calendar day, of several zones the latest.

    Raises ValueError if a calendar delay has no zones.
    """
    if not delay.days:
        return Instant(t + delay.ms)
    if not zones:
        raise ValueError("a delay in days needs at least one time zone")
    return max(_days_later(delay.days, t, zone) for zone in zones)


def _days_later(days: int, t: Instant, zone: str) -> Instant:
    tz = timezone(zone)
    changes, shifts = offsets(zone)
    wall = _EPOCH + (t + shifts[bisect_right(changes, t) - 1]) * _MS + timedelta(days=days)
    try:
        return _instant(tz.localize(wall, is_dst=None))
    except pytz.AmbiguousTimeError:  # the earlier of the two
        return min(_instant(tz.localize(wall, is_dst=dst)) for dst in (True, False))
    except pytz.NonExistentTimeError:  # the first instant after the gap, which is the change itself
        local = (wall - _EPOCH) // _MS
        return next(Instant(at) for at, shift in zip(changes[1:], shifts[1:], strict=True) if at + shift > local)


def _instant(aware: datetime) -> Instant:
    return Instant((aware - pytz.utc.localize(_EPOCH)) // _MS)
