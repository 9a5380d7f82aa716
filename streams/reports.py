"""REPORTS: what a partition tells the owner of each line it uses: what it could use, has in flight, and has spent of today.

Absolute figures, on change and every second while there are any (docs/decisions/0002). Part of the scheduler's tick.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice

from engine.ready import LineDemand
from engine.time import Instant
from schemas.line import Demand, Grant, Spent
from streams.circuit import ProviderCircuit
from streams.flows import Flows
from streams.lead import Lead

#: Real µs between two reports of a line on change, and without change while there is anything to report.
REPORT_CHANGED = 10_000
REPORT_AGAIN = 1_000_000

_NOTHING: dict[str, Spent] = {}


@dataclass(slots=True)
class LineView:
    """What a partition knows of the owner of a line, and what it has last told it."""

    epoch: int = 0
    seen: int = 0
    reported: tuple[object, ...] = ()
    at: int = 0  # real µs of the last report


class Reports:
    """One object for all partitions of the worker."""

    def __init__(self, flows: Flows, lead: Lead, circuit: ProviderCircuit) -> None:
        self._flows, self._lane, self._lead, self._circuit = flows, flows.lane, lead, circuit
        self._lines: dict[int, dict[str, LineView]] = defaultdict(lambda: defaultdict(LineView))

    def assigned(self, p: int) -> None:
        """Nothing has been said to, or heard from, the owner of any line."""
        self._lines[p] = defaultdict(LineView)

    def heard(self, p: int, grant: Grant) -> bool:
        """A grant was read; False if its owner was followed by another."""
        view = self._lines[p][grant.line]
        if grant.epoch < view.epoch:
            return False
        if grant.epoch > view.epoch:
            view.epoch, view.seen, view.reported = grant.epoch, 0, ()
        view.seen = max(view.seen, grant.number)
        return True

    def report(self, p: int, now: Instant) -> float | None:
        """Tells each line's owner what this partition could use: on change, and every second while there is something."""
        index, real = self._flows.index[p], self._lane.real_us
        demand, waits, failing = index.ready.demand(), list[float](), None
        if not self._circuit.closed:
            demand, failing = self._while_failing(demand, waits)
        for line in {*demand, *self._lines[p], *index.in_flight}:
            view, wanted = self._lines[p][line], demand.get(line)
            ready, open_ = dict(wanted.ready) if wanted else {}, dict(index.in_flight.get(line, ()))
            waiting = index.waiting(line, real) if ready else 0
            spent = self._spent(p, line, now)
            figures = (ready, open_, spent, failing, waiting, view.epoch, view.seen)
            if figures == view.reported and not (ready or open_ or failing):
                continue
            since = real - view.at
            due = REPORT_AGAIN if figures == view.reported else REPORT_CHANGED
            if since < due:
                waits.append((due - since) / 1e6)
                continue
            view.reported, view.at = figures, real
            self._lane.emit(self._demand(p, line, ready, wanted.oldest if wanted else None, open_, spent, failing, waiting))
            if ready or open_ or failing:
                waits.append(REPORT_AGAIN / 1e6)
        return min(waits, default=None)

    def _spent(self, p: int, line: str, now: Instant) -> dict[str, Spent]:
        """What the line's campaigns with a budget have used of today, as far as it is this partition's people."""
        budgets = self._flows.heads.budgets(line)
        return {name: self._flows.spending[p].spent(name, budget.zone, now) for name, budget in budgets} if budgets else _NOTHING

    def _while_failing(self, demand: dict[str, LineDemand], waits: list[float]) -> tuple[dict[str, LineDemand], int]:
        """What can be used of lines while the provider fails, and when it is tried again: nothing, or one slot to try it.

        Adds when that changes.
        """
        real = self._lane.real_ms
        back = self._circuit.not_before(real)
        if back is not None:
            waits.append((back - real) / 1000)
        shown = 0 if back is not None else 1
        return {n: LineDemand(dict.fromkeys(islice(each.ready, shown), 1), each.oldest) for n, each in demand.items()}, back or real

    def _demand(
        self,
        p: int,
        line: str,
        ready: dict[str, int],
        oldest: Instant | None,
        open_: dict[str, int],
        spent: dict[str, Spent],
        failing: int | None,
        waiting: int,
    ) -> Demand:
        view = self._lines[p][line]
        return Demand(
            line=line,
            partition=p,
            epoch=view.epoch,
            seen=view.seen,
            ready=ready,
            oldest=oldest,
            in_flight=sum(open_.values()),
            open=open_,
            spent=spent,
            failing=failing,
            waiting=waiting,
            lead=self._lead.p99(view.at),
            lag=self._lead.lag(),
            skew=self._lane.skew_us,
            at=view.at,
            writer=self._lane.epoch(p),
        )
