"""US postal codes: read and mended as people write them, and the zones each speaks for. Zones by the library `zipcodes`.

The library knows a ZIP code's middle, hence one zone, but the area may reach over a boundary, and near one its point is often on
the wrong side (Page and Tuba City in Arizona). Time zones follow county lines (49 CFR part 71), but for some ten counties. So
a ZIP code speaks for every zone that its county has, and those that lie across a boundary, or are led astray, stand below.

The library opens its data on the first question (some 300 ms), and any question takes it 300 us or more; so it is asked for whole
areas and states, once each.
"""

import re
from functools import lru_cache
from typing import Any

import pytz
import zipcodes

_ZIP = re.compile(r"(\d{3,5})(?:[\s-]+(\d{4}))?(?:\.0)?", re.ASCII)
_JOINED = re.compile(r"(\d{3,5})(\d{4})", re.ASCII)  # ZIP+4 without its hyphen: 7 to 9 digits

#: Where the library's zone is not the one that the place is in.
_WRONG: dict[str, str] = {
    "37405": "America/New_York",  # Chattanooga
    "79942": "America/Denver",  # El Paso
    "86003": "America/Phoenix",  # Flagstaff
    "89883": "America/Denver",  # West Wendover, since 1999
    "99634": "America/Anchorage",  # Napakiak, whose zone is its name in the data
}

#: ZIP codes that live by two clocks, though their county does not: the further zone.
_ACROSS: dict[str, str] = {
    # Eastern Alabama goes by Columbus, Georgia.
    **dict.fromkeys(("36854", "36863", "36867", "36868", "36869", "36870", "36874", "36877"), "America/New_York"),
    "37338": "America/New_York",  # Graysville, Tennessee, and the plateau above it
    "42603": "America/New_York",  # Alpha and
    "42757": "America/Chicago",  # Magnolia, Kentucky: each in two counties
    "58535": "America/Denver",  # Flasher, North Dakota, and the south of Grant County
    "79847": "America/Chicago",  # Salt Flat, Texas
    "89825": "America/Denver",  # Jackpot, Nevada, goes by Idaho
}

#: In divided counties, but all on one side: Flagstaff, and Arizona's White Mountains (859), south of the Navajo Nation.
_ONE_SIDE = ("86001", "86002", "86004", "86005", "86011", "859")

_CORRECTED = _WRONG | _ACROSS


def zip_code(text: str) -> str | None:
    """The five digits of a US postal code or ZIP+4, with the zeros that it lost before it; None if it is none by its looks."""
    found = _ZIP.fullmatch(text.strip()) or _JOINED.fullmatch(text.strip())
    return found[1].zfill(5) if found else None


def mend_zip(text: str, country: str | None = "US") -> str:
    """A US postal code with the leading zeros that a spreadsheet ate: `8014` is 08014. All else, and other countries', as it is."""
    found = (_ZIP.fullmatch(text.strip()) or _JOINED.fullmatch(text.strip())) if country == "US" else None
    if not found or len(found[1]) == 5 or not zip_state(found[1].zfill(5)):
        return text
    return f"{found[1].zfill(5)}-{found[2]}" if found[2] else found[1].zfill(5)


def zip_state(code: str) -> str | None:
    """The state of five digits (AA, AE, AP: the forces abroad); None if they are no ZIP code."""
    return _area(code[:3]).get(code)


def zip_zones(code: str) -> tuple[str, ...]:
    """All zones of a ZIP code (five digits), sorted; none for those of the forces abroad, and for unknown ones."""
    state = zip_state(code)
    return _state(state).get(code, ()) if state else ()


@lru_cache(maxsize=64)
def state_zones(state: str) -> tuple[str, ...]:
    """All zones that a state or territory has by law, sorted; none for what is no state."""
    return tuple(sorted({zone for row in _rows(state) if (zone := _own(row))}))


def load() -> None:
    """Opens the library's data now, and not at the first contact with a postal code: for processes that must not pause."""
    zip_state("10007")


@lru_cache(maxsize=1_000)
def _area(digits: str) -> dict[str, str]:
    """ZIP code -> state, of all that begin with these three digits."""
    return {row["zip_code"]: row["state"] for row in zipcodes.similar_to(digits)}


@lru_cache(maxsize=64)
def _state(state: str) -> dict[str, tuple[str, ...]]:
    """ZIP code -> zones, of a whole state."""
    rows = _rows(state)
    county: dict[str, set[str]] = {}
    for row in rows:
        if row["zip_code"] not in _CORRECTED and (zone := _own(row)):
            county.setdefault(row["county"], set()).add(zone)
    return {row["zip_code"]: _shared(tuple(sorted(_zones(row, own, county)))) for row in rows if (own := _own(row))}


def _zones(row: dict[str, Any], own: str, county: dict[str, set[str]]) -> set[str]:
    code = row["zip_code"]
    if code in _CORRECTED:
        return {own, _ACROSS.get(code, own)}
    return {own} if code.startswith(_ONE_SIDE) else county[row["county"]]


def _own(row: dict[str, Any]) -> str | None:
    """The zone of a ZIP code's middle; None for the forces abroad."""
    zone = _WRONG.get(row["zip_code"], row["timezone"])
    return zone if zone in pytz.all_timezones_set else None


def _rows(state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = zipcodes.filter_by(state=state)
    return found


@lru_cache(maxsize=256)
def _shared(zones: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all ZIP codes with the same zones."""
    return zones
