"""What one campaign may have of its line: a weight beside the other campaigns, calls at a time, calls and money a day.

The campaign's current version says it, also for people who entered with an older one. Everything here is reckoned from what the
partitions report, as engine/pacing.py is: calls in flight, slots that no report has seen yet, what the day has used.

Money is known once a call has ended. Calls under way are therefore reckoned at the mean of the calls of the last 31 days whose
cost is known. While none is, at most UNPRICED are under way at a time, so that a first day does not spend the budget ten times.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.standing import Standing
from schemas.line import Spent

#: What a priority makes of a weight: a campaign of low priority is slow beside one of high, and never waits for ever.
PRIORITIES: dict[str, float] = {"high": 10.0, "normal": 1.0, "low": 0.1}
#: Money is reckoned in millionths of the provider's currency unit.
MILLION = 1_000_000
#: Calls under way of a campaign with a budget of money, while the cost of no call is known.
UNPRICED = 10


class Budget(NamedTuple):
    """What a campaign may use on one day of its own time zone. None: not limited."""

    calls: int | None = None
    money: int | None = None  # millionths of the provider's currency unit
    zone: str = "UTC"  # whose midnight begins the day (IANA)


class Quota(NamedTuple):
    """A campaign's part of its line. `weight` counts beside the weights of the other campaigns that have somebody to call."""

    weight: float = 1.0
    concurrency: int | None = None  # calls at a time
    budget: Budget | None = None

    @property
    def limited(self) -> bool:
        """Whether it takes every partition's figures to say how much room there is."""
        return self.concurrency is not None or self.budget is not None


#: Looks up a campaign; None: not known here yet, so that nothing is granted to it.
Quotas = Callable[[str], Quota | None]


def room(campaign: str, quota: Quota | None, parts: Iterable[Standing]) -> int | None:
    """Slots that the campaign may be given beyond those under way, 0 or more; None: not limited."""
    if quota is None:
        return 0
    if not quota.limited:
        return None
    parts = tuple(parts)
    if not all(part.joined for part in parts):
        return 0
    under_way = sum(part.in_flight_of(campaign) for part in parts)
    allowed = [] if quota.concurrency is None else [quota.concurrency]
    if quota.budget is not None:
        allowed += left(quota.budget, today(part.spent(campaign) for part in parts))
    return max(0, min(allowed, default=under_way) - under_way)


def left(budget: Budget, spent: Spent) -> list[int]:
    """How many calls more, those under way included, each limit of the budget allows today."""
    calls = [] if budget.calls is None else [budget.calls - spent.calls]
    return calls if budget.money is None else [*calls, affordable(budget.money - spent.cost, spent)]


def affordable(money: int, spent: Spent) -> int:
    """How many calls so much money pays, at the mean of those whose cost is known."""
    if money <= 0:
        return 0
    if not spent.priced:
        return UNPRICED
    return money * spent.priced // spent.price if spent.price else money


def today(figures: Iterable[Spent | None]) -> Spent:
    """The sum of what partitions report. One that has not reported since the day began has used nothing of it."""
    known = [figure for figure in figures if figure is not None]
    day = max((figure.day for figure in known), default=0)
    new = [figure for figure in known if figure.day == day]
    return Spent(
        day=day,
        calls=sum(figure.calls for figure in new),
        cost=sum(figure.cost for figure in new),
        priced=sum(figure.priced for figure in known),
        price=sum(figure.price for figure in known),
    )


def used_up(budget: Budget, spent: Spent) -> str | None:
    """`500 of 500 calls`, `20.04 of 20.00 in money`: which limit of the day is reached; None: none."""
    if budget.calls is not None and spent.calls >= budget.calls:
        return f"{spent.calls} of {budget.calls} calls of today"
    if budget.money is None or affordable(budget.money - spent.cost, spent):
        return None
    told = f"{spent.cost / MILLION:.2f} of {budget.money / MILLION:.2f} of today's money"
    return told if spent.cost >= budget.money else f"{told}, and a call costs about {spent.price / spent.priced / MILLION:.2f}"
