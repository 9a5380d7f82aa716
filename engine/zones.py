"""In which time zones a person may be: a set, with its sources. All of them must be inside a window.

An explicit IANA zone stands alone; else the postal address (engine/address.py; its country, if that has one clock and nothing
narrower is told) and the phone number speak together, either of which may be silent (engine/phone.py). People keep their numbers
when they move, so a number never narrows what the address says; and an address may be years old, so it never overrules the number.
Abbreviations and offsets (`EST`, `GMT-5`) are no civil zones: half of the year they name the wrong hour, or no place at all. They
are read as the zone that people most likely mean, and reported. Nothing speaks: the set is empty, and the campaign's fallback
counts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import pytz

from engine.address import address_of
from engine.clocks import added, share_a_clock
from engine.countries import country_of, zone_of_country
from engine.phone import Phone

#: Who may speak for a person's time, in the order in which they are told.
SOURCES = ("timezone", "postal_code", "state", "country", "phone")


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """zones: sorted, all must be inside. sources: who spoke (one of SOURCES) -> zones it gave. problems: in words."""

    zones: tuple[str, ...] = ()
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


#: What people mean by an abbreviation where it is ambiguous (CST, IST): the country with the most speakers of English.
ABBREVIATIONS: dict[str, str] = {
    **dict.fromkeys(("EST", "EDT", "EST5EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT", "CST6CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT", "MST7MDT", "MT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT", "PST8PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("AKST", "AKDT"), "America/Anchorage"),
    **dict.fromkeys(("HST", "HDT"), "Pacific/Honolulu"),
    **dict.fromkeys(("AST", "ADT"), "America/Halifax"),
    **dict.fromkeys(("NST", "NDT"), "America/St_Johns"),
    **dict.fromkeys(("GMT", "GMT0", "BST", "GREENWICH"), "Europe/London"),
    **dict.fromkeys(("WET", "WEST"), "Europe/Lisbon"),
    **dict.fromkeys(("CET", "CEST", "MET", "MEST"), "Europe/Berlin"),
    **dict.fromkeys(("EET", "EEST"), "Europe/Athens"),
    "MSK": "Europe/Moscow",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "SGT": "Asia/Singapore",
    "HKT": "Asia/Hong_Kong",
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
    **dict.fromkeys(("ACST", "ACDT"), "Australia/Adelaide"),
    "AWST": "Australia/Perth",
    **dict.fromkeys(("NZST", "NZDT"), "Pacific/Auckland"),
}

#: Minutes east of UTC in winter -> the most populous civil zone among customers of call centres.
_OFFSETS: dict[int, str] = {
    -600: "Pacific/Honolulu",
    -540: "America/Anchorage",
    -480: "America/Los_Angeles",
    -420: "America/Denver",
    -360: "America/Chicago",
    -300: "America/New_York",
    -240: "America/Halifax",
    -210: "America/St_Johns",
    -180: "America/Sao_Paulo",
    0: "Europe/London",
    60: "Europe/Berlin",
    120: "Europe/Athens",
    180: "Europe/Moscow",
    240: "Asia/Dubai",
    300: "Asia/Karachi",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    360: "Asia/Dhaka",
    420: "Asia/Bangkok",
    480: "Asia/Singapore",
    540: "Asia/Tokyo",
    570: "Australia/Adelaide",
    600: "Australia/Sydney",
    720: "Pacific/Auckland",
}

_OFFSET = re.compile(r"(etc/)?(?:utc|gmt)?\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?", re.ASCII | re.IGNORECASE)
_UTC = {"utc": "UTC", "etc/utc": "UTC", "z": "UTC", "zulu": "UTC", "uct": "UTC", "universal": "UTC"}

#: lower case -> canonical spelling, of zones that follow a place's law.
_CIVIL: dict[str, str] = {
    zone.lower(): zone
    for zone in pytz.all_timezones
    if zone.upper() not in ABBREVIATIONS and not zone.startswith(("Etc/", "GMT", "UTC", "UCT", "Zulu", "Universal"))
} | _UTC


def zone_set(
    timezone: str | None,
    phone: Phone | None,
    postal_code: str | None = None,
    state: str | None = None,
    country: str | None = None,
) -> ZoneSet:
    """The zones of a person with this explicit zone and this address, as they were written, and this phone number. Never raises."""
    problems: tuple[str, ...] = ()
    if timezone and timezone.strip():
        zone, problem = civil_zone(timezone)
        problems = (problem,) if problem else ()
        if zone:
            return ZoneSet((zone,), {"timezone": (zone,)}, problems)
    address = address_of(postal_code, state, country, phone)
    sources = dict(address.sources)
    if country and not sources and not _at_home(phone, country) and (zone := zone_of_country(country)):
        sources["country"] = (zone,)
    if phone and phone.zones:
        sources["phone"] = phone.zones
    return ZoneSet(_joined(*sources.values()), sources, problems + address.problems)


def _at_home(phone: Phone | None, country: str) -> bool:
    """Whether the number speaks for the country that the address is in: then its name has nothing to add."""
    return phone is not None and bool(phone.zones) and phone.region == country_of(country)


@lru_cache(maxsize=16_384)
def _joined(*zones: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({zone for some in zones for zone in some}))


def told_by(sources: Iterable[str]) -> str:
    """Who spoke, in words: `timezone`, `postal_code + phone`; `fallback` if nobody did."""
    return " + ".join(sources) or "fallback"


class Conflict(NamedTuple):
    """Two sources of one person that disagree: `other` names times that `one` excludes. All their zones count all the same.

    adds: the zones of those times. apart: the two have no time in common; else `other` is only wider, such as the number of an area
    code with two zones.
    """

    one: str
    other: str
    adds: tuple[str, ...]
    apart: bool


def conflicts(sources: Mapping[str, tuple[str, ...]]) -> tuple[Conflict, ...]:
    """Where a person's sources disagree; Detroit and New York do not, they are one clock."""
    return tuple(
        Conflict(one, other, adds, not share_a_clock(sources[one], sources[other]))
        for one, other in combinations(sources, 2)
        if (adds := added(sources[one], sources[other]))
    )


@lru_cache(maxsize=4096)
def civil_zone(text: str) -> tuple[str | None, str | None]:
    """The IANA zone that `text` names or most likely means, None if none; and what is wrong with the text, None if nothing."""
    word = re.sub(r"\s+", "_", text.strip()).lower()
    if zone := _CIVIL.get(word):
        return zone, None
    meant = ABBREVIATIONS.get(word.upper()) or _by_offset(text)
    if meant:
        return meant, f"time zone {text!r} is no place's time: taken for {meant}; write a zone such as America/New_York"
    near = near_zone(text)
    hint = f"did you mean {near}?" if near else "write a zone such as America/New_York"
    return None, f"time zone {text!r} is not known, so it is ignored: {hint}"


def near_zone(text: str) -> str | None:
    """The IANA zone whose name is nearest, or that has this city: `Chicago`; None if none is near."""
    word = re.sub(r"\s+", "_", text.strip()).lower()
    cities = {name.rpartition("/")[2]: name for name in sorted(_CIVIL, reverse=True)}
    near = get_close_matches(word, _CIVIL, 1, 0.75) or get_close_matches(word.rpartition("/")[2], cities, 1, 0.85)
    return _CIVIL[cities.get(near[0], near[0])] if near else None


def _by_offset(text: str) -> str | None:
    """The zone for `GMT-5`, `UTC+05:30`, `-0800`; and for `Etc/GMT+5`, whose sign POSIX turned round."""
    match = _OFFSET.fullmatch(text.strip())
    if not match:
        return None
    minutes = int(match[3]) * 60 + int(match[4] or 0)
    west = (match[2] == "-") != bool(match[1])
    return _OFFSETS.get(-minutes if west else minutes)
