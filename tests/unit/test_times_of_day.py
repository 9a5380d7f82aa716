"""engine/times_of_day.py: the morning, noon and evening of people who were not reached."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import ALWAYS, NOW, NY, WORKDAY

from engine.time import DAY, HOUR, MINUTE, Instant
from engine.times_of_day import PREFERRED_FOR, another_time
from engine.windows import clock_of, is_open, parse_weekly, weekly_window

LONG = weekly_window(parse_weekly({"mon-sun": ["09:00-20:00"]}), 0)


def at(text: str) -> Instant:
    """An instant by the clock of New York, late in November 2026 (UTC-5)."""
    return Instant(int(datetime.fromisoformat(f"2026-11-{text}-05:00").timestamp() * 1000))


@pytest.mark.parametrize(
    ("failed", "earliest", "then"),
    [
        (["24T10:00"], "24T10:15", "24T12:00"),  # two hours off, at noon
        (["24T10:00", "24T12:00"], "24T12:15", "24T16:00"),  # then in the evening
        (["24T10:00", "24T12:00", "24T16:00"], "24T16:15", "24T18:00"),  # all have been tried once: the first that is far enough
        (["24T15:00"], "24T15:15", "24T17:00"),
        (["24T19:00"], "24T19:15", "25T09:00"),  # in the morning
        (["24T10:00"], "25T09:00", "25T12:00"),  # the earliest lies in a failed time of day
        (["24T10:00"], "24T13:00", "24T13:00"),  # the earliest will do
    ],
)
def test_the_next_part_of_the_day(failed: list[str], earliest: str, then: str) -> None:
    assert another_time(at(earliest), tuple(map(at, failed)), 2 * HOUR, LONG, (NY,)) == at(then)


def test_a_preference_that_cannot_be_met_is_dropped() -> None:
    mornings = weekly_window(parse_weekly({"mon-sun": ["09:00-10:30"]}), 0)
    assert another_time(at("24T10:30"), (at("24T10:00"),), 2 * HOUR, mornings, (NY,)) == at("24T10:30")


def test_nobody_waits_longer_than_three_days_for_it() -> None:
    weekly = weekly_window(parse_weekly({"tue": ["10:00-11:00"], "sat": ["16:00-17:00"]}), 0)
    assert another_time(at("24T11:00"), (at("24T10:30"),), 2 * HOUR, weekly, (NY,)) == at("24T11:00")  # Saturday is too far
    assert another_time(at("26T11:00"), (at("24T10:30"),), 2 * HOUR, weekly, (NY,)) == at("28T16:00")


def test_times_of_day_go_round_midnight() -> None:
    assert another_time(at("24T22:00"), (at("24T23:30"),), 2 * HOUR, ALWAYS, (NY,)) == at("25T01:30")


@given(
    st.integers(0, 7 * DAY),
    st.lists(st.integers(-5 * DAY, 0), min_size=1, max_size=5),
    st.integers(0, 6),
    st.sampled_from([LONG, WORKDAY, ALWAYS]),
)
def test_it_is_a_preference_within_the_window(later: int, failed: list[int], hours: int, window: object) -> None:
    """Never earlier, never more than three days later; open and far enough from what failed, unless it is the earliest itself."""
    earliest, past = Instant(NOW + later), tuple(NOW + each for each in failed)
    found = another_time(earliest, past, hours * HOUR, window, (NY,))  # type: ignore[arg-type]
    assert earliest <= found < earliest + PREFERRED_FOR
    if found != earliest:
        assert is_open(window, (NY,), found)  # type: ignore[arg-type]
        for other in past:
            apart = abs(_minute(found) - _minute(Instant(other)))
            assert min(apart, 1440 - apart) * MINUTE >= hours * HOUR


def _minute(at: Instant) -> int:
    clock = clock_of(at, NY)
    return clock.hour * 60 + clock.minute
