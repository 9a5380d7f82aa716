"""engine/zones.py: who speaks for a person's time, and what is said about it."""

import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.phone import Phone
from engine.zones import ABBREVIATIONS, ZoneSet, civil_zone, zone_set

BOISE = Phone("+12085550101", "US", ("America/Boise", "America/Los_Angeles"))
TOLL_FREE = Phone("+18005550101", "US", ())


def test_an_explicit_zone_stands_alone() -> None:
    assert zone_set("America/Denver", BOISE) == ZoneSet(("America/Denver",), {"timezone": ("America/Denver",)})


def test_else_the_number_speaks() -> None:
    assert zone_set(None, BOISE) == ZoneSet(BOISE.zones, {"phone": BOISE.zones})
    assert zone_set("  ", BOISE) == zone_set(None, BOISE)


def test_nobody_speaks() -> None:
    assert zone_set(None, TOLL_FREE) == ZoneSet()
    assert zone_set(None, None) == ZoneSet()


def test_an_unknown_zone_is_reported_and_silent() -> None:
    found = zone_set("America/New_Yrok", BOISE)
    assert found.zones == BOISE.zones
    assert found.problems == ("time zone 'America/New_Yrok' is not known, so it is ignored: did you mean America/New_York?",)
    assert zone_set("Etc/Unknown", None).zones == ()


@pytest.mark.parametrize(
    ("text", "zone"),
    [("america/new york", "America/New_York"), ("EUROPE/LONDON", "Europe/London"), ("utc", "UTC"), ("US/Eastern", "US/Eastern")],
)
def test_spellings(text: str, zone: str) -> None:
    assert civil_zone(text) == (zone, None)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("EST", "America/New_York"),
        ("est5edt", "America/New_York"),
        ("MST", "America/Denver"),
        ("CST", "America/Chicago"),
        ("PST", "America/Los_Angeles"),
        ("GMT-5", "America/New_York"),
        ("Etc/GMT+5", "America/New_York"),  # POSIX counts westwards
        ("UTC+05:30", "Asia/Kolkata"),
        ("-0800", "America/Los_Angeles"),
        ("GMT", "Europe/London"),
    ],
)
def test_abbreviations_are_read_as_civil_zones_and_reported(text: str, zone: str) -> None:
    found = zone_set(text, BOISE)
    assert found.zones == (zone,)
    assert found.problems == (f"time zone {text!r} is no place's time: taken for {zone}; write a zone such as America/New_York",)


@settings(deadline=None)
@given(st.text(max_size=30) | st.sampled_from(pytz.all_timezones) | st.sampled_from(sorted(ABBREVIATIONS)))
def test_any_text_is_a_zone_of_pytz_or_a_problem(text: str) -> None:
    zone, problem = civil_zone(text)
    assert zone or problem
    assert zone is None or (zone in pytz.all_timezones_set and civil_zone(zone) == (zone, None))


@settings(deadline=None)
@given(st.sampled_from(pytz.common_timezones))
def test_places_are_taken_as_they_are(zone: str) -> None:
    assert civil_zone(zone.swapcase()) == ((zone, None) if zone != "GMT" else ("Europe/London", civil_zone("gmt")[1]))
