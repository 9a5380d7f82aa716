"""Which number a person is contacted from: engine/numbers.py, asked with what this worker knows of its partitions."""

from engine import numbers
from engine.daily_caps import REACH_MS, Account
from engine.flow import contacting
from engine.number_use import Use
from engine.numbers import NextFree, Person
from engine.plan import Channel, Plan
from engine.reach import address_for
from engine.time import Instant
from outdial.clock import Clock
from schemas.rows import EnrollmentRow, Profile, TimerRow
from streams.heads import Heads
from streams.lane import Lane
from streams.store import Table

_CALL, _EMAIL = Channel.CALL, Channel.EMAIL


class Callers:
    """One object for all partitions of the worker."""

    def __init__(self, lane: Lane, clock: Clock, heads: Heads, profiles: Table[Profile], rows: Table[TimerRow]) -> None:
        self._lane, self._heads, self._profiles, self._rows = lane, heads, profiles, rows
        self._reach = int(REACH_MS * clock.rate)
        self._use: dict[int, Use] = {}
        self._accounts: dict[int, Account] = {}
        profiles.observers.append(self._profile)
        rows.observers.append(self._row)

    def none_left(self, p: int, plan: Plan, channel: Channel, now: Instant) -> NextFree | None:
        """When there is a number for anybody of the partition, if there is none now."""
        pool = self._heads.pool(plan)
        if pool.free or channel is _EMAIL:
            return None
        return numbers.none_left(pool, self._account(p), now, channel is _CALL)

    def choose(self, p: int, plan: Plan, row: EnrollmentRow, profile: Profile | None, now: Instant) -> str | NextFree | None:
        """The number for the person's next attempt, or when there is one; None: an email needs none."""
        channel = contacting(row, plan).channel
        if channel is _EMAIL:
            return None
        address = (profile and address_for(profile, channel, row.bad)) or ""
        person = Person(row.contact_id, address, profile.jurisdictions if profile else (), row.seq)
        return self.choose_for(p, plan, channel, person, now)

    def choose_for(self, p: int, plan: Plan, channel: Channel, person: Person, now: Instant) -> str | NextFree | None:
        """The same of any message or call."""
        if channel is _EMAIL:
            return None
        return numbers.choose(self._heads.pool(plan), person, self._account(p), now, channel is _CALL)

    def rebuild(self, p: int) -> None:
        """What was used, from the rows. Before anything is chosen."""
        self.drop(p)
        use, now, capped = self._of(p), self._lane.now(), self._heads.capped
        for profile in self._profiles.rows(p).values():
            use.put_profile(None, profile)
        for key, row in self._rows.rows(p).items():
            if isinstance(row, EnrollmentRow):
                use.put_row(key, None, row)
                if capped:
                    use.doubt(row, self._profiles.get(p, row.contact_id), now)

    def drop(self, p: int) -> None:
        self._use.pop(p, None)
        self._accounts.pop(p, None)

    def _of(self, p: int) -> Use:
        found = self._use.get(p)
        if found is None:
            found = self._use[p] = Use(self._reach)
            self._accounts[p] = Account(p, self._lane.partitions, found.made, self._reach)
        return found

    def _account(self, p: int) -> Account:
        self._of(p)
        return self._accounts[p]

    def _profile(self, p: int, _key: str, old: Profile | None, new: Profile | None) -> None:
        self._of(p).put_profile(old, new)

    def _row(self, p: int, key: str, old: TimerRow | None, new: TimerRow | None) -> None:
        before, after = old if isinstance(old, EnrollmentRow) else None, new if isinstance(new, EnrollmentRow) else None
        self._of(p).put_row(key, before, after)
