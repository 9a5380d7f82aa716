"""The zones of a North American area code: all of them, wherever in it a number's exchange may once have been.

libphonenumber gives a number in a divided area code one zone, its exchange's or the area's usual one. People keep their numbers
when they move across town, and the exchanges it does not list are taken for the usual zone: +1 850 would be Eastern, Pensacola
included. So a number speaks for every zone of its area code. They are those that the library has for any exchange of it, and for
codes laid over a divided one, or given a zone that is not theirs, those below (nationalnanpa.com, area code maps).
"""

from functools import lru_cache

from phonenumbers.tzdata import TIMEZONE_DATA

#: Overlays of divided codes, of which the library has but one zone, and 689 (Orlando), which it puts into Central time.
CORRECTED: dict[str, tuple[str, ...]] = {
    "364": ("America/Chicago", "America/New_York"),  # over 270, western Kentucky
    "448": ("America/Chicago", "America/New_York"),  # over 850, the Florida Panhandle
    "458": ("America/Denver", "America/Los_Angeles"),  # over 541, Oregon with Malheur County
    "689": ("America/New_York",),
    "930": ("America/Chicago", "America/New_York"),  # over 812, southern Indiana
}


@lru_cache(maxsize=1_024)
def area_zones(area_code: str) -> tuple[str, ...]:
    """All zones of an area code (three digits), sorted; none for one that is not on the map."""
    if area_code in CORRECTED:
        return CORRECTED[area_code]
    return tuple(sorted({zone for prefix in _prefixes().get(area_code, ()) for zone in TIMEZONE_DATA[prefix]}))


@lru_cache(maxsize=1)
def _prefixes() -> dict[str, list[str]]:
    """The library's prefixes of North American numbers, by area code."""
    found: dict[str, list[str]] = {}
    for prefix in TIMEZONE_DATA:
        if prefix.startswith("1") and len(prefix) >= 4:
            found.setdefault(prefix[1:4], []).append(prefix)
    return found
