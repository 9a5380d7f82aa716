"""The last check: who is forgotten?

Forgotten is who has not exited and has no future due instant, no open command and no named blocking reason. A reason is believed
only as far as something stands behind it: *pacing* needs a line that exists and whose owner has been told of the person, an open
command a ledger that has it or a slot that was a moment ago, and what should have moved at once may take a minute. If no worker
runs, nobody moves: that is the reason, named, and nobody is forgotten for it.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from cli.checks import Check, Finding
from cli.reasons import (
    AWAITING_CONTACT,
    COMMAND_OPEN,
    LEAVING,
    MOVING,
    NO_PLAN,
    PACING,
    View,
    Why,
    why,
)
from cli.world import World
from schemas.rows import CallState, EnrollmentRow
from streams.partitions import partition_of

#: Real ms that what should happen at once may take.
PATIENCE = 60_000
#: Real ms after which a command that is out has been asked after (streams/flows.py, PROBE_AGAIN) and answered.
PROBED = 180_000

NO_WORKER = "no worker"


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody for whom the gate says yes, for longer than PATIENCE."""

    row: EnrollmentRow
    since: int


def forgotten(world: World) -> Check:
    """Everybody who has not exited, and the reasons; those without one are the differences."""
    view, found, reasons = world.view(), Finding(), Counter[str]()
    paced: dict[tuple[str, str, int], list[_Waiting]] = defaultdict(list)  # by line, campaign, partition
    for row in world.rows.values():
        reason = why(row, view)
        if reason is None:
            continue
        idle = not world.workers and reason.reason in (COMMAND_OPEN, LEAVING, MOVING, PACING)
        reasons[NO_WORKER if idle else reason.reason] += 1
        if idle:
            continue
        if problem := _problem(row, reason, world):
            found.add(row.enrollment_id, f"{row.key}: {problem}")
        elif reason.reason == PACING and world.real_since(reason.since or 0) > PATIENCE:
            place = (_line(row, view), row.campaign, partition_of(row.contact_id, world.partitions))
            paced[place].append(_Waiting(row, reason.since or 0))
    _unheard(paced, world, found)
    note = ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())) or None
    return found.check("forgotten", sum(reasons.values()), note)


def _problem(row: EnrollmentRow, reason: Why, world: World) -> str | None:
    """Why the reason does not hold; None: it does, or `_unheard` has to say."""
    match reason.reason:
        case name if name == NO_PLAN:
            return reason.detail
        case name if name == AWAITING_CONTACT:
            profile = world.profiles.get(row.contact_id)
            return "awaits a contact that is there" if profile is not None and profile.known else None
        case name if name == COMMAND_OPEN:
            return _lost_command(row, world)
        case name if name in (MOVING, LEAVING) and world.real_since(reason.since or 0) > PATIENCE:
            return f"should have moved a minute ago ({reason.detail or reason.reason})"
    return None


def _lost_command(row: EnrollmentRow, world: World) -> str | None:
    """An open command counts while the ledger has it reserved, or it is too young to have been asked after."""
    assert row.open is not None
    if world.real_ms < row.open.slot.end // 1000 + PROBED:
        return None
    ledger = world.ledger.get(row.open.address)
    call = ledger.calls.get(row.open.dial_id) if ledger else None
    if call is not None and call.state is CallState.RESERVED:
        overdue = call.deadline and world.real_ms > call.deadline + PATIENCE
        return f"its command {row.open.dial_id} has no outcome, and nobody asks after it" if overdue else None
    if row.open.dial_id in world.outcomes:
        return f"its command {row.open.dial_id} was closed, and it has not taken the closing"
    return f"its command {row.open.dial_id} is neither reserved nor closed"


def _line(row: EnrollmentRow, view: View) -> str:
    return view.plans.plan(row.campaign, row.version).line


def _unheard(paced: dict[tuple[str, str, int], list[_Waiting]], world: World, found: Finding) -> None:
    """Those of whom their line's owner was not told. Demand is reported every second and lapses, so an old report is none."""
    for (line, campaign, partition), waiting in paced.items():
        told = world.demands.get((line, partition))
        fresh = told is not None and told.at // 1000 > world.real_ms - PATIENCE
        heard = told.ready.get(campaign, 0) if told is not None and fresh else 0
        lined = line in world.lines
        unheard = sorted(waiting, key=lambda w: (w.since, w.row.key))[heard if lined else 0 :]
        reason = f"no report to line {line} has counted it" if lined else f"line {line} does not exist"
        for each in unheard:
            found.add(each.row.enrollment_id, f"{each.row.key}: ready for more than a minute, but {reason}")
