"""Where a person can be reached: which address a step uses, and why it may have to be passed over."""

from collections.abc import Mapping
from typing import Any

from engine.errors import RecordError
from engine.plan import Channel, Contacting
from engine.templates import render
from schemas.rows import Profile

_EMAIL = Channel.EMAIL


def address_for(profile: Profile, channel: str, bad: tuple[str, ...] = ()) -> str | None:
    """The address of the next call or message: of a person's numbers the first that is not known to be none (`bad`)."""
    if channel == _EMAIL:
        return None if profile.email in bad else profile.email
    if not bad:
        return profile.phone
    return next((number for number in (profile.phone, *profile.alt_phones) if number and number not in bad), None)


def reachable(profile: Profile | None, channels: frozenset[Channel], bad: tuple[str, ...]) -> bool:
    """Whether the person has an address for one of these channels."""
    return profile is not None and any(address_for(profile, channel, bad) for channel in channels)


def lacking(step: Contacting, profile: Profile | None, bad: tuple[str, ...]) -> str | None:
    """What a step needs and the person has not; None: nothing."""
    if profile is None or address_for(profile, step.channel, bad) is None:
        return "no_address"
    try:
        message(step, profile.variables)
    except RecordError as error:
        return f"template: {error}"
    return None


def message(step: Contacting, variables: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Subject and text, with a person's variables; None where the step has none. Raises RecordError for one that is missing."""
    subject = None if step.subject is None else render(step.subject, variables)
    return subject, None if step.template is None else render(step.template, variables)
