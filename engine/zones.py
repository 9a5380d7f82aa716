"""In which time zones a person may be: a set, with its sources. All of them must be inside a window.

An explicit IANA zone stands alone; else the phone number speaks, unless it is silent (engine/phone.py). Abbreviations and offsets
(`EST`, `GMT-5`) are no civil zones: half of the year they name the wrong hour, or no place at all. They are read as the zone that
people most likely mean, and reported. Nothing speaks: the set is empty, and the campaign's fallback counts.
"""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

import pytz

from engine.phone import Phone


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """zones: sorted, all must be inside. sources: source (`timezone`, `phone`) -> zones it gave. problems: in words."""

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


def zone_set(timezone: str | None, phone: Phone | None) -> ZoneSet:
    """The zones of a person with this explicit zone, as it was written, and this phone number."""
    problems: tuple[str, ...] = ()
    if timezone and timezone.strip():
        zone, problem = civil_zone(timezone)
        problems = (problem,) if problem else ()
        if zone:
            return ZoneSet((zone,), {"timezone": (zone,)}, problems)
    if phone and phone.zones:
        return ZoneSet(phone.zones, {"phone": phone.zones}, problems)
    return ZoneSet(problems=problems)


@lru_cache(maxsize=4096)
def civil_zone(text: str) -> tuple[str | None, str | None]:
    """The IANA zone that `text` names or most likely means, None if none; and what is wrong with the text, None if nothing."""
    word = re.sub(r"\s+", "_", text.strip()).lower()
    if zone := _CIVIL.get(word):
        return zone, None
    meant = ABBREVIATIONS.get(word.upper()) or _by_offset(text)
    if meant:
        return meant, f"time zone {text!r} is no place's time: taken for {meant}; write a zone such as America/New_York"
    near = get_close_matches(word, _CIVIL, 1, 0.75)
    hint = f"did you mean {_CIVIL[near[0]]}?" if near else "write a zone such as America/New_York"
    return None, f"time zone {text!r} is not known, so it is ignored: {hint}"


def _by_offset(text: str) -> str | None:
    """The zone for `GMT-5`, `UTC+05:30`, `-0800`; and for `Etc/GMT+5`, whose sign POSIX turned round."""
    match = _OFFSET.fullmatch(text.strip())
    if not match:
        return None
    minutes = int(match[3]) * 60 + int(match[4] or 0)
    west = (match[2] == "-") != bool(match[1])
    return _OFFSETS.get(-minutes if west else minutes)
