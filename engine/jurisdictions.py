"""Whose law may hold for a person: all jurisdictions that are possible, as ISO 3166 codes (`US-FL`, `US`, `GB`), with who said so.

The postal address says where the person lives: its ZIP code and its state, both if they disagree; else its country alone, which
for the US is `US`: some state that nobody knows. The area code of a number of the US says where the number is from. People keep
their numbers when they move, so it adds to the address and never narrows it. Numbers without a place (+1 800) say nothing.

Forces abroad (AA, AE, AP) are addresses of the US in no state: `US`. Territories are of the US: `US-PR`.
"""

from functools import lru_cache

from engine.area_states import AREA_STATES
from engine.countries import country_of
from engine.phone import Phone
from engine.postal import zip_code, zip_state
from engine.states import state_code

#: Country codes of their own whose people live under the law of the US.
TERRITORIES = ("PR", "VI", "GU", "AS", "MP")
_ABROAD = ("AA", "AE", "AP")

Sources = tuple[tuple[str, tuple[str, ...]], ...]


def jurisdictions_of(
    phone: Phone | None, postal_code: str | None, state: str | None, country: str | None
) -> tuple[tuple[str, ...], Sources]:
    """All jurisdictions, sorted, and who said which (`postal_code`, `state`, `country`, `phone`). None: nothing is known."""
    prefix = phone.e164[:5] if phone and phone.region == "US" else ""
    return _joined((postal_code or "")[:5], state or "", country or "", phone.region if phone else "", prefix)


@lru_cache(maxsize=65_536)
def _joined(postal_code: str, state: str, country: str, region: str, prefix: str) -> tuple[tuple[str, ...], Sources]:
    sources = dict(_address(postal_code, state, country, region))
    if number := _number(region, prefix):
        sources["phone"] = (number,)
    return tuple(sorted({place for places in sources.values() for place in places})), tuple(sources.items())


def _address(postal_code: str, state: str, country: str, region: str) -> Sources:
    """What the address says; without a country it is read as one of the US if it reads so, and the number is not from elsewhere."""
    named = country_of(country) if country.strip() else None
    if named in TERRITORIES:
        return (("country", (f"US-{named}",)),)
    if named not in ("US", None):
        return (("country", (named,)),) if named else ()
    found = []
    if named == "US" or region in ("US", "001", "", *TERRITORIES):
        code = zip_code(postal_code) if postal_code else None
        for source, place in (("postal_code", zip_state(code) if code else None), ("state", state_code(state, "US"))):
            if place:
                found.append((source, ("US" if place in _ABROAD else f"US-{place}",)))
    return tuple(found) or ((("country", ("US",)),) if named == "US" else ())


def _number(region: str, prefix: str) -> str | None:
    """Where a number is from; None for one without a place."""
    if region in ("", "001"):
        return None
    if region in TERRITORIES:
        return f"US-{region}"
    if region != "US":
        return region
    state = AREA_STATES.get(prefix[2:])
    return f"US-{state}" if state else None
