"""Which campaigns have used up their budget of the day, as closings tell it: why nobody of theirs gets a slot. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from cli.plans import Plans
from engine.errors import OutdialError
from engine.quotas import Budget
from engine.spending import Spending, exhausted
from engine.time import Instant
from schemas.campaign import CampaignState


class UsedUp(NamedTuple):
    """What is used up, in words; until when (campaign ms): the next midnight where the campaign is."""

    detail: str
    until: Instant


def used_up(plans: Plans, spending: Spending, now: Instant) -> Mapping[str, UsedUp]:
    """By campaign, of those that have a budget."""
    found = {}
    for campaign, budget in budgets(plans).items():
        if (told := exhausted(budget, spending.spent(campaign, budget.zone, now), now)) is not None:
            found[campaign] = UsedUp(*told)
    return found


def budgets(plans: Plans) -> dict[str, Budget]:
    """By campaign, of those that have one and have not ended: as their current versions say."""
    found = {}
    for head in plans.heads.values():
        if head.state is CampaignState.ENDED:
            continue
        try:
            budget = plans.plan(head.id, head.version).quota.budget
        except OutdialError:
            continue  # its version is missing, which is told where its people are
        if budget is not None:
            found[head.id] = budget
    return found
