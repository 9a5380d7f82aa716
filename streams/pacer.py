"""PACER: each line has one owner, the worker with its partition of `line-events`. It reads what partitions could use, and grants
slots to them on `line-slots`. All decisions are engine/pacing.py's; nothing is stored, a new owner starts from the next reports.
"""

from typing import Protocol

from engine.owner import Pacer
from engine.quotas import Quota
from engine.time import Instant
from outdial.clock import Clock
from schemas.base import decode
from schemas.line import Demand, Grant
from schemas.resources import Line
from schemas.topics import LINE_EVENTS, LINE_SLOTS
from streams.lane import Lane, Record


class Settings(Protocol):
    """Where is looked up what lines and campaigns may do (streams/heads.py)."""

    def line(self, line: str) -> Line | None: ...

    def quota(self, campaign: str) -> Quota | None: ...


class PacerStage:
    """One object for all lines of the worker. Slots are real time: `now` of the lane is the campaign's and not used."""

    def __init__(self, lane: Lane, heads: Settings, clock: Clock, partitions: int) -> None:
        self._lane, self._heads, self._clock, self._partitions = lane, heads, clock, partitions
        self._owners: dict[int, Pacer] = {}
        self._wakes: dict[int, int | None] = {}  # when the tick of a partition comes next, real µs
        lane.stage(LINE_EVENTS, self.on_demand)
        self._wake = lane.tick(self.tick)
        lane.on_assigned.append(self.assigned)
        lane.on_revoked.append(self.revoked)

    def assigned(self, p: int) -> None:
        """From here on we own the lines of this partition. They are announced one by one, at the first demand for each."""
        self._owners[p] = Pacer(self._heads.line, self._heads.quota, self._partitions, self._lane.epoch(p), self._clock.real_us())
        self._wakes[p] = None

    def revoked(self, p: int) -> None:
        """We own them no more, and grant nothing after this."""
        self._owners.pop(p, None)
        self._wakes.pop(p, None)

    def on_demand(self, p: int, record: Record, _now: Instant) -> None:
        """A report. Answered at once if slots are due, else with the next tick: grants are to be runs, not single slots."""
        owner, real, demand = self._owners[p], self._clock.real_us(), decode(record.value or b"", Demand)
        owner.report(demand, real)
        planned = self._wakes[p]
        if planned is not None and not owner.sooner(demand.line, planned, real):
            return  # the tick that is planned comes early enough
        wake = owner.next_wake(real)
        if wake is not None and wake <= real:
            self._send(owner.grant(real))
            wake = owner.next_wake(real)
        if wake is not None and (planned is None or wake < planned):
            self._wakes[p] = wake
            self._wake(p)

    def tick(self, p: int, _now: Instant) -> float | None:
        """Grants what is due. Real seconds until the next slots are; None: not before the next report."""
        owner = self._owners.get(p)
        if owner is None:
            return None
        real = self._clock.real_us()
        self._send(owner.grant(real))
        wake = self._wakes[p] = owner.next_wake(real)
        return None if wake is None else max(0, wake - real) / 1_000_000

    def _send(self, grants: list[Grant]) -> None:
        for grant in grants:
            self._lane.emit(grant, partition=grant.partition, spec=LINE_SLOTS, key=grant.line)
