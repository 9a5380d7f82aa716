"""The numbers of a campaign, as they are chosen from: those that do not rest, from the nearest to a person to the furthest.

People's orders of numbers are rendezvous hashing: each number has a value for each order, and the greatest is first. All that is
found out is kept, until the numbers are declared anew.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import blake2b
from zlib import crc32

from engine.callers import Caller
from engine.phone import region_of
from engine.time import NEVER, Instant

#: People's orders of numbers: so many are told apart. Enough that 100 numbers are within some percent of each other.
_ORDERS = 1 << 16
#: Places in whole orders that a set of numbers keeps.
_KEPT = 200_000


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


def _affinity(slot: int, caller: Caller) -> bytes:
    """How well a number suits a person's order: the greatest is first."""
    return blake2b(b"%d %s" % (slot, caller.e164.encode()), digest_size=8).digest()
