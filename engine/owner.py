"""The owner of the lines whose key falls on one partition of `line-events`: they have it, and its epoch, in common."""

from engine.pacing import LinePacer, Lines
from engine.quotas import Quotas
from schemas.line import Demand, Grant


class Pacer:
    """One LinePacer for each line that somebody has reported on."""

    def __init__(self, settings: Lines, quotas: Quotas, partitions: int, epoch: int, since: int) -> None:
        """`settings` looks a line up (None: unknown, no grants), `quotas` what a campaign may have of it; `partitions` of each
        topic; `since` is the assignment, real µs."""
        self._settings, self._quotas = settings, quotas
        self._partitions = partitions
        self._epoch = epoch
        self._since = since
        self._lines: dict[str, LinePacer] = {}

    def report(self, demand: Demand, now: int) -> None:
        """Takes a report. The first of a line makes its pacer, which announces itself at the next `grant`."""
        pacer = self._lines.get(demand.line)
        if pacer is None:
            pacer = LinePacer(demand.line, self._settings, self._quotas, self._partitions, self._epoch, self._since)
            self._lines[demand.line] = pacer
        pacer.report(demand, now)

    def sooner(self, line: str, planned: int, now: int) -> bool:
        """Whether the last report on `line` may have brought `next_wake` before `planned`."""
        pacer = self._lines.get(line)
        return pacer is not None and pacer.sooner(planned, now)

    def announce(self, now: int) -> list[Grant]:
        """Tells every partition the epoch of every line."""
        return [grant for pacer in self._lines.values() for grant in pacer.announce(now)]

    def grant(self, now: int) -> list[Grant]:
        """All that is to be sent now (real µs), each to its `partition`."""
        return [grant for pacer in self._lines.values() for grant in pacer.grant(now)]

    def next_wake(self, now: int) -> int | None:
        """When to call `grant` again (real µs) if no report comes before; None: not until one comes."""
        return min((wake for pacer in self._lines.values() if (wake := pacer.next_wake(now)) is not None), default=None)
