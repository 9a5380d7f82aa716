"""A partition as the owner of a line sees it: its newest report, and the grants which that report had not seen."""

from collections import deque
from dataclasses import dataclass, field

from schemas.line import Demand, Spent

MS = 1_000
SECOND = 1_000 * MS

#: A report says nothing any more after this long.
LAPSE = 3 * SECOND
#: A worker whose clock is further off gets no slots.
MAX_SKEW = 500 * MS
#: A partition that has not answered to an epoch is told again after this long.
ANNOUNCE_AGAIN = SECOND


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A grant that the partition's newest report had not seen: n slots for a campaign, the last of them ends at `end`."""

    epoch: int
    number: int
    campaign: str
    n: int
    end: int


@dataclass(slots=True)
class Standing:
    """What the owner of a line knows of one partition. Times are real µs."""

    report: Demand | None = None
    ready: int = 0  # sum over campaigns in `report`
    under_way: deque[UnderWay] = field(default_factory=deque)
    number: int = 0  # of the last grant in this epoch
    joined: bool = False  # has answered to this epoch
    announced: int | None = None  # when it was last told this epoch

    def hear(self, report: Demand) -> None:
        """Takes a newer report. Grants it has seen are in its figures; those it can no longer use, by any clock, are void."""
        self.report = report
        self.ready = sum(report.ready.values())
        seen, past = (report.epoch, report.seen), report.at - MAX_SKEW
        self.under_way = deque(g for g in self.under_way if (g.epoch, g.number) > seen and g.end >= past)

    @property
    def pending(self) -> int:
        """Slots under way."""
        return sum(g.n for g in self.under_way)

    def pending_of(self, campaign: str) -> int:
        """Slots under way that are for this campaign."""
        return sum(g.n for g in self.under_way if g.campaign == campaign)

    @property
    def waiting(self) -> int:
        """Its commands that may still be on their way to the provider."""
        return self.report.waiting if self.report else 0

    @property
    def in_flight(self) -> int:
        """Calls that may be in flight; a lapsed report still counts, its calls have not ended by that."""
        return self.pending + (self.report.in_flight if self.report else 0)

    def in_flight_of(self, campaign: str) -> int:
        """This campaign's calls that may be in flight."""
        return self.pending_of(campaign) + (self.report.open.get(campaign, 0) if self.report else 0)

    def spent(self, campaign: str) -> Spent | None:
        """What the campaign has used of its day, as last reported; None: nothing, or it has no budget."""
        return self.report.spent.get(campaign) if self.report else None

    def usable(self, now: int) -> bool:
        """Whether it may get slots: a report that has not lapsed, from a worker whose clock is near enough."""
        return self.report is not None and now - self.report.at <= LAPSE and abs(self.report.skew) <= MAX_SKEW

    def tell_at(self, epoch: int, now: int) -> int | None:
        """When it is to be told our epoch: now if it never was, again if it goes on reporting a lower one; None: it knows."""
        if self.announced is None:
            return now
        if self.report is None or self.report.epoch >= epoch or now - self.report.at > LAPSE:
            return None
        return max(now, self.announced + ANNOUNCE_AGAIN)
