"""Campaigns on one line: weights, priorities, calls at a time, budgets of a day."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pacing import LinePacer
from engine.quotas import MILLION, PRIORITIES, UNPRICED, Budget, Quota, affordable, room, today, used_up
from engine.standing import MS, SECOND, Standing
from schemas.line import Demand, Grant, Spent
from schemas.resources import Line

T0 = 1_770_000_000 * SECOND
TODAY, TOMORROW = 1_769_990_400_000, 1_770_076_800_000


class World:
    """A line that was taken over long ago, its partitions, and campaigns that have somebody to call in each of them.

    Grants are seen by the next report; calls stay in flight until they are taken off `calls`.
    """

    def __init__(self, quotas: dict[str, Quota], ready: int = 5_000, partitions: int = 1, **line: Any) -> None:
        fields = {"calls_per_second": None, "concurrency": None} | line
        self.quotas, self.line, self.now = quotas, Line(id="main", **fields), T0
        self.pacer = LinePacer("main", lambda _: self.line, self.quotas.get, partitions, 7, T0 - 60 * SECOND)
        self.ready = [dict.fromkeys(quotas, ready) for _ in range(partitions)]
        self.calls: list[Counter[str]] = [Counter() for _ in range(partitions)]
        self.spent: list[dict[str, Spent]] = [{} for _ in range(partitions)]
        self.seen = [0] * partitions
        self.got: Counter[str] = Counter()

    def report(self, p: int, **changes: Any) -> None:
        fields = {
            "ready": self.ready[p], "open": +self.calls[p], "spent": self.spent[p], "seen": self.seen[p], "epoch": 7,
            "in_flight": self.calls[p].total(),
        } | changes  # fmt: skip
        self.pacer.report(Demand(line="main", partition=p, oldest=None, lead=0, skew=0, at=self.now, writer=1, **fields), self.now)

    def turn(self, us: int = 20 * MS) -> list[Grant]:
        """Everybody reports, and what is granted is used."""
        self.now += us
        for p in range(len(self.ready)):
            self.report(p)
        grants = [grant for grant in self.pacer.grant(self.now) if grant.n]
        for grant in grants:
            assert grant.campaign is not None
            self.seen[grant.partition] = grant.number
            self.ready[grant.partition][grant.campaign] -= grant.n
            self.calls[grant.partition][grant.campaign] += grant.n
            self.got[grant.campaign] += grant.n
        return grants


@pytest.mark.parametrize("rate", [1, 10, 50, 200])
def test_three_to_one_within_two_percent_over_a_thousand_calls(rate: int) -> None:
    world = World({"big": Quota(3), "small": Quota(1)}, calls_per_second=rate, partitions=12)
    while world.got.total() < 1_000:
        world.turn(max(20 * MS, SECOND // rate // 2))
    assert world.got["big"] == pytest.approx(0.75 * world.got.total(), rel=0.02)


def test_three_to_one_of_calls_at_a_time() -> None:
    """On a line without a rate, each call that ends makes room for the next of whoever's turn it is."""
    world = World({"big": Quota(3), "small": Quota(1)}, concurrency=20, partitions=3)
    for turn in range(2_000):
        p = turn % 3
        for name in [name for name, n in world.calls[p].items() if n][:1]:
            world.calls[p][name] -= 1
        world.turn()
    assert world.got.total() > 1_000
    assert world.got["big"] == pytest.approx(0.75 * world.got.total(), rel=0.02)


def test_a_campaign_of_three_people_does_not_wait_for_one_of_a_million() -> None:
    world = World({"big": Quota(), "small": Quota()}, calls_per_second=10, partitions=2)
    world.ready[1]["small"] = 3
    world.ready[0]["small"] = 0
    while world.got["small"] < 3:
        world.turn()
    assert world.got["big"] <= 4


def test_low_priority_is_slow_and_is_never_left_out() -> None:
    quotas = {"urgent": Quota(PRIORITIES["high"]), "idle": Quota(PRIORITIES["low"])}
    world = World(quotas, calls_per_second=200)
    while world.got.total() < 2_020:
        world.turn()
    assert world.got["idle"] == pytest.approx(20, abs=1)


def test_what_one_campaign_does_not_use_the_others_have() -> None:
    world = World({"big": Quota(100), "small": Quota(1)}, calls_per_second=50)
    world.ready[0]["big"] = 5
    for _ in range(100):
        world.turn()
    assert world.got["big"] == 5
    assert world.got["small"] >= 90


def test_calls_at_a_time_of_a_campaign() -> None:
    world = World({"few": Quota(concurrency=3), "many": Quota()}, partitions=2, calls_per_second=100)
    for _ in range(50):
        world.turn()
    assert world.got["few"] == 3
    assert world.got["many"] > 50
    world.calls[0]["few"] = world.calls[1]["few"] = 0
    for _ in range(10):
        world.turn()
    assert world.got["few"] == 6


def test_a_limited_campaign_waits_until_all_partitions_have_answered() -> None:
    world = World({"few": Quota(concurrency=3), "many": Quota()}, partitions=2)
    world.now += MS
    world.report(0)
    assert {grant.campaign for grant in world.pacer.grant(world.now) if grant.n} == {"many"}
    world.report(1, open={"few": 2}, in_flight=2)
    assert Counter(grant.campaign for grant in world.pacer.grant(world.now) if grant.n for _ in range(grant.n))["few"] == 1


def test_a_campaign_that_the_owner_does_not_know_yet_gets_nothing() -> None:
    world = World({"known": Quota()})
    world.ready[0]["new"] = 5
    world.turn()
    assert set(world.got) == {"known"}
    world.quotas["new"] = Quota()
    world.turn()
    assert world.got["new"] == 5


def test_calls_that_stay_free_for_people_who_call_in() -> None:
    world = World({"spring": Quota()}, concurrency=10, inbound=4)
    world.turn()
    assert world.got["spring"] == 6


# --- budgets ---


def spent(calls: int = 0, cost: int = 0, day: int = TODAY, priced: int = 0, price: int = 0) -> Spent:
    return Spent(day, calls, cost, priced, price)


def report_of(used: Spent) -> Demand:
    """Of a partition with nothing under way."""
    return Demand(
        line="main", partition=0, epoch=7, seen=0, ready={"spring": 9}, oldest=None, in_flight=0, spent={"spring": used}, lead=0,
        skew=0, at=T0, writer=1,
    )  # fmt: skip


def test_a_budget_of_calls_holds_over_partitions_and_calls_in_flight() -> None:
    world = World({"spring": Quota(budget=Budget(calls=20))}, partitions=2)
    world.spent = [{"spring": spent(calls=7)}, {"spring": spent(calls=5)}]
    world.turn()
    assert world.got["spring"] == 8
    world.turn()
    assert world.got["spring"] == 8


def test_a_call_that_never_rang_leaves_its_place_in_the_budget() -> None:
    world = World({"spring": Quota(budget=Budget(calls=20))})
    world.spent = [{"spring": spent(calls=18)}]
    world.turn()
    world.calls[0].clear()  # one was placed, one was not
    world.spent = [{"spring": spent(calls=19)}]
    world.turn()
    assert world.got["spring"] == 3


def test_a_new_day_begins_with_the_first_who_reports_it() -> None:
    world = World({"spring": Quota(budget=Budget(calls=20))}, partitions=2)
    world.spent = [{"spring": spent(calls=12)}, {"spring": spent(calls=8)}]
    world.turn()
    assert not world.got
    world.spent[0] = {"spring": spent(day=TOMORROW)}
    world.turn()
    assert world.got["spring"] == 20


def test_money_is_reckoned_at_the_mean_of_calls_that_are_known() -> None:
    """A call costs 0.05; of 2.00 there is 1.00 left: 20 calls, those under way included."""
    world = World({"spring": Quota(budget=Budget(money=2 * MILLION))}, calls_per_second=1_000)
    world.spent = [{"spring": spent(calls=20, cost=MILLION, priced=400, price=20 * MILLION)}]
    for _ in range(20):
        world.turn()
    assert world.got["spring"] == 20


def test_while_no_cost_is_known_a_few_calls_at_a_time() -> None:
    world = World({"spring": Quota(budget=Budget(money=2 * MILLION))}, calls_per_second=1_000)
    for _ in range(20):
        world.turn()
    assert world.got["spring"] == UNPRICED


def test_money_that_is_used_up_buys_nothing() -> None:
    assert affordable(0, spent(priced=1)) == 0
    assert affordable(-5, spent()) == 0
    assert affordable(100, spent(priced=3, price=60)) == 5
    assert affordable(100, spent(priced=3)) >= 100  # calls that cost nothing


def test_what_is_used_up_is_told() -> None:
    assert used_up(Budget(calls=500), spent(calls=499)) is None
    assert used_up(Budget(calls=500), spent(calls=500)) == "500 of 500 calls of today"
    assert used_up(Budget(500, 20 * MILLION), spent(calls=3, cost=20_040_000)) == "20.04 of 20.00 of today's money"
    near = spent(calls=3, cost=19_990_000, priced=100, price=2 * MILLION)
    assert used_up(Budget(500, 20 * MILLION), near) == "19.99 of 20.00 of today's money, and a call costs about 0.02"


money_ = st.integers(0, 10**9)


@given(st.integers(1, 10**9), st.builds(spent, st.integers(0, 9), money_, st.just(TODAY), st.integers(0, 50), money_))
def test_what_stops_for_the_day_is_told_of(money: int, used: Spent) -> None:
    """With nothing under way, either there is room for a call, or the budget is used up."""
    part = Standing(report=report_of(used), joined=True)
    assert (room("spring", Quota(budget=Budget(money=money)), [part]) == 0) is (used_up(Budget(money=money), used) is not None)


def test_partitions_that_have_not_reported_today_have_used_nothing() -> None:
    figures = [spent(calls=5, cost=7, priced=2, price=8), None, spent(calls=2, cost=1, day=TOMORROW, priced=1, price=1)]
    assert today(figures) == spent(calls=2, cost=1, day=TOMORROW, priced=3, price=9)
    assert today([]) == spent(day=0)


@given(
    st.dictionaries(
        st.sampled_from("abcd"), st.builds(Quota, st.sampled_from([0.1, 1.0, 30.0]), st.none() | st.integers(1, 9)), min_size=1
    ),
    st.none() | st.integers(1, 20),
    st.sampled_from([None, 1, 20, 500]),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcd"), st.integers(1, 9)), max_size=60),
)
def test_nobody_has_more_calls_at_a_time_than_they_may(
    quotas: dict[str, Quota], concurrency: int | None, rate: float | None, endings: list[tuple[int, str, int]]
) -> None:
    world = World(quotas, ready=40, partitions=3, concurrency=concurrency, calls_per_second=rate)
    for p, name, n in endings:
        world.turn(300 * MS)
        calls = sum(world.calls, Counter[str]())
        assert concurrency is None or calls.total() <= concurrency
        assert all(quota.concurrency is None or calls[each] <= quota.concurrency for each, quota in quotas.items())
        world.calls[p][name] = max(0, world.calls[p][name] - n)
