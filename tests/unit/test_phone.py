"""engine/phone.py: what people write, and that the fast path says what the library says."""

import re

import phonenumbers
import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from engine import phone as module
from engine.errors import RecordError
from engine.phone import Phone, canonical_address, mask, parse_phone

NEW_YORK = ("America/New_York",)


@pytest.mark.parametrize(
    ("text", "country", "phone"),
    [
        ("+12125550101", None, Phone("+12125550101", "US", NEW_YORK)),
        ("(212) 555-0101", "US", Phone("+12125550101", "US", NEW_YORK)),
        ("2125550101", " us ", Phone("+12125550101", "US", NEW_YORK)),
        ("1-212-555-0101", "CA", Phone("+12125550101", "US", NEW_YORK)),
        ("+1 208 555 0101", None, Phone("+12085550101", "US", ("America/Boise", "America/Denver", "America/Los_Angeles"))),
        ("+1 850 555 0101", None, Phone("+18505550101", "US", ("America/Chicago", "America/New_York"))),  # most are in one
        ("+1 448 555 0101", None, Phone("+14485550101", "US", ("America/Chicago", "America/New_York"))),  # lies over 850
        ("+1 689 555 0101", None, Phone("+16895550101", "US", NEW_YORK)),  # lies over 407
        ("+1 416 555 0101", "not asked for", Phone("+14165550101", "CA", ("America/Toronto",))),
        ("+1 242 555 0101", None, Phone("+12425550101", "BS", ("America/Nassau",))),  # fictional, not valid to the library
        ("+1 800 555 0101", None, Phone("+18005550101", "US", ())),  # of no place
        ("+1 500 555 0101", None, Phone("+15005550101", "US", ())),
        ("07700 900123", "GB", Phone("+447700900123", "GB", ("Europe/London",))),  # drama, not valid to the library
        ("01632 960123", "GB", Phone("+441632960123", "GB", ("Europe/London",))),
        ("020 7946 0123", "GB", Phone("+442079460123", "GB", ("Europe/London",))),
        ("+44 7400 123456", None, Phone("+447400123456", "GB", ("Europe/London",))),  # four zones with one clock
        ("+49 1511 2345678", None, Phone("+4915112345678", "DE", ("Europe/Berlin",))),
        ("+61 412 345 678", None, Phone("+61412345678", "AU", ())),  # several zones, nothing narrower
        ("+61 2 5550 0101", None, Phone("+61255500101", "AU", ("Australia/Sydney",))),
        ("+800 1234 5678", None, Phone("+80012345678", "001", ())),
    ],
)
def test_what_people_write(text: str, country: str | None, phone: Phone) -> None:
    assert parse_phone(text, country) == phone


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("212 555 0101", None, "has no country"),
        ("212 555 0101", "USA", "country 'USA' is not a code of two letters such as US"),
        ("12345", "US", "is too short for US"),
        ("555-0101", "US", "lacks its area code for US"),
        ("+1 212 555 01012", None, "is too long for US"),
        ("+1 555 555 0101", None, "is not a valid number in US"),
        ("+1 212 155 0101", None, "is not a valid number in US"),
        ("+999 123 4567", None, "a country code that does not exist"),
        ("none", "US", "is not a phone number"),
        ("", "US", "is not a phone number"),
        ("+", None, "is not a phone number"),
        ("+1 212 555 0101 ext. 7", None, "has an extension"),
        ("2125550101.0", "US", "by a spreadsheet"),
        ("1.21256E+10", "US", "by a spreadsheet"),
    ],
)
def test_reasons_of_refusal(text: str, country: str | None, reason: str) -> None:
    with pytest.raises(RecordError, match=re.escape(reason)):
        parse_phone(text, country)


def outcome(parse: object, text: str) -> object:
    try:
        return parse(text, None)  # type: ignore[operator]
    except RecordError as error:
        return str(error)


AREAS = sorted(int(p[1:4]) for p in {p[:4] for p in TIMEZONE_DATA if re.fullmatch(r"1\d{3,}", p)})


@settings(max_examples=1500)
@given(
    st.sampled_from(AREAS) | st.integers(200, 999),
    st.sampled_from([555, 976, 521, 606]) | st.integers(0, 999),
    st.integers(0, 9999),
)
def test_the_fast_path_says_what_the_library_says(area: int, exchange: int, line: int) -> None:
    text = f"+1{area}{exchange:03}{line:04}"
    assert outcome(parse_phone, text) == outcome(module._parse, text)


def test_what_the_fast_path_rests_on() -> None:
    """A newer library that looks at later digits fails here."""
    assert max(len(prefix) for prefix in TIMEZONE_DATA if prefix.startswith("1")) <= len("1NPANXX")
    for region in ("US", "CA"):
        known = phonenumbers.PhoneMetadata.metadata_for_region(region)
        assert known is not None
        for kind in (known.fixed_line, known.mobile):
            assert kind is not None
            assert str(kind.national_number_pattern).endswith(r"\d{6}")


def test_every_zone_is_one_that_pytz_knows() -> None:
    assert {zone for zones in TIMEZONE_DATA.values() for zone in zones} <= pytz.all_timezones_set


def test_the_library_is_asked_once_per_exchange() -> None:
    module._area.cache_clear()
    for number in (f"+1212{exchange}{line:04}" for exchange in range(200, 210) for line in range(100)):
        parse_phone(number)
    assert module._area.cache_info().misses == 10


@settings(max_examples=300)
@given(
    st.text(max_size=40) | st.from_regex(r"\+?[\d\- ().xXeE]{1,20}", fullmatch=True),
    st.none() | st.sampled_from(["US", "GB", "DE", "xx"]),
)
def test_any_text_is_a_number_or_a_reason(text: str, country: str | None) -> None:
    try:
        phone = parse_phone(text, country)
    except RecordError:
        return
    assert parse_phone(phone.e164) == phone
    assert canonical_address("call", phone.e164) == phone.e164


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ana@Example.COM ", "ana@example.com"),
        ("ana@Exa\u0308mple.com", "ana@xn--exmple-cua.com"),  # decomposed
        ("ana@xn--exmple-cua.com", "ana@xn--exmple-cua.com"),
        ("STRASSE@straße.de", "strasse@strasse.de"),
    ],
)
def test_emails(text: str, address: str) -> None:
    assert canonical_address("email", text) == address


@pytest.mark.parametrize("text", ["", "ana", "ana@", "@example.com", "a b@example.com", "a@b@example.com", "a@.de", "a@local"])
def test_what_is_no_email(text: str) -> None:
    with pytest.raises(RecordError, match=r"^email "):
        canonical_address("email", text)


@settings(max_examples=500)
@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_a_canonical_email_is_its_own_canonical_form(local: str, domain: str) -> None:
    try:
        address = canonical_address("email", f"{local}@{domain}.example")
    except RecordError:
        return
    assert canonical_address("email", address) == address


def test_masks() -> None:
    assert mask("+12125550101") == "+1212*****01"
    assert mask("ana@example.com") == "a***@example.com"
    assert "5550" not in mask("+12125550101")
