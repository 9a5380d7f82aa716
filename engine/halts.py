"""The kill switch: what `outdial halt` has stopped, until `outdial resume`."""

from engine.answers import YES, Answer
from schemas.resources import Halt


def halted(halts: tuple[Halt, ...], line: str, jurisdictions: tuple[str, ...]) -> Answer:
    """Whether one of the halts that stand means this line or this person."""
    return YES["halt"]
