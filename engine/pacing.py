"""The pacer: who may place a call on a line, and when. One owner per line; slot times are real microseconds.

A line allows N calls a second and C at a time. Its owner hands out *slots*, the right to place one request in the 5 ms from t on,
to the partitions that report demand. It keeps no table: what it knows are the newest report of each partition and what it has
granted since, so a new owner needs only to hear from the partitions.

Rate. Slots lie at least T = (1.015 s + skew) / N apart (GCRA without burst: TAT = max(now, TAT) + T, so what was not used is never
caught up). Slots i and i+N are then 1.015 s + skew apart or more. A request leaves up to 5 ms after its slot begins, transit
differs by up to 10 ms, two workers' clocks by the skew: the two requests still arrive a full second apart, and no sliding second
holds more than N (more than N rounded up, if N is not whole). That is 98.5 % of the line at no skew.

Worked example: N = 10, skew 2 ms, so T = 101.7 ms. At 12:00:00.000, lead 50 ms, slots up to .075 are granted: one, at .050. The
next may be at .1517; the pacer wakes at .0897, early enough to grant it 50 ms ahead with 12 ms to spare. If nobody wants it then
and demand comes at .400, the next slot is at .450, not three slots at once.

Concurrency. Calls in flight as reported, plus all slots that the newest report had not seen yet, plus new slots, is at most C. A
slot counts as a call though a message may use it: messages are not in a report's `in_flight`, so they hold a place only until seen.
A limit on concurrency needs every partition's figures, so such a line waits until all have answered this owner's epoch.

Change of owner. The old owner's slots reach 900 ms ahead of its clock. The new owner's first slot lies a second or more after it
took over, and T behind the last one that could exist. Partitions refuse grants of a lower epoch. A report that has seen a higher
epoch than ours means that someone granted after us: we take over again, above it.
"""

from collections.abc import Callable, Mapping
from math import ceil

from engine.bulk import Bulk
from engine.shares import share
from engine.standing import MAX_SKEW, MS, SECOND, Standing, UnderWay
from engine.time import NEVER
from schemas.line import Demand, Grant
from schemas.resources import Line

#: A second, 5 ms to leave in, 10 ms for differences in transit: N consecutive slots take this and the skew (design, Pacing).
WINDOW = 1_015 * MS
SLOT = 5 * MS
#: The width of an interval on a line without a rate, and how far ahead any slot may lie.
HORIZON = 900 * MS
#: Slots lie at least this far ahead, however quick the workers say they are.
MIN_LEAD = 50 * MS
#: Slots are granted up to this much further ahead than the lead, and more of them when only SLACK of it is left.
AHEAD = 25 * MS
SLACK = 12 * MS
#: A fallen skew counts that much longer: a report's life, the horizon and a window, so that no window mixes two skews.
SKEW_HELD = 6 * SECOND
#: Most slots in one grant: whoever takes it issues a command for each at one go, and that is not to hold up anything else.
RUN = 64


def gcra(tat: int, now: int, interval: int) -> tuple[int, int]:
    """The next slot and the theoretical arrival time after it (GCRA, ITU-T I.371, with no tolerance). All in µs."""
    slot = max(now, tat)
    return slot, slot + interval


def interval(rate: float, skew: int) -> int:
    """µs between slots of a line of `rate` calls a second whose workers' clocks differ by up to `skew` µs."""
    return ceil((WINDOW + skew) / rate)


class LinePacer:
    """The owner of one line. `since` is when it became that (real µs); `settings` is asked every time, a line may be changed."""

    def __init__(self, line: str, settings: Callable[[str], Line | None], partitions: int, epoch: int, since: int) -> None:
        self.line = line
        self.epoch = epoch
        self._settings = settings
        self._since = since
        self._parts = [Standing() for _ in range(partitions)]
        self._credit: dict[int, float] = {}
        self._bulk = Bulk()
        self._tat = 0
        self._skew, self._skew_at = 0, since
        self._rate: float | None = None
        self._started = False

    def report(self, demand: Demand, now: int) -> None:
        """Takes a partition's report. One older than what is known, or of a lower assignment epoch (a zombie's), is refused."""
        if not 0 <= demand.partition < len(self._parts):
            return
        part = self._parts[demand.partition]
        if part.report is not None and (demand.writer, demand.at) < (part.report.writer, part.report.at):
            return
        if demand.epoch > self.epoch:
            self._take_over(demand.epoch + 1, now)
        part.hear(demand)
        part.joined = part.joined or demand.epoch == self.epoch

    def announce(self, now: int) -> list[Grant]:
        """Grants of no slots, that tell every partition our epoch."""
        return [self._announce(p, now) for p in range(len(self._parts))]

    def grant(self, now: int) -> list[Grant]:
        """All that is to be sent now: announcements that are due, and slots for the partitions that can use them."""
        line = self._settings(self.line)
        if line is None:
            return []
        self._follow_rate(line.calls_per_second, now)
        self._measure_skew(now)
        told = [self._announce(p, now) for p, part in enumerate(self._parts) if part.tell_at(self.epoch, now) == now]
        wants = self._wants(line, now)
        room = self._room(line, wants)
        if room <= 0:
            return told
        return told + (self._whole(wants, room, now) if line.calls_per_second is None else self._slots(wants, room, now))

    def next_wake(self, now: int) -> int | None:
        """When `grant` has something to do next if no report comes before; None: not until one comes."""
        line = self._settings(self.line)
        if line is None:
            return None
        wakes = [at for part in self._parts if (at := part.tell_at(self.epoch, now)) is not None]
        if self._room(line, self._wants(line, now)) > 0:
            before = AHEAD if line.calls_per_second is None else self._lead(now) + SLACK
            wakes.append(self._first(line.calls_per_second) - before)
        return max(now, min(wakes)) if wakes else None

    def _take_over(self, epoch: int, now: int) -> None:
        self.epoch, self._since = epoch, now
        for part in self._parts:
            part.number, part.joined, part.announced = 0, False, None

    def _measure_skew(self, now: int) -> None:
        """The span of the workers' clocks around the broker's (a report's skew may be signed).

        When it grows, one gap grows by as much: that lies in every window that mixes slots of both intervals.
        """
        offsets = [0, *(part.report.skew for part in self._parts if part.report is not None and part.usable(now))]
        skew = max(offsets) - min(offsets)
        if skew > self._skew:
            self._tat += skew - self._skew
        if skew >= self._skew or now - self._skew_at > SKEW_HELD:
            self._skew, self._skew_at = skew, now

    def _follow_rate(self, rate: float | None, now: int) -> None:
        """A line made slower pauses until no window holds slots of the faster rate, wherever in their life they are."""
        slower = rate is not None and (self._rate is None or rate < self._rate)
        if self._started and slower:
            self._tat = max(self._tat, now + 2 * HORIZON) + WINDOW + self._skew
        self._rate, self._started = rate, True

    def _wants(self, line: Line, now: int) -> dict[int, int]:
        """Slots that partitions could use beyond those under way to them."""
        wants = {}
        most = self._most(line, now)
        for p, part in enumerate(self._parts):
            if not part.usable(now):
                continue
            if (wanted := min(part.ready, most - part.waiting) - part.pending) > 0:
                wants[p] = wanted
            if part.ready > most - part.waiting:
                self._bulk.short()
        return wants

    def _most(self, line: Line, now: int) -> int:
        """Commands that one partition may have on their way, slots under way to it included.

        Workers that need longer than slots can lie ahead would only let them lapse, and make work of it: they get one at a time,
        so that it shows when they have caught up.
        """
        lag = max((part.report.lag for part in self._parts if part.report is not None and part.usable(now)), default=0)
        most = NEVER if line.calls_per_second is not None else self._bulk.most(lag, now)
        return 1 if lag > HORIZON - AHEAD else most

    def _room(self, line: Line, wants: Mapping[int, int]) -> int:
        """How many slots may be granted, whatever their times."""
        wanted = sum(wants.values())
        if line.concurrency is None or not wanted:
            return wanted
        if not all(part.joined for part in self._parts):
            return 0
        return min(wanted, line.concurrency - sum(part.in_flight for part in self._parts))

    def _lead(self, now: int) -> int:
        """How far ahead slots must lie for the slowest worker to be ready."""
        leads = [part.report.lead for part in self._parts if part.report is not None and part.usable(now)]
        return min(max(MIN_LEAD, max(leads, default=0) * 3 // 2), HORIZON - AHEAD)

    def _first(self, rate: float | None) -> int:
        """The earliest next slot, as far as slots before it matter: ours, and an owner's before us."""
        if rate is None:
            return self._since + SECOND
        # An owner's clock is not among the reported ones once its worker is gone: the most that it may be off.
        return max(self._tat, self._since + max(SECOND, HORIZON + MAX_SKEW + interval(rate, self._skew)))

    def _slots(self, wants: dict[int, int], room: int, now: int) -> list[Grant]:
        """Runs of consecutive slots, one run for each partition that gets some."""
        assert self._rate is not None
        step, lead = interval(self._rate, self._skew), self._lead(now)
        start, _ = gcra(self._first(self._rate), now + lead, step)
        n = min(room, (now + lead + AHEAD - start) // step + 1)
        if n <= 0:
            return []
        grants = []
        for p, k in self._share(n, wants).items():
            grants.append(self._issue(p, start, step, k, SLOT, now))
            start += k * step
        self._tat = start
        return grants

    def _whole(self, wants: dict[int, int], room: int, now: int) -> list[Grant]:
        """Whole intervals. They begin at once: nobody has to be on time for a moment in them."""
        start = max(now, self._first(None))
        if start > now + AHEAD:
            return []
        shares = self._share(room, wants).items()
        return [self._issue(p, start, 0, min(RUN, k - done), HORIZON, now) for p, k in shares for done in range(0, k, RUN)]

    def _share(self, n: int, wants: dict[int, int]) -> dict[int, int]:
        due = {p: NEVER if (r := self._parts[p].report) is None or r.oldest is None else r.oldest for p in wants}
        return share(n, wants, self._credit, due)

    def _issue(self, p: int, t0: int, step: int, n: int, width: int, now: int) -> Grant:
        part = self._parts[p]
        part.number += 1
        part.under_way.append(UnderWay(self.epoch, part.number, n, t0 + (n - 1) * step + width))
        return self._grant(p, t0, step, n, width, now)

    def _announce(self, p: int, now: int) -> Grant:
        """Carries the number of the last grant: who reads it has all grants before it behind him."""
        self._parts[p].announced = now
        return self._grant(p, now, 0, 0, 0, now)

    def _grant(self, p: int, t0: int, step: int, n: int, width: int, now: int) -> Grant:
        number = self._parts[p].number
        name = f"{self.line}/{self.epoch}/{p}/{number}"
        return Grant(
            event_id=name if n else f"{name}/announced/{now}",
            line=self.line, epoch=self.epoch, partition=p, number=number, t0=t0, step=step, n=n, width=width, granted=now,
        )  # fmt: skip


class Pacer:
    """The lines whose key falls on one partition of `line-events`: they have their owner, and its epoch, in common."""

    def __init__(self, settings: Callable[[str], Line | None], partitions: int, epoch: int, since: int) -> None:
        """`settings` looks a line up (None: unknown, no grants); `partitions` of each topic; `since` is the assignment, real µs."""
        self._settings = settings
        self._partitions = partitions
        self._epoch = epoch
        self._since = since
        self._lines: dict[str, LinePacer] = {}

    def report(self, demand: Demand, now: int) -> None:
        """Takes a report. The first of a line makes its pacer, which announces itself at the next `grant`."""
        pacer = self._lines.get(demand.line)
        if pacer is None:
            pacer = LinePacer(demand.line, self._settings, self._partitions, self._epoch, self._since)
            self._lines[demand.line] = pacer
        pacer.report(demand, now)

    def announce(self, now: int) -> list[Grant]:
        """Tells every partition the epoch of every line."""
        return [grant for pacer in self._lines.values() for grant in pacer.announce(now)]

    def grant(self, now: int) -> list[Grant]:
        """All that is to be sent now (real µs), each to its `partition`."""
        return [grant for pacer in self._lines.values() for grant in pacer.grant(now)]

    def next_wake(self, now: int) -> int | None:
        """When to call `grant` again (real µs) if no report comes before; None: not until one comes."""
        return min((wake for pacer in self._lines.values() if (wake := pacer.next_wake(now)) is not None), default=None)
