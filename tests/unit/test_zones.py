"""engine/zones.py: who speaks for a person's time, and what is said about it."""

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from engine.phone import Phone, parse_phone
from engine.zones import ABBREVIATIONS, SOURCES, Conflict, ZoneSet, civil_zone, conflicts, told_by, zone_set

NY, LA, DENVER, PHOENIX = "America/New_York", "America/Los_Angeles", "America/Denver", "America/Phoenix"
HERE = Phone("+12125550101", "US", (NY,))
BOISE = Phone("+12085550101", "US", ("America/Boise", "America/Los_Angeles"))
TOLL_FREE = Phone("+18005550101", "US", ())


def test_an_explicit_zone_stands_alone() -> None:
    assert zone_set("America/Denver", BOISE) == ZoneSet(("America/Denver",), {"timezone": ("America/Denver",)})


def test_else_the_number_speaks() -> None:
    assert zone_set(None, BOISE) == ZoneSet(BOISE.zones, {"phone": BOISE.zones})
    assert zone_set("  ", BOISE) == zone_set(None, BOISE)


@pytest.mark.parametrize(
    ("timezone", "phone", "postal_code", "state", "sources"),
    [
        (None, HERE, "94103", "CA", {"postal_code": (LA,), "phone": (NY,)}),  # a mobile of another state
        (None, HERE, "8014", "NJ", {"postal_code": (NY,), "phone": (NY,)}),  # a lost zero
        (None, HERE, None, "AZ", {"state": (DENVER, PHOENIX), "phone": (NY,)}),
        (None, TOLL_FREE, "86515", "AZ", {"postal_code": (DENVER, PHOENIX)}),
        (None, TOLL_FREE, "85004", "AZ", {"postal_code": (PHOENIX,)}),
        (None, HERE, "10007", "AZ", {"postal_code": (NY,), "state": (DENVER, PHOENIX), "phone": (NY,)}),
        (None, BOISE, "10007", None, {"postal_code": (NY,), "phone": BOISE.zones}),
        (None, None, "10007", None, {"postal_code": (NY,)}),
        ("EST", HERE, "94103", "CA", {"timezone": (NY,)}),
        (PHOENIX, HERE, "94103", "CA", {"timezone": (PHOENIX,)}),
        ("no zone", HERE, "94103", "CA", {"postal_code": (LA,), "phone": (NY,)}),
    ],
)
def test_the_address_and_the_number_speak_together(
    timezone: str | None, phone: Phone | None, postal_code: str | None, state: str | None, sources: dict[str, tuple[str, ...]]
) -> None:
    found = zone_set(timezone, phone, postal_code, state)
    assert found.sources == sources
    assert list(found.sources) == list(sources)
    assert found.zones == tuple(sorted({zone for zones in sources.values() for zone in zones}))


def test_where_sources_disagree() -> None:
    assert conflicts({"postal_code": (LA,), "phone": (NY,)}) == (Conflict("postal_code", "phone", (NY,), True),)
    assert conflicts({"postal_code": (LA,), "phone": (DENVER, LA)}) == (Conflict("postal_code", "phone", (DENVER,), False),)
    assert conflicts({"state": (DENVER, PHOENIX), "phone": (PHOENIX,)}) == ()  # the number only tells more precisely
    assert conflicts({"postal_code": ("America/Detroit",), "phone": (NY,)}) == ()
    assert [pair[:2] for pair in conflicts({"postal_code": (NY,), "state": (LA,), "phone": (NY,)})] == [
        ("postal_code", "state"),
        ("state", "phone"),
    ]
    assert (told_by(("postal_code", "phone")), told_by(())) == ("postal_code + phone", "fallback")


TEXT = st.none() | st.text(max_size=8)
CODES = TEXT | st.sampled_from(["10007", "8014", "86515", "94103", "M5V 3L9", "501"])
STATES = TEXT | st.sampled_from(["AZ", "Florida", "NY", "ON", "WA", "AE"])
ZONES = TEXT | st.sampled_from(["EST", PHOENIX, "GMT-5"])


@given(ZONES, st.sampled_from([None, HERE, BOISE, TOLL_FREE]), CODES, STATES, TEXT | st.sampled_from(["US", "CA", "AU", "DE"]))
def test_a_set_is_what_its_sources_gave_and_a_number_never_narrows_it(
    timezone: str | None, phone: Phone | None, postal_code: str | None, state: str | None, country: str | None
) -> None:
    found = zone_set(timezone, phone, postal_code, state, country)
    assert found.zones == tuple(sorted({zone for zones in found.sources.values() for zone in zones}))
    assert list(found.sources) == [name for name in SOURCES if name in found.sources]
    assert set(found.zones) <= pytz.all_timezones_set
    if "timezone" in found.sources:
        assert list(found.sources) == ["timezone"]
    else:
        assert set(found.zones) >= set(phone.zones if phone else ())
        assert set(found.zones) >= set(zone_set(None, TOLL_FREE if phone else None, postal_code, state, country).zones)


@pytest.mark.parametrize(
    ("phone", "address", "sources"),
    [
        ("+12125550101", {"country": "GB", "postal_code": "SW1A 1AA"}, {"country": ("Europe/London",), "phone": (NY,)}),
        ("+18005550101", {"country": "Germany", "postal_code": "10115"}, {"country": ("Europe/Berlin",)}),
        ("+442079460123", {"country": "GB", "postal_code": "SW1A 1AA"}, {"phone": ("Europe/London",)}),
        (None, {"country": "France"}, {"country": ("Europe/Paris",)}),
        ("+12125550101", {"country": "AU", "state": "NSW"}, None),  # the state is narrower
        ("+18005550101", {"country": "Spain"}, {}),  # the Canary Islands have a clock of their own
        ("+18005550101", {"country": "Atlantis"}, {}),
    ],
)
def test_a_country_with_one_clock_speaks_where_nothing_narrower_does(
    phone: str | None, address: dict[str, str], sources: dict[str, tuple[str, ...]] | None
) -> None:
    found = zone_set(None, parse_phone(phone) if phone else None, **address)
    if sources is None:
        assert "country" not in found.sources
    else:
        assert found.sources == sources
        assert found.zones == tuple(sorted({zone for zones in sources.values() for zone in zones}))


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


@given(st.text(max_size=30) | st.sampled_from(pytz.all_timezones) | st.sampled_from(sorted(ABBREVIATIONS)))
def test_any_text_is_a_zone_of_pytz_or_a_problem(text: str) -> None:
    zone, problem = civil_zone(text)
    assert zone or problem
    assert zone is None or (zone in pytz.all_timezones_set and civil_zone(zone) == (zone, None))


@given(st.sampled_from(pytz.common_timezones))
def test_places_are_taken_as_they_are(zone: str) -> None:
    assert civil_zone(zone.swapcase()) == ((zone, None) if zone != "GMT" else ("Europe/London", civil_zone("gmt")[1]))
