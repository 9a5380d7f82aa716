"""engine/reentry.py: who may enter a campaign again, and when."""

import pytest
from samples import NOW, plan_of, row_of

from engine import flow
from engine.plan import Reentry
from engine.reentry import refusal
from engine.time import DAY, HOUR, Delay
from schemas import ids
from schemas.rows import EnrollmentRow, Exit, State

LEFT = row_of(State.EXITED, exit=Exit("answered", "c", NOW - 10 * DAY))


@pytest.mark.parametrize(
    ("rule", "entry", "before", "reason"),
    [
        (None, 2, LEFT, "max_entries"),
        (Reentry(3, Delay()), 2, LEFT, None),
        (Reentry(3, Delay()), 3, LEFT, None),
        (Reentry(3, Delay()), 4, LEFT, "max_entries"),
        (Reentry(3, Delay(days=10)), 2, LEFT, None),
        (Reentry(3, Delay(days=11)), 2, LEFT, "too_soon"),
        (Reentry(3, Delay(ms=10 * 24 * HOUR + 1)), 2, LEFT, "too_soon"),
        (Reentry(3, Delay()), 2, row_of(State.WAITING), "still_in"),
        (Reentry(3, Delay()), 2, row_of(State.EXITING), "still_in"),
        (Reentry(3, Delay(days=30)), 2, None, None),  # gone for so long that its row is, too
    ],
)
def test_who_may_enter_again(rule: Reentry | None, entry: int, before: EnrollmentRow | None, reason: str | None) -> None:
    asked = flow.Enroll("c7", "spring", entry, "cause")
    told = refusal(asked, plan_of(reentry=rule), before, NOW)
    assert (told.data["reason"] if told else None) == reason
    if told:
        assert (told.kind, told.entry, told.cause) == ("enrollment_refused", entry, "cause")
        assert told.event_id == ids.event_id("cause", "enrollment_refused", ids.enrollment_id("c7", "spring", entry))
