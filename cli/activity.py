"""What goes on at this moment: calls placed a second, how much of its line that is, how late people are. Of the last few seconds
and minutes only; nothing is kept for longer.

Pure: instants are arguments. Real ms unless said otherwise, for pacing is about machines.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cli.world import keep_newest
from engine.pacing import TOO_LATE
from engine.standing import LAPSE
from engine.time import MINUTE, SECOND, Instant
from schemas.command import Dial
from schemas.line import Demand
from schemas.receipt import Receipt, ReceiptKind
from schemas.resources import Line

#: Rates are those of so long a time.
RATE_MS = 10 * SECOND
#: Lateness is that of commands issued in so long a time.
LATE_MS = MINUTE
#: Commands whose request has not been seen yet are forgotten after this long: their slots are over.
PENDING_MS = MINUTE


class _Asked(NamedTuple):
    """A request that a provider accepted, or a command for which it may yet."""

    at: int
    line: str
    campaign: str


@dataclass(frozen=True, slots=True)
class LineUse:
    """One line. `placed`: requests a second that were accepted, messages included; `allowed`, `most`: None is not limited.

    `in_flight`: calls; `ready`: people whom the gate allows and who wait for a slot, as the partitions report them.
    """

    line: str
    placed: float
    allowed: float | None
    in_flight: int
    most: int | None
    ready: int

    @property
    def use(self) -> float | None:
        """The greater of the two limits' shares that is used, 0 to 1; None for a line without limits."""
        shares = [self.placed / self.allowed] if self.allowed else []
        shares += [self.in_flight / self.most] if self.most else []
        return max(shares, default=None)


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long (real ms) after the gate would have said yes a command was issued."""

    count: int
    median: int
    p99: int
    worst: int


class Activity:
    """Folds commands, receipts and reports as they come."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._open: dict[str, _Asked] = {}
        self._early: dict[str, int] = {}  # acceptances read before their command: other topics have another order
        self._placed: deque[_Asked] = deque()
        self._late: deque[tuple[int, int]] = deque()
        self._demands: dict[tuple[str, int], Demand] = {}

    def command(self, dial: Dial, at: int) -> None:
        """A dial command; `at`: when the broker took it."""
        asked = _Asked(at, dial.slot.line, dial.campaign)
        if (accepted := self._early.pop(dial.dial_id, None)) is not None:
            self._placed.append(asked._replace(at=accepted))
        else:
            self._open[dial.dial_id] = asked

    def receipt(self, receipt: Receipt, at: int) -> None:
        """What a provider said; only that it took a request counts, once."""
        if receipt.kind != ReceiptKind.ACCEPTED:
            return
        if (asked := self._open.pop(receipt.dial_id, None)) is not None:
            self._placed.append(asked._replace(at=at))
        else:
            self._early.setdefault(receipt.dial_id, at)

    def demand(self, demand: Demand) -> None:
        keep_newest(self._demands, demand)

    def late(self, samples: Iterable[tuple[Instant, int]], real: int) -> None:
        """(when, by how much) in campaign ms, of commands seen at `real`."""
        self._late.extend((real, int(by / self._rate)) for _, by in samples)

    # --- what is asked ---

    def forget(self, real: int) -> None:
        """Drops what no figure looks at any more."""
        while self._placed and self._placed[0].at < real - RATE_MS:
            self._placed.popleft()
        while self._late and self._late[0][0] < real - LATE_MS:
            self._late.popleft()
        self._open = {d: asked for d, asked in self._open.items() if asked.at > real - PENDING_MS}
        self._early = {d: at for d, at in self._early.items() if at > real - PENDING_MS}

    def placed(self, real: int) -> dict[str, float]:
        """Requests a second by campaign."""
        counts = Counter(asked.campaign for asked in self._placed if asked.at > real - RATE_MS)
        return {campaign: n * SECOND / RATE_MS for campaign, n in counts.items()}

    def lines(self, declared: Iterable[Line], real: int) -> tuple[LineUse, ...]:
        """Each declared line."""
        placed = Counter(asked.line for asked in self._placed if asked.at > real - RATE_MS)
        return tuple(self._use(line, placed[line.id] * SECOND / RATE_MS, real) for line in sorted(declared, key=lambda d: d.id))

    def lateness(self) -> Lateness | None:
        """Of the last minute; None if nothing was issued."""
        by = sorted(each for _, each in self._late)
        return Lateness(len(by), by[len(by) // 2], by[int(len(by) * 0.99)], by[-1]) if by else None

    def failing(self, real: int) -> int | None:
        """When (real ms) a worker tries its provider again, which fails; of several the first. None: all providers work."""
        told = (d.failing for d in self._demands.values() if real * 1000 - d.at <= LAPSE)
        return min((back for back in told if back is not None), default=None)

    def slow(self, real: int) -> int | None:
        """How long (real ms) commands take until they are ready to send, if that is longer than their slots are open; else None."""
        worst = max((d.lag for d in self._demands.values() if real * 1000 - d.at <= LAPSE), default=0)
        return worst // 1000 if worst > TOO_LATE else None

    def _use(self, line: Line, placed: float, real: int) -> LineUse:
        told = [d for (name, _), d in self._demands.items() if name == line.id and real * 1000 - d.at <= LAPSE]
        return LineUse(
            line=line.id,
            placed=placed,
            allowed=line.calls_per_second,
            in_flight=sum(d.in_flight for d in told),
            most=line.outbound,
            ready=sum(n for d in told for n in d.ready.values()),
        )
