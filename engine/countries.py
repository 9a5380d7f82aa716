"""Countries as people write them, in the one form that Outdial keeps: ISO 3166 alpha-2."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import phonenumbers
import pycountry
import pytz

from engine.clocks import added

#: What people write and ISO 3166 does not list: names of every day, and the parts of the United Kingdom.
_ALSO = {
    **dict.fromkeys(("uk", "great britain", "england", "scotland", "wales", "northern ireland"), "GB"),
    **dict.fromkeys(("u.s.", "u.s.a.", "america", "estados unidos"), "US"),
    **dict.fromkeys(("deutschland", "allemagne"), "DE"),
    **dict.fromkeys(("españa", "espana"), "ES"),
    **dict.fromkeys(("korea", "south korea", "korea, south"), "KR"),
    **dict.fromkeys(("österreich", "oesterreich"), "AT"),
    "schweiz": "CH",
    "suisse": "CH",
    "méxico": "MX",
    "brasil": "BR",
    "italia": "IT",
    "holland": "NL",
    "russia": "RU",
    "turkey": "TR",
    "vietnam": "VN",
    "taiwan": "TW",
    "uae": "AE",
    "kosovo": "XK",
}


@lru_cache(maxsize=4_096)
def country_of(text: str) -> str | None:
    """The country that a code of two or three letters or an English name means, if its phone numbers can be read; else None."""
    word = re.sub(r"\s+", " ", text.strip())
    if len(word) == 2 and word.upper() in phonenumbers.SUPPORTED_REGIONS:
        return word.upper()
    code = _ALSO.get(word.casefold()) or _listed(word)
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def _listed(word: str) -> str | None:
    try:
        return str(pycountry.countries.lookup(word).alpha_2)
    except LookupError:
        return None


@lru_cache(maxsize=4_096)
def zone_of_country(text: str) -> str | None:
    """The zone of a country, as people write it, that has but one clock: `United Kingdom`; None of one with several (Australia)."""
    zones = pytz.country_timezones.get(country_of(text) or "", ())
    return str(zones[0]) if zones and not added((zones[0],), tuple(zones)) else None


def wrong_codes(codes: Iterable[object]) -> Iterator[tuple[int, str]]:
    """(position, sentence) of each entry of a campaign's `countries` that is no code of a country with phone numbers."""
    for i, code in enumerate(codes):
        if isinstance(code, str) and code not in phonenumbers.SUPPORTED_REGIONS:
            meant = country_of(code)
            hint = f"did you mean {meant}?" if meant else "write a code such as US"
            yield i, f"{code!r} is not a country's code of two letters (ISO 3166): {hint}"
