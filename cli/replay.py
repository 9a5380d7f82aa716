"""Folds one enrollment again, by the machine that moved it (engine/flow.py), to learn when each step fell due.

The feed tells what was done, not since when it could have been. The records of what came from outside (who was enrolled when, which
commands got a slot, how they closed, which calls were asked for) lead the same pure function to the same rows, whose `due` says it.
Only the person's profile is that of today: after a change of zones, a due instant in calendar days is what it would be now. Pure.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from engine import flow
from engine.pauses import expired, moved
from engine.plan import Plan, Step
from engine.time import Instant
from engine.windows import Window, open_range
from schemas.campaign import Pause
from schemas.command import Dial
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Open, Profile, State


@dataclass(frozen=True, slots=True)
class Stand:
    """The enrollment stood at a step from `due` on (campaign ms). `issued`: the command that ended it, None: none has yet.

    `retry`: it is the same step once more. `passed`: the step contacts nobody (a wait is over) or was skipped. `later`: ms by
    which a pause has moved it. `until`: then the person asked, elsewhere than in a call, to be called at another time.
    """

    step: Step
    seq: int
    due: Instant
    issued: Dial | None = None
    retry: bool = False
    passed: bool = False
    later: int = 0
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that was asked for elsewhere than in a call of the enrollment; `at`: when that came to its topic (campaign ms)."""

    at: Instant
    inp: flow.Callback


@dataclass(frozen=True, slots=True)
class Spell:
    """The calling window was closed in [start, end) (campaign ms)."""

    start: Instant
    end: Instant


def replay(
    enrolled: Event,
    known_at: Instant | None,
    dials: Mapping[int, Dial],
    outcomes: Mapping[int, Outcome],
    plan: Plan,
    profile: Profile | None,
    now: Instant,
    pauses: Sequence[Pause] = (),
    asked: Iterable[Asked] = (),
) -> list[Stand]:
    """`dials` and `outcomes` of this enrollment by seq; `known_at`: when the contact came, if that was after `enrolled`; `asked`:
    of this enrollment as well.

    Ends where the records end: at an exit, at a command that is out, at a step that waits, at a record that has expired.
    """
    inp = flow.Enroll(enrolled.contact_id, enrolled.campaign, enrolled.entry, enrolled.cause)
    at = Instant(max(enrolled.at, known_at or 0))
    row, stands = flow.enroll(inp, at, plan, profile).row, list[Stand]()
    calls = deque(sorted(asked, key=lambda each: each.at))
    while row.state is State.WAITING:
        stored, row = row, moved(row, pauses)
        later = row.due - stored.due
        step, dial = plan.step(row.step), dials.get(row.seq)
        again = bool(stands) and stands[-1].step.id == step.id
        if dial is not None and dial.step != step.id:
            dial = None
        moves = flow.moves_when_due(row, plan, profile, now) and row.due <= now
        if calls and calls[0].at < (dial.at if dial else row.due if moves else now):
            call = calls.popleft()
            called = flow.transition(row, call.inp, Instant(max(at, call.at)), plan, profile).row
            if called is row:  # it could not be: no such time, or too many
                row = stored
                continue
            if row.due <= call.at:
                stands.append(Stand(step, row.seq, Instant(row.due), retry=again, later=later, until=call.at))
            row = called
        elif dial is not None:
            stands.append(Stand(step, row.seq, Instant(row.due), dial, again, later=later))
            row = _closed(row, dial, outcomes.get(row.seq), calls, plan, profile)
        elif moves:
            stands.append(Stand(step, row.seq, Instant(row.due), passed=True))
            row = flow.transition(row, flow.Due(), Instant(row.due), plan, profile).row
        elif expired(Instant(row.due), pauses):
            stands.append(Stand(step, row.seq, Instant(row.due), passed=True))
            row = flow.transition(row, flow.Refused("expired", skips=True), Instant(row.due), plan, profile).row
        else:
            stands.append(Stand(step, row.seq, Instant(row.due), retry=again, later=later))
            break
    return stands


def _closed(
    row: EnrollmentRow, dial: Dial, outcome: Outcome | None, calls: deque[Asked], plan: Plan, profile: Profile | None
) -> EnrollmentRow:
    """The row behind a command; ISSUED, at which the replay ends, if nobody has told how it closed. Takes the calls that were asked
    for while it was out."""
    open_ = Open(dial.dial_id, dial.channel, dial.address, dial.caller, dial.slot, dial.at)
    issued = replace(row, state=State.ISSUED, open=open_)
    if outcome is None:
        return issued
    while calls and calls[0].at < outcome.ended_at:
        call = calls.popleft()
        issued = flow.transition(issued, call.inp, call.at, plan, profile).row
    return flow.transition(issued, flow.Closing(outcome), Instant(outcome.ended_at), plan, profile).row


def closed_spells(window: Window, zones: tuple[str, ...], begin: Instant, end: Instant, most: int = 10) -> list[Spell]:
    """When a window was closed between two instants, the first `most` times; nothing without zones."""
    spells, at = list[Spell](), begin
    if not zones:
        return spells
    while at < end and len(spells) < most:
        found = open_range(window, zones, at)
        if found is None:
            spells.append(Spell(at, end))
            break
        if found.start > at:
            spells.append(Spell(at, Instant(min(found.start, end))))
        at = Instant(found.end)
    return spells
