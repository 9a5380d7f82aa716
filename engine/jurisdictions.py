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
_TERRITORIES = ("PR", "VI", "GU", "AS", "MP")
#: States of the postal service that are none: of the forces abroad, and countries that ZIP codes reach.
_NO_STATES = {**dict.fromkeys(("AA", "AE", "AP"), "US"), "FM": "FM", "MH": "MH", "PW": "PW"}
#: Numbers whose owners' addresses are read as of the US if they name no country.
_AT_HOME = ("US", "CA", "001", "", *_TERRITORIES)

Sources = tuple[tuple[str, tuple[str, ...]], ...]


def jurisdictions_of(
    phone: Phone | None, postal_code: str | None, state: str | None, country: str | None
) -> tuple[tuple[str, ...], Sources]:
    """All jurisdictions, sorted, and who said which (`postal_code`, `state`, `country`, `phone`). None: nothing is known."""
    code = zip_code(postal_code) if postal_code else None
    if phone is None:
        return _joined(code, state or "", country or "", "", "")
    prefix = phone.e164[2:5] if phone.region == "US" and phone.zones else ""
    return _joined(code, state or "", country or "", phone.region, prefix)


@lru_cache(maxsize=65_536)
def _joined(code: str | None, state: str, country: str, region: str, prefix: str) -> tuple[tuple[str, ...], Sources]:
    """code: five digits. prefix: the area code of a person's number of the US."""
    sources = dict(_address(code, state, country, region))
    if number := _number(region, prefix):
        sources["phone"] = (number,)
    return tuple(sorted({place for places in sources.values() for place in places})), tuple(sources.items())


def _address(code: str | None, state: str, country: str, region: str) -> Sources:
    """What the address says. Without a country it is one of the US if its number is, or if ZIP code and state agree."""
    named = country_of(country) if country.strip() else None
    if named in _TERRITORIES:
        return (("country", (f"US-{named}",)),)
    if named not in ("US", None):
        return (("country", (named,)),) if named else ()
    by_code, by_state = zip_state(code) if code else None, state_code(state, "US")
    if named is None and region not in _AT_HOME and by_code != by_state:
        return ()
    found = (("postal_code", by_code), ("state", by_state))
    told = tuple((source, (_place(each),)) for source, each in found if each)
    return told or ((("country", ("US",)),) if named == "US" else ())


def _place(state: str) -> str:
    return _NO_STATES.get(state) or f"US-{state}"


def _number(region: str, prefix: str) -> str | None:
    """Where a number is from; None for one without a place. An area code that is too new for the table is in some state."""
    if region in ("", "001"):
        return None
    if region in _TERRITORIES:
        return f"US-{region}"
    if region != "US":
        return region
    return f"US-{AREA_STATES[prefix]}" if prefix in AREA_STATES else "US" if prefix else None
