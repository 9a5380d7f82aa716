"""A caller ID as the engine sees it: what its owner declares of it, and what the number itself tells."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from engine.countries import country_of
from engine.days import first_instant
from engine.errors import RecordError
from engine.jurisdictions import jurisdictions_of
from engine.phone import parse_phone
from engine.states import STATES, state_code, zones_of_state
from engine.time import NEVER, Instant
from schemas.resources import Number

_EPOCH = date(1970, 1, 1).toordinal()


class Caller(NamedTuple):
    """A caller ID. What nothing tells is None; of a number whose zone nothing tells, days are UTC's."""

    e164: str
    area: str | None = None  # what all numbers of its area begin with: +1212
    state: str | None = None  # ISO 3166-2: US-NY
    country: str | None = None  # ISO 3166
    zone: str = "UTC"  # IANA; of several the first
    cap: int | None = None  # calls a day
    rests_until: Instant = Instant(0)  # campaign ms; NEVER: for good


def caller_of(number: Number) -> Caller:
    """A declared number. Raises RecordError, a sentence, for what cannot be (engine/callers.py, slips)."""
    resting = number.resting if isinstance(number.resting, str) else str(number.resting)
    return _caller(number.number, number.state, number.country, number.daily_cap, resting)


def slips(number: Number) -> list[tuple[str, str]]:
    """What is wrong with a declared number, as (key, sentence)."""
    found: list[tuple[str, str]] = []
    for key, check in (("number", _phone_slip), ("country", _country_slip), ("state", _state_slip), ("resting", _resting_slip)):
        try:
            check(number)
        except RecordError as error:
            found.append((key, str(error)))
    return found


@lru_cache(maxsize=65_536)
def _caller(e164: str, state: str | None, country: str | None, cap: int | None, resting: str) -> Caller:
    phone = parse_phone(e164)
    told = jurisdictions_of(phone, None, None, None)[0]
    place = next((each for each in told if "-" in each), None)
    nation = country_of(country) if country else _nation(phone.region)
    zones = phone.zones
    if state and nation:
        code = state_code(state, nation)
        place = f"{nation}-{code}" if code else place
        zones = zones or (zones_of_state(code, nation) if code else ())
    zone = zones[0] if zones else "UTC"
    return Caller(e164, _area(e164), place, nation, zone, cap, _rests_until(resting, zone))


def _nation(region: str) -> str | None:
    return None if region == "001" else region


def _area(e164: str) -> str | None:
    """What the numbers of its area begin with; None for one of no area, such as a mobile outside North America."""
    if e164.startswith("+1"):
        return e164[:5]
    parsed = phonenumbers.parse(e164)
    length = phonenumbers.length_of_geographical_area_code(parsed)
    return e164[: 1 + len(str(parsed.country_code)) + length] if length else None


def _rests_until(resting: str, zone: str) -> Instant:
    """False, True or the date on which it may be used again, from the beginning of that day in its own zone."""
    if resting in ("False", "True"):
        return NEVER if resting == "True" else Instant(0)
    return first_instant(zone, _date(resting).toordinal() - _EPOCH)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RecordError(f"{text!r} is no date: write the day on which it may be used again, such as 2026-12-01") from None


def _phone_slip(number: Number) -> None:
    parse_phone(number.number)


def _country_slip(number: Number) -> None:
    if number.country and country_of(number.country) is None:
        raise RecordError(f"{number.country!r} is no country with phone numbers: write its code of two letters, such as US")


def _state_slip(number: Number) -> None:
    if number.state is None:
        return
    country = country_of(number.country) if number.country else parse_phone(number.number).region
    if country not in STATES:
        raise RecordError(
            f"{number.state!r} is no use: states are told apart in {', '.join(STATES)} only, and the number is of {country}"
        )
    if state_code(number.state, country) is None:
        raise RecordError(f"{number.state!r} is no state of {country}: write its code of two letters, such as NY")


def _resting_slip(number: Number) -> None:
    if isinstance(number.resting, str):
        _date(number.resting)
