"""engine/windows.py against worked examples and against a naive scan that asks zoneinfo for the wall clock of every moment."""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.layers import Layer, day_of
from engine.time import DAY, HOUR, MINUTE, NEVER, Delay, Instant
from engine.weekly import Weekly
from engine.windows import Range, Window, add_delay, is_open, next_open, open_range, parse_weekly, weekly_window

NY, LA, LONDON = "America/New_York", "America/Los_Angeles", "Europe/London"
ZONES = [
    NY,
    LA,
    LONDON,
    "America/St_Johns",
    "America/Phoenix",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",  # summer time pauses in Ramadan
    "Asia/Gaza",
    "Asia/Kathmandu",  # +05:45
    "Asia/Kolkata",
    "Asia/Tehran",
    "Australia/Lord_Howe",  # changes by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Chatham",  # +12:45
    "Pacific/Kiritimati",
    "Antarctica/Troll",  # changes by two hours
    "UTC",
    "Etc/GMT+5",
]


@cache
def clock(zone: str) -> ZoneInfo:
    """From the package tzdata, which is as new as pytz; the machine's own tables may be years older."""
    with resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=zone)


def at(text: str, zone: str = "UTC", fold: int = 0) -> Instant:
    """The instant at which the wall clock of a zone reads this."""
    return Instant(round(datetime.fromisoformat(text).replace(tzinfo=clock(zone), fold=fold).timestamp() * 1000))


def wall(t: int, zone: str) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=t)).astimezone(clock(zone))


def window(weekly: dict[str, list[str]], ring_cut: int = 0) -> Window:
    return weekly_window(parse_weekly(weekly), ring_cut)


# --- examples -------------------------------------------------------------------------------------------------------------------

OFFICE = window({"mon-fri": ["09:00-12:00", "13:00-19:00"]}, 30_000)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-17T08:59:59", "2026-11-17T09:00", "2026-11-17T11:59:30"),
        ("2026-11-17T09:00", "2026-11-17T09:00", "2026-11-17T11:59:30"),
        ("2026-11-17T10:30", "2026-11-17T09:00", "2026-11-17T11:59:30"),  # whole, though half of it is over
        ("2026-11-17T11:59:29.999", "2026-11-17T09:00", "2026-11-17T11:59:30"),
        ("2026-11-17T11:59:30", "2026-11-17T13:00", "2026-11-17T18:59:30"),  # the phone would ring past the end
        ("2026-11-20T18:59:30", "2026-11-23T09:00", "2026-11-23T11:59:30"),  # Friday evening: Monday
    ],
)
def test_the_range_around_or_after_a_moment(now: str, start: str, end: str) -> None:
    assert open_range(OFFICE, (NY,), at(now, NY)) == Range(at(start, NY), at(end, NY))


def test_next_open_is_what_is_left() -> None:
    now = at("2026-11-17T10:30", NY)
    assert next_open(OFFICE, (NY,), now) == Range(now, at("2026-11-17T11:59:30", NY))
    assert is_open(OFFICE, (NY,), now)
    assert not is_open(OFFICE, (NY,), at("2026-11-17T11:59:30", NY))


def test_every_zone_must_be_inside() -> None:
    hours = window({"mon-fri": ["09:00-17:00"]})
    both = Range(at("2026-11-17T09:00", LA), at("2026-11-17T17:00", NY))
    assert open_range(hours, (LA, NY), at("2026-11-17T09:00", NY)) == both
    assert open_range(window({"mon-fri": ["09:00-11:00"]}), (LA, NY), at("2026-11-17T09:00", NY)) is None


def test_a_skipped_hour_has_no_instants() -> None:
    night = window({"sun": ["01:30-03:30"]})
    found = open_range(night, (NY,), at("2026-03-08T00:00", NY))
    assert found == Range(at("2026-03-08T01:30", NY), at("2026-03-08T03:30", NY))
    assert found.end - found.start == HOUR
    inside_the_gap = window({"sun": ["02:00-03:00"]})
    assert open_range(inside_the_gap, (NY,), at("2026-03-08T00:00", NY)) == Range(
        at("2026-03-15T02:00", NY), at("2026-03-15T03:00", NY)
    )


def test_a_repeated_hour_counts_twice() -> None:
    night = window({"sun": ["00:30-01:30"]})
    first = open_range(night, (NY,), at("2026-11-01T00:00", NY))
    assert first == Range(at("2026-11-01T00:30", NY), at("2026-11-01T01:30", NY))
    again = open_range(night, (NY,), first.end)
    assert again == Range(at("2026-11-01T01:00", NY, fold=1), at("2026-11-01T01:30", NY, fold=1))
    whole = window({"sun": ["00:30-02:30"]})
    found = open_range(whole, (NY,), at("2026-11-01T01:15", NY, fold=1))
    assert found is not None
    assert found.end - found.start == 3 * HOUR


def test_across_midnight_and_over_the_weekend_is_one_range() -> None:
    late = window({"sun": ["22:00-02:00"], "mon": ["02:00-03:00"]}, 60_000)
    found = open_range(late, ("Asia/Kathmandu",), at("2026-11-16T01:00", "Asia/Kathmandu"))
    assert found == Range(at("2026-11-15T22:00", "Asia/Kathmandu"), at("2026-11-16T02:59", "Asia/Kathmandu"))


def test_a_closed_day_that_was_skipped_joins_its_neighbours() -> None:
    """Samoa had no Friday 30 December 2011: a window closed on Fridays alone was open for two weeks on end."""
    found = open_range(window({"sat-thu": ["00:00-24:00"]}), ("Pacific/Apia",), at("2011-12-31T12:00", "Pacific/Apia"))
    assert found == Range(at("2011-12-24T00:00", "Pacific/Apia"), at("2012-01-06T00:00", "Pacific/Apia"))


def test_the_cut_swallows_short_ranges_and_is_taken_once() -> None:
    assert open_range(window({"mon": ["09:00-09:01"]}, MINUTE), (NY,), at("2026-11-17T00:00")) is None
    touching = window({"mon": ["09:00-10:00", "10:00-11:00"]}, 30_000)
    assert open_range(touching, ("UTC",), at("2026-11-16T09:00")) == Range(at("2026-11-16T09:00"), at("2026-11-16T10:59:30"))


def test_all_week_has_no_end() -> None:
    assert open_range(window({"mon-sun": ["00:00-24:00"]}, 30_000), (NY, LA), at("2026-11-17T00:00")) == Range(Instant(0), NEVER)


def test_faults() -> None:
    with pytest.raises(ValueError, match="at least one time zone"):
        open_range(OFFICE, (), Instant(0))
    with pytest.raises(ValueError, match="'America/Gotham' is not an IANA time zone"):
        open_range(OFFICE, ("America/Gotham",), Instant(0))
    assert open_range(OFFICE, (NY,), NEVER) is not None


# --- against the scan -----------------------------------------------------------------------------------------------------------

QUARTER = 15 * MINUTE  # all offsets of these zones since 1980 are multiples of it, so a scan by quarters misses nothing


def scan(weekly: Weekly, zones: tuple[str, ...], first: int, last: int, step: int) -> list[tuple[int, int]]:
    """Open ranges between two instants by reading every zone's wall clock at every step."""
    minutes = {(day * 1440 + m) % 10080 for day, start, end in weekly for m in range(start, end)}
    clocks = [clock(zone) for zone in zones]
    ranges: list[tuple[int, int]] = []
    for t in range(first, last, step):
        moment = datetime.fromtimestamp(t // 1000, UTC)
        walls = (moment.astimezone(c) for c in clocks)
        if all(w.weekday() * 1440 + w.hour * 60 + w.minute in minutes for w in walls):
            if ranges and ranges[-1][1] == t:
                ranges[-1] = (ranges[-1][0], t + step)
            else:
                ranges.append((t, t + step))
    return ranges


def expected(weekly: Weekly, zones: tuple[str, ...], cut: int, t: int) -> tuple[int, int] | None:
    t0 = t - t % QUARTER
    found = scan(weekly, zones, t0 - 16 * DAY, t0 + 16 * DAY, QUARTER)
    return next(((start, end - cut) for start, end in found if end - cut > max(t, start)), None)


@st.composite
def weeklies(draw: st.DrawFn) -> Weekly:
    spans = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 95), st.integers(1, 96)), min_size=1, max_size=12))
    return tuple(sorted((day, start * 15, (start + length) * 15) for day, start, length in spans))


def near(*texts: str) -> st.SearchStrategy[int]:
    """Any moment of some years, and moments around changes of offset."""
    anywhere = st.integers(at("1980-01-01"), at("2037-01-01"))
    around = st.builds(lambda t, d: at(t) + d, st.sampled_from(texts), st.integers(-8 * DAY, 8 * DAY))
    return anywhere | around


MOMENTS = near(
    "2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-04-05", "2026-10-04", "2011-12-30", "2026-02-15", "2025-09-28"
)  # fmt: skip
CUTS = st.sampled_from([0, 30_000, 15 * MINUTE, 2 * HOUR])


@settings(max_examples=300)
@given(weeklies(), st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True), CUTS, MOMENTS)
@example(((4, 0, 1440),), ["Pacific/Apia"], 0, at("2011-12-30"))
@example(((6, 30, 150),), ["Australia/Lord_Howe"], 0, at("2026-04-04T15:00"))
@example(((5, 1380, 1620),), ["Pacific/Chatham"], 30_000, at("2026-09-26T14:00"))
def test_open_ranges_are_those_of_the_wall_clocks(weekly: Weekly, zones: list[str], cut: int, t: int) -> None:
    found, naive = open_range(weekly_window(weekly, cut), tuple(zones), Instant(t)), expected(weekly, tuple(zones), cut, t)
    if naive is None:  # nothing for 16 days: at most far away, or endless
        assert found is None or found.start > t + 15 * DAY or found == (0, NEVER)
    elif naive[1] + cut - naive[0] > 15 * DAY:
        assert found == (0, NEVER)
    else:
        assert found == naive


@settings(max_examples=15)
@given(st.sampled_from(ZONES), st.lists(st.integers(0, 1439), min_size=2, max_size=2, unique=True), MOMENTS)
def test_minute_by_minute(zone: str, ends: list[int], t: int) -> None:
    weekly = tuple((day, min(ends), max(ends)) for day in range(7))
    hours, t0 = weekly_window(weekly, 0), t - t % MINUTE
    inside = {m for start, end in scan(weekly, (zone,), t0, t0 + 2 * DAY, MINUTE) for m in range(start, end, MINUTE)}
    assert inside == {m for m in range(t0, t0 + 2 * DAY, MINUTE) if is_open(hours, (zone,), Instant(m))}


# --- delays ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delay", "zones", "start", "end"),
    [
        (Delay(ms=24 * HOUR), (NY,), ("2026-03-07T15:00", 0), ("2026-03-08T16:00", 0)),  # exact: an hour was skipped
        (Delay(days=1), (NY,), ("2026-03-07T15:00", 0), ("2026-03-08T15:00", 0)),  # the same wall time
        (Delay(days=1), (NY,), ("2026-03-07T02:30", 0), ("2026-03-08T03:00", 0)),  # does not exist: after the gap
        (Delay(days=1), (NY,), ("2026-10-31T01:30", 0), ("2026-11-01T01:30", 0)),  # exists twice: the earlier
        (Delay(days=1), (NY,), ("2026-11-01T01:30", 1), ("2026-11-02T01:30", 0)),
        (Delay(days=2), (NY, LA), ("2026-03-06T23:30", 0), ("2026-03-08T23:30", 0)),
    ],
)
def test_delays(delay: Delay, zones: tuple[str, ...], start: tuple[str, int], end: tuple[str, int]) -> None:
    assert add_delay(delay, at(start[0], NY, start[1]), zones) == at(end[0], NY, end[1])


def test_several_zones_wait_for_the_latest() -> None:
    """New York changes its clocks three hours before Los Angeles does: in between a day is 23 hours in one, 24 in the other."""
    start = at("2026-03-07T04:00", NY)
    assert add_delay(Delay(days=1), start, (NY,)) == start + 23 * HOUR
    assert add_delay(Delay(days=1), start, (NY, LA)) == start + 24 * HOUR


def test_a_skipped_day() -> None:
    start = at("2011-12-29T10:00", "Pacific/Apia")
    assert add_delay(Delay(days=1), start, ("Pacific/Apia",)) == at("2011-12-31T00:00", "Pacific/Apia")


def test_a_calendar_delay_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="at least one time zone"):
        add_delay(Delay(days=1), Instant(0), ())
    assert add_delay(Delay(ms=5), Instant(0), ()) == 5


@settings(max_examples=500)
@given(st.sampled_from(ZONES), st.integers(1, 30), MOMENTS)
def test_days_later_is_the_same_wall_time_or_the_end_of_the_gap(zone: str, days: int, t: int) -> None:
    later = add_delay(Delay(days=days), Instant(t), (zone,))
    target = wall(t, zone).replace(tzinfo=None) + timedelta(days=days)
    read = wall(later, zone)
    if read.replace(tzinfo=None) == target:
        assert read.fold == 0
    else:  # a gap: right after the change, whose wall time is beyond the target, while right before it is not
        assert read.replace(tzinfo=None) > target
        assert wall(later - 1, zone).replace(tzinfo=None) < target


@pytest.mark.parametrize("zones", [(NY,), (LA, NY), ("Pacific/Kiritimati", "Pacific/Apia"), ("Asia/Kathmandu",)])
def test_hours_hold_from_their_first_day_on(zones: tuple[str, ...]) -> None:
    """Before it they are open, all day; what would have begun the day before does not reach into it. On the clock of each zone."""
    first = "2026-11-24"
    law = Layer("law", "a law", parse_weekly({"mon-sun": ["08:00-20:00", "22:00-01:00"]}), since=day_of(first))

    def inside(t: int) -> bool:
        read = [wall(t, zone) for zone in zones]
        return all(w.date().isoformat() < first or 8 <= w.hour < 20 or w.hour >= 22 or (w.hour < 1 and w.day != 24) for w in read)

    for t in range(at("2026-11-22"), at("2026-11-28"), 15 * MINUTE):
        assert is_open(Window((law,), 0), zones, Instant(t)) == inside(t), wall(t, zones[0])
