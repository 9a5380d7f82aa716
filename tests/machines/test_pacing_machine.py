"""A line's owner against a world that delays, reorders and moves: partitions on workers whose clocks differ, owners that follow
each other, reports and grants that arrive late.

Checked after every step, by true time and at the receiver: no sliding second holds more than N requests; no more calls at a time
than C, nor of a campaign than that may have; nothing granted beyond what the newest report showed ready. And no campaign that has
people ready all along is passed over for longer than its weight explains.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from math import ceil

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.pacing import LinePacer
from engine.quotas import Quota
from engine.standing import MS, SECOND
from schemas.line import Demand, Grant
from schemas.resources import Line

CAMPAIGNS = ("autumn", "spring", "winter")
T0 = 1_770_000_000 * SECOND
PARTITIONS = 3


@dataclass
class Partition:
    """A partition and the worker that has it. `offset`: its clock minus true time. `grants`: what lies on its topic unread."""

    offset: int = 0
    writer: int = 1
    epoch: int = 0
    seen: int = 0
    ready: Counter[str] = field(default_factory=Counter)  # by campaign
    calls: Counter[str] = field(default_factory=Counter)  # in flight, by campaign
    grants: deque[Grant] = field(default_factory=deque)
    last: Demand | None = None  # the newest report that the owner has
    stalled: bool = False  # its worker reads and reports nothing for now
    unseen: list[Grant] = field(default_factory=list)  # grants to it that no report has seen


class PacingMachine(RuleBasedStateMachine):
    """`now` is true time. `skew` bounds how far any two clocks differ."""

    @initialize(
        rate=st.sampled_from([None, 0.5, 1, 2, 5, 20, 100]),
        concurrency=st.sampled_from([None, None, 1, 4, 30]),
        weights=st.lists(st.sampled_from([0.1, 1.0, 3.0, 30.0]), min_size=3, max_size=3),
        few=st.sampled_from([None, 1, 5]),
        skew=st.sampled_from([0, 3 * MS, 80 * MS, 400 * MS]),
        offsets=st.lists(st.floats(-0.5, 0.5), min_size=PARTITIONS, max_size=PARTITIONS),
        delays=st.lists(st.integers(0, 40 * MS), min_size=7, max_size=7),
    )
    def start(
        self,
        rate: float | None,
        concurrency: int | None,
        weights: list[float],
        few: int | None,
        skew: int,
        offsets: list[float],
        delays: list[int],
    ) -> None:
        """`few`: how many calls at a time the first campaign may have."""
        self.line = Line(id="main", calls_per_second=rate, concurrency=concurrency)
        self.skew, self.now, self.delays, self.turn = skew, T0, delays, 0
        self.quotas = {name: Quota(weight) for name, weight in zip(CAMPAIGNS, weights, strict=True)}
        self.quotas[CAMPAIGNS[0]] = Quota(weights[0], few)
        self.passed: Counter[str] = Counter()  # slots that others got since a campaign got one
        self.parts = [Partition(offset=int(offset * skew), ready=Counter(dict.fromkeys(CAMPAIGNS, 70))) for offset in offsets]
        self.reports: list[tuple[int, Demand]] = []  # on their way to the owner: when they arrive
        self.arrivals: list[int] = []
        self.epoch, self.owners, self.owner_offset = 100_000, 1, 0
        self.owner = self._owner(-10 * SECOND)
        self.time_passes(1_000)

    def _owner(self, since: int = 0) -> LinePacer:
        begin = self.now + self.owner_offset + since
        return LinePacer("main", lambda _: self.line, self.quotas.get, PARTITIONS, self.epoch, begin)

    def _delay(self, most: int) -> int:
        """0 to `most` µs, from the drawn delays in turn."""
        self.turn += 1
        return self.delays[self.turn % len(self.delays)] * (1 + self.turn % 5) % (most + 1)

    @rule(ms=st.integers(50, 1_500))
    def time_passes(self, ms: int) -> None:
        """In steps of some milliseconds in which whoever is not stalled does what it has to."""
        end = self.now + ms * MS
        while self.now < end:
            self.now += 4 * MS + self._delay(5 * MS)
            wake = self.owner.next_wake(self.now + self.owner_offset)
            if wake is not None and wake <= self.now + self.owner_offset:
                self._grant()
            for p, part in enumerate(self.parts):
                if not part.stalled:
                    self._take_grants(part)
                    self._report_at_times(p)
                    if self.turn % 50 == 0:
                        self._end(part, 1)
            self._deliver()

    def _end(self, part: Partition, count: int) -> None:
        """So many calls end, of one campaign after the other."""
        for _ in range(min(count, part.calls.total())):
            name = CAMPAIGNS[self.turn % len(CAMPAIGNS)]
            part.calls[name if part.calls[name] else max(part.calls, key=part.calls.__getitem__)] -= 1
            self.turn += 1

    @rule(seconds=st.integers(2, 5))
    def seconds_pass(self, seconds: int) -> None:
        self.time_passes(seconds * 1_000)

    def _grant(self) -> None:
        for grant in self.owner.grant(self.now + self.owner_offset):
            assert grant.t0 - grant.granted <= 900 * MS
            assert grant.step or grant.n == 0 or grant.width == 900 * MS
            part = self.parts[grant.partition]
            part.grants.append(grant)
            part.unseen.append(grant)
            if grant.n:
                self._check_demand(part, grant.campaign or "")
                self._note(grant)

    def _note(self, grant: Grant) -> None:
        """A campaign is passed over while it could be called in every partition, and is not at its limit."""
        assert grant.campaign is not None
        for name in CAMPAIGNS[1:]:
            if name == grant.campaign or any(part.last is None or part.last.ready.get(name, 0) < 100 for part in self.parts):
                self.passed[name] = 0
            else:
                self.passed[name] += grant.n

    def _check_demand(self, part: Partition, name: str) -> None:
        """What the newest report had not seen of a campaign's grants, and may still be used, is within what it showed ready."""
        last = part.last
        assert last is not None
        ours = [g for g in part.unseen if g.epoch == self.owner.epoch and g.campaign == name]
        usable = [g.n for g in ours if g.t0 + (g.n - 1) * g.step + g.width >= last.at - 500 * MS]
        assert sum(usable) <= last.ready.get(name, 0)

    def _report_at_times(self, p: int) -> None:
        """A few times in a hundred milliseconds; a report takes up to 40 ms, so that they overtake each other."""
        if (self.turn + p) % 5 == 0:
            self.partition_reports(p)

    @rule(p=st.integers(0, PARTITIONS - 1))
    def partition_reports(self, p: int) -> None:
        part = self.parts[p]
        report = Demand(
            line="main", partition=p, epoch=part.epoch, seen=part.seen, ready=dict(+part.ready), oldest=None,
            in_flight=part.calls.total(), open=dict(+part.calls),
            lead=max(0, 20 * MS + part.offset - self.owner_offset), skew=part.offset,
            at=self.now + part.offset, writer=part.writer,
        )  # fmt: skip
        self.reports.append((self.now + self._delay(40 * MS), report))

    def _deliver(self) -> None:
        for entry in [entry for entry in self.reports if entry[0] <= self.now]:
            self.reports.remove(entry)
            report = entry[1]
            self.owner.report(report, self.now + self.owner_offset)
            part = self.parts[report.partition]
            if part.last is None or (report.writer, report.at) >= (part.last.writer, part.last.at):
                part.last = report
                part.unseen = [g for g in part.unseen if (g.epoch, g.number) > (report.epoch, report.seen)]

    @rule(p=st.integers(0, PARTITIONS - 1), name=st.sampled_from(CAMPAIGNS), count=st.integers(1, 300))
    def people_fall_due(self, p: int, name: str, count: int) -> None:
        self.parts[p].ready[name] += count

    @rule(p=st.integers(0, PARTITIONS - 1), name=st.sampled_from(CAMPAIGNS), left=st.integers(0, 3))
    def people_leave(self, p: int, name: str, left: int) -> None:
        """A window closes."""
        self.parts[p].ready[name] = min(self.parts[p].ready[name], left)

    @rule(p=st.integers(0, PARTITIONS - 1), ms=st.integers(50, 1_500))
    def a_worker_stalls(self, p: int, ms: int) -> None:
        self.parts[p].stalled = True
        self.time_passes(ms)
        self.parts[p].stalled = False

    def _take_grants(self, part: Partition) -> None:
        while part.grants:
            grant = part.grants.popleft()
            if grant.epoch < part.epoch:
                continue
            part.seen = max(part.seen, grant.number) if grant.epoch == part.epoch else grant.number
            part.epoch = grant.epoch
            for slot in grant.slots():
                self._use(part, grant.campaign or "", slot.start, slot.end, self._delay(10 * MS), self._delay(5 * MS))

    def _use(self, part: Partition, name: str, start: int, end: int, transit: int, late: int) -> None:
        """Sends at start + late by the partition's own clock, or forfeits; the receiver sees it after `transit`."""
        sent = max(start + late, self.now + part.offset)
        if part.ready[name] and sent <= end:
            part.ready[name] -= 1
            part.calls[name] += 1
            self.arrivals.append(sent - part.offset + transit)

    @rule(p=st.integers(0, PARTITIONS - 1), count=st.integers(1, 10))
    def calls_end(self, p: int, count: int) -> None:
        self._end(self.parts[p], count)

    @rule(p=st.integers(0, PARTITIONS - 1), at=st.floats(-0.5, 0.5), gone=st.booleans())
    def partition_moves(self, p: int, at: float, gone: bool) -> None:
        """To a worker with another clock, which knows no epoch, and rebuilds `in_flight` from rows. Clocks stay within `skew`."""
        part = self.parts[p]
        part.writer, part.epoch, part.seen = part.writer + 1, 0, 0
        if gone and not self._sending(part):
            part.offset = int(at * self.skew)

    def _sending(self, part: Partition) -> bool:
        """A worker is followed by one with another clock only after its session: what it could send has been sent."""
        return bool(part.grants) or any(arrival > self.now - 6 * SECOND for arrival in self.arrivals)

    @rule(at=st.floats(-0.5, 0.5), higher=st.booleans(), while_away=st.integers(0, 300))
    def owner_changes(self, at: float, higher: bool, while_away: int) -> None:
        """The new owner's epoch is usually higher; a clock that is behind may make it lower, which the reports put right."""
        self.now += while_away * MS
        self.owner_offset = int(at * self.skew)
        self.owners += 1  # epochs are times of assignment: no two owners have the same
        self.epoch = max(self.epoch, self.owner.epoch) + (1_000 + self.owners if higher else -500 - self.owners)
        self.owner = self._owner()
        self.passed.clear()
        for part in self.parts:
            part.last = None

    @invariant()
    def no_sliding_second_holds_more_than_the_rate(self) -> None:
        rate = getattr(self, "line", None) and self.line.calls_per_second
        if not rate:
            return
        self.arrivals = sorted(self.arrivals)[-500:]
        most = ceil(rate)
        for first, beyond in zip(self.arrivals, self.arrivals[most:], strict=False):
            assert beyond - first >= SECOND

    @invariant()
    def never_more_calls_at_a_time(self) -> None:
        if hasattr(self, "line") and self.line.concurrency is not None:
            assert sum(part.calls.total() for part in self.parts) <= self.line.concurrency

    @invariant()
    def never_more_calls_of_a_campaign_than_it_may_have(self) -> None:
        for name, quota in getattr(self, "quotas", {}).items():
            assert quota.concurrency is None or sum(part.calls[name] for part in self.parts) <= quota.concurrency

    @invariant()
    def no_campaign_is_passed_over_for_longer_than_its_weight_explains(self) -> None:
        """But for what is granted at one go on a line without a rate."""
        if getattr(self, "line", None) is None or self.line.calls_per_second is None:
            return
        total = sum(quota.weight for quota in self.quotas.values())
        for name, quota in self.quotas.items():
            assert self.passed[name] <= 2 * total / quota.weight + 50


TestPacing = PacingMachine.TestCase
TestPacing.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
