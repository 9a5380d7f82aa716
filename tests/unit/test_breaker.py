"""The circuit breaker of a provider: when it opens, what it tries meanwhile, when it closes; and what a worker makes of it."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import FIRST, NOW, NY, PLAN

from engine.answers import At
from engine.breaker import FIRST_PAUSE, LONGEST_PAUSE, TRIAL, TRIPS, WINDOW, Breaker, Circuit, heard, refused_until, requested
from engine.gate import Facts, decide
from engine.time import NEVER, Instant
from outdial.clock import AcceleratedClock, Anchor
from providers.port import statement
from schemas.campaign import CampaignState
from schemas.line import Demand
from schemas.receipt import Receipt
from streams.circuit import ProviderCircuit
from streams.index import ContactIndex
from streams.lead import Lead
from streams.scheduler import Scheduler

OK, FAILED = False, True


def after(*answers: bool, now: int = 0, breaker: Breaker | None = None) -> Breaker:
    breaker = breaker or Breaker()
    for failed in answers:
        breaker = heard(breaker, failed, now)
    return breaker


OPEN = after(*[FAILED] * TRIPS)


def test_it_opens_when_half_of_the_last_requests_failed() -> None:
    assert after(*[FAILED] * (TRIPS - 1)).state is Circuit.CLOSED
    assert after(*[FAILED] * (TRIPS - 1), *[OK] * (WINDOW - TRIPS + 1), *[FAILED] * (TRIPS - 1)).state is Circuit.CLOSED
    assert OPEN.state is Circuit.OPEN
    assert refused_until(OPEN, 0) == FIRST_PAUSE
    assert refused_until(OPEN, FIRST_PAUSE) is None


def test_one_request_tries_it_and_all_others_wait_for_its_answer() -> None:
    trying = requested(OPEN, FIRST_PAUSE)
    assert trying.state is Circuit.HALF_OPEN
    assert refused_until(trying, FIRST_PAUSE) == FIRST_PAUSE + TRIAL
    assert heard(trying, OK, FIRST_PAUSE + 50) == Breaker()
    again = heard(trying, FAILED, FIRST_PAUSE + 50)
    assert (again.state, refused_until(again, FIRST_PAUSE + 50)) == (Circuit.OPEN, FIRST_PAUSE + 50 + 2 * FIRST_PAUSE)


def test_a_trial_that_is_never_heard_of_is_followed_by_another() -> None:
    trying = requested(OPEN, FIRST_PAUSE)
    assert refused_until(trying, FIRST_PAUSE + TRIAL) is None
    assert refused_until(requested(trying, FIRST_PAUSE + TRIAL), FIRST_PAUSE + TRIAL) == FIRST_PAUSE + 2 * TRIAL


def test_what_was_under_way_when_it_opened_says_nothing_new() -> None:
    """Two seconds' worth of requests may time out behind the one that opened it: the pause is not doubled for each."""
    assert after(*[FAILED] * 400, *[OK] * 3, breaker=OPEN, now=500) == OPEN


def test_an_hour_of_failing_is_some_sixty_requests() -> None:
    breaker, now, asked = OPEN, 0, 0
    while now < 3_600_000:
        now = refused_until(breaker, now) or now
        breaker = heard(requested(breaker, now), FAILED, now + 10)
        asked += 1
    assert breaker.pause == LONGEST_PAUSE
    assert 60 <= asked <= 70


@given(st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from(["ask", "ok", "failed"]))))
def test_behind_a_pause_at_most_one_request_is_under_way(steps: list[tuple[int, str]]) -> None:
    breaker, now, tried_at = OPEN, 0, -TRIAL
    for passed, what in steps:
        now += passed
        if what == "ask" and refused_until(breaker, now) is None and breaker.pause:
            assert breaker.state is Circuit.OPEN or now - tried_at >= TRIAL
            breaker, tried_at = requested(breaker, now), now
        elif what != "ask":
            breaker = heard(breaker, what == "failed", now)
        assert not breaker.pause or FIRST_PAUSE <= breaker.pause <= LONGEST_PAUSE


# --- what counts ------------------------------------------------------------------------------------------------------------------


def said(kind: str, disposition: str | None = None) -> Receipt:
    return statement("d1", "+12125550101", kind, "request", disposition=disposition)


def failing(*receipts: Receipt, now: int = 0) -> ProviderCircuit:
    circuit = ProviderCircuit()
    for receipt in receipts or [said("rejected", "provider_error")] * TRIPS:
        circuit.heard(receipt, now)
    return circuit


@pytest.mark.parametrize(
    ("receipt", "closed"),
    [
        (said("rejected", "provider_error"), False),
        (said("rejected", "provider_throttled"), False),
        (said("unknown"), False),  # it timed out
        (said("accepted"), True),
        (said("rejected", "config_error"), True),  # the provider works: it is us
        (said("rejected", "invalid_number"), True),
    ],
)
def test_only_what_the_provider_fails_at_opens_it(receipt: Receipt, closed: bool) -> None:
    assert failing(*[receipt] * WINDOW).closed is closed


# --- the gate and the scheduler ---------------------------------------------------------------------------------------------------


def test_the_gate_says_when_the_provider_is_tried_again_and_nothing_while_it_works() -> None:
    facts = Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST, provider_back=Instant(NOW + 5_000))
    verdict = decide(facts, NOW)
    assert (verdict.reason, verdict.until, verdict.ends) == ("provider", At(Instant(NOW + 5_000)), None)
    assert [a.check for a in decide(Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST), NOW).answers if a.check == "provider"] == []


class Desk:
    """A scheduler with two people ready on one line, at a real instant that the test sets (ms)."""

    def __init__(self, circuit: ProviderCircuit) -> None:
        self.reports: list[Demand] = []
        self.index = ContactIndex()
        for contact in ("ann", "bob"):
            self.index.ready.add(contact, "main", "spring", Instant(0), NEVER, (("first", 1, 0), NEVER))
        self.lane: Any = SimpleNamespace(
            roomy=True, tick=lambda _fn: None, emit=self.reports.append, real_us=0, real_ms=0, skew_us=0, epoch=lambda _p: 1
        )
        heads = SimpleNamespace(subscribe=lambda _: None, subscribe_held=lambda _: None, budgets=lambda _line: ())
        clock = AcceleratedClock(Anchor(NOW, 0, 1), lambda: self.lane.real_us)
        flows: Any = SimpleNamespace(lane=self.lane, clock=clock, heads=heads, index={0: self.index}, retire=lambda _p: None)
        self.scheduler = Scheduler(flows, Lead(), circuit)

    def tick(self, at: int) -> tuple[list[dict[str, int]], float | None]:
        """What is reported at this real ms, and in how many seconds the scheduler wants to be asked again."""
        self.lane.real_ms, self.lane.real_us, self.reports[:] = at, at * 1000, []
        again = self.scheduler.tick(0, NOW)
        return [dict(report.ready) for report in self.reports], again


def test_a_scheduler_shows_no_demand_while_the_provider_fails_and_then_one_trial() -> None:
    circuit = failing(now=10_000)
    desk = Desk(circuit)
    told, again = desk.tick(10_100)
    assert told == [{}]
    assert desk.reports[0].failing == 10_000 + FIRST_PAUSE
    assert again == pytest.approx((FIRST_PAUSE - 100) / 1000)
    assert desk.tick(10_000 + FIRST_PAUSE)[0] == [{"spring": 1}]
    circuit.issued(11_000)
    assert desk.tick(11_100)[0] == [{}], "one command is on its way"
    circuit.requested(11_200)
    circuit.heard(said("accepted"), 11_250)
    assert desk.tick(11_300)[0] == [{"spring": 2}]
    assert desk.reports[0].failing is None


def test_everything_ready_stays_ready() -> None:
    desk = Desk(failing(now=10_000))
    desk.tick(10_100)
    assert desk.index.ready.demand()["main"].ready == {"spring": 2}
