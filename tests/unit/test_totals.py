"""What is left of people whose rows are tombstoned."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.totals import with_row
from schemas.rows import EnrollmentRow, Exit, State, TotalsRow


def gone(campaign: str = "spring", reason: str = "answered", attempts: int = 1) -> EnrollmentRow:
    return EnrollmentRow(
        enrollment_id="e",
        contact_id="c",
        campaign=campaign,
        entry=1,
        version=1,
        state=State.EXITED,
        attempts=attempts,
        exit=Exit(reason, "cause", 0),
    )


def test_the_first_person_of_a_partition() -> None:
    totals = with_row(TotalsRow(partition=3), gone(attempts=2))
    assert totals == TotalsRow(partition=3, exits={"spring": {"answered": 1}}, attempts={"spring": 2})


def test_the_row_before_is_not_changed() -> None:
    before = with_row(TotalsRow(partition=3), gone())
    after = with_row(before, gone(reason="opted_out"))
    assert before.exits == {"spring": {"answered": 1}}
    assert after.exits == {"spring": {"answered": 1, "opted_out": 1}}


def test_who_has_not_exited_is_refused() -> None:
    row = gone()
    row.exit = None
    with pytest.raises(ValueError, match="has not exited"):
        with_row(TotalsRow(partition=3), row)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["answered", "completed"]), st.integers(0, 9))))
def test_totals_count_everybody_once(people: list[tuple[str, str, int]]) -> None:
    totals = TotalsRow(partition=0)
    for campaign, reason, attempts in people:
        totals = with_row(totals, gone(campaign, reason, attempts))
    counted = {(c, r): n for c, reasons in totals.exits.items() for r, n in reasons.items()}
    assert counted == Counter((c, r) for c, r, _ in people)
    assert sum(totals.attempts.values()) == sum(n for _, _, n in people)
