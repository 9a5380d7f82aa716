"""The zones of a postal address: those of its postal code, else of its state; of both if the two share none.

Which country's address it is: what the contact says, else what its number suggests. A number without a country code of its own
(+1 800) or none at all leaves the US. Behind a foreign number and without a country, ZIP code and state have to agree: four or five
digits are a postal code in many places.
"""

from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from engine.clocks import share_a_clock
from engine.countries import country_of
from engine.phone import Phone
from engine.postal import zip_code, zip_state, zip_zones
from engine.states import STATES, canadian, canadian_zones, state_code, zones_of_state

#: Countries of their own in ISO 3166 that ZIP codes reach.
_BY_ZIP_CODE = ("PR", "VI", "GU", "AS", "MP", "FM", "MH", "PW")

_NAMES = {"US": "the US", "CA": "Canada", "AU": "Australia"}
_NORTH_AMERICA = ("US", "CA", "PR", "VI", "GU", "AS", "MP")


class Address(NamedTuple):
    """sources: (`postal_code` or `state`, the zones it gave), in this order. problems: in words."""

    sources: tuple[tuple[str, tuple[str, ...]], ...] = ()
    problems: tuple[str, ...] = ()


NOWHERE = Address()


def address_of(postal_code: str | None, state: str | None, country: str | None, phone: Phone | None) -> Address:
    """What an address tells, as it was written, of somebody with this number. Never raises."""
    if not postal_code and not state:
        return NOWHERE
    return _address(_without_4(postal_code or ""), state or "", country or "", _suggested(phone))


def _without_4(code: str) -> str:
    """A ZIP code without what makes it ZIP+4: that tells nothing of the time, and makes each address another."""
    return code[:5] if len(code) == 10 and code[5] == "-" and code[:5].isdecimal() else code


def _suggested(phone: Phone | None) -> str:
    """`+1` for the US and Canada, else the region of the number; empty if it has none."""
    if phone is None or phone.region == "001":
        return ""
    return "+1" if phone.region in _NORTH_AMERICA else phone.region


@lru_cache(maxsize=32_768)
def _address(postal_code: str, state: str, country: str, suggested: str) -> Address:
    if country.strip():
        named = country_of(country) or ""
        stated = "US" if named in _BY_ZIP_CODE else named
        return _read(postal_code, state, stated, True) if stated in STATES else NOWHERE
    if suggested in ("", "+1"):
        where = "CA" if canadian(postal_code) or (state_code(state, "CA") and not zip_code(postal_code)) else "US"
        return _read(postal_code, state, where, suggested == "+1")
    if suggested == "AU":
        return _read("", state, "AU", False)
    code = zip_code(postal_code)
    agree = code and zip_state(code) and zip_state(code) == state_code(state, "US")
    return _read(postal_code, state, "US", False) if agree else NOWHERE


def _read(postal_code: str, state: str, country: str, sure: bool) -> Address:
    """An address of that country. If we are `sure` of it, what cannot be read is a problem."""
    problems: list[str] = []
    by_code = _by_code(postal_code, country, problems)
    by_state = _by_state(state, country, problems)
    found: list[tuple[str, tuple[str, ...]]] = []
    if by_code:
        found.append(("postal_code", by_code))
    if by_state and not (by_code and share_a_clock(by_code, by_state)):
        found.append(("state", by_state))
    return Address(tuple(found), tuple(problems) if sure else ())


def _by_code(text: str, country: str, problems: list[str]) -> tuple[str, ...]:
    if not text.strip() or country == "AU":
        return ()
    if country == "CA":
        known = canadian(text)
        zones = canadian_zones(known) if known else ()
        example = "K1A 0B1"
    else:
        code = zip_code(text)
        known = zip_state(code) if code else None
        zones = zip_zones(code) if code else ()
        example = "10007"
    if not known:
        problems.append(f"postal code {text!r} is not known in {_NAMES[country]}, so it is ignored: write one such as {example}")
    return zones


def _by_state(text: str, country: str, problems: list[str]) -> tuple[str, ...]:
    if not text.strip():
        return ()
    if code := state_code(text, country):
        return zones_of_state(code, country)
    near = get_close_matches(text.strip().casefold(), STATES[country], 1, 0.75)
    hint = f"did you mean {STATES[country][near[0]]}?" if near else f"write its code, such as {next(iter(STATES[country])).upper()}"
    problems.append(f"state {text!r} is not known in {_NAMES[country]}, so it is ignored: {hint}")
    return ()
