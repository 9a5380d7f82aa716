"""A line's owner against a world that delays, reorders and moves: partitions on workers whose clocks differ, owners that follow
each other, reports and grants that arrive late.

Checked after every step, by true time and at the receiver: no sliding second holds more than N requests; no more calls at a time
than C; nothing granted beyond what the newest report showed ready.
"""

from collections import deque
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

T0 = 1_770_000_000 * SECOND
PARTITIONS = 3


@dataclass
class Partition:
    """A partition and the worker that has it. `offset`: its clock minus true time. `grants`: what lies on its topic unread."""

    offset: int = 0
    writer: int = 1
    epoch: int = 0
    seen: int = 0
    ready: int = 0
    in_flight: int = 0
    grants: deque[Grant] = field(default_factory=deque)
    last: Demand | None = None  # the newest report that the owner has
    stalled: bool = False  # its worker reads and reports nothing for now
    unseen: list[Grant] = field(default_factory=list)  # grants to it that no report has seen


class PacingMachine(RuleBasedStateMachine):
    """`now` is true time. `skew` bounds how far any two clocks differ."""

    @initialize(
        rate=st.sampled_from([None, 0.5, 1, 2, 5, 20, 100]),
        concurrency=st.sampled_from([None, None, 1, 4, 30]),
        skew=st.sampled_from([0, 3 * MS, 80 * MS, 400 * MS]),
        offsets=st.lists(st.floats(-0.5, 0.5), min_size=PARTITIONS, max_size=PARTITIONS),
        delays=st.lists(st.integers(0, 40 * MS), min_size=7, max_size=7),
    )
    def start(self, rate: float | None, concurrency: int | None, skew: int, offsets: list[float], delays: list[int]) -> None:
        self.line = Line(id="main", calls_per_second=rate, concurrency=concurrency)
        self.skew, self.now, self.delays, self.turn = skew, T0, delays, 0
        self.parts = [Partition(offset=int(offset * skew), ready=200) for offset in offsets]
        self.reports: list[tuple[int, Demand]] = []  # on their way to the owner: when they arrive
        self.arrivals: list[int] = []
        self.epoch, self.owners, self.owner_offset = 100_000, 1, 0
        self.owner = LinePacer("main", lambda _: self.line, lambda _: Quota(), PARTITIONS, self.epoch, self.now - 10 * SECOND)
        self.time_passes(1_000)

    def _owner(self) -> LinePacer:
        return LinePacer("main", lambda _: self.line, lambda _: Quota(), PARTITIONS, self.epoch, self.now + self.owner_offset)

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
                    part.in_flight -= bool(part.in_flight) and self.turn % 50 == 0  # a call ends
            self._deliver()

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
                self._check_demand(part)

    def _check_demand(self, part: Partition) -> None:
        """What the newest report had not seen, and may still be used, is within what it showed ready."""
        last = part.last
        assert last is not None
        ours = [g for g in part.unseen if g.epoch == self.owner.epoch]
        assert sum(g.n for g in ours if g.t0 + (g.n - 1) * g.step + g.width >= last.at - 500 * MS) <= sum(last.ready.values())

    def _report_at_times(self, p: int) -> None:
        """A few times in a hundred milliseconds; a report takes up to 40 ms, so that they overtake each other."""
        if (self.turn + p) % 5 == 0:
            self.partition_reports(p)

    @rule(p=st.integers(0, PARTITIONS - 1))
    def partition_reports(self, p: int) -> None:
        part = self.parts[p]
        report = Demand(
            line="main", partition=p, epoch=part.epoch, seen=part.seen, ready={"spring": part.ready}, oldest=None,
            in_flight=part.in_flight, lead=max(0, 20 * MS + part.offset - self.owner_offset), skew=part.offset,
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

    @rule(p=st.integers(0, PARTITIONS - 1), count=st.integers(1, 300))
    def people_fall_due(self, p: int, count: int) -> None:
        self.parts[p].ready += count

    @rule(p=st.integers(0, PARTITIONS - 1), left=st.integers(0, 3))
    def people_leave(self, p: int, left: int) -> None:
        """A window closes."""
        self.parts[p].ready = min(self.parts[p].ready, left)

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
                self._use(part, slot.start, slot.end, self._delay(10 * MS), self._delay(5 * MS))

    def _use(self, part: Partition, start: int, end: int, transit: int, late: int) -> None:
        """Sends at start + late by the partition's own clock, or forfeits; the receiver sees it after `transit`."""
        sent = max(start + late, self.now + part.offset)
        if part.ready and sent <= end:
            part.ready -= 1
            part.in_flight += 1
            self.arrivals.append(sent - part.offset + transit)

    @rule(p=st.integers(0, PARTITIONS - 1), count=st.integers(1, 10))
    def calls_end(self, p: int, count: int) -> None:
        self.parts[p].in_flight = max(0, self.parts[p].in_flight - count)

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
            assert sum(part.in_flight for part in self.parts) <= self.line.concurrency


TestPacing = PacingMachine.TestCase
TestPacing.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
