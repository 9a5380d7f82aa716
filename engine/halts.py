"""The kill switch: what `outdial halt` has stopped, until `outdial resume`: everything, a line, a country, a state.

It fails closed: a person whose state is not known may be in the one that is halted, one of whom nothing is known may be anywhere.
"""

from datetime import UTC, datetime

from engine.answers import YES, Answer, When
from schemas.resources import Halt


def halted(halts: tuple[Halt, ...], line: str, jurisdictions: tuple[str, ...]) -> Answer:
    """Whether one of the halts that stand means this line and this person."""
    for halt in halts:
        if halt.line in (None, line) and (not jurisdictions or _means(halt, jurisdictions)):
            return Answer("halt", False, When("halt_lifted"), words(halt))
    return YES["halt"]


def words(halt: Halt) -> str:
    """`contacts by line main to US-TX are halted since 2026-11-25 05:23Z: storm`."""
    by, to = f" by line {halt.line}" if halt.line else "", f" to {place}" if (place := halt.state or halt.country) else ""
    since = f"{datetime.fromtimestamp(halt.at / 1000, UTC):%Y-%m-%d %H:%MZ}"
    return f"contacts{by}{to} are halted since {since}{f': {halt.reason}' if halt.reason else ''}"


def _means(halt: Halt, jurisdictions: tuple[str, ...]) -> bool:
    """Of those that are possible, one that is halted is enough."""
    if halt.state:
        return halt.state in jurisdictions or halt.state.partition("-")[0] in jurisdictions
    return halt.country is None or any(place.partition("-")[0] == halt.country for place in jurisdictions)
