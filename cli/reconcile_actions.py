"""The check on post-call actions: each that is to follow an outcome or an exit was done, given up or skipped, or waits."""

from collections.abc import Iterator

from cli.checks import Check, Finding, expired_note
from cli.world import World
from engine.actions import of_outcome, on_exit, on_outcome
from engine.errors import OutdialError
from engine.plan import Plan
from schemas import ids
from schemas.event import EventKind
from schemas.topics import CALL_OUTCOMES, CAMPAIGN_EVENTS

_SETTLED = (EventKind.ACTION_DONE, EventKind.ACTION_FAILED, EventKind.ACTION_SKIPPED)


def actions(world: World) -> Check:
    """What campaigns say is to be done, against what was told of it and the rows that are left."""
    found, settled = Finding(), {e.data.get("action_id") for told in world.events.values() for e in told if e.kind in _SETTLED}
    due = {**dict(_after_outcomes(world)), **dict(_after_exits(world))}
    if CAMPAIGN_EVENTS.name not in world.expired:
        for action_id, what in due.items():
            if action_id not in settled and action_id not in world.actions:
                found.add(action_id, f"{what} was to be done, and nobody knows of it")
    note = expired_note(world, CALL_OUTCOMES.name, CAMPAIGN_EVENTS.name)
    return found.check("actions", len(due), note or (f"{len(world.actions)} wait" if world.actions else None))


def _after_outcomes(world: World) -> Iterator[tuple[str, str]]:
    """(action_id, in words) of what is to follow the closings that their rows have taken."""
    open_ = world.open_commands()
    for dial_id, (outcome, *_) in world.outcomes.items():
        plan = _plan(world, outcome.campaign, outcome.version)
        if plan is None or not plan.actions or dial_id in open_:
            continue
        for action in on_outcome(plan, outcome):
            what = f"{outcome.contact_id}/{outcome.campaign}/{outcome.entry}: action {action.id} after {outcome.disposition}"
            yield of_outcome(action, outcome, None).action_id, what


def _after_exits(world: World) -> Iterator[tuple[str, str]]:
    for told in world.events.values():
        for event in told:
            plan = _plan(world, event.campaign, event.version) if event.kind == EventKind.EXITED else None
            if plan is None or not plan.actions:
                continue
            reason = str(event.data.get("reason"))
            for action in on_exit(plan, reason):
                what = f"{event.contact_id}/{event.campaign}/{event.entry}: action {action.id} after the exit as {reason}"
                yield ids.digest("action", event.event_id, action.id), what


def _plan(world: World, campaign: str, version: int) -> Plan | None:
    try:
        return world.plans.plan(campaign, version)
    except OutdialError:
        return None
