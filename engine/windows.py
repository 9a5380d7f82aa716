"""When people may be contacted: windows on the wall clocks of one or several time zones. The only home of local time.

An instant is inside if the wall clock of *each* zone reads inside *each* layer (engine/layers.py): a skipped hour has no instants,
a repeated one counts twice. Open ranges are half-open, in UTC and maximal (touching ones are one); each then loses the ring cut at
its end, once, so that a phone never rings past the window. A range that the cut swallows does not exist.

A look-up is two binary searches in a calendar that was made for the window and the zones (engine/calendars.py); only a range that
touches a change of offset or a date that differs has to be joined with its neighbour in the next stretch.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import NamedTuple, cast

import pytz

from engine.calendars import HORIZON, MONDAY, Calendar, calendar_of, offsets, timezone
from engine.layers import Layer, shared
from engine.time import NEVER, Delay, Instant
from engine.weekly import WEEK, Weekly, parse_weekly, spans

__all__ = [
    "HORIZON",
    "Range",
    "Window",
    "add_delay",
    "clock_next",
    "clock_of",
    "instant_of",
    "is_open",
    "next_open",
    "offsets",
    "open_range",
    "parse_weekly",
    "shared_window",
    "timezone",
    "weekly_window",
]

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


@dataclass(frozen=True, slots=True)
class Window:
    """All layers must be open. `ring_cut` in ms. Its calendars are kept with it: hashing it takes longer than a look-up."""

    layers: tuple[Layer, ...]
    ring_cut: int
    always: bool = field(init=False, repr=False, compare=False)  # open at every instant: its one range has no end
    _calendars: dict[tuple[str, ...], Calendar] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        always = all(spans(layer.weekly) == ((0, WEEK),) and not layer.dated for layer in self.layers)
        object.__setattr__(self, "always", always)  # frozen for everybody else


@lru_cache(maxsize=4096)
def shared_window(layers: tuple[Layer, ...], ring_cut: int) -> Window:
    """The one window of these layers, with the calendars that were made for it: steps, campaigns and states have many in common."""
    return Window(tuple(map(shared, layers)), ring_cut)


def weekly_window(weekly: Weekly, ring_cut: int) -> Window:
    """A window of weekly hours and nothing else."""
    return Window((Layer("window", "the campaign's hours", weekly),), ring_cut)


def open_range(window: Window, zones: tuple[str, ...], t: Instant) -> Range | None:
    """The open range that contains `t`, whole (its start may lie before `t`), else the next one; None: none within 400 days.

    Raises ValueError without zones or with one that is not an IANA name.
    """
    calendar = window._calendars.get(zones)
    if calendar is None or not calendar.since <= t < calendar.until:
        calendar = _calendar(window, zones, t)
    if window.always:
        return _ALWAYS
    edges, patterns = calendar.edges, calendar.patterns
    i = bisect_right(edges, t) - 1
    starts, ends = patterns[i] or calendar.pattern(i)
    cut = window.ring_cut
    monday = t - (t - MONDAY) % WEEK
    k = bisect_right(ends, t - monday + cut)
    if k < len(ends):  # the usual case: a range that does not touch the edge of a stretch
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
    """As open_range, over the edges of stretches."""
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
            return _range((max(start, 0), min(end - window.ring_cut, NEVER)))
        at = end
        i = bisect_right(edges, at) - 1
    return None


def _piece(calendar: Calendar, i: int, t: int) -> tuple[int, int] | None:
    """The part, within stretch i, of the range that contains `t` or else follows it; None: no more in this stretch."""
    starts, ends = calendar.pattern(i)
    monday = t - (t - MONDAY) % WEEK
    k = bisect_right(ends, t - monday)
    if k == len(ends):
        return None
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


def _calendar(window: Window, zones: tuple[str, ...], t: int) -> Calendar:
    """Makes the window's calendar for these zones and keeps it. Several zones: a change in any of them begins a stretch."""
    if not zones:
        raise ValueError("a window needs at least one time zone")
    calendar = calendar_of(window.layers, zones, t)
    if len(window._calendars) >= _KEPT:
        window._calendars.clear()  # an LRU would cost every look-up; this costs a rebuild, rarely
    window._calendars[zones] = calendar
    return calendar


def add_delay(delay: Delay, t: Instant, zones: tuple[str, ...], window: Window | None = None) -> Instant:
    """`t` plus an exact delay; or the same wall time on a later calendar day, of several zones the latest.

    Business days are those on which the window is open at all. Raises ValueError if a calendar delay has no zones, or one in
    business days no window.
    """
    if delay.ms:
        return Instant(t + delay.ms)
    if not zones:
        raise ValueError("a delay in days needs at least one time zone")
    if not delay.business:
        return max(instant_of(_wall(t, zone) + timedelta(days=delay.days), zone) for zone in zones)
    if window is None:
        raise ValueError("a delay in business days needs a window")
    return max(_business_later(delay.business, t, zone, window) for zone in zones)


def clock_next(minute: int, t: Instant, zones: tuple[str, ...]) -> Instant:
    """The first instant from `t` on at which the clock reads this minute of a day, of several zones the latest."""
    return max(_clock_next(minute, t, zone) for zone in zones)


def clock_of(t: Instant, zone: str) -> datetime:
    """The wall clock of a zone, without a zone."""
    return _wall(t, zone)


def instant_of(wall: datetime, zone: str) -> Instant:
    """The instant at which a wall clock reads this: the earlier of two, the first behind a gap (both are meant so)."""
    tz = timezone(zone)
    try:
        return _instant(tz.localize(wall, is_dst=None))
    except pytz.AmbiguousTimeError:
        return min(_instant(tz.localize(wall, is_dst=dst)) for dst in (True, False))
    except pytz.NonExistentTimeError:  # the change itself
        changes, shifts = offsets(zone)
        local = (wall - _EPOCH) // _MS
        return next(Instant(at) for at, shift in zip(changes[1:], shifts[1:], strict=True) if at + shift > local)


def _wall(t: Instant, zone: str) -> datetime:
    changes, shifts = offsets(zone)
    return _EPOCH + (t + shifts[bisect_right(changes, t) - 1]) * _MS


def _clock_next(minute: int, t: Instant, zone: str) -> Instant:
    day = _wall(t, zone).replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    found = (instant_of(day + timedelta(days=days), zone) for days in range(3))
    return next(at for at in found if at >= t)


def _business_later(days: int, t: Instant, zone: str, window: Window) -> Instant:
    """The same wall time on the nth day after `t` on which the window opens; the last one looked at if there are not so many."""
    wall, left = _wall(t, zone), days
    last = wall + timedelta(milliseconds=HORIZON)
    while left and wall < last:
        wall += timedelta(days=1)
        left -= _opens_on(wall, zone, window)
    return instant_of(wall, zone)


def _opens_on(day: datetime, zone: str, window: Window) -> bool:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    found = next_open(window, (zone,), instant_of(midnight, zone))
    return found is not None and found.start < instant_of(midnight + timedelta(days=1), zone)


def _instant(aware: datetime) -> Instant:
    return Instant((aware - pytz.utc.localize(_EPOCH)) // _MS)
