"""engine/callbacks.py and calendar delays: what people say in local time, around both changes of the clock.

New York: on 8 March 2026 the clock goes from 02:00 to 03:00, on 1 November from 02:00 back to 01:00.
"""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import ALWAYS, NOW, NY, WORKDAY

from engine.callbacks import LONGEST, allowed_from, callback_instant
from engine.delays import parse_delay
from engine.layers import Layer
from engine.time import DAY, HOUR, Instant
from engine.weekly import parse_time, parse_weekly
from engine.windows import Window, add_delay, clock_next, is_open, weekly_window

LA, LONDON = "America/Los_Angeles", "Europe/London"


def at(text: str) -> Instant:
    """An instant, written with its zone."""
    return Instant(int(datetime.fromisoformat(text).timestamp() * 1000))


@pytest.mark.parametrize(
    ("asked", "zones", "meant"),
    [
        ("2026-11-26T17:30", (NY,), "2026-11-26T17:30-05:00"),
        ("2026-11-26 17:30", (NY,), "2026-11-26T17:30-05:00"),
        ("2026-11-26T17:30Z", (NY,), "2026-11-26T17:30+00:00"),
        ("2026-11-26T17:30+01:00", (NY,), "2026-11-26T16:30+00:00"),
        ("2026-11-26T17:30", (NY, LA), "2026-11-26T17:30-08:00"),  # of several zones the latest
        ("2027-03-14T02:30", (NY,), "2027-03-14T07:00+00:00"),  # a wall time that does not exist: the first instant after the gap
        ("2027-11-07T01:30", (NY,), "2027-11-07T05:30+00:00"),  # one that exists twice: the earlier
        ("2027-03-14T02:30", (NY, LA), "2027-03-14T10:00+00:00"),
        ("2026-11-27", (NY,), "2026-11-27T05:00+00:00"),
        ("2026-11-20T10:00", (NY,), "2026-11-24T15:00+00:00"),  # past already: now
    ],
)
def test_when_is_meant(asked: str, zones: tuple[str, ...], meant: str) -> None:
    assert callback_instant(asked, zones, NOW) == at(meant)


@pytest.mark.parametrize("asked", ["", "soon", "tomorrow", "17:30", "2026-02-30T10:00", "2029-01-01T00:00", "26.11.2026"])
def test_what_is_no_time_within_reach_is_none(asked: str) -> None:
    assert callback_instant(asked, (NY,), NOW) is None


def test_a_time_without_a_zone_means_nothing_for_somebody_without_one() -> None:
    assert callback_instant("2026-11-26T17:30", (), NOW) is None
    assert callback_instant("2026-11-26T17:30Z", (), NOW) == at("2026-11-26T17:30+00:00")


@given(st.datetimes(min_value=datetime(2026, 11, 25), max_value=datetime(2027, 12, 1)), st.sampled_from([NY, LA, LONDON]))
def test_it_is_never_earlier_than_now_nor_too_far(wall: datetime, zone: str) -> None:
    found = callback_instant(wall.isoformat(), (zone,), NOW)
    assert found is None or NOW <= found <= NOW + LONGEST


@pytest.mark.parametrize(
    ("asked", "due", "moved"),
    [
        ("2026-11-24T10:30-05:00", "2026-11-24T10:30-05:00", None),
        ("2026-11-24T20:00-05:00", "2026-11-25T09:00-05:00", "outside the campaign's hours: Tue 09:00-17:00; it is Tue 2026-11-24"),
        ("2026-11-28T12:00-05:00", "2026-11-30T09:00-05:00", "outside the campaign's hours: Sat none; it is Sat 2026-11-28 12:00"),
        (
            "2026-11-24T16:59:45-05:00",
            "2026-11-25T09:00-05:00",
            "outside the campaign's hours: Tue 09:00-17:00",
        ),  # it would ring past
    ],
)
def test_a_time_that_is_closed_moves_to_the_next_that_is_open_and_says_why(asked: str, due: str, moved: str | None) -> None:
    found, why = allowed_from(at(asked), WORKDAY, (NY,))
    assert found == at(due)
    assert (why is None) == (moved is None)
    assert moved is None or (why or "").startswith(moved)


@given(st.integers(0, 14 * DAY), st.sampled_from([(NY,), (NY, LA), (LONDON,)]))
def test_what_is_promised_is_open(later: int, zones: tuple[str, ...]) -> None:
    found, why = allowed_from(Instant(NOW + later), WORKDAY, zones)
    assert is_open(WORKDAY, zones, found)
    assert (why is None) == (found == NOW + later)


def test_a_window_that_never_opens_leaves_it_to_the_gate() -> None:
    never = Window((*WORKDAY.layers, *weekly_window(parse_weekly({"sun": ["10:00-12:00"]}), 0).layers), 0)
    assert allowed_from(NOW, never, (NY,)) == (NOW, None)


# --- waits ------------------------------------------------------------------------------------------------------------------------

#: Open on weekdays; closed on Thanksgiving (26 November 2026) and on 24 December.
SHOP = Window(
    (Layer("window", "hours", parse_weekly({"mon-fri": ["09:00-17:00"]}), holidays=("us-federal",), blackout=((20_811, 20_811),)),),
    0,
)


@pytest.mark.parametrize(
    ("delay", "ended", "due"),
    [
        ("24h", "2026-10-31T12:00-04:00", "2026-11-01T11:00-05:00"),  # exact, whatever the clock does
        ("24h", "2026-03-07T12:00-05:00", "2026-03-08T13:00-04:00"),
        ("1 day", "2026-10-31T12:00-04:00", "2026-11-01T12:00-05:00"),  # the same wall time
        ("1 day", "2026-03-07T12:00-05:00", "2026-03-08T12:00-04:00"),
        ("1 day", "2026-03-07T02:30-05:00", "2026-03-08T03:00-04:00"),  # does not exist: the first instant after the gap
        ("1 day", "2026-10-31T01:30-04:00", "2026-11-01T01:30-04:00"),  # exists twice: the earlier
        ("2 business days", "2026-11-24T10:30-05:00", "2026-11-27T10:30-05:00"),  # Thanksgiving is not counted
        ("2 business days", "2026-11-27T10:30-05:00", "2026-12-01T10:30-05:00"),  # nor a weekend
        ("1 business day", "2026-10-30T16:00-04:00", "2026-11-02T16:00-05:00"),  # over the change, by the wall clock
        ("1 business day", "2026-03-06T16:00-05:00", "2026-03-09T16:00-04:00"),
        ("1 business day", "2026-12-23T10:00-05:00", "2026-12-28T10:00-05:00"),  # a blackout, Christmas, a weekend
        ("1 business day", "2026-11-28T22:00-05:00", "2026-11-30T22:00-05:00"),  # from a closed day
    ],
)
def test_waits_around_the_changes_of_the_clock(delay: str, ended: str, due: str) -> None:
    assert add_delay(parse_delay(delay), at(ended), (NY,), SHOP) == at(due)


def test_of_several_zones_the_latest_counts() -> None:
    ended = at("2026-11-27T23:30-05:00")  # Friday in New York, still 20:30 in Los Angeles
    assert add_delay(parse_delay("1 business day"), ended, (NY, LA), SHOP) == at("2026-11-30T20:30-08:00") == ended + 3 * DAY


def test_a_shop_that_never_opens_is_waited_for_no_longer_than_windows_are_looked_at() -> None:
    closed = weekly_window(parse_weekly({"sun": ["02:00-02:30"]}), 60 * 60_000)
    assert add_delay(parse_delay("1 business day"), NOW, (NY,), closed) <= NOW + 401 * DAY


@pytest.mark.parametrize(
    ("clock", "since", "due"),
    [
        ("10:00", "2026-11-24T09:59-05:00", "2026-11-24T10:00-05:00"),
        ("10:00", "2026-11-24T10:00-05:00", "2026-11-24T10:00-05:00"),
        ("10:00", "2026-11-24T10:01-05:00", "2026-11-25T10:00-05:00"),
        ("02:30", "2026-03-08T00:00-05:00", "2026-03-08T03:00-04:00"),
        ("01:30", "2026-11-01T00:00-04:00", "2026-11-01T01:30-04:00"),
        ("01:30", "2026-11-01T01:31-04:00", "2026-11-02T01:30-05:00"),  # its second coming on that day is not another day
    ],
)
def test_a_step_at_a_time_of_the_day(clock: str, since: str, due: str) -> None:
    assert clock_next(parse_time(clock), at(since), (NY,)) == at(due)


def test_at_a_time_of_the_day_in_several_zones() -> None:
    assert clock_next(600, at("2026-11-24T09:00-05:00"), (NY, LA)) == at("2026-11-24T10:00-08:00")
    assert clock_next(600, at("2026-11-24T11:00-05:00"), (NY, LA)) - at("2026-11-24T11:00-05:00") == 23 * HOUR


@pytest.mark.parametrize("text", ["24:00", "10:60", "ten", "10", "1000", ""])
def test_what_is_no_time_of_the_day(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of the day: write HH:MM"):
        parse_time(text)


def test_calendar_delays_need_what_they_are_counted_by() -> None:
    with pytest.raises(ValueError, match="needs a window"):
        add_delay(parse_delay("1 business day"), NOW, (NY,))
    with pytest.raises(ValueError, match="at least one time zone"):
        add_delay(parse_delay("1 business day"), NOW, (), ALWAYS)
