"""How often numbers were used: by the people of one partition, told from their profiles and their rows.

Calls that are over are counted by the quarter of an hour, since every zone's midnight falls on one: whatever the caps and zones of
numbers are, and become, nothing has to be counted again. Text messages do not count.

A crash may come between the two rows that a closing writes: then the enrollment has moved on, and the profile lacks the attempt
until the closing is read again. Until then such a closing counts for every number.
"""

from collections import defaultdict

from engine.daily_caps import Made
from engine.days import Day
from engine.retries import effect
from engine.time import DAY, MINUTE, Instant
from schemas import ids
from schemas.rows import Attempt, EnrollmentRow, Profile

_QUARTER = 15 * MINUTE
#: What is older is of no day that may still be asked about: a day has 25 hours at the most, and began somewhere.
_KEPT = 2 * DAY
#: Quarters of a number beyond which old ones are thrown away.
_MANY = 3 * DAY // _QUARTER
#: Exits to which only a closing that counts can have led.
_BY_CALL = frozenset({"answered", "unreachable", "opted_out", "completed"})


class Use:
    """Of one partition. Follows its profiles and rows as they are put."""

    def __init__(self, reach: int) -> None:
        self._reach = reach  # campaign ms from a command to its request, at the most
        self._quarters: dict[str, dict[int, int]] = defaultdict(dict)  # number -> quarter since 1970 -> calls
        self._open: dict[str, dict[str, int]] = defaultdict(dict)  # number -> row -> when its command was issued, campaign ms
        self._made: dict[str, tuple[Day, Made]] = {}  # number -> the day that was asked about last, and the answer
        self._doubts: dict[str, int] = {}  # closings that the profile lacks, by command -> when they ended, campaign ms

    def made(self, number: str, day: Day) -> Made:
        """Calls of a day. An open command counts for each day in which its request may reach the provider."""
        known = self._made.get(number)
        if known is not None and known[0] == day:
            return known[1]
        found = self._counted(number, day)
        self._made[number] = (day, found)
        return found

    def _counted(self, number: str, day: Day) -> Made:
        first, behind = day.start // _QUARTER, day.end // _QUARTER
        counted = sum([n for quarter, n in self._quarters[number].items() if first <= quarter < behind])
        issued = self._open[number].values()
        under_way = sum([at < day.end and at + self._reach >= day.start for at in issued])
        return Made(counted, under_way + sum([at >= day.start for at in self._doubts.values()]) if self._doubts else under_way)

    def put_profile(self, old: Profile | None, new: Profile | None) -> None:
        """A profile was put (or a put was undone)."""
        before, after = old.attempts if old else (), new.attempts if new else ()
        if before is after:
            return
        for attempt in after:
            if attempt not in before:
                self._count(attempt, 1)
                if self._doubts and self._doubts.pop(attempt.dial_id, None) is not None:
                    self._made.clear()
        for attempt in before:
            if attempt not in after:
                self._count(attempt, -1)

    def put_row(self, key: str, old: EnrollmentRow | None, new: EnrollmentRow | None) -> None:
        """An enrollment's row was put (or a put was undone)."""
        was, is_ = old.open if old else None, new.open if new else None
        if was is is_:
            return
        if was is not None and was.caller is not None:
            self._open[was.caller].pop(key, None)
            self._made.pop(was.caller, None)
        if is_ is not None and is_.caller is not None and is_.channel == "call":
            self._open[is_.caller][key] = is_.at
            self._made.pop(is_.caller, None)

    def doubt(self, row: EnrollmentRow, profile: Profile | None, now: Instant) -> None:
        """In recovery: whether the row's last closing is one that the profile lacks."""
        closed = _closed(row, now - _KEPT)
        if closed is None:
            return
        if not any(attempt.dial_id == closed[0] for attempt in (profile.attempts if profile else ())):
            self._doubts[closed[0]] = closed[1]
            self._made.clear()

    def _count(self, attempt: Attempt, by: int) -> None:
        if attempt.caller is None or attempt.channel != "call":
            return
        self._made.pop(attempt.caller, None)
        quarters, quarter = self._quarters[attempt.caller], attempt.at // _QUARTER
        quarters[quarter] = quarters.get(quarter, 0) + by
        if len(quarters) > _MANY:
            oldest = max(quarters) - _KEPT // _QUARTER
            self._quarters[attempt.caller] = {each: n for each, n in quarters.items() if each >= oldest}


def _closed(row: EnrollmentRow, since: int) -> tuple[str, int] | None:
    """The command of the last closing that the row took, if it counts as a call, and when that ended; None also if it is older."""
    if row.last is not None:
        counts = row.last.channel == "call" and effect(row.last.disposition).rang
        return (row.last.dial_id, row.last.at) if counts and row.last.at >= since else None
    if row.exit is None or row.exit.reason not in _BY_CALL or row.exit.at < since:
        return None
    dial = ids.dial_id(row.enrollment_id, row.seq - 1)
    return (dial, row.exit.at) if row.exit.cause == ids.event_id(dial, "outcome", dial) else None
