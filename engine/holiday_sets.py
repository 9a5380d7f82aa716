"""Holidays by preset: `us-federal`, or a country or subdivision by its ISO code (`GB`, `US-TX`). Dates by the library `holidays`.

Observed days count as the holidays do: when Independence Day is a Saturday, the Friday before it is closed too.
"""

from datetime import date
from difflib import get_close_matches
from functools import lru_cache

_EPOCH = date(1970, 1, 1).toordinal()
#: Presets with a name of their own.
NAMED = {"us-federal": "US"}


def holidays_in(preset: str, year: int) -> dict[int, str]:
    """The holidays of one year: day (since 1970-01-01) -> name. Raises ValueError for what is no preset."""
    return _dates(code_of(preset), year)


@lru_cache(maxsize=1024)
def code_of(preset: str) -> str:
    """The ISO code of a preset: `US`, `US-TX`. Raises ValueError: a sentence that says what is near."""
    code = NAMED.get(preset.strip().lower(), preset.strip().upper())
    country, _, division = code.partition("-")
    known = _divisions()
    if country in known and (not division or division in known[country]):
        return code
    every = {*NAMED, *known, *(f"{country}-{part}" for part in known.get(country, ()))}
    near = get_close_matches(preset.strip(), every, 1, 0.6) or get_close_matches(code, every, 1, 0.6)
    hint = f". Did you mean {near[0]}?" if near else ""
    raise ValueError(f"{preset!r} is not a set of holidays: write us-federal, or a country or a part of one, as GB or US-TX{hint}")


@lru_cache(maxsize=1)
def _divisions() -> dict[str, frozenset[str]]:
    import holidays  # takes a twelfth of a second, and few campaigns have any

    return {country: frozenset(parts) for country, parts in holidays.list_supported_countries().items()}


@lru_cache(maxsize=2048)
def _dates(code: str, year: int) -> dict[int, str]:
    import holidays

    country, _, division = code.partition("-")
    found = holidays.country_holidays(country, subdiv=division or None, years=year, language="en_US")
    return {day.toordinal() - _EPOCH: str(name) for day, name in sorted(found.items()) if day.year == year}
