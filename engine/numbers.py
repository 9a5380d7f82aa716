"""Which of its numbers a campaign calls a person from: one that is near, that has calls left today, and always the same one.

A campaign's numbers are those with its tag, or those of its list, that are declared. One that rests is not used, by anybody.

With `presence: local` the numbers of the called number's own area code come first, then those of a state where the person may
live, then those of the country, then all others; with `any` there is no such order. Among equals the person's own order decides:
rendezvous hashing of person and number, so that people are spread evenly, a person keeps a number for as long as it can be used,
and a number that comes or goes moves those people alone whom it gains or loses. With `rotate: call` a person goes through that
order, one number further with each attempt.

A number's daily cap limits its calls, text messages not, per calendar day of its own zone. It is divided among the partitions, so
that each can keep its share by what it knows itself: the attempts in the profiles of its people, and its open commands. A command
counts for each day in which its request may reach the provider. So no cap is ever exceeded, whoever dies; the price is that a share
which nobody uses is not used. A cap's remainder goes to other partitions each day.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

from engine.answers import Answer, At, When
from engine.callers import Caller
from engine.days import Day, day_of, numbered
from engine.phone import region_of
from engine.time import MINUTE, NEVER, Instant

#: Real ms from a command until its request has reached the provider, or never will: a slot lies at most 900 ms ahead and lives a
#: second, the provider's client gives up after two, and workers' clocks differ by half a second at the most.
REACH_MS = 5_000
#: People's orders of numbers: so many are told apart. Enough that 100 numbers are within some percent of each other.
_ORDERS = 1 << 16
#: Places in whole orders that a set of numbers keeps.
_KEPT = 200_000
#: Where only calls under way fill caps up, everybody who waits asks again whenever so much has passed: it may be a whole campaign.
_AGAIN = 15 * MINUTE
#: Days looked ahead for one in which a partition has a share of a cap.
_AHEAD = 400


class NextFree(NamedTuple):
    """There is no number. at: when there may be one; None: not before some number's declaration changes. why: in words."""

    at: Instant | None
    why: str


class Made(NamedTuple):
    """Calls of a number in a day, of one partition's people. under_way: open commands, which may come to nothing."""

    attempts: int
    under_way: int


class Account(NamedTuple):
    """What a partition (of so many) knows of the use of numbers. reach: campaign ms from a command to its request, at the most."""

    partition: int
    partitions: int
    made: Callable[[str, Day], Made]
    reach: int


def untouched(partition: int = 0, partitions: int = 1) -> Account:
    """As if no number had ever been used."""
    return Account(partition, partitions, lambda _number, _day: Made(0, 0), 0)


class Person(NamedTuple):
    """Who is to be contacted, at which address (E.164), with which attempt of the enrollment (from 1)."""

    contact_id: str
    address: str
    jurisdictions: tuple[str, ...]
    seq: int


class Ring:
    """A set of numbers that are equals, none empty. Each person has an order of them."""

    __slots__ = ("_firsts", "_orders", "callers")

    def __init__(self, callers: Iterable[Caller]) -> None:
        self.callers = tuple(callers)
        self._firsts: dict[int, Caller] = {}
        self._orders: dict[int, list[Caller]] = {}

    def first(self, contact_id: str) -> Caller:
        """The person's number."""
        slot = crc32(contact_id.encode()) % _ORDERS
        return self._firsts.get(slot) or self._firsts.setdefault(slot, max(self.callers, key=partial(_affinity, slot)))

    def order(self, contact_id: str, turn: int) -> Iterator[Caller]:
        """All of them in the person's order, beginning with the one whose turn it is."""
        ranked = self._ranked(crc32(contact_id.encode()) % _ORDERS)
        return (ranked[(turn + i) % len(ranked)] for i in range(len(ranked)))

    def _ranked(self, slot: int) -> list[Caller]:
        found = self._orders.get(slot)
        if found is None:
            if len(self._orders) * len(self.callers) > _KEPT:
                self._orders.clear()  # an LRU would cost every look-up; this costs some orders anew, rarely
            found = self._orders[slot] = sorted(self.callers, key=partial(_affinity, slot), reverse=True)
        return found


class Roster:
    """The numbers of a campaign that do not rest, for as long as these are the same."""

    def __init__(self, callers: tuple[Caller, ...]) -> None:
        self.callers = callers
        self.numbers = frozenset(caller.e164 for caller in callers)
        self.capped = any(caller.cap is not None for caller in callers)
        self.equals = (Ring(callers),) if callers else ()
        self._areas = frozenset(caller.area for caller in callers if caller.area)
        self._lengths = sorted({len(area) for area in self._areas})
        self._states = frozenset(caller.state for caller in callers if caller.state)
        self._tiers: dict[tuple[str | None, frozenset[str], str | None], tuple[Ring, ...]] = {}

    def nearest(self, address: str, jurisdictions: tuple[str, ...]) -> tuple[Ring, ...]:
        """Rings from the nearest to the furthest."""
        area = next((address[:n] for n in self._lengths if address[:n] in self._areas), None)
        key = (area, self._states.intersection(jurisdictions), region_of(address))
        return self._tiers.get(key) or self._tiers.setdefault(key, tuple(self._by_distance(*key)))

    def _by_distance(self, area: str | None, states: frozenset[str], country: str | None) -> Iterator[Ring]:
        left = list(self.callers)
        for near in (
            lambda caller: area is not None and caller.area == area,
            lambda caller: caller.state in states,
            lambda caller: country is not None and caller.country == country,
            lambda _: True,
        ):
            found = [caller for caller in left if near(caller)]
            left = [caller for caller in left if not near(caller)]
            if found:
                yield Ring(found)


class Pool:
    """All numbers of one version of a campaign, as they are declared now."""

    def __init__(self, callers: Iterable[Caller], presence: str = "any", rotate: str = "person") -> None:
        self.callers = tuple(callers)
        self.local, self.rotates = presence == "local", rotate == "call"
        self._wakes = sorted({caller.rests_until for caller in self.callers if 0 < caller.rests_until < NEVER})
        self._rosters: dict[int, Roster] = {}
        self._always = None if self._wakes else self._roster(0)
        #: Each number may be used, by anybody, at any time: there is nothing to ask.
        self.free = self._always is not None and bool(self._always.callers) and not self._always.capped

    def roster(self, now: Instant) -> Roster:
        """Those that do not rest at an instant."""
        return self._always or self._roster(bisect_right(self._wakes, now))

    def next_wake(self, now: Instant) -> Instant | None:
        """When the next one has rested; None: none has a date for it."""
        i = bisect_right(self._wakes, now)
        return Instant(self._wakes[i]) if i < len(self._wakes) else None

    def _roster(self, woken: int) -> Roster:
        if woken not in self._rosters:
            since = self._wakes[woken - 1] if woken else 0
            self._rosters[woken] = Roster(tuple(caller for caller in self.callers if caller.rests_until <= since))
        return self._rosters[woken]


def choose(pool: Pool, person: Person, account: Account, now: Instant, calls: bool = True) -> str | NextFree:
    """The number (E.164) to contact a person from at `now`, or when there is one. calls: False: a text message."""
    roster = pool.roster(now)
    for ring in roster.nearest(person.address, person.jurisdictions) if pool.local else roster.equals:
        first = None if pool.rotates else ring.first(person.contact_id)
        if first is not None and (not calls or has_room(first, account, now)):
            return first.e164
        for caller in ring.order(person.contact_id, person.seq - 1 if pool.rotates else 0):
            if not calls or has_room(caller, account, now):
                return caller.e164
    return _none(pool, roster, account, now)


def none_left(pool: Pool, account: Account, now: Instant, calls: bool = True) -> NextFree | None:
    """When there is a number for anybody of the partition, if there is none now. Whoever has one then, may have it."""
    roster = pool.roster(now)
    if any(not calls or has_room(caller, account, now) for caller in roster.callers):
        return None
    return _none(pool, roster, account, now)


def unusable(pool: Pool, caller: str | None, now: Instant) -> NextFree | None:
    """Why a number that was chosen may not be used any more; another may be chosen at once, if there is any."""
    roster = pool.roster(now)
    if caller in roster.numbers:
        return None
    known = any(caller == each.e164 for each in pool.callers)
    why = f"{caller} is resting" if known else f"{caller} is not one of the campaign's numbers" if caller else "none was chosen"
    return NextFree(now if roster.callers else pool.next_wake(now), why)


def no_number(found: NextFree) -> Answer:
    """The gate's no."""
    until = When("number") if found.at is None else At(found.at)
    return Answer("number", False, until, found.why)


# --- daily caps -------------------------------------------------------------------------------------------------------------------


def share(cap: int, number: str, day: int, partition: int, partitions: int) -> int:
    """A partition's part of a number's daily cap, `day` as engine/days.py counts. All parts of a day together are the cap."""
    each, over = divmod(cap, partitions)
    return each + ((partition - _first_of(number, day)) % partitions < over)


def has_room(caller: Caller, account: Account, now: Instant) -> bool:
    """Whether one more call may be made in each day in which a command of `now` may reach the provider."""
    if caller.cap is None:
        return True
    day = day_of(caller.zone, now)
    while _room(caller, account, day):
        if now + account.reach < day.end:
            return True
        day = numbered(caller.zone, day.number + 1)  # on a fast clock a command may take days
    return False


def _room(caller: Caller, account: Account, day: Day) -> bool:
    attempts, under_way = account.made(caller.e164, day)
    return attempts + under_way < _share(caller, day.number, account)


def _share(caller: Caller, day: int, account: Account) -> int:
    return share(caller.cap or 0, caller.e164, day, account.partition, account.partitions)


@lru_cache(maxsize=4096)
def _first_of(number: str, day: int) -> int:
    """The partition, among any number of them, at which the remainder of the day begins."""
    return int.from_bytes(blake2b(f"{number}/{day}".encode(), digest_size=8).digest(), "big")


def _none(pool: Pool, roster: Roster, account: Account, now: Instant) -> NextFree:
    """None has room: when the first has."""
    sooner = [at for caller in roster.callers if (at := _next_room(caller, account, now)) is not None]
    later = [_rested(caller, account) for caller in pool.callers if now < caller.rests_until < NEVER]
    return NextFree(min((*sooner, *later), default=None), _words(len(pool.callers), len(roster.callers)))


def _next_room(caller: Caller, account: Account, now: Instant) -> Instant | None:
    """From when a number that has no room now may have some: soon, if only commands under way fill it up, else a later day."""
    today = day_of(caller.zone, now)
    if account.made(caller.e164, today).attempts < _share(caller, today.number, account) and now + account.reach < today.end:
        return min(Instant(now - now % _AGAIN + _AGAIN), today.end)
    return _day_with_share(caller, today.number + 1, account.partition, account.partitions)


def _rested(caller: Caller, account: Account) -> Instant:
    """From when a number that rests until a date may be used, and has calls left."""
    day = day_of(caller.zone, caller.rests_until)
    if caller.cap is None or account.made(caller.e164, day).attempts < _share(caller, day.number, account):
        return caller.rests_until
    return _day_with_share(caller, day.number + 1, account.partition, account.partitions)


@lru_cache(maxsize=4096)
def _day_with_share(caller: Caller, first: int, partition: int, partitions: int) -> Instant:
    """The beginning of the first day, from `first` on, in which the partition has a share of the number's cap."""
    days = (numbered(caller.zone, number) for number in range(first, first + _AHEAD))
    shared = (d.start for d in days if d.start < d.end and share(caller.cap or 0, caller.e164, d.number, partition, partitions))
    return next(shared, numbered(caller.zone, first + _AHEAD).start)


def _words(declared: int, awake: int) -> str:
    """`1 of 3 numbers is resting, the others have had their calls of the day`."""
    if not declared:
        return "none of the campaign's numbers is declared"
    resting = declared - awake
    if not awake:
        return f"all {declared} numbers of the campaign are resting" if declared > 1 else "the campaign's number is resting"
    if not resting:
        return (
            f"all {declared} numbers have had their calls of the day" if declared > 1 else "the number has had its calls of the day"
        )
    return f"{resting} of {declared} numbers {'are' if resting > 1 else 'is'} resting, the others have had their calls of the day"


def _affinity(slot: int, caller: Caller) -> bytes:
    """How well a number suits a person's order: the greatest is first."""
    return blake2b(b"%d %s" % (slot, caller.e164.encode()), digest_size=8).digest()
