from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bulk import FIRST, LEAST
from engine.owner import Pacer
from engine.pacing import RUN, LinePacer
from engine.quotas import Quota
from engine.shares import share
from engine.spacing import HORIZON, WINDOW, gcra, interval
from engine.standing import LAPSE, MAX_SKEW, MS, SECOND
from schemas.line import Demand, Grant
from schemas.resources import Line

T0 = 1_770_000_000 * SECOND
LONG_AGO = T0 - 60 * SECOND


def unlimited(_campaign: str) -> Quota:
    """No campaign is limited."""
    return Quota()


def demand(partition: int = 0, ready: int = 0, at: int = T0, **changes: int) -> Demand:
    fields: dict[str, Any] = {"epoch": 7, "seen": 0, "in_flight": 0, "lead": 0, "skew": 0, "writer": 1} | changes
    return Demand(line="main", partition=partition, ready={"spring": ready}, oldest=None, at=at, **fields)


def settings_of(name: str, rate: float | None = None, concurrency: int | None = None) -> Line:
    return Line(id=name, calls_per_second=rate, concurrency=concurrency)


def pacer(rate: float | None = None, concurrency: int | None = None, partitions: int = 1, since: int = LONG_AGO) -> LinePacer:
    line = settings_of("main", rate, concurrency)
    return LinePacer("main", lambda _: line, unlimited, partitions, 7, since)


def slots(grants: list[Grant]) -> list[int]:
    return [slot.start for grant in grants for slot in grant.slots()]


def per_partition(grants: list[Grant]) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for grant in grants:
        counts[grant.partition] += grant.n
    return +counts


def test_gcra_catches_nothing_up() -> None:
    assert gcra(tat=0, now=100, interval=10) == (100, 110)
    assert gcra(tat=110, now=105, interval=10) == (110, 120)
    assert gcra(tat=110, now=500, interval=10) == (500, 510)


def test_the_worked_example() -> None:
    line = pacer(rate=10)
    line.report(demand(ready=100, skew=2 * MS), T0)
    assert slots(line.grant(T0)) == [T0 + 50 * MS]
    assert line.next_wake(T0) == T0 + 89_700
    assert slots(line.grant(T0 + 89_700)) == [T0 + 151_700]
    assert slots(line.grant(T0 + 400 * MS)) == [T0 + 450 * MS]


def test_a_partition_gets_one_run() -> None:
    line = pacer(rate=200)
    line.report(demand(ready=100), T0)
    runs = [grant for grant in line.grant(T0) if grant.n]
    assert [(g.t0, g.step, g.n, g.width, g.number) for g in runs] == [(T0 + 50 * MS, 5_075, 5, 5 * MS, 1)]


def test_no_more_is_granted_than_is_ready_until_the_next_report() -> None:
    line = pacer(rate=200)
    line.report(demand(ready=3), T0)
    assert len(slots(line.grant(T0))) == 3
    assert slots(line.grant(T0 + SECOND)) == []
    assert line.next_wake(T0 + SECOND) is None
    line.report(demand(ready=3, at=T0 + 100 * MS), T0 + SECOND)  # had not seen the grant
    assert slots(line.grant(T0 + SECOND)) == []
    line.report(demand(ready=2, at=T0 + SECOND + 1, seen=1), T0 + SECOND + 1)
    assert len(slots(line.grant(T0 + SECOND + 1))) == 2


def test_a_grant_that_was_never_seen_is_void_once_no_clock_allows_it() -> None:
    line = pacer(concurrency=2)
    line.report(demand(ready=2), T0)
    end = max(grant.t0 + grant.width for grant in line.grant(T0))
    line.report(demand(ready=2, at=end + MAX_SKEW, writer=2, epoch=0), end)
    assert slots(line.grant(end)) == []
    line.report(demand(ready=2, at=end + MAX_SKEW + 1, writer=2, epoch=0), end)
    assert len(slots(line.grant(end))) == 2


def test_a_report_lapses() -> None:
    line = pacer(rate=1)
    line.report(demand(ready=9), T0)
    assert slots(line.grant(T0 + LAPSE + 1)) == []


def test_older_reports_and_zombies_are_refused() -> None:
    line = pacer(rate=1)
    line.report(demand(ready=0, at=T0, writer=2), T0)
    line.report(demand(ready=9, at=T0 - 1, writer=2), T0)
    line.report(demand(ready=9, at=T0 + 1, writer=1), T0)
    line.report(demand(partition=5, ready=9), T0)  # no such partition
    assert slots(line.grant(T0)) == []


def test_a_clock_too_far_off_gets_nothing() -> None:
    line = pacer(rate=1, partitions=2)
    line.report(demand(0, ready=9, skew=MAX_SKEW + 1), T0)
    line.report(demand(1, ready=9, skew=-MAX_SKEW), T0)
    assert per_partition(line.grant(T0)) == {1: 1}
    line.report(demand(1, ready=9, skew=-MAX_SKEW - 1, at=T0 + 1), T0)
    assert slots(line.grant(T0 + 5 * SECOND)) == []


def test_everybody_is_told_the_epoch_once() -> None:
    line = pacer(rate=1, partitions=3)
    line.report(demand(1), T0)
    assert [(g.partition, g.epoch, g.n, g.number) for g in line.grant(T0)] == [(0, 7, 0, 0), (1, 7, 0, 0), (2, 7, 0, 0)]
    assert line.grant(T0 + 10 * SECOND) == []


def test_a_partition_that_goes_on_reporting_a_lower_epoch_is_told_again() -> None:
    line = pacer(rate=1)
    line.report(demand(epoch=3), T0)
    line.grant(T0)
    assert line.next_wake(T0) == T0 + SECOND
    assert [g.epoch for g in line.grant(T0 + SECOND)] == [7]
    line.report(demand(at=T0 + SECOND), T0 + SECOND)
    assert line.next_wake(T0 + SECOND) is None


def test_a_higher_epoch_is_overtaken_and_waited_for() -> None:
    line = pacer(rate=5)
    line.report(demand(ready=9), T0)
    assert len(slots(line.grant(T0))) == 1
    line.report(demand(ready=9, epoch=20, at=T0 + 1), T0)
    assert [(g.epoch, g.n) for g in line.grant(T0)] == [(21, 0)]
    line.report(demand(ready=9, epoch=21, at=T0 + 2), T0)
    wake = line.next_wake(T0 + SECOND)
    assert wake is not None
    assert slots(line.grant(wake))[0] >= T0 + HORIZON + MAX_SKEW + interval(5, 0)


def test_a_new_owner_leaves_a_second() -> None:
    for rate in (None, 100.0):
        line = pacer(rate=rate, since=T0)
        line.report(demand(ready=9), T0)
        assert slots(line.grant(T0)) == []
        wake = line.next_wake(T0)
        assert wake is not None
        assert min(slots(line.grant(wake))) >= T0 + SECOND


def test_concurrency_waits_for_every_partition() -> None:
    line = pacer(concurrency=3, partitions=2)
    line.report(demand(0, ready=9), T0)
    line.report(demand(1, epoch=0, in_flight=1), T0)
    assert slots(line.grant(T0)) == []
    line.report(demand(1, in_flight=1, at=T0 + 1), T0)
    assert len(slots(line.grant(T0))) == 2
    assert slots(line.grant(T0)) == []  # two under way, one in flight
    line.report(demand(0, ready=7, seen=1, in_flight=1, at=T0 + 1), T0)
    assert len(slots(line.grant(T0))) == 1


def test_a_lapsed_partition_keeps_its_calls_in_flight() -> None:
    line = pacer(concurrency=3, partitions=2)
    line.report(demand(0, in_flight=2), T0)
    later = T0 + 10 * SECOND
    line.report(demand(1, ready=9, at=later), later)
    assert len(slots(line.grant(later))) == 1


def test_a_line_without_a_rate_gets_whole_intervals() -> None:
    line = pacer(partitions=2)
    line.report(demand(0, ready=5_000), T0)
    line.report(demand(1, ready=5), T0)
    grants = [g for g in line.grant(T0) if g.n]
    assert per_partition(grants) == {0: FIRST, 1: 5}
    assert all((g.t0, g.step, g.width) == (T0, 0, HORIZON) and g.n <= RUN for g in grants)
    assert line.next_wake(T0) is None  # until a report has seen them


def test_commands_on_their_way_are_held_against_bulk() -> None:
    line = pacer()
    line.report(demand(ready=5_000, waiting=FIRST - 7), T0)
    assert per_partition(line.grant(T0)) == {0: 7}


@pytest.mark.parametrize("rate", [None, 50])
def test_workers_that_lag_behind_all_slots_get_one_at_a_time(rate: float | None) -> None:
    line = pacer(rate=rate)
    line.report(demand(ready=5_000, lag=2 * SECOND), T0)
    assert per_partition(line.grant(T0)) == {0: 1}


def test_workers_that_do_not_keep_up_with_the_rate_have_less_on_its_way() -> None:
    line = pacer(rate=1_000)
    for i in range(30):
        now = T0 + i * SECOND
        line.report(demand(ready=5_000, lag=850 * MS, at=now), now)
        line.grant(now)
    now += SECOND
    line.report(demand(ready=5_000, lag=850 * MS, waiting=LEAST - 3, at=now), now)
    assert per_partition(line.grant(now)) == {0: 3}


def test_lead_follows_the_slowest_and_is_bounded() -> None:
    line = pacer(rate=1)
    line.report(demand(ready=9, lead=200 * MS), T0)
    assert slots(line.grant(T0)) == [T0 + 300 * MS]
    line = pacer(rate=1)
    line.report(demand(ready=9, lead=5 * SECOND), T0)
    assert slots(line.grant(T0)) == [T0 + 875 * MS]


def test_a_slower_line_pauses_a_window() -> None:
    rates = iter([100.0, 2.0, 2.0, 2.0])
    line = LinePacer("main", lambda _: settings_of("main", next(rates)), unlimited, 1, 7, LONG_AGO)
    line.report(demand(ready=99), T0)
    last = max(slots(line.grant(T0)))
    assert slots(line.grant(T0 + MS)) == []
    wake = line.next_wake(T0 + MS)
    assert wake is not None
    line.report(demand(ready=99, at=wake), wake)
    assert slots(line.grant(wake))[0] >= last + WINDOW


def test_when_skew_grows_one_gap_grows_by_as_much() -> None:
    line = pacer(rate=4)
    starts = []
    for i in range(8):
        now = T0 + i * 250 * MS
        line.report(demand(ready=99, at=now, skew=0 if i < 3 else 40 * MS), now)
        starts += slots(line.grant(now + 20 * MS))
    assert starts[4] - starts[0] >= WINDOW + 40 * MS


def test_signed_skews_span_both_sides() -> None:
    line = pacer(rate=1, partitions=2)
    line.report(demand(0, ready=9, skew=30 * MS), T0)
    line.report(demand(1, ready=9, skew=-20 * MS), T0)
    line.grant(T0)
    assert line.next_wake(T0) == T0 + 50 * MS + WINDOW + 50 * MS - 62 * MS


def test_an_unknown_line_gets_nothing() -> None:
    owner = Pacer(lambda name: settings_of(name) if name == "main" else None, unlimited, 1, 7, LONG_AGO)
    owner.report(msgspec.structs.replace(demand(ready=1), line="gone"), T0)
    assert owner.grant(T0) == []
    assert owner.next_wake(T0) is None
    owner.report(demand(ready=1), T0)
    assert [g.line for g in owner.grant(T0)] == ["main", "main"]
    assert [g.n for g in owner.announce(T0)] == [0, 0]


wants = st.dictionaries(st.integers(0, 7), st.integers(1, 5_000), min_size=1)


@given(wants, st.data())
def test_shares_are_complete_and_within_what_is_wanted(wanted: dict[int, int], data: st.DataObject) -> None:
    credit: dict[int, float] = {}
    for _ in range(5):
        n = data.draw(st.integers(1, sum(wanted.values())))
        given_ = share(n, wanted, credit, dict.fromkeys(wanted, 0))
        assert sum(given_.values()) == n
        assert all(0 < k <= wanted[p] for p, k in given_.items())
        assert abs(sum(credit.values())) < 1e-6


@given(wants, st.integers(1, 5))
def test_nobody_starves(wanted: dict[int, int], n: int) -> None:
    """Of a backlog that stays as it is, everyone gets a slot within some turns of their fifth that is spread evenly."""
    credit: dict[int, float] = {}
    got: Counter[int] = Counter()
    for _ in range(12 * len(wanted)):
        got.update(share(min(n, sum(wanted.values())), wanted, credit, dict.fromkeys(wanted, 0)))
    assert all(got[p] for p in wanted)


@settings(max_examples=40)
@given(
    st.sampled_from([0.5, 1, 3, 10, 50, 200, 1000]),
    st.lists(st.integers(0, 8 * MS), min_size=1, max_size=20),
    st.lists(st.integers(1, 10_000), min_size=1, max_size=6),
)
def test_a_backlogged_line_is_used(rate: float, late: list[int], backlog: list[int]) -> None:
    """With ticks up to 8 ms late, all of the 1 / 1.015 that the rule allows; exactly spaced; in proportion to the backlogs, but for
    what is granted at one go."""
    line = pacer(rate=rate, partitions=len(backlog))
    granted: list[Grant] = []
    now, tick, seen = T0, 0, [0] * len(backlog)
    while now < T0 + 20 * SECOND:
        for p, ready in enumerate(backlog):
            line.report(demand(p, ready=ready + 1_000, at=now, seen=seen[p]), now)
        for grant in line.grant(now):
            granted.append(grant)
            seen[grant.partition] = grant.number
        wake = line.next_wake(now)
        assert wake is not None
        now, tick = min(wake, now + SECOND) + late[tick % len(late)], tick + 1
    starts = slots(granted)
    assert all(b - a >= interval(rate, 0) for a, b in pairwise(starts))
    possible = (starts[-1] - starts[0]) / SECOND * rate + 1
    assert len(starts) >= 0.97 * possible
    total = sum(ready + 1_000 for ready in backlog)
    counts = per_partition(granted)
    for p, ready in enumerate(backlog):
        fair = len(starts) * (0.8 * (ready + 1_000) / total + 0.2 / len(backlog))
        assert abs(counts.get(p, 0) - fair) <= 3 + rate / 25
