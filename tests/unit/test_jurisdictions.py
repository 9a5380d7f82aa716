"""Whose law may hold for a person: every place that is possible, with who said so."""

import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.geodata import GEOCODE_DATA

from engine.area_states import AREA_STATES
from engine.jurisdictions import jurisdictions_of
from engine.phone import parse_phone
from engine.states import STATES

NEW_YORK, MIAMI, TOLL_FREE = "+12125550101", "+13055550123", "+18005550123"

#: phone, postal code, state, country -> the places, by who said them.
PEOPLE = {
    "an address and a number of one state": (
        (MIAMI, "33130", "FL", "US"),
        {"postal_code": "US-FL", "state": "US-FL", "phone": "US-FL"},
    ),
    "a mobile of another state": ((NEW_YORK, "33130", "FL", None), {"postal_code": "US-FL", "state": "US-FL", "phone": "US-NY"}),
    "a ZIP code that lost its zero": ((NEW_YORK, "8014", None, "US"), {"postal_code": "US-NJ", "phone": "US-NY"}),
    "ZIP+4 without its zero": ((NEW_YORK, "8014-1234", None, None), {"postal_code": "US-NJ", "phone": "US-NY"}),
    "ZIP+4 without zero and hyphen": ((NEW_YORK, "80141234", None, None), {"postal_code": "US-NJ", "phone": "US-NY"}),
    "spaces around": ((NEW_YORK, " 33130 ", " florida ", " usa "), {"postal_code": "US-FL", "state": "US-FL", "phone": "US-NY"}),
    "ZIP code and state disagree": ((NEW_YORK, "33130", "GA", "US"), {"postal_code": "US-FL", "state": "US-GA", "phone": "US-NY"}),
    "the number alone": ((MIAMI, None, None, None), {"phone": "US-FL"}),
    "an overlay of Miami": (("+17865550123", None, None, None), {"phone": "US-FL"}),
    "a new overlay of Miami": (("+16455550123", None, None, None), {"phone": "US-FL"}),
    "an area code with two zones": (("+18505550123", None, None, None), {"phone": "US-FL"}),
    "a divided state": ((TOLL_FREE, "47711", "IN", None), {"postal_code": "US-IN", "state": "US-IN"}),
    "Navajo Nation": (("+19285550123", "86045", "AZ", None), {"postal_code": "US-AZ", "state": "US-AZ", "phone": "US-AZ"}),
    "Navajo Nation in New Mexico": (("+15055550123", "87328", None, None), {"postal_code": "US-NM", "phone": "US-NM"}),
    "toll-free and nothing else": ((TOLL_FREE, None, None, None), {}),
    "toll-free of the US": ((TOLL_FREE, None, None, "US"), {"country": "US"}),
    "the US, and no state that can be read": ((NEW_YORK, "99999", "Gotham", "US"), {"country": "US", "phone": "US-NY"}),
    "the capital": (("+12025550123", "20001", "DC", "US"), {"postal_code": "US-DC", "state": "US-DC", "phone": "US-DC"}),
    "forces abroad": (("+19075550150", "09001", "AE", "US"), {"postal_code": "US", "state": "US", "phone": "US-AK"}),
    "forces in the Pacific": ((TOLL_FREE, "96201", "AP", "US"), {"postal_code": "US", "state": "US"}),
    "a territory": (("+17875550123", "00901", "PR", "US"), {"postal_code": "US-PR", "state": "US-PR", "phone": "US-PR"}),
    "a territory as a country": ((NEW_YORK, None, None, "Puerto Rico"), {"country": "US-PR", "phone": "US-NY"}),
    "a country that ZIP codes reach": ((TOLL_FREE, "96941", None, None), {"postal_code": "FM"}),
    "Britain": (("+442079460123", "SW1A 1AA", None, "GB"), {"country": "GB", "phone": "GB"}),
    "Britain by its number": (("+447700900123", None, None, None), {"phone": "GB"}),
    "an address of Britain, a number of New York": ((NEW_YORK, "SW1A 1AA", None, "uk"), {"country": "GB", "phone": "US-NY"}),
    "a British number, a sure address of the US": (
        ("+447700900123", "33130", "FL", None),
        {"postal_code": "US-FL", "state": "US-FL", "phone": "GB"},
    ),
    "a British number, five digits": (("+447700900123", "33130", None, None), {"phone": "GB"}),
    "Canada": (("+14165550123", "M5V 2T6", "ON", "Canada"), {"country": "CA", "phone": "CA"}),
    "a Canadian number, an address of the US": (
        ("+14165550123", "14202", "NY", None),
        {"postal_code": "US-NY", "state": "US-NY", "phone": "CA"},
    ),
    "the Bahamas": (("+12423221234", None, None, None), {"phone": "BS"}),
    "nothing": ((None, None, None, None), {}),
    "a country that nobody knows": ((None, None, None, "Narnia"), {}),
}


@pytest.mark.parametrize("who", PEOPLE)
def test_named_places(who: str) -> None:
    (number, postal_code, state, country), told = PEOPLE[who]
    places, sources = jurisdictions_of(parse_phone(number) if number else None, postal_code, state, country)
    assert {source: found for source, (found,) in sources} == told
    assert places == tuple(sorted(set(told.values())))


@settings(deadline=None)
@given(
    st.sampled_from([NEW_YORK, MIAMI, TOLL_FREE, "+447700900123", "+14165550123"]),
    st.sampled_from([None, "33130", "8014", "SW1A 1AA", "x"]),
    st.sampled_from([None, "FL", "Georgia", "ON", "x"]),
    st.sampled_from(["US", "GB", "Canada", "PR"]),
)
def test_a_number_never_narrows_what_the_address_says(number: str, code: str | None, state: str | None, country: str) -> None:
    without, _ = jurisdictions_of(None, code, state, country)
    assert set(without) <= set(jurisdictions_of(parse_phone(number), code, state, country)[0])


# --- the table of area codes, against libphonenumber ------------------------------------------------------------------------------

#: The one prefix that the library puts into another state than its area code: exchange 631 of New Jersey's 201.
STRAY = {"1201631"}
NAMES = {"washington state": "WA", "washington d.c.": "DC"} | STATES["US"]


def test_no_place_of_the_library_is_in_another_state_than_its_area_code() -> None:
    told = {
        prefix: state
        for prefix, names in GEOCODE_DATA.items()
        if prefix.startswith("1")
        and prefix not in STRAY
        and (state := NAMES.get(names.get("en", "").rsplit(", ", 1)[-1].casefold()))
    }
    assert len({prefix[1:4] for prefix in told}) > 350
    wrong = {prefix: state for prefix, state in told.items() if AREA_STATES.get(prefix[1:4], "VI") != state}
    assert wrong == {}


def test_every_area_code_of_the_us_is_there() -> None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("US")
    assert metadata is not None
    fixed = re.compile(metadata.fixed_line.national_number_pattern)
    codes = {str(code) for code in range(200, 1000) if any(fixed.fullmatch(f"{code}{nxx}1234") for nxx in range(200, 1000))}
    assert codes == AREA_STATES.keys()
    assert set(AREA_STATES.values()) == {code for code in STATES["US"].values() if len(code) == 2} - {
        *("PR", "VI", "GU", "AS", "MP", "FM", "MH", "PW", "AA", "AE", "AP")
    }
