"""Ledger and limits against a naive list of attempts, as a witness at the provider would keep it.

What happens to a command is drawn; what must hold is counted anew each time, from every request the provider ever had: no window of
a limited campaign holds more than it may, at the address and for the person, whatever was lost, repeated or known late. And whoever
is told to wait until an instant may go at that instant, if nothing else has happened meanwhile.
"""

import os
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from engine import ledger
from engine.answers import At
from engine.caps import LONGEST, Cap, with_attempt
from engine.gate import Facts, Verdict, decide
from engine.plan import Channel, Contacting, Plan
from engine.retries import effect
from engine.time import DAY, HOUR, MINUTE, Instant
from engine.windows import parse_weekly, weekly_window
from schemas import ids
from schemas.campaign import CampaignState
from schemas.command import Dial
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import Attempt, CallState, LedgerRow, Profile

START = Instant(1_795_532_400_000)
NOT_AFTER, DEADLINE = 2_500, 4_500
CALL, TEXT = Contacting("call", Channel.CALL), Contacting("text", Channel.SMS, template="Hi")
STEPS = {"call": CALL, "sms": TEXT}
WINDOW = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)


def plan_of(campaign: str, *limits: Cap) -> Plan:
    return Plan(campaign, 1, "main", (CALL, TEXT), WINDOW, "UTC", None, frozenset(), "tag", (), caps=limits)


#: Windows of a few minutes, so that they fill and empty; one that nobody limits, whose attempts count for the others.
PLANS = {
    "spring": plan_of("spring", Cap(2, 10 * MINUTE), Cap(1, MINUTE, counted="call")),
    "autumn": plan_of("autumn", Cap(3, 10 * MINUTE, everywhere=True), Cap(1, 2 * MINUTE, everywhere=True, counted="sms")),
    "winter": plan_of("winter", Cap(3, 30 * DAY)),
    "free": plan_of("free"),
}
#: ann and bob share a telephone; ann has another one.
NUMBERS = {"ann": ("+12125550101", "+12125550102"), "bob": ("+12125550101",), "cyd": ("+12125550103",)}
ENDS = ("busy", "no_answer", "voicemail", "answered", "invalid_number", "abducted", "provider_error", "canceled", "unknown")
PASSES = (0, 1, 999, 2_500, 30_000, MINUTE - 1, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE - 1, 10 * MINUTE, HOUR)
PEOPLE, CHANNELS = st.sampled_from(["ann", "ann", "bob", "cyd"]), st.sampled_from(["call", "sms", "sms"])
CAMPAIGNS = st.sampled_from(["autumn", "autumn", "free", "spring", "winter"])
#: What can become of a request: it never leaves; it is refused; it is taken, and the answer comes, late, or not at all.
FATES = ("taken", "taken", "taken", "no answer", "lost", "refused")

#: About 5 s. To search for longer: OUTDIAL_EXAMPLES=20000.
EXAMPLES = int(os.environ.get("OUTDIAL_EXAMPLES", "300"))


@dataclass
class Seen:
    """A request, as the provider saw it: when, and whether it is known by now that it never rang."""

    dial: Dial
    at: Instant
    silent: bool = False
    heard: bool = False  # its answer was read

    def counts(self, cap: Cap, campaign: str) -> bool:
        return not self.silent and (cap.everywhere or self.dial.campaign == campaign) and cap.counted in (None, self.dial.channel)


@dataclass
class Command:
    """One that is out: where it is."""

    dial: Dial
    before: tuple[Attempt, ...]  # what had been at the address when it was reserved
    requested: Seen | None = None
    closing: Outcome | None = None
    receipts: list[Receipt] = field(default_factory=list)  # said, and not read yet


class Limits(RuleBasedStateMachine):
    """Rows as they are in memory and as they are durable; commands on their way; and the witness's list."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.ledgers: dict[str, LedgerRow] = {}
        self.profiles = {contact: Profile(contact_id=contact) for contact in NUMBERS}
        self.commands: dict[str, Command] = {}  # by contact: one at a time
        self.closed: list[Outcome] = []  # all, for repeats
        self.seen: list[Seen] = []
        self.number = 0

    # --- a contact ---

    @rule(
        due=st.lists(st.tuples(PEOPLE, CAMPAIGNS, CHANNELS, st.booleans()), min_size=1, max_size=6),
        waits=st.booleans(),
        read=st.booleans(),
    )
    def fall_due(self, due: list[tuple[str, str, str, bool]], waits: bool, read: bool) -> None:
        """Some people fall due, one after the other. `read`: what became of one is known before the next one comes."""
        for contact, campaign, channel, other in due:
            if contact not in self.commands:
                self._contact(contact, campaign, channel, other, waits)
            if read:
                self.all_goes_well()

    def _contact(self, contact: str, campaign: str, channel: str, other: bool, waits: bool) -> None:
        """As far as the limits allow: now or, if it waits, when they say."""
        plan, step = PLANS[campaign], STEPS[channel]
        address = NUMBERS[contact][-1 if other else 0]
        if (until := self._scheduled(plan, step, contact)) is not None:
            if not waits:
                return
            self.now = until
            assert self._scheduled(plan, step, contact) is None, "it said when, and that was not true"
        dial = self._dial(contact, campaign, channel, address)
        verdict = self._verdict(dial)
        if waits and (until := _instant(verdict)) is not None and not self._under_way(address):
            self._alone_may_go(dial, until)
            return
        self._reserve(dial, verdict)
        if not other and self.commands[contact].closing is None:
            self._request(self.commands[contact], "taken")

    def _alone_may_go(self, dial: Dial, until: Instant) -> None:
        """Nothing is under way, so the instant is exact: not a millisecond before, and then for sure."""
        assert until > self.now
        self.now = Instant(until - 1)
        assert not self._verdict(dial).ok, "it could have gone earlier"
        self._reserve(dial, self._verdict(dial))  # refused: closes, and counts for nothing
        self.now = until
        assert self._verdict(dial).ok, "it said when, and that was not true"

    def _scheduled(self, plan: Plan, step: Contacting, contact: str) -> Instant | None:
        """What the scheduler's asking says: from when, or None: now."""
        attempts = self.profiles[contact].attempts
        return _instant(decide(Facts(plan, CampaignState.RUNNING, ("UTC",), step, attempts=attempts), self.now))

    def _verdict(self, dial: Dial) -> Verdict:
        row = self._row(dial.address)
        plan, step = PLANS[dial.campaign], STEPS[dial.channel]
        return decide(Facts(plan, CampaignState.RUNNING, ("UTC",), step, dial_id=dial.dial_id, ledger=row), self.now)

    def _dial(self, contact: str, campaign: str, channel: str, address: str) -> Dial:
        self.number += 1
        enrollment = ids.enrollment_id(contact, campaign, 1)
        start = self.now * 1000
        return Dial(
            dial_id=ids.dial_id(enrollment, self.number), enrollment_id=enrollment, contact_id=contact, campaign=campaign,
            version=1, entry=1, step=channel, seq=self.number, channel=channel, address=address, caller=None, zones=("UTC",),
            slot=Slot("main", 1, start, start + 500_000), at=self.now,
        )  # fmt: skip

    def _reserve(self, dial: Dial, verdict: Verdict) -> None:
        self.commands[dial.contact_id] = Command(dial, self._row(dial.address).attempts)
        latest = self.now + NOT_AFTER
        self._feed(dial.address, ledger.Reserve(dial, verdict, latest, self.now + DEADLINE, Instant(latest)))

    # --- its way ---

    @rule(fate=st.sampled_from(FATES), data=st.data())
    def request(self, fate: str, data: st.DataObject) -> None:
        waiting = sorted(c for c, command in self.commands.items() if command.requested is None and command.closing is None)
        if waiting:
            self._request(self.commands[data.draw(st.sampled_from(waiting))], fate)

    def _request(self, command: Command, fate: str) -> None:
        """The sender's turn. On the way to the provider and back some time passes, but no more than the adapter allows."""
        dial = command.dial
        call = self._row(dial.address).calls[dial.dial_id]
        if self.now + 3 > call.not_after:
            self._feed(dial.address, ledger.Refuse(dial.dial_id, reason="slot"))
            return
        verdict = self._verdict(dial)
        if not verdict.ok:  # somebody whom less limits has overtaken it
            row = self._row(dial.address)
            assert row.attempts != command.before or len(_reserved(row)) > 1, "what was reserved may go"
            self._feed(dial.address, ledger.Refuse(dial.dial_id, verdict))
            return
        if fate == "lost":
            return
        self.now = Instant(self.now + 2)
        command.requested = Seen(dial, self.now)
        self.seen.append(command.requested)
        self._no_window_is_too_full(command.requested)
        self.now = Instant(self.now + 1)
        if fate == "refused":
            command.requested.silent = True
            command.receipts.append(self._said(dial, "rejected", disposition="provider_error", requested_by=self.now))
        elif fate == "taken":
            command.receipts.append(self._said(dial, "accepted", requested_by=self.now))

    @rule(ends=st.sampled_from(ENDS), early=st.booleans(), data=st.data())
    def hangs_up(self, ends: str, early: bool, data: st.DataObject) -> None:
        """The call is over. `early`: its webhook is quicker than the answer to the request."""
        calls = [c for c in self.commands.values() if c.requested and not c.requested.silent and c.closing is None]
        if not calls:
            return
        command = data.draw(st.sampled_from(sorted(calls, key=lambda c: c.dial.dial_id)))
        if command.dial.channel == "call":
            said = self._said(command.dial, "ended", disposition=ends, ended_at=int(self.now))
            command.receipts.insert(0 if early else len(command.receipts), said)

    @rule()
    def read(self) -> None:
        """The dialer reads what was said."""
        for command in list(self.commands.values()):
            while command.receipts:
                receipt = command.receipts.pop(0)
                if command.requested is not None and command.closing is None and receipt.requested_by:
                    command.requested.heard = True
                self._feed(receipt.address, ledger.Told(receipt, self.now + HOUR))

    @rule(known=st.booleans())
    def look_up(self, known: bool) -> None:
        """What nobody has told of is asked after once it is overdue, and given up in the end."""
        self.now = Instant(self.now + 2 * HOUR)
        for command in [c for c in self.commands.values() if c.closing is None]:
            self._give_up(command, known)

    def _give_up(self, command: Command, known: bool) -> None:
        dial = command.dial
        if command.requested is None and known:
            self._feed(dial.address, ledger.Told(self._said(dial, "not_found"), 0))
            return
        while command.closing is None:
            self._feed(dial.address, ledger.Overdue(dial.dial_id))
            self.now = Instant(self.now + ledger.LOOKUP_AGAIN)

    @rule(data=st.data())
    def outcome_arrives(self, data: st.DataObject) -> None:
        """The person's half: the profile is written with the row, which is free from then on."""
        done = sorted(c for c, command in self.commands.items() if command.closing is not None)
        if done:
            self._take(data.draw(st.sampled_from(done)))

    @rule()
    def all_goes_well(self) -> None:
        self.read()
        for contact in [c for c, command in self.commands.items() if command.closing is not None]:
            self._take(contact)

    def _take(self, contact: str) -> None:
        closing = self.commands.pop(contact).closing
        assert closing is not None
        self.closed.append(closing)
        self._count(closing)

    def _count(self, closing: Outcome) -> None:
        profile = self.profiles[closing.contact_id]
        if closing.attempt_at is not None:
            one = Attempt(closing.attempt_at, closing.campaign, closing.channel, closing.dial_id)
            self.profiles[closing.contact_id] = replace(profile, attempts=with_attempt(profile.attempts, one, self.now))

    # --- what goes wrong ---

    @rule(ms=st.sampled_from(PASSES))
    def time_passes(self, ms: int) -> None:
        self.now = Instant(self.now + ms)

    @rule(data=st.data())
    def crash_before_the_profile_is_durable(self, data: st.DataObject) -> None:
        """What the last outcome wrote is lost; it is read again, maybe more than once."""
        if not self.closed:
            return
        lost = self.closed[-1]
        before = [o for o in self.closed[:-1] if o.contact_id == lost.contact_id]
        self.profiles[lost.contact_id] = Profile(contact_id=lost.contact_id)
        for outcome in (*before, lost, *data.draw(st.lists(st.sampled_from([*before, lost]), max_size=2))):
            self._count(outcome)

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Any outcome, any receipt, any command comes once more."""
        if not self.closed:
            return
        outcome = data.draw(st.sampled_from(self.closed))
        self._count(outcome)
        row = self._row(outcome.address)
        if outcome.dial_id in row.calls:
            for said in (
                self._receipt(outcome, "ended", disposition="busy"),
                self._receipt(outcome, "accepted", requested_by=self.now),
            ):
                assert ledger.apply(row, ledger.Told(said, 0), self._moment()).row is None

    # --- what must hold ---

    def _no_window_is_too_full(self, latest: Seen) -> None:
        """Of what the provider has seen up to this request, which it has just got."""
        campaign = latest.dial.campaign
        for cap in PLANS[campaign].caps:
            if cap.counted not in (None, latest.dial.channel):
                continue
            window = [s for s in self.seen if s.at > latest.at - cap.per and s.counts(cap, campaign)]
            assert sum(s.dial.address == latest.dial.address for s in window) <= cap.max, "too many at the address"
            assert sum(s.dial.contact_id == latest.dial.contact_id for s in window) <= cap.max, "too many for the person"

    @invariant()
    def everything_that_counts_is_remembered(self) -> None:
        """Once, by time: at the address with the closing, in the profile with the outcome."""
        for row in self.ledgers.values():
            assert list(row.attempts) == sorted(row.attempts, key=lambda a: a.at)
        for contact, profile in self.profiles.items():
            counting = {o.dial_id: o for o in self.closed if o.contact_id == contact and effect(o.disposition).rang}
            wanted = sorted(o.attempt_at or 0 for o in counting.values() if (o.attempt_at or 0) > self.now - LONGEST)
            assert [a.at for a in profile.attempts if a.at > self.now - LONGEST] == wanted

    @invariant()
    def nothing_counts_before_the_provider_had_it(self) -> None:
        """And not later than need be: if the answer to the request was heard, from then on."""
        for seen in self.seen[-3:]:
            for outcome in (o for o in self.closed[-3:] if o.dial_id == seen.dial.dial_id and o.attempt_at is not None):
                late = 1 if seen.heard else NOT_AFTER
                assert seen.at <= (outcome.attempt_at or 0) <= seen.at + late

    # --- the dialer ---

    def _row(self, address: str) -> LedgerRow:
        return self.ledgers.get(address) or LedgerRow(address=address)

    def _moment(self) -> ledger.Moment:
        return ledger.Moment(self.now, int(self.now))

    def _under_way(self, address: str) -> bool:
        return bool(_reserved(self._row(address)))

    def _feed(self, address: str, inp: ledger.Input) -> None:
        result = ledger.apply(self._row(address), inp, self._moment())
        if result.row is not None:
            self.ledgers[address] = result.row
        for record in result.emit:
            if isinstance(record, Outcome):
                command = self.commands[record.contact_id]
                assert command.closing is None
                command.closing = record
                if command.requested is not None and not effect(record.disposition).rang:
                    command.requested.silent = True

    def _said(self, dial: Dial, kind: str, **fields: object) -> Receipt:
        event_id = ids.event_id(dial.dial_id, kind, "provider")
        return Receipt(event_id=event_id, dial_id=dial.dial_id, address=dial.address, kind=kind, **fields)  # type: ignore[arg-type]

    def _receipt(self, outcome: Outcome, kind: str, **fields: object) -> Receipt:
        return Receipt(dial_id=outcome.dial_id, address=outcome.address, kind=kind, **fields)  # type: ignore[arg-type]


def _reserved(row: LedgerRow) -> list[str]:
    return [call.dial_id for call in row.calls.values() if call.state is CallState.RESERVED]


def _instant(verdict: Verdict) -> Instant | None:
    """When to come again, if it is for the limits or the number; None: now."""
    until = verdict.until
    assert until is None or isinstance(until, At)
    return None if until is None else until.instant


Limits.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestLimits = Limits.TestCase
