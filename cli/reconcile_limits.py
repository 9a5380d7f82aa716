"""The check on limits of attempts: no attempt had too many before it, at its number and of its person, by what the closings say."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from cli.checks import Check, Finding, expired_note
from cli.world import World
from engine.caps import Cap
from engine.errors import OutdialError
from engine.plan import Contacting
from schemas.outcome import Outcome
from schemas.topics import CALL_OUTCOMES


def limits(world: World) -> Check:
    """The limits of the campaign and of the law held for each attempt that counts."""
    found, counted = Finding(), 0
    attempts = [told[0] for told in world.outcomes.values() if told[0].attempt_at is not None]
    at_number, of_person = defaultdict[str, list[Outcome]](list), defaultdict[str, list[Outcome]](list)
    for one in attempts:
        at_number[one.address].append(one)
        of_person[one.contact_id].append(one)
    for one in attempts:
        held = _limits_of(world, one)
        counted += bool(held)
        for cap in held:
            for whose, others in ((one.address, at_number[one.address]), (one.contact_id, of_person[one.contact_id])):
                if (before := _before(world, one, cap, others)) >= cap.max:
                    found.add(one.dial_id, f"{whose}: {one.dial_id} is attempt {before + 1} of {cap.max} ({cap.name})")
    return found.check("limits", counted, expired_note(world, CALL_OUTCOMES.name))


def _limits_of(world: World, one: Outcome) -> tuple[Cap, ...]:
    """What limited this attempt; nothing if its command or its campaign's version is gone."""
    sent = world.commands.get(one.dial_id)
    try:
        plan = world.plans.plan(one.campaign, one.version)
        step = plan.step(one.step)
    except (OutdialError, KeyError):
        return ()
    if not sent or not isinstance(step, Contacting):
        return ()
    return tuple([cap for cap in plan.terms(step, sent[0].jurisdictions).caps if cap.since <= sent[0].at])


def _before(world: World, one: Outcome, cap: Cap, others: Iterable[Outcome]) -> int:
    """How many came before it within the limit's time."""
    near = filter(partial(_near, one, cap), others)
    return sum(_known(world, other, one, cap) for other in near)


def _near(one: Outcome, cap: Cap, other: Outcome) -> bool:
    at, earlier = one.attempt_at or 0, other.attempt_at or 0
    within = at - cap.per < earlier <= at and other.dial_id != one.dial_id
    return within and cap.counts(other.campaign, other.channel, one.campaign)


def _known(world: World, other: Outcome, one: Outcome, cap: Cap) -> bool:
    """Whether the gate knew of the other, or else must have refused the other: two that nothing limits alike may overtake."""
    return (other.attempt_at or 0) <= world.commands[one.dial_id][0].at or cap in _limits_of(world, other)
