"""Cells with phone numbers: what is mended, what is refused and under which code."""

import pytest

from engine.countries import country_of, wrong_codes
from engine.dialable import MENDS, UnusableError, numbers_of

ONE, TWO = "+12125550101", "+12125550102"


@pytest.mark.parametrize(
    ("text", "country", "numbers", "mended"),
    [
        ("212-555-0101", "US", [ONE], []),
        ("(212)555 0101", "CA", [ONE], []),
        ("+1 (212) 555-0101", None, [ONE], []),
        ("020 7946 0958", "GB", ["+442079460958"], []),
        ("+44 (0)20 7946 0958", "US", ["+442079460958"], []),
        ("0044 20 7946 0958", "US", ["+442079460958"], ["prefix"]),
        ("212-555-0101 x7", "US", [ONE], ["extension"]),
        ("212-555-0101/212-555-0102", "US", [ONE, TWO], ["several"]),
        ("H: 212-555-0101 W: 212-555-0102", "US", [ONE, TWO], ["several"]),
        ("212-555-0101 x7, 212-555-0102", "US", [ONE, TWO], ["several", "extension"]),
        ("212-555-0101, 212-555-0101", "US", [ONE], ["words"]),
        ("Mobile: 212-555-0101", "US", [ONE], ["words"]),
        ("212-555-0101 (cell)", "US", [ONE], ["words"]),
        ("1-800-FLOWERS", "US", ["+18003569377"], ["letters"]),
        ("2.125550101E+09", "US", [ONE], ["spreadsheet"]),
        ("2,125550101E+09", "US", [ONE], ["spreadsheet"]),
        ("2125550101.0", "US", [ONE], ["spreadsheet"]),
    ],
)
def test_what_can_be_read_without_doubt(text: str, country: str | None, numbers: list[str], mended: list[str]) -> None:
    found = numbers_of(text, country)
    assert ([phone.e164 for phone in found.phones], list(found.mended)) == (numbers, mended)
    assert set(mended) <= MENDS.keys()


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("2.12556E+09", "US", "digits_lost"),
        ("2.1255501E+09", "US", "digits_lost"),  # may end in 00, or in any digits
        ("911", "US", "emergency_number"),
        ("999", "GB", "emergency_number"),
        ("1-900-234-5678", "US", "premium_rate"),
        ("212-555-0101 / 900-234-5678", "US", "premium_rate"),
        ("212-555-0101 5", "US", "invalid_phone"),  # a digit that belongs nowhere
        ("21255501011", "US", "invalid_phone"),
        ("442079460958", "US", "invalid_phone"),
        ("5046218927111", "US", "invalid_phone"),
        ("ask reception", "US", "invalid_phone"),
        ("1" * 300, "US", "invalid_phone"),
    ],
)
def test_what_could_ring_at_a_stranger_is_refused(text: str, country: str, code: str) -> None:
    with pytest.raises(UnusableError) as refused:
        numbers_of(text, country)
    assert refused.value.code == code
    assert refused.value.fix


def test_a_missing_plus_is_suggested() -> None:
    with pytest.raises(UnusableError) as refused:
        numbers_of("442079460958", "US")
    assert refused.value.fix == "write +442079460958 if that is meant, or correct the number"


def test_countries_are_known_by_codes_and_names() -> None:
    known = {
        "us": "US",
        "USA": "US",
        "United  States": "US",
        "UK": "GB",
        "Scotland": "GB",
        "Germany": "DE",
        "Deutschland": "DE",
        "x": None,
    }
    assert {text: country_of(text) for text in known} == known


def test_countries_of_a_campaign_are_codes() -> None:
    assert list(wrong_codes(["US", "CA"])) == []
    assert list(wrong_codes(["USA", "US", "Atlantis"])) == [
        (0, "'USA' is not a country's code of two letters (ISO 3166): did you mean US?"),
        (2, "'Atlantis' is not a country's code of two letters (ISO 3166): write a code such as US"),
    ]
