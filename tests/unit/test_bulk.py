"""How many commands may be on their way on a line without a rate: as many as workers are ready with in time."""

from hypothesis import given
from hypothesis import strategies as st

from engine.bulk import EVERY, FIRST, LAG, LATEST, LEAST, MOST, MS, ROOM, Bulk

T0 = 1_770_000_000_000_000


def bound(*lags: int, short: bool = True) -> int:
    """The bound after reports of these lags, one each time that it may move."""
    bulk, now = Bulk(), T0
    for lag in lags:
        if short:
            bulk.short()
        bulk.most(lag, now)
        now += max(EVERY, lag)
    return bulk.most(0, now - 1)


def test_it_grows_while_workers_are_quick_and_somebody_wants_more() -> None:
    assert bound(150 * MS) == FIRST + FIRST // 4
    assert bound(*[150 * MS] * 100) == MOST


def test_it_does_not_grow_for_nobody() -> None:
    assert bound(*[0] * 100, short=False) == FIRST


def test_it_shrinks_as_commands_come_late() -> None:
    assert bound(2 * LAG) == FIRST // 2
    assert bound(*[10 * LAG] * 20) == LEAST


def test_between_the_two_it_stays() -> None:
    assert bound(150 * MS, ROOM, LAG) == FIRST + FIRST // 4


def test_it_moves_no_sooner_than_a_change_can_show() -> None:
    bulk = Bulk()
    assert [bulk.most(2 * LAG, T0 + i * MS) for i in range(2 * LAG // MS)] == [FIRST // 2] * (2 * LAG // MS)
    assert bulk.most(2 * LAG, T0 + 2 * LAG) == FIRST // 4


@given(st.lists(st.tuples(st.integers(0, 10_000 * MS), st.booleans()), max_size=60))
def test_it_keeps_to_its_limits(reports: list[tuple[int, bool]]) -> None:
    bulk, now = Bulk(), T0
    for lag, short in reports:
        if short:
            bulk.short()
        assert LEAST <= bulk.most(lag, now) <= MOST
        now += EVERY


def lags(bulk: Bulk, seconds: int, at_least: int, per_second: int, now: int = T0) -> tuple[list[int], int]:
    """How long commands took, one each time that the bound could move, and the time after it: `per_second` commands go through, and
    each takes `at_least` however few they are."""
    found, end = [0], now + seconds * 1_000 * MS
    while now < end:
        bulk.short()
        found.append(max(at_least, bulk.most(found[-1], now) * 1_000 * MS // per_second))
        now += max(EVERY, found[-1])
    return found, now


def test_a_slow_broker_does_not_make_it_shrink() -> None:
    """Acknowledgements of 100 ms make some 650 ms of a command's way; a smaller bound would make none of it less."""
    bulk = Bulk()
    _, now = lags(bulk, 60, 650 * MS, 1_000_000)
    assert bulk.most(650 * MS, now) > MOST * 2 // 3


def test_a_queue_behind_a_slow_broker_does() -> None:
    bulk = Bulk()
    found, _ = lags(bulk, 120, 650 * MS, 200)
    assert sum(lag > LATEST for lag in found) < len(found) * 0.25
    assert max(found[20:]) < LATEST * 1.25


def test_a_broker_that_becomes_slow_is_known_after_ten_seconds() -> None:
    bulk = Bulk()
    _, now = lags(bulk, 5, 150 * MS, 1_000_000)
    bounds = []
    for seconds in (4, 15):
        _, now = lags(bulk, seconds, 650 * MS, 1_000_000, now)
        bounds.append(bulk.most(0, now - 1))
    assert bounds[0] < MOST * 2 // 3 < bounds[1]


def test_a_queue_is_not_taken_for_a_slow_broker() -> None:
    """However long it lasts: every ten seconds it is seen to become less when the bound does."""
    found, _ = lags(Bulk(), 300, 100 * MS, 1_000)
    assert max(found[20:]) < LAG * 1.3


def test_workers_of_any_speed_end_near_the_lag_that_is_aimed_at() -> None:
    """Little's law: what is on its way is rate times lag, so a worker of 200 commands a second lags by bound / 200 seconds."""
    bulk, now, lags = Bulk(), T0, []
    for _ in range(200):
        bulk.short()
        lags.append(bulk.most(lags[-1] if lags else 0, now) * 1_000_000 // 200)
        now += EVERY
    assert all(ROOM / 2 < lag < LAG * 1.3 for lag in lags[20:])
