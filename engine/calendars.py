"""Layers of hours laid over UTC for a set of zones, once, so that a look-up is two binary searches.

A zone's offset is constant between two changes. On such a *stretch* a layer is the same pattern every week, shifted by the offset,
but for the dates that differ. Such a date, and the day behind it, where an interval may reach, is a stretch of its own, cut at
UTC Mondays, with its ranges written out. What the layers have in common is a stretch's pattern.

A calendar with dates is made for a few years around the instant that was asked for, since holidays go on for ever.

pytz's tables end in 2037; later instants keep the last offset, which is behind the horizon of any campaign.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import pytz

from engine.layers import Day, Layer
from engine.time import DAY, MINUTE
from engine.weekly import WEEK, Span, Weekly, around, intersect, merged, normal, spans

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


class Calendar(NamedTuple):
    """Stretch i lasts from edges[i] to edges[i+1] (UTC ms) and has patterns[i]. To be asked of instants in [since, until)."""

    edges: list[int]
    patterns: list[Pattern]
    since: int
    until: int


#: A layer and the offset (ms, local less UTC) of a clock that it is measured by.
Measured = tuple[Layer, int]


def calendar_of(layers: tuple[Layer, ...], zones: tuple[str, ...], t: int) -> Calendar:
    """The calendar of these layers in these zones, around `t`. Raises ValueError for what is not an IANA zone."""
    if not any(layer.dated for layer in layers):
        return _calendar(layers, zones, -END, END, -END, END)
    since = t - t % _BLOCK
    until = since + _BLOCK
    return _calendar(layers, zones, since - 40 * DAY, until + 2 * HORIZON, since, until)


@lru_cache(maxsize=512)
def _calendar(layers: tuple[Layer, ...], zones: tuple[str, ...], first: int, last: int, since: int, until: int) -> Calendar:
    clocks = [(layer, offsets(zone)) for layer in layers for zone in ((layer.zone,) if layer.zone else zones)]
    edges = sorted({-END, first, last, *(edge for _, (changes, _) in clocks for edge in changes)} | {END})
    starts: list[int] = []
    patterns: list[Pattern] = []
    for a, b in pairwise(edges):
        measured = tuple(dict.fromkeys((layer, table[bisect_right(changes, a) - 1]) for layer, (changes, table) in clocks))
        for edge, pattern in _stretches(measured, a, b, first <= a < last):
            starts.append(edge)
            patterns.append(pattern)
    return Calendar([*starts, END], patterns, since, until)


def _stretches(measured: tuple[Measured, ...], a: int, b: int, dated: bool) -> Iterator[tuple[int, Pattern]]:
    """[a, b), on which no offset changes, cut where dates differ."""
    at = a
    for start, end in _differing(measured, a, b) if dated else ():
        if at < start:
            yield at, _weekly(measured, at)
        yield from ((u, _written_out(measured, u, v)) for u, v in _weeks(start, end))
        at = end
    if at < b:
        yield at, _weekly(measured, at)


def _differing(measured: Iterable[Measured], a: int, b: int) -> tuple[Span, ...]:
    """Where in [a, b) some layer's date differs, or the day before did."""
    found = [
        (max(a, day * DAY - shift), min(b, (day + 2) * DAY - shift))
        for layer, shift in measured
        if layer.dated
        for day in layer.dates((a + shift) // DAY - 2, (b + shift) // DAY + 1)
    ]
    return merged(span for span in found if span[0] < span[1])


def _weeks(start: int, end: int) -> Iterator[Span]:
    """[start, end), cut at UTC Mondays."""
    while start < end:
        monday = start - (start - MONDAY) % WEEK + WEEK
        yield start, min(end, monday)
        start = monday


def _weekly(measured: tuple[Measured, ...], at: int) -> Pattern:
    """The pattern of a stretch that begins at `at` and on which every day is like its weekday."""
    return _pattern(tuple({(layer.weekly, shift): None for layer, shift in measured if not _before(layer, at + shift)}))


def _before(layer: Layer, local: int) -> bool:
    return layer.since is not None and local // DAY < layer.since


@lru_cache(maxsize=4096)
def _pattern(measured: tuple[tuple[Weekly, int], ...]) -> Pattern:
    """The week in UTC: what the weeks on these clocks have in common."""
    common: tuple[Span, ...] = ((0, WEEK),)
    for weekly, shift in measured:
        common = intersect(common, normal((s - shift, e - shift) for s, e in spans(weekly)))
    if common == ((0, WEEK),):
        return Pattern((-END,), (END,))
    week = around(common)
    wide = [(s + w, e + w) for w in (-WEEK, 0, WEEK) for s, e in week]
    return Pattern(tuple(s for s, _ in wide), tuple(e for _, e in wide))


def _written_out(measured: tuple[Measured, ...], u: int, v: int) -> Pattern:
    """The ranges in [u, v), which lies in one week."""
    common: tuple[Span, ...] = ((u, v),)
    for layer, shift in measured:
        common = intersect(common, tuple((s - shift, e - shift) for s, e in local_ranges(layer, u + shift, v + shift)))
    monday = u - (u - MONDAY) % WEEK
    return Pattern(tuple(s - monday for s, _ in common), tuple(e - monday for _, e in common))


def local_ranges(layer: Layer, start: int, end: int) -> tuple[Span, ...]:
    """When a layer is open on one clock, within [start, end) of its local ms, sorted and merged."""
    days = range(start // DAY - 1, (end - 1) // DAY + 1)
    found = [(day * DAY + s * MINUTE, day * DAY + e * MINUTE) for day in days for s, e in layer.intervals(day)]
    return intersect(intersect(merged(found), _open_days(layer, days)), ((start, end),))


def _open_days(layer: Layer, days: Iterable[Day]) -> tuple[Span, ...]:
    return merged((day * DAY, (day + 1) * DAY) for day in days if not layer.closed(day))


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
