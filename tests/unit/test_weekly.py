"""engine/weekly.py: how hours are written, and what is said of those that are not."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.weekly import DAYS, parse_days, parse_interval, parse_weekly


@pytest.mark.parametrize(
    ("weekly", "intervals"),
    [
        ({"mon,wed": ["09:00-12:00"]}, ((0, 540, 720), (2, 540, 720))),
        ({"fri-mon": ["09:00-12:00"]}, ((0, 540, 720), (4, 540, 720), (5, 540, 720), (6, 540, 720))),
        ({"Sat": ["22:00-02:00"]}, ((5, 1320, 1560),)),  # belongs to Saturday
        ({"sun": ["00:00-24:00"]}, ((6, 0, 1440),)),
        ({"sun": ["20:00-00:00"]}, ((6, 1200, 1440),)),
        (
            {"mon": ["09:00-11:00", "10:00-12:00", "12:00-13:00"], "mon-tue": ["15:00-16:00"]},
            ((0, 540, 780), (0, 900, 960), (1, 900, 960)),
        ),
    ],
)
def test_hours(weekly: dict[str, list[str]], intervals: tuple[tuple[int, int, int], ...]) -> None:
    assert parse_weekly(weekly) == intervals


@pytest.mark.parametrize(
    ("weekly", "reason"),
    [
        ({}, "nobody could ever be contacted"),
        ({"mon": []}, "'mon' has no hours"),
        (
            {"mond": ["09:00-12:00"]},
            "'mond' is not a day: days are mon, tue, wed, thu, fri, sat, sun, ranges such as mon-fri. Did you mean mon?",
        ),
        ({"mon-fir": ["09:00-12:00"]}, "'fir' in 'mon-fir' is not a day"),
        ({"mon-wed-fri": ["09:00-12:00"]}, "'mon-wed-fri' is not a range of days"),
        ({"": ["09:00-12:00"]}, "'' is not a day"),
        ({"mon": ["9-12"]}, "'9-12' is not a pair of times: write HH:MM-HH:MM"),
        ({"mon": ["09:00-09:00"]}, "'09:00-09:00' has no length"),
        ({"mon": ["24:00-02:00"]}, "'24:00-02:00' has a time that no clock shows"),
        ({"mon": ["09:00-24:30"]}, "a time that no clock shows"),
        ({"mon": ["09:60-10:00"]}, "a time that no clock shows"),
    ],
)
def test_refusals(weekly: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_weekly(weekly)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("9-17", "09:00-17:00"),
        ("9-5", "09:00-17:00"),
        ("9:00 - 12:30", "09:00-12:30"),
        ("9am-5:30 pm", "09:00-17:30"),
        ("12pm to 12am", "12:00-00:00"),
        ("22-2", "22:00-14:00"),
        ("9.30-11.00", "09:30-11:00"),
    ],
)
def test_what_was_meant_is_said_and_can_be_written(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"Did you mean {meant}\?$"):
        parse_interval(text)
    assert parse_interval(meant)


@pytest.mark.parametrize("text", ["9-99", "9:75-12", "morning", "9"])
def test_nothing_is_guessed_that_no_clock_shows(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 09:00-17:30$"):
        parse_interval(text)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_range_of_days_goes_round_the_week(first: int, last: int) -> None:
    days = parse_days(f"{DAYS[first]}-{DAYS[last]}")
    assert (days[0], days[-1]) == (first, last)
    assert all(b == (a + 1) % 7 for a, b in pairwise(days))
    assert len(set(days)) == len(days)


@given(st.integers(0, 1439), st.integers(0, 1440))
def test_an_interval_is_as_long_as_its_clock(start: int, end: int) -> None:
    text = f"{clock(start)}-{clock(end)}"
    if start == end:
        with pytest.raises(ValueError, match="has no length"):
            parse_interval(text)
        return
    begins, ends = parse_interval(text)
    assert (begins, (ends - end) % 1440) == (start, 0)
    assert 0 < ends - begins <= 1440


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)), min_size=1, max_size=20))
def test_merging_keeps_every_minute(parts: list[tuple[int, int, int]]) -> None:
    weekly: dict[str, list[str]] = {}
    minutes = set()
    for day, start, end in parts:
        if start != end:
            weekly.setdefault(DAYS[day], []).append(f"{clock(start)}-{clock(end)}")
            minutes |= {(day, m) for m in range(start, end if end > start else end + 1440)}
    if weekly:
        merged = parse_weekly(weekly)
        assert {(day, m) for day, start, end in merged for m in range(start, end)} == minutes
        assert all(a[0] < b[0] or a[2] < b[1] for a, b in pairwise(merged))
