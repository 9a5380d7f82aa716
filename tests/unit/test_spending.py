"""What a campaign has used of its day, from people's attempts."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.quotas import Budget
from engine.spending import KEPT, QUARTER, Spending, exhausted
from engine.time import DAY, HOUR, Instant
from schemas.line import Spent
from schemas.rows import Attempt, Profile

NY = "America/New_York"


def at(*clock: int) -> Instant:
    return Instant(int(datetime(2026, *clock, tzinfo=UTC).timestamp()) * 1000)


NOON = at(6, 3, 16)  # in New York, Wednesday
MIDNIGHT = at(6, 3, 4)


def attempt(when: int, name: str = "d1", campaign: str = "spring", channel: str = "call", cost: int | None = None) -> Attempt:
    return Attempt(when, campaign, channel, name, None, cost)


def of(*attempts: Attempt) -> Profile:
    return Profile(contact_id="c7", attempts=attempts)


def test_the_day_is_that_of_the_zone() -> None:
    tally = Spending([of(attempt(MIDNIGHT - 1, "a"), attempt(MIDNIGHT, "b"), attempt(NOON, "c", cost=50_000))])
    assert tally.spent("spring", NY, NOON) == Spent(MIDNIGHT, 2, 50_000, 1, 50_000)
    assert tally.spent("spring", "UTC", NOON) == Spent(at(6, 3), 3, 50_000, 1, 50_000)
    assert tally.spent("spring", NY, Instant(NOON + DAY)) == Spent(at(6, 4, 4), 0, 0, 1, 50_000)
    assert tally.spent("summer", NY, NOON).calls == 0


def test_messages_cost_money_and_are_no_calls() -> None:
    tally = Spending([of(attempt(NOON, "a", channel="sms", cost=7_500), attempt(NOON, "b", cost=None))])
    assert tally.spent("spring", NY, NOON) == Spent(MIDNIGHT, 1, 7_500, 0, 0)


def test_a_zone_whose_offset_has_quarters() -> None:
    """Nepal is 5:45 ahead of UTC: its day begins at 18:15."""
    start = at(6, 2, 18, 15)
    tally = Spending([of(attempt(start - 1, "a"), attempt(start, "b"))])
    assert tally.spent("spring", "Asia/Kathmandu", NOON) == Spent(start, 1, 0, 0, 0)


def test_an_attempt_that_is_undone_is_not_counted() -> None:
    tally, one, two = Spending(), of(attempt(NOON, "a")), of(attempt(NOON, "a"), attempt(NOON, "b", cost=3))
    for old, new in ((None, one), (one, two), (two, one), (one, replace(one, phone="+12125550101"))):
        tally.watch(old, new)
    assert tally.spent("spring", NY, NOON) == Spent(MIDNIGHT, 1, 0, 0, 0)
    tally.watch(one, None)
    assert tally.spent("spring", NY, NOON).calls == 0


@given(st.lists(st.tuples(st.integers(0, 3 * 24 * 60), st.booleans()), max_size=80))
def test_a_tally_that_is_kept_is_the_one_that_is_made_anew(steps: list[tuple[int, bool]]) -> None:
    """Minutes that pass before each attempt; whether the day is asked for in between."""
    kept, before, now = Spending(), Profile(contact_id="c7"), NOON
    for n, (minutes, asked) in enumerate(steps):
        now = Instant(now + minutes * 60_000)
        recent = tuple(each for each in before.attempts if each.at > now - 31 * DAY)
        after = replace(before, attempts=(*recent, attempt(now, f"d{n}", cost=n)))
        kept.watch(before, after)
        before = after
        if asked:
            assert kept.spent("spring", NY, now) == Spending([before]).spent("spring", NY, now)
    assert kept.spent("spring", NY, now) == Spending([before]).spent("spring", NY, now)


def test_what_no_day_looks_back_to_is_forgotten() -> None:
    tally = Spending()
    for n in range(5 * KEPT):
        tally.add(attempt(NOON + n * QUARTER, f"d{n}"))
    end = Instant(NOON + 5 * KEPT * QUARTER - 1)
    assert len(tally._quarters["spring"]) <= 2 * KEPT
    assert tally.spent("spring", NY, end).calls == (end + 1 - tally.spent("spring", NY, end).day) // QUARTER


def test_until_when_a_budget_is_used_up() -> None:
    budget, spent = Budget(calls=2, zone=NY), Spent(MIDNIGHT, 2, 0)
    assert exhausted(budget, spent, NOON) == ("2 of 2 calls of today", MIDNIGHT + 24 * HOUR)
    assert exhausted(budget, Spent(MIDNIGHT, 1, 0), NOON) is None
