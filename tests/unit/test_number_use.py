"""engine/number_use.py: calls of a day are counted once each, whatever is put, undone, recovered or crosses midnight."""

from typing import Any

import pytest
from msgspec.structs import replace
from samples import ENROLLMENT, NOW, PROFILE, SLOT, last_of, row_of

from engine.daily_caps import Made
from engine.days import day_of
from engine.number_use import Use
from engine.time import DAY, HOUR, MINUTE
from schemas import ids
from schemas.rows import Attempt, EnrollmentRow, Exit, Last, Open, Profile, State

CALLER, OTHER = "+12125550101", "+17165550101"
TODAY = day_of("America/New_York", NOW)
YESTERDAY = day_of("America/New_York", NOW - DAY)
REACH = 5_000
DIAL = ids.dial_id(ENROLLMENT, 1)


def attempt(at: int = NOW, caller: str | None = CALLER, channel: str = "call", dial_id: str = "d1") -> Attempt:
    return Attempt(at, "spring", channel, dial_id, caller)


def profile(*attempts: Attempt) -> Profile:
    return replace(PROFILE, attempts=attempts)


def issued(at: int = NOW, channel: str = "call", caller: str | None = CALLER) -> EnrollmentRow:
    return row_of(State.ISSUED, open=Open(DIAL, channel, "+12125550199", caller, SLOT, at))


@pytest.fixture
def use() -> Use:
    return Use(REACH)


@pytest.mark.parametrize(
    ("made", "today", "yesterday"),
    [
        (attempt(), 1, 0),
        (attempt(TODAY.start), 1, 0),
        (attempt(TODAY.start - 1), 0, 1),
        (attempt(TODAY.end), 0, 0),
        (attempt(channel="sms"), 0, 0),
        (attempt(caller=None), 0, 0),
        (attempt(caller=OTHER), 0, 0),
    ],
)
def test_calls_count_for_their_day_and_number(use: Use, made: Attempt, today: int, yesterday: int) -> None:
    use.put_profile(None, profile(made))
    assert (use.made(CALLER, TODAY), use.made(CALLER, YESTERDAY)) == (Made(today, 0), Made(yesterday, 0))


def test_a_profile_that_changes_counts_what_is_new_in_it_and_an_undone_one_nothing(use: Use) -> None:
    one, two = profile(attempt()), profile(attempt(), attempt(NOW + 1, dial_id="d2"))
    use.put_profile(None, one)
    use.put_profile(one, replace(one, phone=OTHER))
    use.put_profile(one, two)
    assert use.made(CALLER, TODAY) == Made(2, 0)
    use.put_profile(two, one)
    assert use.made(CALLER, TODAY) == Made(1, 0)


@pytest.mark.parametrize(
    ("row", "today", "yesterday"),
    [
        (issued(), 1, 0),
        (issued(TODAY.start - REACH), 1, 1),
        (issued(TODAY.start - REACH - 1), 0, 1),
        (issued(channel="sms"), 0, 0),
        (issued(caller=None), 0, 0),
        (row_of(State.WAITING), 0, 0),
    ],
)
def test_an_open_command_counts_where_its_request_may_come(use: Use, row: EnrollmentRow, today: int, yesterday: int) -> None:
    use.put_row(row.key, None, row)
    assert (use.made(CALLER, TODAY), use.made(CALLER, YESTERDAY)) == (Made(0, today), Made(0, yesterday))
    use.put_row(row.key, row, replace(row, state=State.WAITING, open=None))
    assert use.made(CALLER, TODAY) == Made(0, 0)


def test_a_command_that_closes_is_one_call(use: Use) -> None:
    row = issued()
    use.put_row(row.key, None, row)
    use.put_profile(PROFILE, profile(attempt(dial_id=DIAL)))
    use.put_row(row.key, row, replace(row, state=State.WAITING, open=None, last=last_of("first", "busy")))
    assert use.made(CALLER, TODAY) == Made(1, 0)


def closed(disposition: str = "busy", at: int = NOW - MINUTE, channel: str = "call") -> EnrollmentRow:
    return row_of(State.WAITING, seq=2, last=Last("first", channel, disposition, at, DIAL))


def left(reason: str = "answered", cause: str = ids.event_id(DIAL, "outcome", DIAL), **fields: Any) -> EnrollmentRow:
    return row_of(State.EXITED, **({"seq": 2, "exit": Exit(reason, cause, NOW - MINUTE)} | fields))


@pytest.mark.parametrize(
    ("row", "doubted"),
    [
        (closed(), True),
        (left(), True),
        (left("completed"), True),
        (closed("provider_error"), False),  # it never rang
        (closed(channel="sms"), False),
        (closed(at=NOW - 3 * DAY), False),
        (left("opted_out", cause="a letter"), False),
        (left("suppressed"), False),
        (row_of(State.WAITING), False),
    ],
)
def test_a_closing_that_the_profile_lacks_counts_for_all_numbers_until_it_is_there(
    use: Use, row: EnrollmentRow, doubted: bool
) -> None:
    use.doubt(row, PROFILE, NOW)
    assert use.made(CALLER, TODAY) == use.made(OTHER, TODAY) == Made(0, int(doubted))
    use.put_profile(PROFILE, profile(attempt(dial_id=DIAL)))
    assert (use.made(CALLER, TODAY), use.made(OTHER, TODAY)) == (Made(1, 0), Made(0, 0))


def test_a_closing_that_the_profile_has_is_in_no_doubt(use: Use) -> None:
    known = profile(attempt(dial_id=DIAL))
    use.put_profile(None, known)
    use.doubt(closed(), known, NOW)
    assert use.made(OTHER, TODAY) == Made(0, 0)


def test_what_is_days_old_is_thrown_away_and_what_is_not_is_kept(use: Use) -> None:
    """A number that calls all day long, for a year."""
    for n in range(365 * 24 * 4):
        use.put_profile(None, profile(attempt(NOW - 365 * DAY + n * 15 * MINUTE, dial_id=str(n))))
    assert use.made(CALLER, day_of("UTC", NOW - 15 * HOUR - 1)) == Made(96, 0)
    assert sum(len(each) for each in use._quarters.values()) <= 3 * 96
