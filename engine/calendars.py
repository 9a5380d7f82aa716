"""Layers of hours laid over UTC for a set of zones, so that a look-up is two binary searches.

A zone's offset is constant between two changes. On such a *stretch* a layer is the same pattern every week, shifted by the offset,
but for the dates that differ. Such a date, and the day behind it, where an interval may reach, is a stretch of its own, cut at
UTC Mondays, with its ranges written out. What the layers have in common is a stretch's pattern, made when it is first asked for:
people of a country make hundreds of calendars, and most stretches of most of them nobody ever looks into.

A calendar with dates is made for a few years around the instant that was asked for, since holidays go on for ever.

pytz's tables end in 2037; later instants keep the last offset, which is behind the horizon of any campaign.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import pytz

from engine.layers import Day, Layer
from engine.time import DAY, MINUTE
from engine.weekly import DAY_MINUTES, WEEK, Span, Weekly, around, intersect, merged, normal, spans

HORIZON = 400 * DAY  # nothing within it: never
MONDAY = 4 * DAY  # 1970-01-05, the first Monday since the epoch
END = 2**60  # beyond NEVER, so that every instant lies in a stretch
_EPOCH = datetime(1970, 1, 1)
_MS = timedelta(milliseconds=1)
#: A calendar with dates is for instants of one block of this length (some 400 days), and reaches further on both sides.
_BLOCK = 2**35


class Pattern(NamedTuple):
    """Open ranges, ms since Monday 00:00 UTC, sorted: of every week, with the neighbours that may reach into it; or of one week."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Clocks(NamedTuple):
    """Layers, and the zones by whose clocks all of them are measured."""

    layers: tuple[Layer, ...]
    zones: tuple[str, ...]

    def shifts(self, t: int) -> set[int]:
        """How far the clocks are from UTC at an instant (ms)."""
        return {offset_at(zone, t) for zone in self.zones}


@dataclass(slots=True)
class Calendar:
    """Stretch i lasts from edges[i] to edges[i+1] (UTC ms). To be asked of instants in [since, until)."""

    edges: list[int]
    patterns: list[Pattern | None]  # of each stretch, once it was asked for
    since: int
    until: int
    clocks: tuple[Clocks, ...]
    differing: tuple[Span, ...]  # where some layer's date differs, or the day before did

    def pattern(self, i: int) -> Pattern:
        """The pattern of stretch i."""
        found = self.patterns[i]
        if found is None:
            found = self.patterns[i] = self._made(self.edges[i], self.edges[i + 1])
        return found

    def _made(self, u: int, v: int) -> Pattern:
        measured = [(each.layers, each.shifts(u)) for each in self.clocks]
        if _holds(self.differing, u):
            return _written_out(measured, u, v)
        every = ((layer, shift) for layers, shifts in measured for layer in layers for shift in shifts)
        return _weekly(frozenset((layer.weekly, shift) for layer, shift in every if not layer.before((u + shift) // DAY)))


def calendar_of(layers: tuple[Layer, ...], zones: tuple[str, ...], t: int) -> Calendar:
    """The calendar of these layers in these zones, around `t`. Raises ValueError for what is not an IANA zone."""
    if not any(layer.dated for layer in layers):
        return _calendar(layers, zones, -END, END, -END, END)
    since = t - t % _BLOCK
    until = since + _BLOCK
    return _calendar(layers, zones, since - 40 * DAY, until + 2 * HORIZON, since, until)


@lru_cache(maxsize=512)
def _calendar(layers: tuple[Layer, ...], zones: tuple[str, ...], first: int, last: int, since: int, until: int) -> Calendar:
    """`first` to `last`: where dates are looked at, and changes of offset. Outside, only a week without a gap is asked for."""
    clocks = tuple(_clocks(layers, zones))
    changes = {at for each in clocks for zone in each.zones for at in offsets(zone)[0] if first < at < last}
    differing = _differing(layers, zones, first, last) if first > -END else ()
    cuts = (edge for u, v in differing for span in _weeks(u, v) for edge in span)
    edges = sorted({-END, first, last, END, *changes, *cuts})
    return Calendar(edges, [None] * (len(edges) - 1), since, until, clocks, differing)


def _clocks(layers: tuple[Layer, ...], zones: tuple[str, ...]) -> Iterator[Clocks]:
    for zone in dict.fromkeys(layer.zone for layer in layers):
        yield Clocks(tuple(layer for layer in layers if layer.zone == zone), (zone,) if zone else zones)


def _differing(layers: tuple[Layer, ...], zones: tuple[str, ...], first: int, last: int) -> tuple[Span, ...]:
    """Where in [first, last) some layer's date differs, or the day before did, on any clock between the outermost of them."""
    shifts = [shift for zone in {*zones, *(layer.zone for layer in layers)} if zone for shift in offsets(zone)[1]]
    days = {day for layer in layers for day in layer.dates(first // DAY - 2, last // DAY + 2)}
    wide = ((max(first, day * DAY - max(shifts)), min(last, (day + 2) * DAY - min(shifts))) for day in days)
    return merged(span for span in wide if span[0] < span[1])


def _weeks(start: int, end: int) -> Iterator[Span]:
    """[start, end), cut at UTC Mondays."""
    while start < end:
        monday = start - (start - MONDAY) % WEEK + WEEK
        yield start, min(end, monday)
        start = monday


def _holds(ranges: tuple[Span, ...], t: int) -> bool:
    """Whether one of the sorted ranges holds `t`."""
    i = bisect_right(ranges, (t, END)) - 1
    return i >= 0 and t < ranges[i][1]


@lru_cache(maxsize=4096)
def _weekly(measured: frozenset[tuple[Weekly, int]]) -> Pattern:
    """The pattern of a stretch on which every day is like its weekday: what the weeks on these clocks have in common."""
    common: tuple[Span, ...] = ((0, WEEK),)
    for weekly, shift in measured:
        common = intersect(common, normal((s - shift, e - shift) for s, e in spans(weekly)))
    if common == ((0, WEEK),):
        return Pattern((-END,), (END,))
    week = around(common)
    wide = [(s + w, e + w) for w in (-WEEK, 0, WEEK) for s, e in week]
    return Pattern(tuple(s for s, _ in wide), tuple(e for _, e in wide))


def _written_out(measured: Iterable[tuple[tuple[Layer, ...], set[int]]], u: int, v: int) -> Pattern:
    """The ranges in [u, v), which lies in one week."""
    common: tuple[Span, ...] = ((u, v),)
    for layers, shifts in measured:
        local = _local(layers, (u + min(shifts)) // DAY, (v - 1 + max(shifts)) // DAY)
        for shift in shifts:
            common = intersect(common, tuple((s - shift, e - shift) for s, e in local))
    monday = u - (u - MONDAY) % WEEK
    return Pattern(tuple(s - monday for s, _ in common), tuple(e - monday for _, e in common))


def _local(layers: tuple[Layer, ...], first: Day, last: Day) -> tuple[Span, ...]:
    """When all layers are open on a clock, from the first date to the last (ms since 1970 by this clock)."""
    found: list[Span] = []
    for day in range(first, last + 1):
        common: tuple[Span, ...] = ((0, DAY_MINUTES),)
        for layer in layers:
            common = intersect(common, layer.on(day))
        found += ((day * DAY + s * MINUTE, day * DAY + e * MINUTE) for s, e in common)
    return merged(found)


@lru_cache(maxsize=1024)
def offsets(zone: str) -> tuple[list[int], list[int]]:
    """A zone's changes (UTC ms; the first lies before all instants) and the offset (ms, local less UTC) from each on.

    Raises ValueError for what is not an IANA zone.
    """
    tz = timezone(zone)
    times = getattr(tz, "_utc_transition_times", None)
    if times is None:  # a fixed offset
        return [-END], [tz.utcoffset(_EPOCH) // _MS]
    first = bisect_right(times, _EPOCH)  # what was before 1970 is no instant
    return [-END, *((at - _EPOCH) // _MS for at in times[first:])], [info[0] // _MS for info in tz._transition_info[first - 1 :]]


def offset_at(zone: str, t: int) -> int:
    """The zone's offset at an instant, ms, local less UTC. Raises ValueError for what is not an IANA zone."""
    changes, shifts = offsets(zone)
    return shifts[bisect_right(changes, t) - 1]


def timezone(zone: str) -> Any:
    """pytz's object for an IANA zone. Raises ValueError for what is none."""
    try:
        return pytz.timezone(zone)
    except pytz.UnknownTimeZoneError:
        raise ValueError(f"{zone!r} is not an IANA time zone such as America/New_York") from None
