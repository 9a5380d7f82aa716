"""What is derived from a partition's rows, and never stored: who is ready, which timers are armed, which contact is busy.

Built on assignment by going through the rows, kept up to date by watching every row that is put, dropped at revocation (design
rule 17). A step that fails is undone row by row, and these follow.
"""

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from engine.ready import Ready
from engine.time import Instant
from engine.timers import Wheel
from schemas.rows import DialerRow, EnrollmentRow, LinkRow, State, TimerRow

Timer = tuple[str, int, int]
_EXITED = State.EXITED  # a member is looked up by way of its class, which takes as long as ten comparisons


@dataclass(slots=True)
class ContactIndex:
    """Of the enrollments of one partition (by contact)."""

    wheel: Wheel[str, Timer] = field(default_factory=Wheel)  # campaign time: due instants, ends of open ranges
    probes: Wheel[str, str] = field(default_factory=Wheel)  # real time: open commands to ask after, by dial_id
    retirees: Wheel[str, None] = field(default_factory=Wheel)  # real ms: exited rows that are to be tombstoned
    ready: Ready[str, tuple[Timer, Instant]] = field(default_factory=Ready)  # with the end of the open range
    denied: dict[str, int] = field(default_factory=dict)  # rows that were refused, and the refusal that was written last
    told: dict[str, Timer] = field(default_factory=dict)  # rows of which it was said that their step fell due, and for which timer
    todo: deque[str] = field(default_factory=deque)  # rows to look at again, a slice at a time
    by_contact: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # active rows
    by_campaign: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # active rows
    open: dict[str, str] = field(default_factory=dict)  # contact -> row with the open command
    in_flight: dict[str, dict[str, int]] = field(
        default_factory=lambda: defaultdict(dict)
    )  # line -> campaign -> open calls, if any
    slots: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))  # line -> row -> end of its slot, real µs

    def watch(self, key: str, old: TimerRow | None, new: TimerRow | None) -> None:
        """A row was put (or a put was undone)."""
        before = old if isinstance(old, EnrollmentRow) else None
        after = new if isinstance(new, EnrollmentRow) else None
        active = after is not None and after.state is not _EXITED
        if (before is not None and before.state is not _EXITED) is not active:
            self._count(key, before or after, active)
        was, is_ = (before.open if before else None), (after.open if after else None)
        if was is not is_:
            if before is not None and was is not None:
                self._closed(key, before)
            if after is not None and is_ is not None:
                self._opened(key, after)

    def busy(self, contact: str, key: str) -> bool:
        """Whether another command of this contact is open."""
        return self.open.get(contact, key) != key

    def waiting(self, line: str, now: int) -> int:
        """Open commands whose slot ends after `now` (real µs): they may still be on their way to the provider."""
        slots = self.slots[line]
        while slots and slots[first := next(iter(slots))] <= now:  # granted in order, so the oldest end first
            del slots[first]
        return len(slots)

    def others(self, contact: str, key: str) -> list[str]:
        rows = self.by_contact.get(contact, ())
        return [k for k in rows if k != key] if len(rows) > 1 else []

    def _count(self, key: str, row: EnrollmentRow | None, active: bool) -> None:
        assert row is not None
        for index, name in ((self.by_contact, row.contact_id), (self.by_campaign, row.campaign)):
            if active:
                index[name].add(key)
            else:
                self.denied.pop(key, None)
                self.told.pop(key, None)
                index[name].discard(key)
                if not index[name]:
                    del index[name]

    def _opened(self, key: str, row: EnrollmentRow) -> None:
        assert row.open is not None
        self.open[row.contact_id] = key
        if row.open.channel == "call":
            self._call(row.open.slot.line, row.campaign, 1)
        self.slots[row.open.slot.line][key] = row.open.slot.end
        for other in self.others(row.contact_id, key):
            self.ready.discard(other)  # they are blocked: contact_busy

    def _call(self, line: str, campaign: str, change: int) -> None:
        """A call of the campaign began or ended."""
        calls = self.in_flight[line]
        if (n := calls.get(campaign, 0) + change) > 0:
            calls[campaign] = n
        else:
            calls.pop(campaign, None)

    def _closed(self, key: str, row: EnrollmentRow) -> None:
        assert row.open is not None
        if self.open.get(row.contact_id) == key:
            del self.open[row.contact_id]
        if row.open.channel == "call":
            self._call(row.open.slot.line, row.campaign, -1)
        self.slots[row.open.slot.line].pop(key, None)
        self.todo.extend(self.others(row.contact_id, key))  # contact_free


@dataclass(slots=True)
class AddressIndex:
    """Of the ledger rows of one partition (by address)."""

    deadlines: Wheel[tuple[str, str], None] = field(default_factory=Wheel)  # real ms: (address, dial_id)
    contacts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # address -> linked contacts

    def watch(self, old: DialerRow | None, new: DialerRow | None) -> None:
        """A link was put or removed."""
        if isinstance(old, LinkRow):
            linked = self.contacts[old.address]
            linked.discard(old.contact_id)
            if not linked:
                del self.contacts[old.address]
        if isinstance(new, LinkRow):
            self.contacts[new.address].add(new.contact_id)

    def linked(self, address: str) -> Collection[str]:
        """The contacts who can be reached there, in no order."""
        return self.contacts.get(address, ())
