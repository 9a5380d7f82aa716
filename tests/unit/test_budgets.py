"""Which campaigns have used up their day, as closings tell it."""

from dataclasses import replace

from cli.budgets import used_up
from cli.read import Snapshot
from cli.summary import Closings
from engine.quotas import MILLION, Budget, Quota
from engine.time import DAY, HOUR, Instant
from schemas.campaign import CampaignState
from tests.unit.samples import NOW, NY, outcome_of
from tests.unit.towns import plan, snapshot

MIDNIGHT = Instant(NOW + 14 * HOUR)  # it is ten in the morning in New York


def limited(budget: Budget | None, state: CampaignState = CampaignState.RUNNING) -> Snapshot:
    return snapshot(replace(plan("spring"), quota=Quota(budget=budget)), plan("autumn"), state=state)


def closings(*at: int, cost: int = 50_000) -> Closings:
    """Attempts at these instants."""
    found = Closings()
    for seq, attempt_at in enumerate(at):
        found.add(outcome_of("no_answer", seq, attempt_at=attempt_at, cost=cost))
    return found


def test_calls_of_today_count_once() -> None:
    plans, found = limited(Budget(calls=2, zone=NY)), closings(NOW - 11 * HOUR, NOW - HOUR)
    found.add(outcome_of("no_answer", 1, attempt_at=NOW - HOUR))  # a repeat
    found.add(outcome_of("provider_error", 7))  # no attempt
    assert used_up(plans, found.spending, NOW) == {}
    found.add(outcome_of("busy", 8, attempt_at=NOW))
    assert used_up(plans, found.spending, NOW) == {"spring": ("2 of 2 calls of today", MIDNIGHT)}
    assert used_up(plans, found.spending, MIDNIGHT) == {}


def test_money() -> None:
    plans = limited(Budget(money=MILLION // 10, zone=NY))
    assert used_up(plans, closings(NOW).spending, NOW) == {}
    told = used_up(plans, closings(NOW - 1, NOW).spending, NOW)["spring"]
    assert told == ("0.10 of 0.10 of today's money", MIDNIGHT)


def test_campaigns_that_have_ended_or_have_no_budget_are_not_told_of() -> None:
    found = closings(*range(NOW - 5, NOW)).spending
    assert used_up(limited(Budget(calls=2), CampaignState.ENDED), found, NOW) == {}
    assert used_up(limited(None), found, Instant(NOW + DAY)) == {}
