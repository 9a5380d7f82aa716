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

Campaigns. A slot is for one campaign. Those of a line that have somebody to call take turns by weight (engine/shares.py), each
within its own quota (engine/quotas.py). Inside a campaign the partitions share in proportion to what they have ready.

Change of owner. The old owner's slots reach 900 ms ahead of its clock. The new owner's first slot lies a second or more after it
took over, and T behind the last one that could exist. Partitions refuse grants of a lower epoch. A report that has seen a higher
epoch than ours means that someone granted after us: we take over again, above it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from engine.bulk import MOST, Bulk
from engine.quotas import Quotas, room
from engine.shares import by_weight, share
from engine.spacing import HORIZON, SLOT, Spacing, gcra, interval
from engine.standing import MAX_SKEW, MS, SECOND, Standing, UnderWay
from engine.time import NEVER
from engine.wants import Wants
from schemas.line import Demand, Grant
from schemas.resources import Line

#: Slots lie at least this far ahead, however quick the workers say they are.
MIN_LEAD = 50 * MS
#: Slots are granted up to this much further ahead than the lead, and more of them when only SLACK of it is left.
AHEAD = 25 * MS
SLACK = 12 * MS
#: Commands that take longer from the grant until they are ready to send miss their slots.
TOO_LATE = HORIZON - AHEAD
#: Most slots in one grant: whoever takes it issues a command for each at one go, and that is not to hold up anything else.
RUN = 64

#: Looks a line up; None: it does not exist.
Lines = Callable[[str], Line | None]


class LinePacer:
    """The owner of one line. `since` is when it became that (real µs); what lines and campaigns may do is asked every time."""

    def __init__(self, line: str, settings: Lines, quotas: Quotas, partitions: int, epoch: int, since: int) -> None:
        self.line = line
        self.epoch = epoch
        self._settings, self._quotas = settings, quotas
        self._since = since
        self._parts = [Standing() for _ in range(partitions)]
        self._turns: dict[str, float] = {}  # what campaigns are owed
        self._credit: dict[str, dict[int, float]] = defaultdict(dict)  # what partitions are owed of a campaign's slots
        self._bulk, self._bulk_of_rate = Bulk(), Bulk(MOST)
        self._spacing = Spacing(since)

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
        self._spacing.follow(line.calls_per_second, now)
        self._spacing.measure((report.skew for part in self._parts if (report := part.report) and part.usable(now)), now)
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
        wakes = self._tells(now)
        if self._room(line, self._wants(line, now)) > 0:
            wakes.append(self._earliest(line, now))
        return max(now, min(wakes)) if wakes else None

    def sooner(self, planned: int, now: int) -> bool:
        """Whether a report may have brought the next wake before `planned`: a cheap question, asked after every report."""
        line = self._settings(self.line)
        return line is not None and min([*self._tells(now), self._earliest(line, now)]) < planned

    def _tells(self, now: int) -> list[int]:
        return [at for part in self._parts if (at := part.tell_at(self.epoch, now)) is not None]

    def _earliest(self, line: Line, now: int) -> int:
        """When slots may be granted next, if there is somebody for them."""
        before = AHEAD if line.calls_per_second is None else self._lead(now) + SLACK
        return self._first(line.calls_per_second) - before

    def _take_over(self, epoch: int, now: int) -> None:
        self.epoch, self._since = epoch, now
        for part in self._parts:
            part.number, part.joined, part.announced = 0, False, None

    def _wants(self, line: Line, now: int) -> Wants:
        """Slots that campaigns could use, by partition, beyond those under way."""
        wants = Wants()
        most = self._most(line, now)
        for p, part in enumerate(self._parts):
            if not part.usable(now):
                continue
            assert part.report is not None
            if part.ready > most - part.waiting:
                self._bulk_of(line).short()
            if (left := most - part.waiting - part.pending) > 0:
                wants.add(p, left, {name: ready - part.pending_of(name) for name, ready in part.report.ready.items()})
        wants.limit(lambda campaign: room(campaign, self._quotas(campaign), self._parts))
        return wants

    def _bulk_of(self, line: Line) -> Bulk:
        """A rate bounds what is on its way by itself, as long as the workers keep up with it."""
        return self._bulk if line.calls_per_second is None else self._bulk_of_rate

    def _most(self, line: Line, now: int) -> int:
        """Commands that one partition may have on their way, slots under way to it included.

        Workers that need longer than slots can lie ahead would only let them lapse, and make work of it: they get one at a time,
        so that it shows when they have caught up.
        """
        lag = max((part.report.lag for part in self._parts if part.report is not None and part.usable(now)), default=0)
        most = self._bulk_of(line).most(lag, now)
        if lag > TOO_LATE:
            return 1
        return NEVER if most == MOST and line.calls_per_second is not None else most

    def _room(self, line: Line, wants: Wants) -> int:
        """How many slots may be granted, whatever their times."""
        wanted = wants.total
        most = line.outbound
        if most is None or not wanted:
            return wanted
        if not all(part.joined for part in self._parts):
            return 0
        return min(wanted, most - sum(part.in_flight for part in self._parts))

    def _lead(self, now: int) -> int:
        """How far ahead slots must lie for the slowest worker to be ready."""
        leads = [part.report.lead for part in self._parts if part.report is not None and part.usable(now)]
        return min(max(MIN_LEAD, max(leads, default=0) * 3 // 2), TOO_LATE)

    def _first(self, rate: float | None) -> int:
        """The earliest next slot, as far as slots before it matter: ours, and an owner's before us."""
        if rate is None:
            return self._since + SECOND
        # An owner's clock is not among the reported ones once its worker is gone: the most that it may be off.
        return max(self._spacing.tat, self._since + max(SECOND, HORIZON + MAX_SKEW + interval(rate, self._spacing.skew)))

    def _slots(self, wants: Wants, room: int, now: int) -> list[Grant]:
        """Runs of consecutive slots, one run for each campaign and partition that gets some."""
        step, lead = self._spacing.step, self._lead(now)
        start, _ = gcra(self._first(self._spacing.rate), now + lead, step)
        n = min(room, (now + lead + AHEAD - start) // step + 1)
        if n <= 0:
            return []
        grants = []
        for campaign, p, k in self._split(n, wants):
            grants.append(self._issue(campaign, p, start, step, k, SLOT, now))
            start += k * step
        self._spacing.tat = start
        return grants

    def _whole(self, wants: Wants, room: int, now: int) -> list[Grant]:
        """Whole intervals. They begin at once: nobody has to be on time for a moment in them."""
        start = max(now, self._first(None))
        if start > now + AHEAD:
            return []
        return [
            self._issue(campaign, p, start, 0, min(RUN, k - done), HORIZON, now)
            for campaign, p, k in self._split(room, wants)
            for done in range(0, k, RUN)
        ]

    def _split(self, n: int, wants: Wants) -> Iterator[tuple[str, int, int]]:
        """Slots by campaign and partition: campaigns by weight, those first that could use the fewest."""
        shares = by_weight(n, wants.limits, {name: self._weight(name) for name in wants.limits}, self._turns)
        for campaign in sorted(shares, key=lambda name: (wants.limits[name], name)):
            room = wants.of(campaign)
            k = min(shares[campaign], sum(room.values()))
            for p, given in share(k, room, self._credit[campaign], self._oldest(room)).items():
                wants.take(p, given)
                yield campaign, p, given

    def _weight(self, campaign: str) -> float:
        quota = self._quotas(campaign)
        return quota.weight if quota else 1.0

    def _oldest(self, parts: Iterable[int]) -> dict[int, int]:
        return {p: NEVER if (r := self._parts[p].report) is None or r.oldest is None else r.oldest for p in parts}

    def _issue(self, campaign: str, p: int, t0: int, step: int, n: int, width: int, now: int) -> Grant:
        part = self._parts[p]
        part.number += 1
        part.under_way.append(UnderWay(self.epoch, part.number, campaign, n, t0 + (n - 1) * step + width))
        return self._grant(campaign, p, t0, step, n, width, now)

    def _announce(self, p: int, now: int) -> Grant:
        """Carries the number of the last grant: who reads it has all grants before it behind him."""
        self._parts[p].announced = now
        return self._grant(None, p, now, 0, 0, 0, now)

    def _grant(self, campaign: str | None, p: int, t0: int, step: int, n: int, width: int, now: int) -> Grant:
        number = self._parts[p].number
        name = f"{self.line}/{self.epoch}/{p}/{number}"
        return Grant(
            event_id=name if n else f"{name}/announced/{now}",
            line=self.line, epoch=self.epoch, partition=p, number=number, t0=t0, step=step, n=n, width=width, granted=now,
            campaign=campaign,
        )  # fmt: skip
