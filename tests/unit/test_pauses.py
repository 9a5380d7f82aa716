"""What a pause makes of steps that fell due in it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.pauses import MOST, bounded, consequential, due_after, expired, let_out, moved
from engine.time import DAY, HOUR, MINUTE, Instant
from schemas.campaign import Pause
from schemas.rows import State
from tests.unit.samples import NOW, row_of

BEGIN, END = NOW, Instant(NOW + 6 * HOUR)
SHIFT = Pause(begin=BEGIN, end=END, policy="shift")
EXPIRE = Pause(begin=BEGIN, end=END, policy="expire", older=2 * HOUR)
RAMP = Pause(begin=BEGIN, end=END, ramp=10 * MINUTE)
HOLD = Pause(begin=BEGIN, end=END)


@pytest.mark.parametrize(
    ("due", "after"),
    [
        (BEGIN - 1, BEGIN - 1),  # was overdue when the pause began, and stays so
        (BEGIN, END),
        (BEGIN + HOUR, END + HOUR),
        (END - 1, END + 6 * HOUR - 1),
        (END, END),
        (END + DAY, END + DAY),
    ],
)
def test_shift_moves_what_fell_due_in_the_pause_by_its_length(due: int, after: int) -> None:
    assert due_after(Instant(due), (SHIFT,)) == after


def test_hold_and_expire_leave_due_instants_alone_as_does_a_pause_that_lasts() -> None:
    for pause in (HOLD, EXPIRE, RAMP, Pause(begin=BEGIN, policy="shift")):
        assert due_after(Instant(BEGIN + HOUR), (pause,)) == BEGIN + HOUR


def test_what_a_shift_moves_into_another_pause_moves_on() -> None:
    second = Pause(begin=END + HOUR, end=END + 2 * HOUR, policy="shift")
    assert due_after(Instant(BEGIN + HOUR), (SHIFT, second)) == END + 2 * HOUR
    assert due_after(Instant(BEGIN), (SHIFT, second)) == END


@pytest.mark.parametrize(
    ("due", "is_skipped"),
    [
        (BEGIN - DAY, True),  # was overdue: the pause has held it up for all of its length
        (BEGIN, True),
        (END - 2 * HOUR - 1, True),
        (END - 2 * HOUR, False),  # exactly so long is not longer
        (END - 1, False),
        (END, False),
        (END + HOUR, False),
    ],
)
def test_expire_skips_what_the_pause_has_held_up_for_longer(due: int, is_skipped: bool) -> None:
    assert expired(Instant(due), (EXPIRE,)) is is_skipped


def test_a_short_pause_expires_nothing_however_old() -> None:
    assert not expired(Instant(BEGIN - 30 * DAY), (Pause(begin=BEGIN, end=BEGIN + HOUR, policy="expire", older=2 * HOUR),))
    assert not expired(Instant(BEGIN), (SHIFT, HOLD, RAMP))


def test_a_ramp_lets_the_overdue_out_ever_faster() -> None:
    """A tenth of the time in, a hundredth is out; at half time, a quarter; all by its end."""
    people = [replace(row_of(State.WAITING, due=BEGIN + HOUR), enrollment_id=f"e{n}") for n in range(10_000)]
    times = sorted(let_out(row, (RAMP,)) - END for row in people)
    assert times[0] >= 0
    assert times[-1] < RAMP.ramp
    assert sum(t < RAMP.ramp / 10 for t in times) == pytest.approx(100, abs=40)
    assert sum(t < RAMP.ramp / 2 for t in times) == pytest.approx(2_500, abs=150)


def test_a_ramp_is_for_the_overdue_alone_and_always_says_the_same() -> None:
    later = row_of(State.WAITING, due=END)
    assert let_out(later, (RAMP,)) == END
    overdue = row_of(State.WAITING, due=BEGIN - DAY)
    assert let_out(overdue, (RAMP,)) == let_out(overdue, (RAMP,)) > overdue.due
    assert let_out(overdue, (HOLD,)) == overdue.due


def test_only_rows_that_wait_are_moved_and_their_first_due_instant_moves_along() -> None:
    waiting = row_of(State.WAITING, due=BEGIN + HOUR, fell_due=BEGIN)
    after = moved(waiting, (SHIFT,))
    assert (after.due, after.fell_due) == (END + HOUR, END)
    assert moved(waiting, (HOLD,)) is waiting
    issued = row_of(State.ISSUED, due=BEGIN + HOUR)
    assert moved(issued, (SHIFT,)) is issued


def test_a_call_that_was_promised_is_not_moved_and_does_not_wait_on_a_ramp() -> None:
    promised = row_of(State.WAITING, due=BEGIN + HOUR, promised=True)
    assert moved(promised, (SHIFT,)) is promised
    assert moved(promised, (Pause(begin=0, end=END, policy="draft"),)).due == END  # nobody could be late before the start
    assert let_out(promised, (RAMP,)) == promised.due


def test_pauses_without_consequences_cost_nothing_and_go_first() -> None:
    assert consequential([HOLD, SHIFT, EXPIRE, RAMP, Pause(begin=END)]) == (SHIFT, EXPIRE, RAMP)
    many = [SHIFT, *[HOLD] * MOST, EXPIRE]
    assert bounded(many) == [SHIFT, EXPIRE]
    assert bounded([SHIFT] * (MOST + 7)) == [SHIFT] * MOST
    lasting = Pause(begin=END)
    assert bounded([HOLD] * MOST + [lasting]) == [lasting]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Pause, ...]:
    """Pauses one behind the other."""
    edges = sorted(draw(st.lists(st.integers(0, 1_000), min_size=2, max_size=10, unique=True)))
    policies = st.sampled_from(("hold", "shift", "expire"))
    return tuple(
        Pause(begin=a, end=b, policy=draw(policies), older=draw(st.integers(0, 300)), ramp=draw(st.sampled_from((0, 50))))
        for a, b in list(pairwise(edges))[::2]
    )


@given(histories(), st.integers(0, 1_200))
def test_nothing_becomes_due_earlier_or_inside_a_pause_that_shifts_and_asking_again_changes_nothing(
    pauses: tuple[Pause, ...], due: int
) -> None:
    after = due_after(Instant(due), pauses)
    assert after >= due
    assert due_after(after, pauses) == after
    assert not any(p.policy == "shift" and p.end is not None and p.begin <= after < p.end for p in pauses)
    assert due_after(Instant(due), consequential(pauses)) == after
    assert expired(Instant(due), consequential(pauses)) == expired(Instant(due), pauses)


@given(histories(), st.integers(0, 1_200), st.integers(0, 1_200))
def test_a_shift_keeps_the_order_of_steps_of_one_pause(pauses: tuple[Pause, ...], a: int, b: int) -> None:
    shifts = [p for p in pauses if p.policy == "shift"][:1]
    inside = [d for d in (a, b) if shifts and shifts[0].begin <= d < (shifts[0].end or 0)]
    if len(inside) == 2:
        first, second = (due_after(Instant(d), shifts) for d in sorted(inside))
        assert second - first == abs(a - b)


def test_before_the_start_nobody_is_due_and_so_nobody_is_late() -> None:
    draft = Pause(begin=0, end=1_000, policy="draft")
    assert [due_after(Instant(due), (draft,)) for due in (0, 1, 999, 1_000, 2_000)] == [0, 1_000, 1_000, 1_000, 2_000]
