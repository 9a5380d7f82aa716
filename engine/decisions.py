"""Decision records: the gate's answers, written when they changed something. Equal repeated refusals are not written.

A command is decided on twice, before it is reserved and before it is requested. A step that falls due and is refused is told once
for each set of reasons; what holds for a whole campaign (paused, halted, a list that is too old) stands on its own topics.
"""

from engine.answers import Answer
from engine.flow import tick_cause
from engine.gate import Verdict
from engine.time import Instant
from schemas import ids
from schemas.command import Dial
from schemas.decision import Decision
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow

#: Checks that tell of the person; those of the scheduler's, but for what passes by itself in a moment.
PERSONAL = frozenset({"suppression", "consent", "window", "holidays", "law", "person_caps", "number", "country"})


def of_command(about: Dial | Outcome, point: str, cause: str, verdict: Verdict, now: Instant) -> Decision:
    """Of a command: before it is reserved (`reserve`), or right before the request (`request`). about: it, or its closing to be."""
    return Decision(
        event_id=ids.event_id(about.dial_id, "decision", point),
        cause=cause,
        dial_id=about.dial_id,
        enrollment_id=about.enrollment_id,
        step=about.step,
        address=about.address,
        contact_id=about.contact_id,
        campaign=about.campaign,
        version=about.version,
        point=point,
        ok=verdict.ok,
        answers=verdict.records(),
        at=now,
    )


def of_due(row: EnrollmentRow, address: str, verdict: Verdict, now: Instant) -> Decision:
    """When a step fell due and was refused."""
    cause = tick_cause(row)
    return Decision(
        event_id=ids.event_id(cause, "decision", f"due {reasons(verdict)}"),
        cause=cause,
        enrollment_id=row.enrollment_id,
        step=row.step,
        address=address,
        contact_id=row.contact_id,
        campaign=row.campaign,
        version=row.version,
        point="due",
        ok=False,
        answers=verdict.records(),
        at=now,
    )


def reasons(verdict: Verdict) -> str:
    """What about the person says no, and until when; empty: nothing does. Two of the same are one refusal that goes on."""
    return "; ".join(map(_reason, (a for a in verdict.refusals if a.check in PERSONAL)))


def _reason(answer: Answer) -> str:
    return f"{answer.check} {answer.until}"
