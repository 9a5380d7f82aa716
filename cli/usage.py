"""How often numbers were used, as the workers count it: by partition, from the same rows (engine/number_use.py)."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from cli.plans import Plans
from engine.daily_caps import REACH_MS, Account, untouched
from engine.errors import OutdialError
from engine.number_use import Use
from engine.numbers import none_left
from engine.time import Instant
from schemas.rows import EnrollmentRow, Profile, TimerRow
from streams.partitions import partition_of


class Usage:
    """Of all partitions, or of those whose rows are put. `rate`: campaign seconds in a real one."""

    def __init__(self, partitions: int, rate: float) -> None:
        self._partitions, self._reach = partitions, int(REACH_MS * rate)
        self._uses: dict[int, Use] = defaultdict(lambda: Use(self._reach))

    @classmethod
    def of(cls, rows: Mapping[str, TimerRow], profiles: Mapping[str, Profile], partitions: int, rate: float) -> "Usage":
        usage = cls(partitions, rate)
        for profile in profiles.values():
            usage.put_profile(None, profile)
        for key, row in rows.items():
            usage.put_row(key, None, row)
        return usage

    def account(self, contact: str) -> Account:
        """What the person's partition knows."""
        return self.accounts(partition_of(contact, self._partitions))

    def accounts(self, partition: int) -> Account:
        return Account(partition, self._partitions, self._uses[partition].made, self._reach)

    def put_profile(self, old: Profile | None, new: Profile | None) -> None:
        one = new or old
        if one is not None:
            self._uses[partition_of(one.contact_id, self._partitions)].put_profile(old, new)

    def put_row(self, key: str, old: TimerRow | None, new: TimerRow | None) -> None:
        before, after = old if isinstance(old, EnrollmentRow) else None, new if isinstance(new, EnrollmentRow) else None
        one = after or before
        if one is not None:
            self._uses[partition_of(one.contact_id, self._partitions)].put_row(key, before, after)


class Numbers:
    """Keeps count while rows and profiles come, as long as any number has a daily cap. Pure: `now` is an argument."""

    def __init__(self, plans: Plans, rate: float, partitions: int) -> None:
        self._plans, self._rate, self._partitions = plans, rate, partitions
        self.usage = Usage(partitions, rate) if plans.resources.capped else None
        self._short: dict[str, list[bool]] = {}  # campaign -> whether it has no number, by partition

    def take_row(self, key: str, before: TimerRow | None, get: Callable[[str], TimerRow | None]) -> None:
        if self.usage is not None:
            self.usage.put_row(key, before, get(key))

    def take_profile(self, contact: str, before: Profile | None, get: Callable[[str], Profile | None]) -> None:
        if self.usage is not None:
            self.usage.put_profile(before, get(contact))

    def replan(self, plans: Plans, rows: Mapping[str, TimerRow], profiles: Mapping[str, Profile]) -> None:
        """Numbers are declared as `plans` say from now on."""
        self._plans = plans
        if not plans.resources.capped:
            self.usage = None
        elif self.usage is None:
            self.usage = Usage.of(rows, profiles, self._partitions, self._rate)

    def moved(self, now: Instant) -> set[str]:
        """Campaigns that have run out of numbers for somebody, or have one again, since this was asked last."""
        before, self._short = self._short, {name: self._shortage(name, now) for name in self._plans.heads}
        return {name for name, short in self._short.items() if name in before and before[name] != short}

    def _shortage(self, campaign: str, now: Instant) -> list[bool]:
        try:
            pool = self._plans.pool(self._plans.plan(campaign, self._plans.heads[campaign].version))
        except OutdialError:
            return []
        if pool.free:
            return []
        accounts = (self.usage.accounts(p) if self.usage else untouched() for p in range(self._partitions))
        return [none_left(pool, account, now) is not None for account in accounts]
