"""What a cell of a list says about phone numbers: one number or several, with words, extensions or a spreadsheet's damage.

What can be mended without doubt is mended and named (MENDS). What could be read in two ways is refused with a suggestion, for a
wrong guess rings at a stranger's. Numbers of emergency services and of premium rate are refused whoever wrote them.
"""

import re
from decimal import Decimal
from typing import NamedTuple

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher, PhoneNumberType, shortnumberinfo

from engine.errors import RecordError
from engine.number_kinds import kind_of
from engine.phone import Phone, parse_phone

#: What may have been done to a cell, in words.
MENDS: dict[str, str] = {
    "spreadsheet": "numbers that a spreadsheet had turned into decimals, restored",
    "extension": "extensions taken off and kept as the variable phone_extension",
    "several": "cells with several numbers, taken apart",
    "letters": "letters of vanity numbers, turned into digits",
    "words": "words around a number, left out",
    "prefix": "00 before a country code, written as +",
    "next_phone": "rows without a first number, called at their next one",
    "postal_code": "postal codes given back their leading zeros",
    "country": "names of countries, written as codes",
}


class UnusableError(RecordError):
    """A cell or row that cannot be used: a stable code, a sentence, and what its owner could do."""

    def __init__(self, code: str, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.code, self.fix = code, fix


class Numbers(NamedTuple):
    """At least one number, the first to be called first; the names of what was mended; the extension, if there was one."""

    phones: tuple[Phone, ...]
    mended: tuple[str, ...] = ()
    extension: str = ""


#: The usual ways to write ten digits in the US and Canada: they need no library to be taken apart.
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]{0,2}([2-9]\d\d)[ .-]?(\d{4})", re.ASCII)
_DECIMAL = re.compile(r"\+?(\d+)(?:[.,](\d+))?(?:[eE]\+?(\d{1,2}))?", re.ASCII)
#: The library's search is slow on long texts, and nobody writes a number in so many.
_LONGEST = 250
_OWN = "give the person's own number"


def numbers_of(text: str, country: str | None) -> Numbers:
    """The numbers in a cell, read as somebody in `country` (ISO 3166 alpha-2) means them. Raises UnusableError."""
    match = _NORTH_AMERICAN.fullmatch(text) if country in ("US", "CA") else None
    try:
        phone = parse_phone(f"+1{match[1]}{match[2]}{match[3]}" if match else text, country)
    except RecordError as error:
        return _mended(text, country, error)
    return Numbers((_callable(phone),), _letters(text))


def _letters(text: str) -> tuple[str, ...]:
    """Whether letters are digits of the number (behind its first digit), or a word before it."""
    if text.startswith("tel:") or (text.isascii() and not re.search("[A-Za-z]", text)):
        return ()
    behind = re.search(r"\d", text)
    if behind and any(c.isalpha() for c in text[behind.start() :]):
        return ("letters",)
    return ("words",) if any(c.isalpha() for c in text) else ()


def _mended(text: str, country: str | None, error: RecordError) -> Numbers:
    if country and shortnumberinfo.is_emergency_number(text, country):
        raise UnusableError(
            "emergency_number", f"phone {text!r} is an emergency number in {country}", "give the person's own number"
        )
    if len(text) > _LONGEST:
        raise UnusableError("invalid_phone", f"phone of {len(text)} characters is not a phone number", "keep the number alone")
    found = _restored(text, country) or _without_extension(text, country) or _international(text) or _searched(text, country)
    if found is None:
        raise UnusableError("invalid_phone", str(error), _suggestion(text))
    return found._replace(phones=tuple(_callable(phone) for phone in found.phones))


def _callable(phone: Phone) -> Phone:
    """Raises UnusableError for premium rate. A number that speaks for a zone is a person's, and need not be asked."""
    if not phone.zones and kind_of(phonenumbers.parse(phone.e164))[1] == PhoneNumberType.PREMIUM_RATE:
        reason = f"phone {phone.e164} is a premium-rate number of {phone.region}"
        raise UnusableError("premium_rate", reason, _OWN)
    return phone


def _restored(text: str, country: str | None) -> Numbers | None:
    """`2.125550101E+09`, `2125550101.0`: all digits are there. Raises UnusableError if some are lost."""
    match = _DECIMAL.fullmatch(text)
    if match is None or (match[2] is None and match[3] is None):
        return None
    exponent = int(match[3] or 0)
    if match[3] is not None and len((match[1] + (match[2] or "")).rstrip("0") or "0") - len(match[1]) < exponent:
        fix = "format the column as text in the spreadsheet, and export it again"
        raise UnusableError("digits_lost", f"phone {text!r} has lost digits to a spreadsheet", fix)
    value = Decimal(text.replace(",", ".")) if match[3] or set(match[2] or "0") == {"0"} else None
    return None if value is None else _parsed(f"{value:.0f}", country, "spreadsheet")


def _parsed(text: str, country: str | None, mend: str) -> Numbers | None:
    try:
        return Numbers((parse_phone(text, country),), (mend,))
    except RecordError:
        return None


def _without_extension(text: str, country: str | None) -> Numbers | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    extension, number.extension = number.extension, None
    found = _parsed(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None, "extension")
    return found._replace(extension=extension) if found and extension else None


def _international(text: str) -> Numbers | None:
    """`0044 20 ...` in a country that dials abroad otherwise."""
    return _parsed(f"+{text[2:]}", None, "prefix") if text.startswith("00") else None


def _searched(text: str, country: str | None) -> Numbers | None:
    """Every number in a text, if no digit of it is left over: a digit that belongs nowhere means that something was misread."""
    phones: dict[str, Phone] = {}
    extension, read = "", 0
    for match in PhoneNumberMatcher(text, country, leniency=Leniency.POSSIBLE):
        read += _digits(match.raw_string)
        number = match.number
        extension = extension or number.extension or ""
        number.extension = None
        found = _parsed(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None, "")
        phones |= {phone.e164: phone for phone in found.phones} if found else {}
    if not phones or read < _digits(text):
        return None
    mended = ("several",) if len(phones) > 1 else ("words",)
    return Numbers(tuple(phones.values()), mended + (("extension",) if extension else ()), extension)


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _suggestion(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if not text.startswith("+") and len(digits) >= 11 and _parsed(f"+{digits}", None, ""):
        return f"write +{digits} if that is meant, or correct the number"
    return "correct the number: all digits, with + and the country code if it is of another country"
