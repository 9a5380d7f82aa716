"""engine/postal.py and engine/states.py: the zones of postal codes and states, in the country they belong to."""

import pytest
import pytz
import zipcodes
from hypothesis import given
from hypothesis import strategies as st

from engine.postal import _ACROSS, _WRONG, mend_zip, state_zones, zip_code, zip_state, zip_zones
from engine.states import STATES, canadian, canadian_zones, state_code, zones_of_state

PHOENIX, DENVER = "America/Phoenix", "America/Denver"


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("10007", ("America/New_York",)),
        ("08014", ("America/New_York",)),
        ("85004", (PHOENIX,)),
        ("85901", (PHOENIX,)),  # Show Low, in Navajo County but not in the Navajo Nation
        ("86001", (PHOENIX,)),  # Flagstaff, of divided Coconino County
        ("86515", (DENVER, PHOENIX)),  # Window Rock: the county is divided
        ("86045", (DENVER, PHOENIX)),  # Tuba City, which the data puts on the wrong side
        ("86040", (DENVER, PHOENIX)),  # Page, which the data puts on the wrong side too
        ("32501", ("America/Chicago",)),  # Pensacola
        ("32301", ("America/New_York",)),  # Tallahassee
        ("37405", ("America/New_York",)),  # Chattanooga
        ("37203", ("America/Chicago",)),  # Nashville
        ("57532", ("America/Chicago", DENVER)),  # Fort Pierre, on the Missouri
        ("36867", ("America/Chicago", "America/New_York")),  # Phenix City, Alabama
        ("79901", (DENVER,)),  # El Paso
        ("75201", ("America/Chicago",)),
        ("89883", (DENVER,)),  # West Wendover
        ("99634", ("America/Anchorage",)),  # whose zone is no zone in the data
        ("00901", ("America/Puerto_Rico",)),
        ("96799", ("Pacific/Pago_Pago",)),
        ("09012", ()),  # the forces abroad
        ("99999", ()),
    ],
)
def test_zones_of_a_zip_code(code: str, zones: tuple[str, ...]) -> None:
    assert zip_zones(code) == zones


@pytest.mark.parametrize(
    ("state", "zones"),
    [
        ("AZ", (DENVER, PHOENIX)),
        ("FL", ("America/Chicago", "America/New_York")),
        ("TX", ("America/Chicago", DENVER)),
        ("NV", (DENVER, "America/Los_Angeles")),
        ("OR", ("America/Boise", "America/Los_Angeles")),
        ("AL", ("America/Chicago",)),  # by law; Phenix City speaks by its postal codes
        ("MI", ("America/Detroit", "America/Menominee")),
        ("HI", ("Pacific/Honolulu",)),
        ("AE", ()),
        ("XX", ()),
    ],
)
def test_zones_of_a_state(state: str, zones: tuple[str, ...]) -> None:
    assert state_zones(state) == zones


@pytest.mark.parametrize(
    ("text", "code", "whole"),
    [
        ("10007", "10007", None),
        (" 10007-1234 ", "10007", None),
        ("100071234", "10007", None),
        ("8014", "08014", "08014"),
        ("8014-1234", "08014", "08014-1234"),
        ("80141234", "08014", "08014-1234"),
        ("8014.0", "08014", "08014"),
        ("501", "00501", "00501"),  # the lowest there is
        ("1", None, None),
        ("9999", "09999", None),  # no ZIP code with its zero either
        ("SW1A 1AA", None, None),
        ("", None, None),
        ("\u0661\u0660\u0660\u0660\u0667", None, None),
    ],
)
def test_postal_codes_as_people_write_them(text: str, code: str | None, whole: str | None) -> None:
    assert (zip_code(text), mend_zip(text)) == (code, whole or text)
    assert mend_zip(text, "CH") == text


def test_every_code_of_the_data_has_the_zones_of_its_place_or_is_of_the_forces() -> None:
    for row in zipcodes.filter_by():
        zones = zip_zones(row["zip_code"])
        assert set(zones) <= pytz.all_timezones_set
        assert bool(zones) == (row["state"] not in ("AA", "AE", "AP"))
        assert row["timezone"] in zones or not zones or row["zip_code"] in _WRONG


def test_what_is_corrected_is_there_and_needs_it() -> None:
    assert all(zip_state(code) for code in (*_WRONG, *_ACROSS))
    assert all(zipcodes.matching(code)[0]["timezone"] != zone for code, zone in (_WRONG | _ACROSS).items())


@given(st.text(max_size=12) | st.from_regex(r"\d{1,9}(-\d{4})?", fullmatch=True))
def test_a_mended_code_needs_no_mending(text: str) -> None:
    whole = mend_zip(text)
    assert mend_zip(whole) == whole
    assert zip_code(whole) == zip_code(text)


@pytest.mark.parametrize("country", STATES)
def test_states_by_code_and_by_name(country: str) -> None:
    assert all(zones_of_state(code, country) or code in ("AA", "AE", "AP") for code in STATES[country].values())
    zones = {zone for code in STATES[country].values() for zone in zones_of_state(code, country)}
    assert zones <= pytz.all_timezones_set
    assert all(state_code(f" {word.upper()} ", country) == code for word, code in STATES[country].items() if word.isascii())


def test_the_states_are_those_of_the_postal_data() -> None:
    assert set(STATES["US"].values()) == {row["state"] for row in zipcodes.filter_by()}


@pytest.mark.parametrize(
    ("text", "zones"),
    [
        ("M5V 3L9", ("America/Toronto",)),
        ("m5v3l9", ("America/Toronto",)),
        ("P8N 2K1", ("America/Atikokan", "America/Toronto", "America/Winnipeg")),  # northern Ontario
        ("V6B 1A1", ("America/Vancouver",)),
        ("V1G 2C5", ("America/Dawson_Creek", "America/Edmonton", "America/Vancouver")),
        ("S4P-3Y2", ("America/Edmonton", "America/Regina")),
        ("X0A 0H0", ("America/Cambridge_Bay", "America/Edmonton", "America/Iqaluit", "America/Rankin_Inlet")),
    ],
)
def test_canadian_postal_codes(text: str, zones: tuple[str, ...]) -> None:
    code = canadian(text)
    assert code is not None
    assert canadian_zones(code) == zones


@given(st.from_regex(r"[A-Z]\d[A-Z] \d[A-Z]\d", fullmatch=True))
def test_every_canadian_code_has_zones(text: str) -> None:
    if code := canadian(text):
        assert set(canadian_zones(code)) <= pytz.all_timezones_set
        assert canadian_zones(code)
