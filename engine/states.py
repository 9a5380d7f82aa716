"""States, provinces and territories by code or name, of the countries that have several time zones and use them in addresses.

The US by the library `zipcodes` (engine/postal.py). Canada and Australia by the tables below (IANA, `zone1970.tab` and its
comments): a province speaks for all zones in it. Canadian postal codes begin with a letter for their province, and often tell more.
"""

import re
from functools import lru_cache

from engine.postal import state_zones

_US = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC District of Columbia|FL Florida
GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland
MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire
NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania
RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington
WV West Virginia|WI Wisconsin|WY Wyoming|PR Puerto Rico|VI Virgin Islands|GU Guam|AS American Samoa|MP Northern Mariana Islands
FM Micronesia|MH Marshall Islands|PW Palau|AA Armed Forces Americas|AE Armed Forces Europe|AP Armed Forces Pacific
"""
_CANADA = """
AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador|NS Nova Scotia|NT Northwest Territories
NU Nunavut|ON Ontario|PE Prince Edward Island|QC Quebec|SK Saskatchewan|YT Yukon
"""
_AUSTRALIA = """
ACT Australian Capital Territory|NSW New South Wales|NT Northern Territory|QLD Queensland|SA South Australia|TAS Tasmania
VIC Victoria|WA Western Australia
"""

#: Zones but those of the US, less their continent's name. British Columbia's east keeps Alberta's time or none of its changes.
_ZONES: dict[str, dict[str, str]] = {
    "CA": {
        "AB": "Edmonton",
        "BC": "Dawson_Creek Edmonton Vancouver",
        "MB": "Winnipeg",
        "NB": "Moncton",
        "NL": "Goose_Bay St_Johns",
        "NS": "Halifax",
        "NT": "Edmonton",
        "NU": "Cambridge_Bay Iqaluit Rankin_Inlet",
        "ON": "Atikokan Toronto Winnipeg",
        "PE": "Halifax",
        "QC": "Halifax Toronto",  # the islands in the Gulf, and Blanc-Sablon
        "SK": "Edmonton Regina",  # Lloydminster
        "YT": "Whitehorse",
    },
    "AU": {
        "ACT": "Sydney",
        "NSW": "Broken_Hill Sydney",
        "NT": "Darwin",
        "QLD": "Brisbane",
        "SA": "Adelaide",
        "TAS": "Hobart",
        "VIC": "Melbourne",
        "WA": "Perth",
    },
}
_CONTINENTS = {"CA": "America", "AU": "Australia"}

#: How Canadian postal codes begin -> province, or a part of it. The longest beginning counts.
_LETTERS: dict[str, str] = {
    **{"A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC", "P": "ON", "R": "MB", "S": "SK", "T": "AB", "V": "BC", "Y": "YT"},
    **{"H": "Toronto", "J": "Toronto", "K": "Toronto", "L": "Toronto", "M": "Toronto", "N": "Toronto"},
    **{f"V{digit}": "Vancouver" for digit in range(2, 10)},
    "X": "Cambridge_Bay Edmonton Iqaluit Rankin_Inlet",
}
_CANADIAN = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][\s-]*\d[ABCEGHJ-NPRSTV-Z]\d", re.ASCII)


def _read(table: str) -> dict[str, str]:
    """Code or name, casefolded -> code."""
    pairs = [entry.partition(" ") for entry in table.strip().replace("\n", "|").split("|")]
    return {word.casefold(): code for code, _, name in pairs for word in (code, name)}


#: Country -> code or name, casefolded -> code.
STATES: dict[str, dict[str, str]] = {
    "US": _read(_US) | {"washington dc": "DC", "washington d.c.": "DC", "d.c.": "DC", "us virgin islands": "VI"},
    "CA": _read(_CANADA) | {"québec": "QC", "newfoundland": "NL", "labrador": "NL", "pq": "QC"},
    "AU": _read(_AUSTRALIA),
}


def state_code(text: str, country: str) -> str | None:
    """The code of a state of that country as people write it; None if it has none such."""
    return STATES.get(country, {}).get(re.sub(r"\s+", " ", text.strip()).casefold())


@lru_cache(maxsize=256)
def zones_of_state(code: str, country: str) -> tuple[str, ...]:
    """All zones of a state, sorted; none for the forces abroad."""
    return state_zones(code) if country == "US" else _named(_ZONES[country][code], country)


def canadian(text: str) -> str | None:
    """A Canadian postal code, in capitals and without its space; None if it is none by its looks."""
    code = text.strip().upper()
    return re.sub(r"[\s-]", "", code) if _CANADIAN.fullmatch(code) else None


@lru_cache(maxsize=4096)
def canadian_zones(code: str) -> tuple[str, ...]:
    """All zones of a Canadian postal code, as `canadian` gives it."""
    place = _LETTERS.get(code[:2]) or _LETTERS[code[0]]
    return _named(_ZONES["CA"].get(place, place), "CA")


def _named(names: str, country: str) -> tuple[str, ...]:
    return tuple(f"{_CONTINENTS[country]}/{name}" for name in sorted(names.split()))
