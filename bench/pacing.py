"""How much of a line is used, and whether any sliding second at the receiver holds more than it may: in virtual time.

Twelve partitions on three workers, two campaigns (3:1) with a backlog in each; ticks up to 8 ms late; grants and reports that take
up to 30 ms; workers' clocks 2 ms apart; each request leaves somewhere in its 5 ms and takes 0 to 10 ms to arrive; calls end 20 to
60 seconds later. Half-way the worker that owns the line dies: after eight seconds, in which nobody reads or reports anything,
another one owns it and the dead one's partitions. `before` and `after` say how much of the line was used until then, and from the
new owner's first slot on; `cpu` is the pacer's own time in a second of the line. `python -m bench.sharing` does it for real.
"""

import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from time import perf_counter

from bench.arguments import integers
from engine.pacing import LinePacer
from engine.quotas import Quota
from engine.spacing import interval
from engine.standing import MS, SECOND
from schemas.line import Demand, Grant
from schemas.resources import Line

PARTITIONS, WORKERS = 12, 3
WEIGHTS = {"big": 3, "small": 1}
#: From the death of the owner until another one has its partitions: the session, and a rebalance.
TAKEN_OVER = 8 * SECOND
SKEW = 2 * MS
T0 = 1_770_000_000 * SECOND


@dataclass
class Partition:
    """`offset`: its worker's clock minus true time, µs. `grants`: on their way, with the instant at which they are read."""

    offset: int
    seen: int = 0
    epoch: int = 1
    writer: int = 1
    calls: Counter[str] = field(default_factory=Counter)  # in flight
    ends: list[tuple[int, str]] = field(default_factory=list)  # of those calls, a heap
    grants: deque[tuple[int, Grant]] = field(default_factory=deque)


class Simulation:
    """One line for `seconds`. After `run`: `starts` of slots, `arrivals` at the receiver, slots `missed`, calls by campaign
    (`called`), seconds of `cpu`."""

    def __init__(self, rate: float, seconds: int, seed: int = 7) -> None:
        self.random = Random(seed)
        self.line = Line(id="main", calls_per_second=rate, concurrency=None)
        self.owner = self._owner(1, T0 - 60 * SECOND)
        offsets = [self.random.randint(0, SKEW) for _ in range(WORKERS)]
        self.parts = [Partition(offsets[p % WORKERS]) for p in range(PARTITIONS)]
        self.end, self.killed = T0 + seconds * SECOND, T0 + seconds * SECOND // 2
        self.called: Counter[str] = Counter()
        self.starts: list[int] = []
        self.arrivals: list[int] = []
        self.missed = 0
        self.cpu = 0.0

    def _owner(self, epoch: int, since: int) -> LinePacer:
        quotas = {name: Quota(weight) for name, weight in WEIGHTS.items()}
        return LinePacer("main", lambda _: self.line, quotas.get, PARTITIONS, epoch, since)

    def run(self) -> None:
        now = T0
        while now < self.end:
            if self.owner.epoch == 1 and now >= self.killed:
                now = self._die(now)
            for p, part in enumerate(self.parts):
                self._read(part, now)
                self._report(p, part, now)
            begun = perf_counter()
            grants, wake = self.owner.grant(now), self.owner.next_wake(now)
            self.cpu += perf_counter() - begun
            for grant in grants:
                self.starts += [slot.start for slot in grant.slots()]
                self.parts[grant.partition].grants.append((now + self.random.randint(2 * MS, 30 * MS), grant))
            assert wake is not None
            now = min(wake, now + 100 * MS) + self.random.randint(0, 8 * MS)

    def _die(self, now: int) -> int:
        """Worker 0 owned the line, and every third partition. When it goes on."""
        back = now + TAKEN_OVER
        self.owner = self._owner(2, back)
        for p, part in enumerate(self.parts):
            part.writer, part.epoch, part.seen = 2, 0, 0
            if p % WORKERS == 0:
                part.grants.clear()
                part.offset = self.parts[p + 1].offset
        return back

    def _report(self, p: int, part: Partition, now: int) -> None:
        at = now - self.random.randint(0, 20 * MS)  # when it was written
        while part.ends and part.ends[0][0] <= now:
            part.calls[heappop(part.ends)[1]] -= 1
        report = Demand(
            line="main", partition=p, epoch=part.epoch, seen=part.seen, ready=dict.fromkeys(WEIGHTS, 10_000), oldest=0,
            in_flight=part.calls.total(), open=dict(part.calls), lead=32 * MS, skew=part.offset, at=at + part.offset,
            writer=part.writer,
        )  # fmt: skip
        begun = perf_counter()
        self.owner.report(report, now)
        self.cpu += perf_counter() - begun

    def _read(self, part: Partition, now: int) -> None:
        while part.grants and part.grants[0][0] <= now:
            read_at, grant = part.grants.popleft()
            if grant.epoch < part.epoch:
                continue
            part.epoch, part.seen = grant.epoch, grant.number
            for slot in grant.slots():
                sent = max(slot.start - part.offset + self.random.randint(0, 5 * MS), read_at)
                if sent + part.offset > slot.end:
                    self.missed += 1
                else:
                    self.arrivals.append(sent + self.random.randint(0, 10 * MS))
                    self._call(part, grant.campaign or "", sent)

    def _call(self, part: Partition, campaign: str, at: int) -> None:
        self.called[campaign] += 1
        part.calls[campaign] += 1
        heappush(part.ends, (at + self.random.randint(20 * SECOND, 60 * SECOND), campaign))


def violations(arrivals: list[int], rate: float) -> int:
    """Sliding seconds that hold more than `rate` requests (of those that begin with one)."""
    most = max(1, int(rate))
    ordered = sorted(arrivals)
    return sum(beyond - first < SECOND for first, beyond in zip(ordered, ordered[most:], strict=False))


def used(starts: list[int], rate: float) -> float:
    """Percent of what the rate allows, from the first slot to the last: what lies around them is the simulation's."""
    return 100 * (len(starts) - 1) / ((max(starts) - min(starts)) / SECOND * rate)


def main(seconds: int) -> None:
    titles = ("calls/s", "slots", "before %", "after %", "allowed %", "missed", "over rate", "weight 3 had %", "cpu ms/s")
    print(" ".join(f"{title:>9}" for title in titles))
    for rate in (1, 10, 50, 200, 1_000):
        sim = Simulation(rate, seconds)
        sim.run()
        halves = [[at for at in sim.starts if (at > sim.killed + TAKEN_OVER) is late] for late in (False, True)]
        allowed = 100 * SECOND / (interval(rate, SKEW) * rate)
        part = 100 * sim.called["big"] / sim.called.total()
        uses = [f"{used(half, rate):.2f}" for half in halves] + [f"{allowed:.2f}"]
        wrong, cpu = violations(sim.arrivals, rate), 1e3 * sim.cpu / seconds
        figures = (rate, len(sim.starts), *uses, sim.missed, wrong, f"{part:.2f}", f"{cpu:.1f}")
        print(" ".join(f"{figure:>{max(9, len(title))}}" for figure, title in zip(figures, titles, strict=True)))


if __name__ == "__main__":
    main(*integers(__doc__, sys.argv[1:], seconds=60))
