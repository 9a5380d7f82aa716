"""How much of a line is used, and whether any sliding second at the receiver holds more than it may: in virtual time.

Twelve partitions with a backlog; ticks up to 8 ms late; grants and reports that take up to 30 ms; workers' clocks 2 ms apart; each
request leaves somewhere in its 5 ms and takes 0 to 10 ms to arrive. `cpu` is the pacer's own time in a second of the line.
"""

import sys
from collections import deque
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

from engine.pacing import LinePacer
from engine.quotas import Quota
from engine.spacing import interval
from engine.standing import MS, SECOND
from schemas.line import Demand, Grant
from schemas.resources import Line

PARTITIONS = 12
SKEW = 2 * MS
T0 = 1_770_000_000 * SECOND


@dataclass
class Partition:
    """`offset`: its worker's clock minus true time, µs. `grants`: on their way, with the instant at which they are read."""

    offset: int
    seen: int = 0
    grants: deque[tuple[int, Grant]] = field(default_factory=deque)


class Simulation:
    """One line for `seconds`. After `run`: `starts` of slots, `arrivals` at the receiver, slots `missed`, seconds of `cpu`."""

    def __init__(self, rate: float, seconds: int, seed: int = 7) -> None:
        self.random = Random(seed)
        self.line = Line(id="main", calls_per_second=rate, concurrency=None)
        self.owner = LinePacer("main", lambda _: self.line, lambda _: Quota(), PARTITIONS, 1, T0 - 60 * SECOND)
        self.parts = [Partition(self.random.randint(0, SKEW)) for _ in range(PARTITIONS)]
        self.end = T0 + seconds * SECOND
        self.starts: list[int] = []
        self.arrivals: list[int] = []
        self.missed = 0
        self.cpu = 0.0

    def run(self) -> None:
        now = T0
        while now < self.end:
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

    def _report(self, p: int, part: Partition, now: int) -> None:
        at = now - self.random.randint(0, 20 * MS)  # when it was written
        report = Demand(
            line="main", partition=p, epoch=1, seen=part.seen, ready={"spring": 10_000}, oldest=0, in_flight=0,
            lead=32 * MS, skew=part.offset, at=at + part.offset, writer=1,
        )  # fmt: skip
        begun = perf_counter()
        self.owner.report(report, now)
        self.cpu += perf_counter() - begun

    def _read(self, part: Partition, now: int) -> None:
        while part.grants and part.grants[0][0] <= now:
            read_at, grant = part.grants.popleft()
            part.seen = grant.number
            for slot in grant.slots():
                sent = max(slot.start - part.offset + self.random.randint(0, 5 * MS), read_at)
                if sent + part.offset > slot.end:
                    self.missed += 1
                else:
                    self.arrivals.append(sent + self.random.randint(0, 10 * MS))


def violations(arrivals: list[int], rate: float) -> int:
    """Sliding seconds that hold more than `rate` requests (of those that begin with one)."""
    most = max(1, int(rate))
    ordered = sorted(arrivals)
    return sum(beyond - first < SECOND for first, beyond in zip(ordered, ordered[most:], strict=False))


def main(seconds: int) -> None:
    print(f"{'calls/s':>8} {'slots':>7} {'used %':>7} {'allowed %':>10} {'missed':>7} {'violations':>11} {'cpu ms/s':>9}")
    for rate in (1, 10, 50, 200, 1_000):
        sim = Simulation(rate, seconds)
        sim.run()
        # From the first slot to the last: what lies before and behind is the simulation's, not the line's.
        span = (max(sim.starts) - min(sim.starts)) / SECOND
        used = 100 * (len(sim.starts) - 1) / (span * rate)
        allowed = 100 * SECOND / (interval(rate, SKEW) * rate)
        wrong, cpu = violations(sim.arrivals, rate), 1e3 * sim.cpu / seconds
        print(f"{rate:8} {len(sim.starts):7} {used:7.2f} {allowed:10.2f} {sim.missed:7} {wrong:11} {cpu:9.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
