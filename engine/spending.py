"""What campaigns have used of their daily budgets: derived from people's attempts, by the quarter of an hour.

Every zone's midnight lies on a quarter of an hour of UTC, so one tally serves any day of any zone, also when a new version of the
campaign moves it to another zone or gives it its first budget. Attempts know who was called, when, and what it cost; whoever loses
the tally makes it anew from them.
"""

from collections import defaultdict
from collections.abc import Iterable

from engine.days import day_of
from engine.quotas import Budget, used_up
from engine.time import MINUTE, Instant
from schemas.line import Spent
from schemas.rows import Attempt, Profile

QUARTER = 15 * MINUTE
#: Quarters of a campaign that are kept: more than two days, for no day that is asked for began earlier.
KEPT = 240


class _Used:
    """Calls, and money in millionths: of a quarter, of a day, of all that is known."""

    __slots__ = ("calls", "cost", "price", "priced")

    def __init__(self) -> None:
        self.calls, self.cost, self.priced, self.price = 0, 0, 0, 0

    def add(self, attempt: Attempt, sign: int) -> None:
        call, cost = attempt.channel == "call", attempt.cost or 0
        self.calls += sign * call
        self.cost += sign * cost
        if call and attempt.cost is not None:
            self.priced += sign
            self.price += sign * cost


class Spending:
    """The tally of one partition's people. `spent` costs a look-up, and a sum over the campaign's quarters once a day."""

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self._quarters: dict[str, dict[int, _Used]] = defaultdict(lambda: defaultdict(_Used))
        self._whole: dict[str, _Used] = defaultdict(_Used)
        self._days: dict[str, tuple[str, Instant, Instant, _Used]] = {}  # campaign -> zone, its day, what that day has used
        for profile in profiles:
            self.watch(None, profile)

    def watch(self, old: Profile | None, new: Profile | None) -> None:
        """A person's attempts were other than they are now."""
        was, is_ = old.attempts if old else (), new.attempts if new else ()
        if was is is_:
            return
        longer = was == is_[: len(was)]  # nearly always: by one
        for attempt in () if longer else _without(was, is_):
            self.add(attempt, -1)
        for attempt in is_[len(was) :] if longer else _without(is_, was):
            self.add(attempt)

    def add(self, attempt: Attempt, sign: int = 1) -> None:
        """One attempt more, or (-1) one less."""
        quarters = self._quarters[attempt.campaign]
        quarters[attempt.at // QUARTER].add(attempt, sign)
        if len(quarters) > 2 * KEPT:
            self._quarters[attempt.campaign] = _newest(quarters)
        self._whole[attempt.campaign].add(attempt, sign)
        known = self._days.get(attempt.campaign)
        if known is not None and known[1] <= attempt.at < known[2]:
            known[3].add(attempt, sign)

    def spent(self, campaign: str, zone: str, now: Instant) -> Spent:
        """What the campaign has used since midnight in `zone`."""
        known = self._days.get(campaign)
        if known is None or known[0] != zone or not known[1] <= now < known[2]:
            known = self._days[campaign] = (zone, *self._sum(campaign, zone, now))
        _, start, _, used = known
        whole = self._whole[campaign]
        return Spent(start, used.calls, used.cost, whole.priced, whole.price)

    def _sum(self, campaign: str, zone: str, now: Instant) -> tuple[Instant, Instant, _Used]:
        day, used = day_of(zone, now), _Used()
        for quarter, part in self._quarters[campaign].items():
            if day.start <= quarter * QUARTER < day.end:
                used.calls += part.calls
                used.cost += part.cost
        return day.start, day.end, used


def _newest(quarters: dict[int, _Used]) -> dict[int, _Used]:
    kept: dict[int, _Used] = defaultdict(_Used)
    kept |= {quarter: quarters[quarter] for quarter in sorted(quarters)[-KEPT:]}
    return kept


def _without(some: tuple[Attempt, ...], others: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    names = {each.dial_id for each in others}
    return tuple([each for each in some if each.dial_id not in names])


def exhausted(budget: Budget, spent: Spent, now: Instant) -> tuple[str, Instant] | None:
    """What of the budget is used up, in words, and until when that holds; None: nothing."""
    words = used_up(budget, spent)
    return None if words is None else (words, day_of(budget.zone, now).end)
