"""The pacing protocol between partitions and the one owner of a line. Topics `line-events` (keyed by line) and `line-slots`
(explicit partition). Slot times are real microseconds: pacing is about machines, not about people."""

import msgspec

from schemas.base import Record


class Slot(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The right to place one request in [start, end), real microseconds. A rate slot is 5 ms wide; a line without a rate is granted
    whole intervals. `granted` is when the pacer decided, for measuring the way from grant to ready-to-send."""

    line: str  #: the line that granted it
    epoch: int  #: term of the line's owner
    start: int  #: real UTC µs: not before
    end: int  #: real UTC µs: not from here on
    granted: int = 0  #: real UTC µs, when the pacer decided


class Spent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a campaign with a daily budget has used, of the people of one partition. `day`: when today began in the campaign's zone.

    `price` is what the `priced` calls of the last 31 days cost whose cost is known: calls under way are reckoned at the mean."""

    day: int  #: campaign ms, midnight in the campaign's zone
    calls: int = 0  #: calls that were placed since then
    cost: int = 0  #: millionths of the provider's currency unit, what was used since then
    priced: int = 0  #: calls of the last 31 days whose cost is known
    price: int = 0  #: millionths, what those cost together


class Demand(Record, kw_only=True, frozen=True, tag_field="kind", tag="demand"):
    """What partition `partition` could use of `line` right now: absolute, lapses after 3 s.

    `ready`: entries per campaign that are running, inside their window and whose contact is free. `in_flight`: open call commands,
    `open` the same by campaign.
    `seen`: number of the last grant (of `epoch`) taken into account, so that the pacer can subtract what is still under way.
    """

    line: str  #: the line
    partition: int  #: the partition that could use it
    epoch: int  #: greatest epoch of the line's owner that this partition has seen; 0: none yet
    seen: int  #: number of the last grant of `epoch` taken into account
    ready: dict[str, int]  #: campaign -> people who could be contacted now
    oldest: int | None  #: campaign ms, due instant of the oldest of them
    in_flight: int  #: open call commands
    open: dict[str, int] = {}  #: campaign -> its open call commands
    spent: dict[str, Spent] = {}  #: campaign -> what it has used of its daily budget; only campaigns that have one
    failing: int | None = None  #: real ms, when the worker tries its provider again, which fails; left out: it works
    waiting: int = 0  #: open commands, messages included, whose slot has yet to end
    lead: int  #: real µs, the worker's p99 from grant to ready-to-send
    lag: int = 0  #: real µs, the same for the last few commands: whether the worker keeps up at this moment
    skew: int  #: real µs between the worker's clock and the broker's
    at: int  #: real UTC µs
    writer: int  #: epoch of the partition's assignment; a lower one is a zombie's

    @property
    def key(self) -> str:
        return self.line


class Grant(Record, kw_only=True, frozen=True, tag_field="kind", tag="grant"):
    """Slots t0, t0+step, ... (n of them, each `width` wide, real µs) of `line` for `partition`. n = 0 only announces the epoch.

    `number` counts the owner's grants to this partition, from 1, so that a partition can say which it has seen. Slots are for one
    campaign: if nobody of it is ready any more, they lapse.
    """

    line: str  #: the line
    epoch: int  #: term of its owner: readers refuse lower ones
    partition: int  #: who may use the slots
    number: int  #: counts the owner's grants to this partition, from 1
    t0: int  #: real UTC µs, begin of the first slot
    step: int  #: real µs between two slots; 0: all at once
    n: int  #: how many; 0 only announces the epoch
    width: int  #: real µs, how long a slot is open
    granted: int  #: real UTC µs, when the pacer decided
    campaign: str | None = None  #: whose people may use the slots; none: anybody's

    def slots(self) -> "list[Slot]":
        starts = range(self.t0, self.t0 + self.n * self.step, self.step) if self.step else [self.t0] * self.n
        return [Slot(self.line, self.epoch, t, t + self.width, self.granted) for t in starts]
