from msgspec.structs import replace

from cli.activity import Activity, Lateness, LineUse
from engine.time import MINUTE, SECOND, Instant
from schemas.line import Demand
from schemas.resources import Line
from tests.unit.samples import NOW, dial_of, receipt_of

MAIN = Line(id="main", calls_per_second=2, concurrency=10)


def demand_of(partition: int, at: int, writer: int = 1, **fields: object) -> Demand:
    known: dict[str, object] = {"ready": {"spring": 3}, "in_flight": 2, "oldest": None}
    return Demand(
        line="main", partition=partition, epoch=1, seen=1, lead=0, skew=0, at=at * 1000, writer=writer, **(known | fields)
    )  # type: ignore[arg-type]


def placed(times: int, at: int = NOW) -> Activity:
    activity = Activity(1.0)
    for seq in range(1, times + 1):
        activity.command(dial_of(seq), at)
        activity.receipt(receipt_of("accepted", seq), at)
    return activity


def test_requests_a_second_over_the_last_ten() -> None:
    activity = placed(5)
    assert activity.placed(NOW) == {"spring": 0.5}
    assert activity.placed(NOW + 9 * SECOND) == {"spring": 0.5}
    assert activity.placed(NOW + 10 * SECOND) == {}


def test_a_request_counts_once_and_only_if_it_was_accepted() -> None:
    activity = placed(1)
    activity.receipt(receipt_of("accepted"), NOW)
    activity.receipt(receipt_of("ended"), NOW)
    activity.command(dial_of(2), NOW)
    activity.receipt(receipt_of("rejected", 2), NOW)
    assert activity.placed(NOW) == {"spring": 0.1}


def test_a_receipt_may_be_read_before_its_command() -> None:
    activity = Activity(1.0)
    activity.receipt(receipt_of("accepted"), NOW)
    assert activity.placed(NOW) == {}
    activity.command(dial_of(), NOW)
    assert activity.placed(NOW) == {"spring": 0.1}


def test_what_is_long_gone_is_forgotten() -> None:
    activity = placed(3)
    activity.command(dial_of(7), NOW)
    activity.receipt(receipt_of("accepted", 8), NOW)
    activity.forget(NOW + MINUTE)
    activity.receipt(receipt_of("accepted", 7), NOW + MINUTE)
    activity.command(dial_of(8), NOW + MINUTE)
    assert activity.placed(NOW + MINUTE) == {}


def test_the_use_of_a_line_is_the_greater_of_its_two_shares() -> None:
    activity = placed(5)
    activity.demand(demand_of(0, NOW))
    activity.demand(demand_of(1, NOW))
    assert activity.lines([MAIN], NOW) == (LineUse("main", 0.5, 2, 4, 10, 6),)
    assert activity.lines([MAIN], NOW)[0].use == 0.4
    assert activity.lines([MAIN.model_copy(update={"concurrency": None})], NOW)[0].use == 0.25
    assert activity.lines([Line(id="main")], NOW)[0].use is None


def test_a_report_lapses_and_a_zombies_is_not_heard() -> None:
    activity = Activity(1.0)
    activity.demand(demand_of(0, NOW, writer=2))
    activity.demand(demand_of(0, NOW + SECOND, writer=1, in_flight=9))
    assert activity.lines([MAIN], NOW + 3 * SECOND)[0].in_flight == 2
    assert activity.lines([MAIN], NOW + 3 * SECOND + 1)[0].in_flight == 0


def test_each_declared_line_has_its_figures() -> None:
    activity = Activity(1.0)
    other = replace(dial_of(), slot=replace(dial_of().slot, line="b"))
    activity.command(other, NOW)
    activity.receipt(receipt_of("accepted"), NOW)
    assert [(use.line, use.placed) for use in activity.lines([MAIN, Line(id="b")], NOW)] == [("b", 0.1), ("main", 0.0)]


def test_lateness_is_real_time_of_the_last_minute() -> None:
    activity = Activity(60.0)
    assert activity.lateness() is None
    activity.late([(Instant(0), 60 * by) for by in range(100)], NOW)
    assert activity.lateness() == Lateness(100, 50, 99, 99)
    activity.forget(NOW + MINUTE + 1)
    assert activity.lateness() is None


def test_a_provider_that_fails_is_told_of_as_long_as_workers_say_so() -> None:
    activity = Activity(1.0)
    activity.demand(demand_of(0, NOW))
    assert activity.failing(NOW) is None
    activity.demand(demand_of(0, NOW, failing=NOW + 2_000))
    activity.demand(demand_of(1, NOW, failing=NOW + 1_000))
    assert activity.failing(NOW) == NOW + 1_000
    assert activity.failing(NOW + 4 * SECOND) is None, "reports lapse"
    activity.demand(demand_of(0, NOW + 1, writer=2))
    activity.demand(demand_of(1, NOW + 1, writer=2))
    assert activity.failing(NOW + 1) is None


def test_commands_that_take_longer_than_slots_are_told_of() -> None:
    activity = Activity(1.0)
    activity.demand(demand_of(0, NOW, lag=875_000))
    assert activity.slow(NOW) is None
    activity.demand(demand_of(1, NOW, lag=915_400))
    assert activity.slow(NOW) == 915
    assert activity.slow(NOW + 4 * SECOND) is None, "reports lapse"
