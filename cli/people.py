"""Everybody who is, or was, in a campaign, and why they wait: counted once, then kept up to date as rows change and time passes.

Theory of operation
-------------------
Rows and profiles are taken as they come from their changelogs. A row that changed is counted anew: what it was counted as is taken
off first. A row that waits has a reason (cli/reasons.py), which is asked again when the row, its person's profile or campaign
changes, when another of the person's commands opens or closes, and at the instant until which the reason holds: for that each
reason has a wheel of its rows, whose first entry is also what a board shows as `first at`. So a look at a million people costs what
has happened since the last one.

Pure: `now` is an argument. People whose rows are tombstoned are counted by their partition's totals.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cli.packed import Packed
from cli.plans import Plans
from cli.reasons import BUDGET, COMMAND_OPEN, PACING, Used, View, late, why
from cli.summary import CampaignSummary, Closings, Summary, Waits
from cli.usage import Numbers
from engine.lifecycle import about, state_at
from engine.time import Instant
from engine.timers import Wheel
from schemas.rows import EnrollmentRow, Profile, State, TimerRow, TotalsRow


class _Counted(NamedTuple):
    """What a row was counted as."""

    campaign: str
    state: State
    exit: str | None
    attempts: int


@dataclass(slots=True)
class _Reason:
    """Those who wait for one reason: how many, when it is to be asked again, whether that is when it ends, since when it holds."""

    count: int = 0
    again: Wheel[str, None] = field(default_factory=Wheel)
    ends: bool = True
    since: Wheel[str, None] = field(default_factory=Wheel)


class People:
    """`rate`: campaign seconds in a real one. `late`: of each command issued since it was last emptied, when (campaign ms) and by
    how many campaign ms it was late."""

    def __init__(self, plans: Plans, rate: float, partitions: int = 1) -> None:
        self.rows: Packed[TimerRow] = Packed(TimerRow)
        self.profiles: Packed[Profile] = Packed(Profile)
        self.late: list[tuple[Instant, int]] = []
        self._plans, self._rate = plans, rate
        self._numbers = Numbers(plans, rate, partitions)
        self._live = False  # everything that lay there has been counted
        self._counted: dict[str, _Counted] = {}
        self._same: dict[_Counted, _Counted] = {}  # most rows are counted as the same few things
        self._totals: dict[str, TotalsRow] = {}
        self._figures: dict[str, CampaignSummary] = {}
        self._reasons: dict[tuple[str, str], _Reason] = defaultdict(_Reason)  # by campaign and reason
        self._waits: dict[str, tuple[str, str]] = {}
        self._used: Used = {}
        self._busy: dict[str, str] = {}  # contact -> the row that has an open command
        self._entries = 1
        self._changed: set[str] = set()
        # A set that keeps its order, the longest in doubt first. A dict would walk over all that have left at each one that leaves.
        self._doubtful: OrderedDict[str, None] = OrderedDict()

    # --- what comes in ---

    def take_row(self, key: str, value: bytes | None) -> None:
        """One record of the topic step-timers."""
        before = self.rows.get(key) if self._numbers.usage else None
        if self.rows.put(key, value):
            self._numbers.take_row(key, before, self.rows.get)
            if self._live:
                self._recount(key)
            else:
                self._changed.add(key)

    def take_profile(self, contact: str, value: bytes | None) -> None:
        """One record of the topic contact-profiles."""
        before = self.profiles.get(contact) if self._numbers.usage else None
        if self.profiles.put(contact, value):
            self._numbers.take_profile(contact, before, self.profiles.get)
            if self._live:
                self._doubt(self._keys_of(contact))

    def replan(self, plans: Plans) -> None:
        """Campaigns are as `plans` say from now on: the reasons of all who are in one that changed are asked again."""
        before, self._plans = self._plans, plans
        moved = {name for name, head in plans.heads.items() if before.heads.get(name) != head}
        self._numbers.replan(plans, self.rows, self.profiles)
        self._doubt_campaigns(moved)

    def spend(self, used: Used) -> None:
        """The budgets of these campaigns are used up from now on, and no others."""
        before, self._used = self._used, used
        if moved := {name for name in (*before, *used) if before.get(name) != used.get(name)}:
            self._doubt(key for key, (campaign, reason) in self._waits.items() if campaign in moved and reason in (PACING, BUDGET))

    # --- what is asked ---

    def refresh(self, now: Instant, limit: int | None = None) -> int:
        """Brings counts and reasons up to `now`, asking at most `limit` reasons; how many are left to be asked."""
        for key in self._changed:
            self._recount(key)
        self._changed.clear()
        self._live = True
        for reason in self._reasons.values():
            self._doubt(key for key, _ in reason.again.drain(now))
        self._doubt_campaigns(self._numbers.moved(now))
        view = View(self.profiles, self._plans, now, self._rate, self._busy, self._used, self._numbers.usage)
        room = len(self._doubtful) if limit is None else limit
        while self._doubtful and room:
            room -= 1
            self._ask(self._doubtful.popitem(last=False)[0], view)
        return len(self._doubtful)

    def summary(self, now: Instant, closings: Closings) -> Summary:
        """As of the last refresh. A campaign without people is counted as well."""
        names = {*self._plans.heads, *self._figures, *closings.counts, *(c for t in self._totals.values() for c in t.exits)}
        return Summary(now, tuple(self._summary_of(name, closings, now) for name in sorted(names)))

    def enrolled(self) -> Iterator[EnrollmentRow]:
        """All rows that are there."""
        return (row for row in self.rows.values() if isinstance(row, EnrollmentRow))

    # --- counting ---

    def _recount(self, key: str) -> None:
        before = self._counted.pop(key, None)
        if before is not None:
            self._add(before, -1)
        row = self.rows.get(key)
        if isinstance(row, TotalsRow):
            self._totals[key] = row
            return
        self._mark_busy(key, row)
        if row is None:
            self._settle(key)
            return
        counted = _Counted(row.campaign, row.state, row.exit.reason if row.exit else None, row.attempts)
        self._counted[key] = self._same.setdefault(counted, counted)
        self._add(counted, 1)
        self._entries = max(self._entries, row.entry)
        if self._live and row.state is State.ISSUED and (before is None or before.state is not State.ISSUED):
            self._note_late(row)
        self._doubt((key,))

    def _add(self, counted: _Counted, n: int) -> None:
        one = self._figures.get(counted.campaign)
        if one is None:
            one = self._figures[counted.campaign] = CampaignSummary(counted.campaign, "unknown", None)
        one.people += n
        one.attempts += n * counted.attempts
        one.states[str(counted.state)] += n
        if counted.state is State.EXITED:
            one.exits[counted.exit or "unknown"] += n

    def _mark_busy(self, key: str, row: EnrollmentRow | None) -> None:
        """Whose command is open; the person's other enrollments wait for it."""
        contact = row.contact_id if row else key.rsplit("/", 2)[0]
        if row is not None and row.open is not None:
            self._busy[contact] = key
        elif self._busy.get(contact) == key:
            del self._busy[contact]
        else:
            return
        if self._live:
            self._doubt(self._keys_of(contact))

    def _note_late(self, row: EnrollmentRow) -> None:
        assert row.open is not None
        by = late(row, View(self.profiles, self._plans, Instant(row.open.at), self._rate, self._busy))
        if by is not None:
            self.late.append((Instant(row.open.at), by))

    def _keys_of(self, contact: str) -> list[str]:
        """The person's rows: by their names, for an index of a million people would be longer than the few questions it saves."""
        names = (f"{contact}/{campaign}/{entry}" for campaign in self._figures for entry in range(1, self._entries + 1))
        return [name for name in names if name in self._counted]

    # --- reasons ---

    def _doubt(self, keys: Iterable[str]) -> None:
        self._doubtful.update(dict.fromkeys(keys))

    def _doubt_campaigns(self, names: set[str]) -> None:
        if names:
            self._doubt(key for key, counted in self._counted.items() if counted.campaign in names)

    def _settle(self, key: str) -> None:
        """Takes a row off the reason it waited for."""
        name = self._waits.pop(key, None)
        if name is not None:
            self._reasons[name].count -= 1
            self._reasons[name].again.discard(key)
            self._reasons[name].since.discard(key)

    def _ask(self, key: str, view: View) -> None:
        self._settle(key)
        row = self.rows.get(key)
        if not isinstance(row, EnrollmentRow):
            return
        found = why(row, view)
        if found is None or found.reason == COMMAND_OPEN:
            return
        name = self._waits[key] = (row.campaign, found.reason)
        reason = self._reasons[name]
        reason.count += 1
        reason.ends = found.until is not None
        if found.again is not None:
            reason.again.put(found.again, key, None)
        if found.since is not None:
            reason.since.put(found.since, key, None)

    # --- figures ---

    def _summary_of(self, campaign: str, closings: Closings, now: Instant) -> CampaignSummary:
        head, figures = self._plans.heads.get(campaign), self._figures.get(campaign)
        one = CampaignSummary(campaign, str(state_at(head, now)) if head else "unknown", head.version if head else None)
        one.about = about(head, now) if head else None
        if figures is not None:
            one.people, one.attempts = figures.people, figures.attempts
            one.states, one.exits = +figures.states, +figures.exits
        for total in self._totals.values():
            gone = sum(total.exits.get(campaign, {}).values())
            one.people += gone
            one.attempts += total.attempts.get(campaign, 0)
            one.exits.update(total.exits.get(campaign, {}))
            one.states.update({str(State.EXITED): gone} if gone else {})
        one.waiting = {name: self._shown(r) for (whose, name), r in self._reasons.items() if whose == campaign and r.count}
        one.calls = Counter(closings.counts.get(campaign, {}))
        return one

    def _shown(self, reason: _Reason) -> Waits:
        return Waits(reason.count, reason.again.next() if reason.ends else None, reason.since.next())
