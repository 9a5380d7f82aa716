"""Of which region and kind a number is, as libphonenumber's metadata say, asked once for all kinds.

The library tries a number against the pattern of one kind after the other, for the region and again for the kind: a dozen matches
each time. Here the patterns of a region are one, whose first alternative that fits names the kind; a test holds that the answers
are the library's.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberType

#: In the library's order: a number that fits several is of the first.
_KINDS: dict[str, int] = {
    "premium_rate": PhoneNumberType.PREMIUM_RATE,
    "toll_free": PhoneNumberType.TOLL_FREE,
    "shared_cost": PhoneNumberType.SHARED_COST,
    "voip": PhoneNumberType.VOIP,
    "personal_number": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "uan": PhoneNumberType.UAN,
    "voicemail": PhoneNumberType.VOICEMAIL,
    "fixed_line": PhoneNumberType.FIXED_LINE,
    "mobile": PhoneNumberType.MOBILE,
}
_UNKNOWN: int = PhoneNumberType.UNKNOWN


class _Region(NamedTuple):
    """leading: the digits that its numbers begin with, if they alone tell it from its neighbours."""

    name: str
    leading: re.Pattern[str] | None
    kinds: re.Pattern[str]


def kind_of(number: PhoneNumber) -> tuple[str | None, int]:
    """The region (ISO 3166, `001` for none) and the PhoneNumberType of a number; UNKNOWN: it is not valid.

    FIXED_LINE stands for FIXED_LINE_OR_MOBILE as well.
    """
    digits = phonenumbers.national_significant_number(number)
    regions = _regions(number.country_code)
    for region in regions:
        if region.leading is not None and len(regions) > 1:
            if region.leading.match(digits):
                return region.name, _kind(region, digits)
        elif (kind := _kind(region, digits)) != _UNKNOWN or len(regions) == 1:
            return region.name, kind
    return None, _UNKNOWN


def _kind(region: _Region, digits: str) -> int:
    match = region.kinds.fullmatch(digits)
    return _KINDS[match.lastgroup or ""] if match else _UNKNOWN


@lru_cache(maxsize=512)
def _regions(country_code: int) -> tuple[_Region, ...]:
    """The regions of a country code, the main one first."""
    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code, ())
    known = ((name, PhoneMetadata.metadata_for_region_or_calling_code(country_code, name)) for name in names)
    return tuple(_region(name, metadata) for name, metadata in known if metadata is not None)


def _region(name: str, metadata: Any) -> _Region:
    kinds = {kind: _pattern(getattr(metadata, kind)) for kind in _KINDS}
    named = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items() if pattern)
    leading = re.compile(metadata.leading_digits) if metadata.leading_digits else None
    return _Region(name, leading, re.compile(rf"(?={_pattern(metadata.general_desc)}\Z)(?:{named})"))


def _pattern(description: Any) -> str:
    """The pattern of a description, with the lengths that it allows; empty: no number is of it."""
    if description is None or not description.national_number_pattern:
        return ""
    lengths = "|".join(rf"\d{{{length}}}\Z" for length in description.possible_length)
    ahead = f"(?={lengths})" if lengths else ""
    return f"{ahead}(?:{description.national_number_pattern})"
