"""Whether somebody may enter a campaign again: `reentry` of its file. Without it, once and never again."""

from engine.flow import Enroll
from engine.plan import Plan
from engine.time import Instant
from engine.windows import add_delay
from schemas import ids
from schemas.event import Event, EventKind
from schemas.rows import EnrollmentRow, State


def refusal(asked: Enroll, plan: Plan, before: EnrollmentRow | None, now: Instant) -> Event | None:
    """What the feed is told if a second or later entry is not allowed; None if it is. before: the row of the entry before it.

    Rows of those who left are kept for a week, and for as long as `reentry.after` says; who is gone from there left long ago.
    """
    reason = _reason(asked, plan, before, now)
    if reason is None:
        return None
    enrollment = ids.enrollment_id(asked.contact_id, asked.campaign, asked.entry)
    return Event(
        event_id=ids.event_id(asked.cause, EventKind.ENROLLMENT_REFUSED, enrollment),
        cause=asked.cause,
        kind=EventKind.ENROLLMENT_REFUSED,
        contact_id=asked.contact_id,
        enrollment_id=enrollment,
        campaign=asked.campaign,
        version=plan.version,
        entry=asked.entry,
        at=now,
        data={"reason": reason},
    )


def _reason(asked: Enroll, plan: Plan, before: EnrollmentRow | None, now: Instant) -> str | None:
    rule = plan.reentry
    if rule is None or asked.entry > rule.max:
        return "max_entries"
    if before is None:
        return None
    if before.state is not State.EXITED or before.exit is None:
        return "still_in"
    zones = plan.clocks(()) or ("Etc/UTC",)
    early = now < add_delay(rule.after, Instant(before.exit.at), zones, plan.window) if rule.after.length else False
    return "too_soon" if early else None
