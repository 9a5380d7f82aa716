"""Zones of North American area codes: all that a number of the code may be in."""

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.area_codes import CORRECTED, area_zones
from engine.phone import parse_phone

EAST_AND_CENTRAL = ("America/Chicago", "America/New_York")


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("212", ("America/New_York",)),
        ("850", EAST_AND_CENTRAL),  # the Florida Panhandle: Tallahassee and Pensacola
        ("219", EAST_AND_CENTRAL),  # Indiana: Gary is Central
        ("270", EAST_AND_CENTRAL),
        ("308", ("America/Chicago", "America/Denver")),
        ("541", ("America/Denver", "America/Los_Angeles")),
        ("448", EAST_AND_CENTRAL),  # an overlay that the library takes for Eastern
        ("689", ("America/New_York",)),  # Orlando, which the library takes for Central
        ("999", ()),
    ],
)
def test_zones_of_a_code(code: str, zones: tuple[str, ...]) -> None:
    assert area_zones(code) == zones


@pytest.mark.parametrize("text", ["+18505550139", "+18504345555", "(850) 555-0139"])
def test_a_number_speaks_for_all_of_its_area_code(text: str) -> None:
    assert parse_phone(text, "US").zones == EAST_AND_CENTRAL


def test_every_correction_is_of_real_zones() -> None:
    assert {zone for zones in CORRECTED.values() for zone in zones} <= pytz.all_timezones_set


@given(st.sampled_from(sorted(p for p in TIMEZONE_DATA if p.startswith("1") and len(p) >= 4 and p[1:4] not in CORRECTED)))
def test_no_zone_of_any_exchange_is_left_out(prefix: str) -> None:
    assert set(TIMEZONE_DATA[prefix]) <= set(area_zones(prefix[1:4]))
