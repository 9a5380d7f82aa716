"""The shell around engine/flow.py, shared by the stages that advance enrollments: gathers, asks, applies, for one row."""

from collections import defaultdict
from collections.abc import Callable
from functools import partial

from engine import flow, totals
from engine.gate import Facts, room
from engine.pauses import moved
from engine.plan import Contacting, Plan
from engine.reach import address_for
from engine.spending import Spending
from engine.time import DAY, Instant
from outdial.clock import Clock
from schemas.campaign import CampaignState
from schemas.command import Unlink
from schemas.ids import event_id
from schemas.line import Slot
from schemas.rows import EnrollmentRow, Profile, State, TimerRow, TotalsRow
from streams.callers import Callers
from streams.heads import Heads
from streams.index import ContactIndex
from streams.lane import Lane
from streams.store import Table

#: Real ms behind the end of a slot after which an open command is asked after, by sending it again (it can only close by then):
#: soon after a recovery, for a crash may have come before it was sent; later as a watchdog, while the call may be going on.
PROBE_RECOVERED = 1_000
PROBE_AGAIN = 60_000


#: Members by name, which is faster (see engine/gate.py).
_WAITING, _ISSUED, _EXITED = State.WAITING, State.ISSUED, State.EXITED


class Flows:
    """Feeds inputs to rows, and does what the results say: emit, put, and once that is durable, what follows."""

    def __init__(self, lane: Lane, clock: Clock, heads: Heads, profiles: Table[Profile], rows: Table[TimerRow]) -> None:
        self.lane, self.clock, self.heads = lane, clock, heads
        self.profiles, self.rows = profiles, rows
        self.index: dict[int, ContactIndex] = defaultdict(ContactIndex)
        self.wake: Callable[[int], None] = lambda _: None  # the scheduler's tick of a partition
        # What an exit leads to besides (streams/actions.py); whether there are rows that must be durable before `exited` is said.
        self.leaving: Callable[[int, EnrollmentRow, Instant], bool] = lambda *_: False
        # A slot for what waits in the ready queue under a name that no row has; whether it was used.
        self.others: Callable[[int, str, Slot, Instant], bool] = lambda *_: False
        self.other_again: Callable[[int, str], None] = lambda *_: None  # it was taken out there, and is to be looked at again
        self._transit = room(clock.rate)
        self.spending: dict[int, Spending] = defaultdict(Spending)
        self.callers = Callers(lane, clock, heads, profiles, rows)
        rows.observers.append(self._watch)
        profiles.observers.append(lambda p, _, old, new: self.spending[p].watch(old, new))

    def row(self, p: int, key: str) -> EnrollmentRow | None:
        """The row, due when the pauses of its campaign leave it due (engine/pauses.py): what is stored stays as it was."""
        found = self.rows.get(p, key)
        if not isinstance(found, EnrollmentRow):
            return None
        known = self.heads.pauses
        return found if not known or (pauses := known.get(found.campaign)) is None else moved(found, pauses)

    def plan(self, row: EnrollmentRow) -> Plan:
        """The version the row is pinned to. A row only exists if its plan was known, and heads are read before rows are touched."""
        found = self.heads.plan(row.campaign, row.version)
        if found is None:
            raise LookupError(f"campaign {row.campaign}@{row.version} is gone from the topic campaigns, but {row.key} runs on it")
        return found

    def facts(self, p: int, key: str, row: EnrollmentRow, plan: Plan, profile: Profile | None) -> Facts:
        """The contact's half of what the gate looks at."""
        step = flow.contacting(row, plan)
        address = address_for(profile, step.channel, row.bad) if profile and plan.countries else None
        return self.facts_of(p, plan, step, profile, address, self.index[p].busy(row.contact_id, key))

    def facts_of(
        self, p: int, plan: Plan, step: Contacting, profile: Profile | None, address: str | None, busy: bool | None = None
    ) -> Facts:
        """The same of any message or call. `address`: asked for its country; `busy`: another command of the contact is open."""
        return Facts(
            plan=plan,
            campaign_state=self.heads.state(plan.campaign),
            starts_at=self.heads.starts_at(plan.campaign),
            zones=plan.zones(profile.zones if profile else ()),
            step=step,
            jurisdictions=profile.jurisdictions if profile else (),
            consents=profile.consents if profile else (),
            opt_outs=profile.opt_outs if profile else (),
            attempts=profile.attempts if profile else (),
            halts=self.heads.halts,
            lists=self.heads.lists,
            abroad=plan.abroad(address) if address and plan.countries else None,
            no_number=self.callers.none_left(p, plan, step.channel, self.lane.now()),
            contact_busy=busy,
            transit=self._transit,
        )

    def feed(self, p: int, row: EnrollmentRow, inp: flow.Input, now: Instant) -> None:
        """One input to one row."""
        profile = self.profiles.get(p, row.contact_id)
        self.apply(p, row, flow.transition(row, inp, now, self.plan(row), profile))

    def apply(self, p: int, before: EnrollmentRow | None, result: flow.Result) -> None:
        """Outputs, then the row, then what cannot be taken back."""
        row = result.row
        key = row.key
        for record in result.emit:
            self.lane.emit(record)
        if row is not before:
            self.index[p].ready.discard(key)
            self.lane.put(self.rows, p, key, row)
            if row.state is _EXITED:
                self._keep_for_a_week(p, key, row)
                self._left(p, row)
                self.wake(p)
                return
        for record in result.after:
            self.lane.emit_after(record)
        if row.state is _ISSUED:
            self.arm(p, key, row)
            return
        kept = row if row is not before else self.rows.get(p, key)  # `before` may be due later than what is stored
        self.lane.then(partial(self._durable, p, key, kept, result))

    def _durable(self, p: int, key: str, kept: TimerRow | None, result: flow.Result) -> None:
        if self.rows.get(p, key) is not kept:
            return  # a later step has moved on; it has its own consequences
        if isinstance(result.then, flow.Finish):
            self.finish(p, result.row, self.lane.now())
        elif result.then is not None:
            self.feed(p, result.row, result.then, self.lane.now())
        else:
            self.arm(p, key, result.row)

    def finish(self, p: int, row: EnrollmentRow, now: Instant) -> None:
        """The row names its exit, durably. What is to follow from it is durable before it is said."""
        if self.leaving(p, row, now):
            self.lane.then(partial(self._said, p, row))
        else:
            self.feed(p, row, flow.Finish(), now)

    def _said(self, p: int, row: EnrollmentRow) -> None:
        if self.rows.get(p, row.key) is row:
            self.feed(p, row, flow.Finish(), self.lane.now())

    def arm(self, p: int, key: str, row: EnrollmentRow, probe: int = PROBE_AGAIN) -> None:
        """Sets the timer that the row is; on recovery, picks up what the row has named and may not have been sent."""
        index = self.index[p]
        if row.open is not None:
            index.probes.put(Instant(max(row.open.slot.end // 1000 + probe, self.lane.real_ms)), key, row.open.dial_id)
        elif row.state is _WAITING:
            if row.due <= self.lane.now():
                index.todo.append(key)
            else:
                index.wheel.put(Instant(row.due), key, row.timer)
        self.wake(p)

    def look_again(self, p: int, contact: str) -> None:
        """What the gate knows of the person has changed: it is asked afresh of all that waits."""
        index = self.index[p]
        for key in index.by_contact.get(contact, ()):
            index.ready.discard(key)
            index.todo.append(key)
        self.wake(p)

    def rebuild(self, p: int) -> None:
        """Everything derived of a partition, from its rows. What was cut off by a crash is looked at again, a slice at a time."""
        self.callers.rebuild(p)
        index = self.index[p] = ContactIndex()
        self.spending[p] = Spending(self.profiles.rows(p).values())
        for key, row in self.rows.rows(p).items():
            index.watch(key, None, row)
            if not isinstance(row, EnrollmentRow):
                continue
            if row.state is _EXITED:
                self._keep_for_a_week(p, key, row)
                continue
            if row.exit is not None or self.heads.state(row.campaign) is CampaignState.ENDED:
                index.todo.append(key)
            self.arm(p, key, row, PROBE_RECOVERED)

    def drop(self, p: int) -> None:
        self.index.pop(p, None)
        self.spending.pop(p, None)
        self.callers.drop(p)

    def retire(self, p: int) -> None:
        """Tombstones exited rows whose week is over; their counts join the campaign's totals in the same step."""
        for key, _ in self.index[p].retirees.drain(Instant(self.lane.real_ms), limit=16):
            row = self.row(p, key)
            if row is None or row.state is not _EXITED:
                continue
            none = TotalsRow(partition=p, campaign=row.campaign)
            found = self.rows.get(p, none.key)
            self.lane.put(self.rows, p, none.key, totals.with_row(found if isinstance(found, TotalsRow) else none, row))
            self.lane.put(self.rows, p, key, None)

    def _watch(self, p: int, key: str, old: TimerRow | None, new: TimerRow | None) -> None:
        self.index[p].watch(key, old, new)

    def _keep_for_a_week(self, p: int, key: str, row: EnrollmentRow) -> None:
        """A real week from the exit, which the row knows in campaign time; longer, if the campaign counts from it when one may
        enter again."""
        exited = row.exit.at if row.exit else self.lane.now()
        real = self.lane.real_ms - int((self.lane.now() - exited) / self.clock.rate)
        rule = plan.reentry if (plan := self.heads.plan(row.campaign, row.version)) else None
        counted = int((rule.after.length + 2 * DAY) / self.clock.rate) if rule else 0
        self.index[p].retirees.put(Instant(real + max(totals.KEEP_EXITED, counted)), key, None)

    def _left(self, p: int, row: EnrollmentRow) -> None:
        """The contact has no active enrollment any more: nobody needs to be told of what is said at the addresses."""
        profile = self.profiles.get(p, row.contact_id)
        if profile is None or self.index[p].by_contact.get(row.contact_id):
            return
        for address in profile.addresses:
            cause = row.exit.cause if row.exit else row.enrollment_id
            self.lane.emit(
                Unlink(event_id=event_id(cause, "unlink", address), cause=cause, address=address, contact_id=row.contact_id)
            )
