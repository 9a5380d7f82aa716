"""engine/days.py: calendar days of a zone follow each other without a gap, whatever its clock does at midnight."""

from datetime import UTC, datetime

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from engine.days import day_of, first_instant, numbered
from engine.time import DAY, HOUR


def at(text: str) -> int:
    """UTC ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "instant", "start", "hours"),
    [
        ("UTC", "2026-11-24T15:00", "2026-11-24T00:00", 24),
        ("America/New_York", "2026-11-24T15:00", "2026-11-24T05:00", 24),
        ("America/New_York", "2026-11-24T04:59:59.999", "2026-11-23T05:00", 24),
        ("America/New_York", "2026-03-08T12:00", "2026-03-08T05:00", 23),
        ("America/New_York", "2026-11-01T12:00", "2026-11-01T04:00", 25),
        ("Asia/Kathmandu", "2026-11-24T18:15", "2026-11-24T18:15", 24),
        ("America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04T03:00", 23),  # its clock never read 00:00 that day
        ("America/Havana", "2020-11-01T12:00", "2020-11-01T04:00", 25),  # reads 00:00 twice
        ("America/St_Johns", "2010-11-07T02:31", "2010-11-07T02:30", 25),  # at 00:01 back to 23:01: the day had begun
        ("America/St_Johns", "2010-11-07T03:00", "2010-11-07T02:30", 25),  # the clock reads 23:30 of the day before
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", 24),  # the 31st: there was no 30th
    ],
)
def test_the_day_of_an_instant(zone: str, instant: str, start: str, hours: int) -> None:
    day = day_of(zone, at(instant))
    assert (day.start, day.end - day.start) == (at(start), hours * HOUR)
    assert day == numbered(zone, day.number)


def test_a_date_that_a_zone_left_out_has_no_instants() -> None:
    day = numbered("Pacific/Apia", at("2011-12-30T00:00") // DAY)
    assert day.start == day.end


def test_what_is_no_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="EDT"):
        first_instant("EDT", 0)


@given(st.sampled_from(sorted(pytz.common_timezones)), st.integers(at("1972-01-01"), at("2037-01-01")))
def test_every_instant_is_of_one_day(zone: str, instant: int) -> None:
    day = day_of(zone, instant)
    assert day.start <= instant < day.end
    assert day_of(zone, day.start) == day
    assert day_of(zone, day.end).start == day.end


@given(st.sampled_from(sorted(pytz.common_timezones)), st.integers(at("2000-01-01"), at("2037-01-01")))
def test_midnights_fall_on_quarters_of_an_hour(zone: str, instant: int) -> None:
    assert day_of(zone, instant).start % (15 * 60_000) == 0
