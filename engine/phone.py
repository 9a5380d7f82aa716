"""Phone numbers and addresses: what people write, in the one form that commands, ledgers and suppressions are keyed by.

A number must be one that could be assigned (Google's libphonenumber, in Python: phonenumbers). Numbers reserved for fiction count
as assigned, so that examples and tests can use numbers that ring nowhere. The library takes most of them for valid; not so two of
Ofcom's ranges for drama, and 555-0100 to 555-0199 in the Caribbean and the Pacific, where it knows the assigned exchanges.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, NoReturn

import phonenumbers
import pytz
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult
from phonenumbers.timezone import time_zones_for_geographical_number
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.area_codes import area_zones
from engine.errors import RecordError
from engine.number_kinds import kind_of
from engine.windows import offsets


class Phone(NamedTuple):
    """A number in E.164, its region (ISO 3166, `001` for none) and the zones it speaks for, sorted; none: it is silent."""

    e164: str
    region: str
    zones: tuple[str, ...]


#: Numbers of people at a place or on the move. All others (+1 800, premium, personal ...) tell nothing of where anybody is.
_OF_PEOPLE = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)

#: https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama: no area, and mobiles.
_DRAMA = re.compile(r"\+44(?:1632960|7700900)\d{3}", re.ASCII)

#: https://nationalnanpa.com, "555 line numbers": 0100 to 0199 of every area code are fictional.
_FICTION = re.compile(r"\+(1[2-9]\d\d)55501\d\d", re.ASCII)

_SPREADSHEET = re.compile(r"\+?\d+(?:\.\d+)?[eE]\+?\d+|\d+\.0", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_WRONG_LENGTH = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.INVALID_LENGTH: "has a length that no number has",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}


def parse_phone(text: str, country: str | None = None) -> Phone:
    """The number that `text` means to somebody in `country` (ISO 3166 alpha-2), which a number with + does not need.

    Raises RecordError with a reason that its owner understands. An E.164 number of the US or Canada takes 1 us, others 60.
    """
    if len(text) == 12 and text.startswith("+1") and text[2:].isdecimal() and text.isascii():
        area = _area(text[:8])
        if area is not None:
            return Phone(text, *area)
    return _parse(text, country)


@lru_cache(maxsize=32_768)
def _area(prefix: str) -> tuple[str, tuple[str, ...]] | None:
    """Region and zones of +1 NPA NXX, if no further digit matters to them; else None.

    None matters to people's numbers of the US and Canada: libphonenumber describes them by area code and four digits at most, and
    the zones are the area code's (a test holds both). In the Caribbean some prefixes are divided.
    """
    number = PhoneNumber(country_code=1, national_number=int(prefix[2:] + "0000"))
    region, kind = kind_of(number)
    return (region, _zones(number, region, kind)) if region in ("US", "CA") and kind in _OF_PEOPLE else None


def _parse(text: str, country: str | None) -> Phone:
    number = _read(text.strip(), country)
    e164 = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    region, kind = kind_of(number)
    if region is None or kind == PhoneNumberType.UNKNOWN:  # is_valid_number asks just this
        return _fictional(e164) or _refuse(text, number)
    return Phone(e164, region, _zones(number, region, kind) if kind in _OF_PEOPLE else ())


def _fictional(e164: str) -> Phone | None:
    """A number reserved for fiction that the library does not know as such."""
    if _DRAMA.fullmatch(e164):
        return Phone(e164, "GB", ("Europe/London",))
    if (match := _FICTION.fullmatch(e164)) and (zones := area_zones(match[1][1:])):  # only areas of the map have zones
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
            known = phonenumbers.PhoneMetadata.metadata_for_region(region)
            if known and known.leading_digits and re.match(known.leading_digits, match[1][1:]):
                return Phone(e164, region, zones)
    return None


def _refuse(text: str, number: PhoneNumber) -> NoReturn:
    where = phonenumbers.region_code_for_country_code(number.country_code or 0)
    length = phonenumbers.is_possible_number_with_reason(number)
    if length in _WRONG_LENGTH:
        raise RecordError(f"phone {text!r} {_WRONG_LENGTH[length]} for {where}")
    raise RecordError(f"phone {text!r} is not a valid number in {where}")


def _read(text: str, country: str | None) -> PhoneNumber:
    """The library's reading, its exceptions turned into sentences."""
    region = country.strip().upper() if country else None
    if _SPREADSHEET.fullmatch(text):
        raise RecordError(f"phone {text!r} was turned into a decimal number by a spreadsheet: export the column as text")
    if not text.startswith(("+", "\N{FULLWIDTH PLUS SIGN}", "tel:")):
        if not region:
            raise RecordError(f"phone {text!r} has no country: write it with + and the country code, or add a country")
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise RecordError(f"phone {text!r}: country {country!r} is not a code of two letters such as US")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise RecordError(f"phone {text!r} {_unread(error.error_type)}") from None
    if number.extension:
        raise RecordError(f"phone {text!r} has an extension, which cannot be dialed: give the direct number")
    return number


def _unread(kind: int) -> str:
    match kind:
        case phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            return "begins with a country code that does not exist"
        case phonenumbers.NumberParseException.TOO_LONG:
            return "is too long"
        case phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD | phonenumbers.NumberParseException.TOO_SHORT_NSN:
            return "is too short"
        case _:
            return "is not a phone number"


def _zones(number: PhoneNumber, region: str, kind: int) -> tuple[str, ...]:
    """The zones that a person's number speaks for. Silent: countries with several zones when nothing is narrower."""
    zones = area_zones(str(number.national_number)[:3]) if region in ("US", "CA") else ()
    zones = zones or _place_zones(number, kind)
    if len(zones) < 2 or zones != _country_zones(number.country_code or 0):
        return zones
    if not _one_clock(zones):
        return ()
    # Jersey, Guernsey, Man and London have one clock: a British mobile tells the time all the same.
    return tuple(pytz.country_timezones.get(region, zones)[:1])


def _place_zones(number: PhoneNumber, kind: int) -> tuple[str, ...]:
    """The library's zones of a number: those of its place, or of its country if it has none (`time_zones_for_number`)."""
    code = number.country_code or 0
    if not phonenumbers.is_number_type_geographical(kind, code):
        return _known_zones(_country_zones(code))
    return _known_zones(time_zones_for_geographical_number(number))


def _known_zones(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(zone for zone in zones if zone in pytz.all_timezones_set))


@lru_cache(maxsize=512)
def _country_zones(country_code: int) -> tuple[str, ...]:
    """All zones of a country code."""
    return tuple(sorted(TIMEZONE_DATA.get(str(country_code), ())))


@lru_cache(maxsize=512)
def _one_clock(zones: tuple[str, ...]) -> bool:
    """Whether all zones have shown the same time since 1970."""
    return all(offsets(zone) == offsets(zones[0]) for zone in zones)


@lru_cache(maxsize=16_384)
def region_of(number: str) -> str | None:
    """The region (ISO 3166) of a number in E.164; None: it can be no number any more."""
    try:
        return parse_phone(number).region
    except RecordError:
        return None


def canonical_address(channel: str, text: str) -> str:
    """The key of an address: E.164 for `call` and `sms`; for `email` NFC and casefolded, its domain in IDNA. Idempotent.

    Raises RecordError with a reason that its owner understands.
    """
    return _email(text) if channel == "email" else parse_phone(text).e164


def _email(text: str) -> str:
    local, _, domain = fold(text).rpartition("@")
    if not local or "@" in local or re.search(r"\s", local):
        raise RecordError(f"email {text!r} is not an address such as ana@example.com")
    host = domain
    if not domain.isascii() or len(domain) > 63:  # else IDNA changes nothing, and takes 10 us
        try:
            host = domain.encode("idna").decode().lower()
        except UnicodeError:
            host = ""
    if not _HOST.fullmatch(host):
        raise RecordError(f"email {text!r} has no domain such as example.com behind the @")
    return f"{local}@{host}"


def fold(text: str) -> str:
    """Casefolded NFC (Unicode 3.13, canonical caseless matching), without space around it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text.strip()).casefold())


def mask(address: str) -> str:
    """An address for logs: +1212*****01, a***@example.com."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else f"{address[:-7]}*****{address[-2:]}"
