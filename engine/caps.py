"""Limits of attempts in rolling windows: an attempt at T counts in [T, T + per)."""

from typing import NamedTuple

from engine.answers import YES, Answer
from engine.time import Instant
from schemas.rows import Attempt, LedgerRow


class Cap(NamedTuple):
    """At most `max` attempts within any `per` ms."""

    max: int
    per: int
    everywhere: bool = False  # the attempts of all campaigns count; else this campaign's
    counted: str | None = None  # the channel whose attempts count; None: of any
    name: str = "the campaign"  # who sets it, in words


def number_caps(caps: tuple[Cap, ...], ledger: LedgerRow, campaign: str, dial_id: str | None, now: Instant) -> Answer:
    """Of the address: what is under way there, but for `dial_id` itself, counts in any case."""
    return YES["number_caps"]


def person_caps(caps: tuple[Cap, ...], attempts: tuple[Attempt, ...], campaign: str, now: Instant) -> Answer:
    """Of the person, over all addresses."""
    return YES["person_caps"]
