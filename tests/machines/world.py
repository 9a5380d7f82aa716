"""A small world that carries records between engine/flow.py and engine/ledger.py, as the stages do, and loses what a crash loses.

Each side (contacts, addresses) is a lane: a step reads one record, changes rows in memory, and leaves outputs and what follows to
the flush, which acknowledges outputs, then rows, then offsets. A crash may come behind any of these; what was not acknowledged is
gone, and records behind the committed offset are read again with the older rows.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from msgspec.structs import replace

from engine import flow, ledger
from engine.caps import with_attempt
from engine.gate import Facts, Verdict, decide
from engine.plan import Contacting, Plan
from engine.time import Instant
from schemas import ids
from schemas.campaign import CampaignState
from schemas.command import Dial, Link, Revoke, Unlink
from schemas.enrollment import Enroll, OptOut, Unenroll
from schemas.event import Event
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import Attempt, CallState, EnrollmentRow, LedgerRow, OptOutEntry, Profile, State
from schemas.suppression import Suppression

START = Instant(1_795_532_400_000)
SLOT_MS, CLIENT_TIMEOUT, LONGEST_CALL = 400, 500, 60_000
#: How far a flush gets before a crash: nothing, outputs, rows; `DONE` is no crash.
NOTHING, OUTPUTS, ROWS, DONE = range(4)

TOPIC_OF: dict[type[Any], str] = {
    Enroll: "enrollments", Unenroll: "enrollments", OptOut: "enrollments", Outcome: "outcomes", Profile: "contacts",
    Dial: "commands", Revoke: "commands", Link: "commands", Unlink: "commands", Receipt: "receipts", Suppression: "suppressions",
}  # fmt: skip
CONTACT_TOPICS, ADDRESS_TOPICS = ("enrollments", "outcomes", "contacts"), ("commands", "receipts", "suppressions")


@dataclass
class Call:
    """What the provider has in its log."""

    dial: Dial
    ended: dict[str, Any] | None = None
    silent: bool = False  # nobody will ever hear how it ended
    forgotten: bool = False  # it was accepted, and the provider's log has lost it


class World:
    """All there is: the topics, both lanes, the provider, the clock."""

    def __init__(self, plans: dict[str, Plan]) -> None:
        self.plans, self.now = plans, START
        self.states = dict.fromkeys(plans, CampaignState.RUNNING)
        self.topics: dict[str, list[Any]] = defaultdict(list)
        self.came: dict[str, list[Instant]] = defaultdict(list)  # when each of them did
        self.feed: list[Event] = []
        self.provider: dict[str, Call] = {}
        self.contacts, self.addresses = Contacts(self), Addresses(self)

    def publish(self, record: Any) -> None:
        if isinstance(record, Event):
            self.feed.append(record)
        elif type(record) in TOPIC_OF:
            self.topics[TOPIC_OF[type(record)]].append(record)
            self.came[TOPIC_OF[type(record)]].append(self.now)

    def side(self, topic: str) -> "Lane":
        return self.contacts if topic in CONTACT_TOPICS else self.addresses


@dataclass
class Step:
    """What one input left to be flushed."""

    outputs: list[Any] = field(default_factory=list)
    puts: dict[Any, Any] = field(default_factory=dict)
    thens: list[Callable[[], None]] = field(default_factory=list)
    source: tuple[str, int] | None = None


class Lane:
    """Rows in memory, rows that are durable, and the steps in between."""

    def __init__(self, world: World, topics: tuple[str, ...]) -> None:
        self.world = world
        self.memory: dict[Any, Any] = {}
        self.durable: dict[Any, Any] = {}
        self.position, self.committed = dict.fromkeys(topics, 0), dict.fromkeys(topics, 0)
        self.came = world.now  # when the record that was read last came to its topic
        self.pending: list[Step] = []
        self.current: Step | None = None

    def step(self, work: Callable[[], None], source: tuple[str, int] | None = None) -> None:
        self.current = Step(source=source)
        work()
        self.pending.append(self.current)
        self.current = None

    def emit(self, record: Any) -> None:
        assert self.current is not None
        self.current.outputs.append(record)

    def put(self, key: Any, row: Any) -> None:
        assert self.current is not None
        self.memory[key] = self.current.puts[key] = row

    def then(self, work: Callable[[], None]) -> None:
        assert self.current is not None
        self.current.thens.append(work)

    def read(self, topic: str) -> bool:
        """One record; False if there is none."""
        at = self.position[topic]
        if at >= len(self.world.topics[topic]):
            return False
        self.position[topic] = at + 1
        self.came = self.world.came[topic][at]
        self.step(lambda: self.take(self.world.topics[topic][at]), (topic, at + 1))
        return True

    def take(self, record: Any) -> None:
        raise NotImplementedError

    def recover(self) -> None:
        raise NotImplementedError

    def flush(self, until: int = DONE) -> None:
        """Outputs, rows, offsets, then what follows; a crash if it does not get as far."""
        steps, self.pending = self.pending, []
        for step in steps if until >= OUTPUTS else ():
            for record in step.outputs:
                self.world.publish(record)
        for step in steps if until >= ROWS else ():
            self.durable.update(step.puts)
        if until != DONE:
            self.crash()
            return
        for step in steps:
            if step.source:
                self.committed[step.source[0]] = step.source[1]
        for work in (work for step in steps for work in step.thens):
            self.step(work)

    def crash(self) -> None:
        self.pending = []
        self.memory = dict(self.durable)
        self.position = dict(self.committed)
        self.recover()


class Contacts(Lane):
    """Enroll, scheduler and outcomes over engine/flow.py."""

    def __init__(self, world: World) -> None:
        super().__init__(world, CONTACT_TOPICS)
        self.todo: list[str] = []  # cut off by a crash, looked at a slice at a time

    def rows(self) -> list[EnrollmentRow]:
        return [row for row in self.memory.values() if isinstance(row, EnrollmentRow)]

    def profile(self, contact: str) -> Profile | None:
        found = self.memory.get(contact)
        return found if isinstance(found, Profile) else None

    def take(self, record: Any) -> None:
        match record:
            case Enroll():
                self._enroll(record)
            case Unenroll():
                if (row := self.memory.get(f"{record.contact_id}/{record.campaign}/1")) is not None:
                    self.feed(row, flow.Leave("unenrolled", record.event_id or ""))
            case OptOut():
                self._opt_out(record)
            case Outcome():
                self._attempted(record)
                self.feed(self.memory[f"{record.contact_id}/{record.campaign}/{record.entry}"], flow.Closing(record))
            case Profile():
                self._contact(record)

    def _attempted(self, outcome: Outcome) -> None:
        profile = self.profile(outcome.contact_id)
        if profile is None or outcome.attempt_at is None:
            return
        one = Attempt(outcome.attempt_at, outcome.campaign, outcome.channel, outcome.dial_id)
        if all(each.dial_id != one.dial_id for each in profile.attempts):
            self.put(profile.contact_id, replace(profile, attempts=with_attempt(profile.attempts, one, self.world.now)))

    def feed(self, row: EnrollmentRow, inp: flow.Input) -> None:
        plan = self.world.plans[row.campaign]
        self.apply(row, flow.transition(row, inp, self.world.now, plan, self.profile(row.contact_id)))

    def apply(self, before: EnrollmentRow | None, result: flow.Result) -> None:
        for record in result.emit:
            self.emit(record)
        if result.row is not before:
            self.put(result.row.key, result.row)
        self.then(lambda: self._durable(result))

    def _durable(self, result: flow.Result) -> None:
        for record in result.after:
            self.emit(record)
        if result.then is not None and self.memory.get(result.row.key) is result.row:
            self.feed(result.row, result.then)

    def _enroll(self, asked: Enroll) -> None:
        if f"{asked.contact_id}/{asked.campaign}/1" in self.memory:
            return
        profile = self.profile(asked.contact_id)
        inp = flow.Enroll(asked.contact_id, asked.campaign, 1, asked.event_id or "")
        self.apply(None, flow.enroll(inp, self.world.now, self.world.plans[asked.campaign], profile))
        if profile is not None:
            self._link(profile)

    def _contact(self, profile: Profile) -> None:
        before = self.profile(profile.contact_id)
        if before is not None:
            profile = replace(profile, opt_outs=before.opt_outs, attempts=before.attempts)
        self.put(profile.contact_id, profile)
        if profile.opt_outs:
            self._suppress(profile, profile.addresses, profile.opt_outs[0].cause)
        self._link(profile)
        for row in self.rows():
            if row.contact_id == profile.contact_id:
                self.feed(row, flow.ContactChanged("contact"))

    def _opt_out(self, asked: OptOut) -> None:
        profile = self.profile(asked.contact_id) or Profile(contact_id=asked.contact_id, known=False)
        entry = OptOutEntry(asked.scope, "test", asked.at or self.world.now, asked.event_id or "")
        self.put(profile.contact_id, replace(profile, opt_outs=profile.opt_outs or (entry,)))
        self._suppress(profile, tuple(a for a in profile.addresses if not asked.spoke or a != asked.address), entry.cause)
        for row in self.rows():
            if row.contact_id == asked.contact_id:
                self.feed(row, flow.Leave("opted_out", entry.cause))

    def _link(self, profile: Profile) -> None:
        for address in profile.addresses:
            self.emit(Link(address=address, contact_id=profile.contact_id))

    def _suppress(self, profile: Profile, addresses: tuple[str, ...], cause: str) -> None:
        for address in addresses:
            self.emit(Suppression(event_id=cause, address=address, source="opt_out", contact_id=profile.contact_id))

    def busy(self, row: EnrollmentRow) -> bool:
        return any(r.open is not None and r.contact_id == row.contact_id and r.key != row.key for r in self.rows())

    def look(self, row: EnrollmentRow, grant: bool) -> None:
        """What the scheduler does with a row that waits, a slot being there or not."""
        plan, profile = self.world.plans[row.campaign], self.profile(row.contact_id)
        if row.state is not State.WAITING or row.due > self.world.now:
            return
        if flow.moves_when_due(row, plan, profile, self.world.now):
            self.step(lambda: self.feed(row, flow.Due()))
            return
        facts = Facts(
            plan=plan,
            campaign_state=self.world.states[row.campaign],
            zones=plan.zones(profile.zones if profile else ()),
            step=flow.contacting(row, plan),
            opt_outs=profile.opt_outs if profile else (),
            attempts=profile.attempts if profile else (),
            contact_busy=self.busy(row),
        )
        verdict = decide(facts, self.world.now)
        if verdict.ends:
            self.step(partial(self.feed, row, flow.Refused(verdict.ends)))
        elif verdict.ok and grant:
            start = self.world.now * 1000
            self.step(lambda: self.feed(row, flow.Granted(Slot("main", 1, start, start + SLOT_MS * 1000), None)))

    def probe(self) -> None:
        """Commands that are open although their slot is over are sent again."""
        for row in self.rows():
            profile = self.profile(row.contact_id)
            if row.open is not None and row.open.slot.end < self.world.now * 1000 and profile is not None:
                self.step(partial(self._probe, row, profile))

    def _probe(self, row: EnrollmentRow, profile: Profile) -> None:
        self.emit(flow.command(row, self.world.plans[row.campaign], profile))

    def end_campaign(self, campaign: str) -> None:
        """The sweep of a campaign's rows; repeated on recovery."""
        for row in self.rows():
            if row.campaign == campaign:
                self.step(partial(self.feed, row, flow.CampaignEnded("head")))

    def finish_cut_off(self) -> None:
        """What recovery found: an exit that was named, and maybe said."""
        while self.todo:
            row = self.memory.get(self.todo.pop(0))
            if isinstance(row, EnrollmentRow) and row.state is State.EXITING and row.open is None:
                self.step(partial(self.feed, row, flow.Finish()))

    def recover(self) -> None:
        self.todo = [row.key for row in self.rows() if row.state is State.EXITING and row.open is None]
        for campaign, state in self.world.states.items():
            if state is CampaignState.ENDED:
                self.end_campaign(campaign)


class Addresses(Lane):
    """The dialer and its sender over engine/ledger.py."""

    def __init__(self, world: World) -> None:
        super().__init__(world, ADDRESS_TOPICS)
        self.heap: dict[str, Dial] = {}
        self.recorded: set[str] = set()  # addresses with an opt-out that is durable
        self.bounced: set[tuple[str, str]] = set()  # addresses at which nothing arrives by a channel, and that is durable

    def row(self, address: str) -> LedgerRow:
        return self.memory.get(address) or LedgerRow(address=address)

    def ledgers(self) -> list[LedgerRow]:
        return [row for row in self.memory.values() if isinstance(row, LedgerRow)]

    def take(self, record: Any) -> None:
        real = int(self.world.now)
        match record:
            case Dial():
                not_after = record.slot.end // 1000 + CLIENT_TIMEOUT
                inp = ledger.Reserve(record, self.verdict(record), not_after, not_after + ledger.LOOKUP_MARGIN, Instant(not_after))
                self.feed(record.address, inp, record)
            case Revoke():
                waiting = record.dial_id in self.heap
                self.feed(record.address, ledger.Withdraw(record.dial_id, record.reason, record.slot_end, record.cause, waiting))
                self.heap.pop(record.dial_id, None)
            case Link():
                self.put((record.address, record.contact_id), True)
                self.feed(record.address, ledger.Linked(record.contact_id))
            case Receipt():
                self.feed(record.address, ledger.Told(record, real + LONGEST_CALL), came=self.came)
            case Suppression():
                self.feed(record.address, ledger.Suppress(record, record.event_id or ""))

    def feed(self, address: str, inp: ledger.Input, dial: Dial | None = None, came: Instant | None = None) -> None:
        linked = tuple(sorted(k[1] for k in self.memory if isinstance(k, tuple) and k[0] == address))
        result = ledger.apply(self.row(address), inp, ledger.Moment(came or self.world.now, int(self.world.now), linked))
        for record in result.emit:
            self.emit(record)
        if result.row is not None:
            self.put(address, result.row)
        if result.request and dial is not None:
            self.then(lambda: self.heap.update({dial.dial_id: dial}))
        if result.lookup and isinstance(inp, ledger.Overdue):
            self.emit(self._look_up(inp.dial_id, address))

    def verdict(self, dial: Dial) -> Verdict:
        row = self.row(dial.address)
        call = row.calls.get(dial.dial_id)
        step = self.world.plans[dial.campaign].step(dial.step)
        assert isinstance(step, Contacting)
        facts = Facts(
            plan=self.world.plans[dial.campaign],
            campaign_state=self.world.states[dial.campaign],
            zones=dial.zones,
            step=step,
            exiting=call.revoked if call else None,
            dial_id=dial.dial_id,
            ledger=row,
            slot=dial.slot,
            real_us=self.world.now * 1000,
        )
        return decide(facts, self.world.now)

    def send(self, dial: Dial, answer: str, disposition: str) -> bool:
        """The sender's turn; whether a request was made. answer: what comes back of it."""
        del self.heap[dial.dial_id]
        call = self.row(dial.address).calls.get(dial.dial_id)
        if call is None or call.state is not CallState.RESERVED:
            return False
        verdict = self.verdict(dial)
        if not verdict.ok:
            self.step(lambda: self.feed(dial.address, ledger.Refuse(dial.dial_id, verdict)))
            return False
        if answer == "lost on the way":
            return False
        if answer == "rejected":
            self.step(lambda: self.emit(self.said(dial, "rejected", disposition=disposition)))
            return True
        self.world.provider[dial.dial_id] = Call(dial, silent=answer == "silent")
        if answer != "no answer":
            by = int(self.world.now)
            self.step(lambda: self.emit(self.said(dial, "accepted" if answer == "silent" else answer, requested_by=by)))
        return True

    def said(self, dial: Dial, kind: str, **fields: Any) -> Receipt:
        event_id = ids.event_id(dial.dial_id, kind, "provider")
        return Receipt(event_id=event_id, dial_id=dial.dial_id, address=dial.address, kind=kind, **fields)

    def _look_up(self, dial_id: str, address: str) -> Receipt:
        call = self.world.provider.get(dial_id)
        if call is None or call.forgotten:
            return Receipt(event_id=f"{dial_id}?", dial_id=dial_id, address=address, kind="not_found")
        return self.said(call.dial, "ended", **call.ended) if call.ended else self.said(call.dial, "accepted")

    def overdue(self) -> None:
        for row in self.ledgers():
            for call in row.calls.values():
                if call.state is CallState.RESERVED and call.deadline <= self.world.now:
                    self.step(partial(self.feed, row.address, ledger.Overdue(call.dial_id)))

    def hand_over(self) -> None:
        for dial in self.heap.values():
            self.step(partial(self.feed, dial.address, ledger.Refuse(dial.dial_id, reason="handed_over")))
        self.heap.clear()

    def flush(self, until: int = DONE) -> None:
        super().flush(until)
        for key, row in self.durable.items():
            for entry in row.suppressions if isinstance(row, LedgerRow) else ():
                if entry.scope == "all":
                    self.recorded.add(key)
                else:
                    self.bounced.add((key, entry.scope.removeprefix("channel:")))

    def recover(self) -> None:
        self.heap.clear()
