"""DIALER: gate, reserve, gate again, request, receipt, closing. The one stage that can make a phone ring.

A dial command is reserved in the address's ledger row first; only when that row is durable does the sender hear of it
(streams/sender.py). All that the provider says comes back as a receipt on a topic of its own, whether it was the answer to the
request, a webhook or a look-up; so the ledger has one way in, and a repeat does no harm.
"""

from collections import defaultdict
from collections.abc import Iterator

from pydantic import ValidationError

from engine import ledger
from engine.errors import RecordError
from engine.gate import TRANSIT_MS, Facts, Verdict, decide
from engine.ledger import LOOKUP_MARGIN, Moment
from engine.numbers import unusable
from engine.plan import Channel, Contacting
from engine.suppression import parse_scope
from engine.time import HOUR, MINUTE, NEVER, Instant
from outdial.clock import Clock
from providers.port import CLIENT_TIMEOUT_MS, Provider
from schemas import ids
from schemas.base import decoder
from schemas.command import Dial, DialCommand, Link, Revoke, Unlink
from schemas.receipt import Receipt, ReceiptKind
from schemas.rows import CallState, DialerRow, LedgerRow, LinkRow
from schemas.suppression import Suppression
from streams.circuit import ProviderCircuit
from streams.heads import Heads
from streams.index import AddressIndex
from streams.lane import Lane, Record
from streams.lead import Lead
from streams.parking import Parking
from streams.sender import Sender
from streams.store import Table
from streams.ticks import drained

_COMMAND, _RECEIPT = decoder(DialCommand), decoder(Receipt)

_EMAIL = Channel.EMAIL

#: Commands whose deadline has passed, looked at in one tick of a partition.
BATCH = 64
#: Real ms behind ring and maximum duration until an outcome is missed, on a real clock (design rule 9).
OUTCOME_GRACE = 15 * MINUTE


class Dialer:
    """One object for all partitions of the worker."""

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        heads: Heads,
        rows: Table[DialerRow],
        provider: Provider,
        parking: Parking,
        lead: Lead,
        circuit: ProviderCircuit | None = None,
    ) -> None:
        self.lane, self.clock, self.heads, self.rows = lane, clock, heads, rows
        self.parking, self.lead = parking, lead
        self.index: dict[int, AddressIndex] = defaultdict(AddressIndex)
        self._circuit = circuit or ProviderCircuit(provider.name)
        self.sender = Sender(self, provider, self._circuit)
        self._wake = lane.tick(self.tick)
        self._looks_at: dict[int, Instant] = {}  # by partition: when its tick comes next, real ms
        self._transit = int(TRANSIT_MS * clock.rate)
        rows.observers.append(self._watch)

    # --- inputs ---

    def on_command(self, p: int, record: Record, now: Instant) -> None:
        """Dial, revoke, link, unlink: keyed by the address they are about."""
        command: DialCommand = _COMMAND.decode(record.value or b"")
        match command:
            case Dial():
                self._dial(p, record, command, now)
            case Revoke():
                waiting = self.sender.waiting(command.dial_id)
                inp = ledger.Withdraw(command.dial_id, command.reason, command.slot_end, command.event_id, waiting)
                self.feed(p, command.address, inp, now)
                self.sender.discard(command.dial_id)
            case Link():
                link = LinkRow(address=command.address, contact_id=command.contact_id)
                if self.rows.get(p, link.key) is None:
                    self.lane.put(self.rows, p, link.key, link)
                self.feed(p, command.address, ledger.Linked(command.contact_id), now)
            case Unlink():
                key = LinkRow(address=command.address, contact_id=command.contact_id).key
                if self.rows.get(p, key) is not None:
                    self.lane.put(self.rows, p, key, None)

    def on_receipt(self, p: int, record: Record, now: Instant) -> None:
        """What a provider says of a command, at the instant when it came to the topic: read again, it makes the same closing."""
        receipt: Receipt = _RECEIPT.decode(record.value or b"")
        heard = min(now, self.clock.at(record.timestamp * 1000))
        row = self.ledger_row(p, receipt.address)
        deadline = self._ends_by(row, receipt) if receipt.kind == ReceiptKind.ACCEPTED else 0
        self.feed(p, receipt.address, ledger.Told(receipt, deadline), heard, row=row)

    def on_suppression(self, p: int, record: Record, now: Instant) -> None:
        """An entry to add to, or to remove from, an address."""
        try:
            entry = Suppression.model_validate_json(record.value or b"")
        except ValidationError as error:
            raise RecordError(f"not a suppression: {error.errors(include_url=False)[0]['msg']}") from error
        parse_scope(entry.scope)
        cause = entry.event_id or ids.record_id("suppression", record.topic, p, record.offset)
        self.feed(p, entry.address, ledger.Suppress(entry, cause), now)

    def tick(self, p: int, now: Instant) -> float | None:
        """Commands whose outcome is overdue; real seconds until the next deadline."""
        deadlines, real = self.index[p].deadlines, self.lane.real_ms
        for (address, dial_id), _ in drained(deadlines, Instant(real), BATCH, self.lane):
            self.feed(p, address, ledger.Overdue(dial_id), now)
        following = deadlines.next()
        self._looks_at[p] = NEVER if following is None else following
        return None if following is None else max(0.0, (following - self.clock.real_ms()) / 1000)

    # --- one address ---

    def ledger_row(self, p: int, address: str) -> LedgerRow:
        found = self.rows.get(p, address)
        return found if isinstance(found, LedgerRow) else LedgerRow(address=address)

    def feed(
        self, p: int, address: str, inp: ledger.Input, now: Instant, *, dial: Dial | None = None, row: LedgerRow | None = None
    ) -> None:
        """Gathers, asks the ledger, applies: outputs, then the row, then the request. `row`: the address's, if it is at hand."""
        moment = Moment(now, self.lane.real_ms, self.index[p].linked(address))
        result = ledger.apply(row or self.ledger_row(p, address), inp, moment)
        for record in result.emit:
            self.lane.emit(record)
        if result.row is not None:
            self.lane.put(self.rows, p, address, result.row)
        if result.wake is not None:
            dial_id = dial.dial_id if dial else _dial_id(inp)
            self.index[p].deadlines.put(Instant(result.wake), (address, dial_id), None)
            if result.wake < self._looks_at.get(p, NEVER):
                self._wake(p)
        if result.request and dial is not None:
            self.lane.then(lambda: self._reserved(p, dial))
        if result.lookup:
            self.sender.look_up(p, address, _dial_id(inp))

    @staticmethod
    def reserved(row: LedgerRow, dial: Dial) -> bool:
        """Whether the command is still open in its address's row: nothing else may be sent."""
        call = row.calls.get(dial.dial_id)
        return call is not None and call.state is CallState.RESERVED

    def verdict(self, row: LedgerRow, dial: Dial, now: Instant, real_us: int) -> Verdict:
        """The gate with all facts: the contact's from the command, the address's from its ledger row, the slot and both clocks."""
        call = row.calls.get(dial.dial_id)
        plan = self.heads.plan(dial.campaign, dial.version)
        assert plan is not None, "parked until known"
        step = plan.by_id[dial.step]
        assert isinstance(step, Contacting), "nothing else is dialed"
        facts = Facts(
            plan=plan,
            campaign_state=self.heads.state(dial.campaign),
            starts_at=self.heads.starts_at(dial.campaign),
            zones=dial.zones,
            step=step,
            jurisdictions=dial.jurisdictions,
            consents=dial.consents,
            halts=self.heads.halts,
            lists=self.heads.lists,
            no_number=None if step.channel is _EMAIL else unusable(self.heads.pool(plan), dial.caller, now),
            exiting=call.revoked if call else None,
            abroad=plan.abroad(dial.address) if plan.countries else None,
            dial_id=dial.dial_id,
            ledger=row,
            slot=dial.slot,
            provider_back=None if self._circuit.closed else self._provider_back(real_us // 1000),
            real_us=real_us,
            transit=self._transit,
        )
        return decide(facts, now)

    def _provider_back(self, real_ms: int) -> Instant | None:
        """When a provider that fails is tried again; None: it may be now."""
        until = self._circuit.refused_until(real_ms)
        return None if until is None else self.clock.at(until * 1000)

    # --- partitions ---

    def assigned(self, p: int) -> None:
        """Links and deadlines, from the rows: what is reserved is looked up once no request for it can leave any more."""
        index = self.index[p]
        for row in self.rows.rows(p).values():
            index.watch(None, row)
        for address, dial_id, deadline in self._reservations(p):
            index.deadlines.put(Instant(max(deadline, self.clock.real_ms())), (address, dial_id), None)

    def revoked(self, p: int) -> None:
        """Commands that still wait for their slot close here, before the lane's last flush."""
        now = self.lane.now()
        for dial in self.sender.take_all(p):
            self.lane.step(p, lambda dial=dial: self.feed(p, dial.address, ledger.Refuse(dial.dial_id, reason="handed_over"), now))  # type: ignore[misc]

    def drop(self, p: int) -> None:
        self.index.pop(p, None)
        self._looks_at.pop(p, None)

    def _watch(self, p: int, _key: str, old: DialerRow | None, new: DialerRow | None) -> None:
        if isinstance(new, LinkRow) or isinstance(old, LinkRow):
            self.index[p].watch(old, new)

    def _dial(self, p: int, record: Record, dial: Dial, now: Instant) -> None:
        if self.heads.plan(dial.campaign, dial.version) is None:
            self.parking.park(p, record, f"campaign {dial.campaign}@{dial.version} does not exist", self.on_command)
            return
        row = self.ledger_row(p, dial.address)
        real = self.lane.real_us
        known = dial.dial_id in row.calls  # then it only asks how it went
        if not known and dial.slot.end <= real and dial.slot.granted >= self.lane.epoch(p) * 1000:
            self.lead.add(dial.slot.granted, real)  # what a rebalance held up says nothing of how quick the workers are
        not_after = dial.slot.end // 1000 + CLIENT_TIMEOUT_MS
        requested_by = self.clock.at(not_after * 1000)
        inp = ledger.Reserve(dial, self.verdict(row, dial, now, real), not_after, not_after + LOOKUP_MARGIN, requested_by)
        self.feed(p, dial.address, inp, now, dial=dial, row=row)

    def _reserved(self, p: int, dial: Dial) -> None:
        self.lead.add(dial.slot.granted, self.lane.real_us)
        self.sender.add(p, dial)

    def _ends_by(self, row: LedgerRow, receipt: Receipt) -> int:
        """Real ms by which a call that is accepted now must have ended, and been told of."""
        call = row.calls.get(receipt.dial_id)
        plan = self.heads.plan(call.template.campaign, call.template.version) if call and call.template else None
        call_ms = (plan.window.ring_cut + plan.max_call if plan else HOUR) / self.clock.rate
        return int(self.lane.real_ms + call_ms + OUTCOME_GRACE * min(1.0, 1.0 / self.clock.rate))

    def _reservations(self, p: int) -> Iterator[tuple[str, str, int]]:
        for address, row in self.rows.rows(p).items():
            if isinstance(row, LedgerRow):
                for call in row.calls.values():
                    if call.state is CallState.RESERVED:
                        yield address, call.dial_id, call.deadline


def _dial_id(inp: ledger.Input) -> str:
    match inp:
        case ledger.Reserve(dial):
            return dial.dial_id
        case ledger.Told(receipt):
            return receipt.dial_id
        case ledger.Overdue(dial_id) | ledger.Refuse(dial_id) | ledger.Withdraw(dial_id):
            return dial_id
    raise TypeError(f"{type(inp).__name__} is not about a command")
