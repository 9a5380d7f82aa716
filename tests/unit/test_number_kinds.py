"""engine/number_kinds.py: its answers are the library's, for numbers of every country and kind, right and wrong."""

import random

import phonenumbers
import pytest
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from engine.number_kinds import kind_of

KINDS = range(PhoneNumberType.FIXED_LINE, PhoneNumberType.VOICEMAIL + 1)


def asked_of_the_library(number: PhoneNumber) -> tuple[str | None, int]:
    kind = phonenumbers.number_type(number)
    one = PhoneNumberType.FIXED_LINE if kind == PhoneNumberType.FIXED_LINE_OR_MOBILE else kind
    return phonenumbers.region_code_for_number(number), one


def near(number: PhoneNumber, draw: random.Random) -> PhoneNumber | None:
    """The number with another digit, and now and then one digit less or more; None if it can be none."""
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    place = draw.randrange(1 + len(str(number.country_code)), len(text))
    text = text[:place] + draw.choice("0123456789") + draw.choice((text[place + 1 :],) * 8 + (text[place + 2 :], text[place:]))
    try:
        return phonenumbers.parse(text)
    except NumberParseException:
        return None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_numbers_of_a_country(region: str) -> None:
    draw = random.Random(region)
    for example in filter(None, (phonenumbers.example_number_for_type(region, kind) for kind in KINDS)):
        for number in filter(None, (example, *(near(example, draw) for _ in range(5)))):
            assert kind_of(number) == asked_of_the_library(number), number


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS))
def test_numbers_of_no_country(code: int) -> None:
    number = phonenumbers.example_number_for_non_geo_entity(code)
    assert kind_of(number) == asked_of_the_library(number)


def test_a_country_code_that_nobody_has() -> None:
    assert kind_of(PhoneNumber(country_code=999, national_number=12_345_678)) == (None, PhoneNumberType.UNKNOWN)
