"""Both machines in one small world, against what a person would count: calls, closings, exits. See world.py for what may happen."""

import os
from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from world import ADDRESS_TOPICS, CONTACT_TOPICS, DONE, NOTHING, ROWS, Call, World

from engine.caps import Cap
from engine.plan import Channel, Condition, Contacting, Plan, Retry, Waiting
from engine.retries import effect
from engine.time import MINUTE, Delay
from engine.windows import parse_weekly, weekly_window
from schemas.campaign import CampaignState
from schemas.command import Dial
from schemas.enrollment import Enroll, OptOut, Unenroll
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import CallState, EnrollmentRow, LedgerRow, Profile, State
from schemas.suppression import Suppression

SOON = Retry(Delay(ms=MINUTE), 2)
WINDOW = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)


voicemail_left = Condition(lambda seen: bool(seen["last"]) and seen["last"]["disposition"] == "voicemail")


#: Of spring: at most two contacts in ten minutes, those of autumn counted, for each number and each person.
CAP = Cap(2, 10 * MINUTE, everywhere=True)


def plan_of(campaign: str, *steps: Contacting | Waiting, caps: tuple[Cap, ...] = ()) -> Plan:
    exits = frozenset({"answered", "opted_out", "unreachable"})
    return Plan(campaign, 1, "main", steps, WINDOW, "UTC", None, exits, "tag", (), caps=caps)


PLANS = {
    "spring": plan_of(
        "spring",
        Contacting("first", Channel.CALL, retry={"busy": SOON, "no_answer": SOON}),
        Waiting("pause", Delay(ms=5 * MINUTE)),
        Contacting("text", Channel.SMS, when=voicemail_left, template="Hi"),
        Contacting("second", Channel.CALL),
        caps=(CAP,),
    ),
    "autumn": plan_of("autumn", Contacting("only", Channel.CALL, retry={"busy": SOON})),
    "winter": plan_of(
        "winter",
        Contacting("letter", Channel.EMAIL, subject="Hi", template="Hi"),
        Waiting("while", Delay(ms=MINUTE)),
        Contacting("another", Channel.EMAIL, subject="Hi", template="Hi"),
    ),
}
#: c1 and c2 share a telephone, c2 and c3 a mailbox; c1 has a second telephone.
PEOPLE = {
    "c1": Profile(contact_id="c1", phone="+12125550101", alt_phones=("+12125550102",)),
    "c2": Profile(contact_id="c2", phone="+12125550101", email="c2@example.com"),
    "c3": Profile(contact_id="c3", phone="+12125550102", email="c2@example.com"),
}
ADDRESSES = ("+12125550101", "+12125550102", "c2@example.com")
TOPICS = (*CONTACT_TOPICS, *ADDRESS_TOPICS)
ENDS = ("answered", "busy", "busy", "no_answer", "voicemail", "voicemail", "invalid_number", "provider_error", "abducted")
STOPS = ("unenroll", "unenroll", "opt out", "end", "suppress", "speak")
ANSWERS = ("accepted", "accepted", "accepted", "unknown", "no answer", "lost on the way", "rejected", "silent")

#: About 8 s. To search for longer: OUTDIAL_EXAMPLES=20000.
EXAMPLES = int(os.environ.get("OUTDIAL_EXAMPLES", "400"))

contacts, campaigns, sides = st.sampled_from(sorted(PEOPLE)), st.sampled_from(sorted(PLANS)), st.booleans()

KNOWN = st.sampled_from([["c1"], ["c1", "c2"], ["c1", "c2", "c3"], ["c3", "c2", "c1"]])
ENTRIES = st.lists(st.tuples(contacts, campaigns), min_size=2, max_size=6)


def _subject(record: Any) -> str | None:
    match record:
        case Outcome() | Dial():
            return record.dial_id
        case Event(kind="exited"):
            return record.enrollment_id
    return None


class Calling(RuleBasedStateMachine):
    """The rules are what may happen; the model is what was counted on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(PLANS)
        self.requests: dict[str, Dial] = {}  # the model: every request the provider ever got, rejected ones too
        self.requested_at: dict[str, int] = {}
        self.asked: set[str] = set()  # keys of enrollments that were asked for
        self.spoke: set[str] = set()  # addresses at which somebody asked to be left alone
        self.gone: set[tuple[str, str]] = set()  # addresses at which nothing arrives, with the channel
        self.said: dict[tuple[type[Any], str], Any] = {}  # what may be said once: the first record
        self.read_up_to: dict[str, int] = defaultdict(int)
        self.number = 0

    def _name(self) -> str:
        self.number += 1
        return f"record-{self.number}"

    @property
    def lanes(self) -> tuple[Any, Any]:
        return self.world.contacts, self.world.addresses

    # --- what people do ---

    @initialize(known=KNOWN, entries=ENTRIES, days=st.lists(st.sampled_from(ENDS), max_size=4))
    def begin(self, known: list[str], entries: list[tuple[str, str]], days: list[str]) -> None:
        """Some time in which nothing goes wrong, so that what goes wrong then meets all kinds of rows."""
        for contact in known:
            self.world.publish(PEOPLE[contact])
        for contact, campaign in entries:
            self.enroll(contact, campaign)
        for ends in days:
            self.work(1, 400_000, ends, later=False)

    @rule(contact=contacts, campaign=campaigns)
    def enroll(self, contact: str, campaign: str) -> None:
        self.asked.add(f"{contact}/{campaign}/1")
        self.world.publish(Enroll(event_id=self._name(), contact_id=contact, campaign=campaign))

    @rule(contact=contacts)
    def contact(self, contact: str) -> None:
        self.world.publish(PEOPLE[contact])

    @rule(how=st.sampled_from(STOPS), contact=contacts, campaign=campaigns, address=st.sampled_from(ADDRESSES))
    def stop(self, how: str, contact: str, campaign: str, address: str) -> None:
        match how:
            case "unenroll":
                self.world.publish(Unenroll(event_id=self._name(), contact_id=contact, campaign=campaign))
            case "opt out":
                self.world.publish(OptOut(event_id=self._name(), contact_id=contact, spoke=False))
            case "end":
                self.world.states[campaign] = CampaignState.ENDED
                self.world.contacts.end_campaign(campaign)
            case _:
                self.world.publish(Suppression(event_id=self._name(), address=address, spoke=how == "speak"))
                self.spoke |= {address} if how == "speak" else set()

    # --- what workers do ---

    @rule(topic=st.sampled_from(TOPICS), count=st.integers(1, 4))
    def read(self, topic: str, count: int) -> None:
        for _ in range(count):
            self.world.side(topic).read(topic)

    @rule(addresses=sides)
    def flush(self, addresses: bool) -> None:
        self.lanes[addresses].flush()

    @rule(data=st.data())
    def grant(self, data: st.DataObject) -> None:
        rows = [row for row in self.world.contacts.rows() if row.state is State.WAITING and row.due <= self.world.now]
        if rows:
            self.world.contacts.look(data.draw(st.sampled_from(rows)), grant=True)

    @rule(
        step=st.sampled_from([1, -1]),
        ms=st.sampled_from([0, 0, 70_000, 400_000]),
        ends=st.sampled_from((*ENDS, "never")),
        later=st.booleans(),
    )
    def work(self, step: int, ms: int, ends: str, later: bool) -> None:
        """A while in which all goes well, topics being read in either order."""
        self.world.now += ms
        for topic in TOPICS[::step]:
            self.read(topic, 99)
            self.world.side(topic).flush()
        self.world.contacts.finish_cut_off()
        for row in self.world.contacts.rows():
            self.world.contacts.look(row, grant=True)
        for lane in (*self.lanes, *self.lanes):
            lane.flush()
            self.read("commands", 99)
        never = ends == "never"
        self._send("silent" if never else "accepted", ends)
        for call in () if later or never else self.world.provider.values():
            self._hang_up(call, ends, None, heard=True)

    work_on = rule(step=st.just(1), ms=st.sampled_from([0, 400_000]), ends=st.sampled_from(ENDS), later=st.just(False))(
        lambda self, **drawn: self.work(**drawn)
    )

    @rule(answer=st.sampled_from(ANSWERS), disposition=st.sampled_from(ENDS))
    def send(self, answer: str, disposition: str) -> None:
        self._send(answer, disposition)

    def _send(self, answer: str, disposition: str) -> None:
        for dial in list(self.world.addresses.heap.values()):
            recorded = dial.address in self.world.addresses.recorded
            bounced = (dial.address, dial.channel) in self.world.addresses.bounced
            exited = self.world.contacts.durable[f"{dial.contact_id}/{dial.campaign}/1"].state is State.EXITED
            if self.world.addresses.send(dial, answer, "provider_error" if disposition != "invalid_number" else disposition):
                assert dial.dial_id not in self.requests, "requested twice"
                assert not recorded, "requested after an opt-out"
                assert not bounced, "sent to where nothing arrives"
                assert not exited, "requested after the exit"
                self.requests[dial.dial_id] = dial
                self.requested_at[dial.dial_id] = int(self.world.now)

    @rule(disposition=st.sampled_from(ENDS), opt_out=st.sampled_from([None, None, "all"]), heard=st.booleans(), data=st.data())
    def call_ends(self, disposition: str, opt_out: str | None, heard: bool, data: st.DataObject) -> None:
        going_on = sorted(d for d, call in self.world.provider.items() if not (call.ended or call.silent))
        if not going_on:
            return
        self._hang_up(self.world.provider[data.draw(st.sampled_from(going_on))], disposition, opt_out, heard)

    def _hang_up(self, call: Call, disposition: str, opt_out: str | None, heard: bool) -> None:
        if call.ended or call.silent:
            return
        call.ended = {"disposition": disposition, "opt_out": opt_out, "ended_at": int(self.world.now)}
        if heard:
            self.world.publish(self.world.addresses.said(call.dial, "ended", **call.ended))
            self.spoke |= {call.dial.address} if opt_out else set()

    @rule(data=st.data())
    def opts_out_later(self, data: st.DataObject) -> None:
        if self.requests:
            dial = self.requests[data.draw(st.sampled_from(sorted(self.requests)))]
            said = {"event_id": self._name(), "kind": "status", "opt_out": "all"}
            self.world.publish(Receipt(dial_id=dial.dial_id, address=dial.address, **said))
            self.spoke.add(dial.address)

    @rule(permanent=st.booleans(), data=st.data())
    def message_comes_back(self, permanent: bool, data: st.DataObject) -> None:
        """Maybe before anybody has heard that it was accepted."""
        sent = sorted(dial_id for dial_id, dial in self.requests.items() if dial.channel != "call")
        if sent:
            dial = self.requests[data.draw(st.sampled_from(sent))]
            said = {"event_id": self._name(), "kind": "status", "disposition": "undelivered", "permanent": permanent}
            self.world.publish(Receipt(dial_id=dial.dial_id, address=dial.address, **said))
            self.gone |= {(dial.address, dial.channel)} if permanent else set()

    @rule()
    def provider_forgets(self) -> None:
        """It has accepted calls, was heard, and its look-up knows nothing of them any more."""
        for row in self.world.addresses.durable.values():
            for dial_id in (d for d, c in row.calls.items() if c.accepted) if isinstance(row, LedgerRow) else ():
                self.world.provider[dial_id].forgotten = True

    @rule(ms=st.sampled_from([1, 100, 500, 3_000, 70_000, 400_000]))
    def time_passes(self, ms: int) -> None:
        self.world.now += ms

    @rule()
    def look_after(self) -> None:
        """What timers do: commands without a closing are asked after, calls without an outcome are looked up."""
        self.world.contacts.finish_cut_off()
        self.world.contacts.probe()
        self.world.addresses.overdue()

    # --- what goes wrong ---

    @rule(addresses=sides, grants=st.booleans(), flushes=st.integers(0, 2), stage=st.integers(NOTHING, ROWS))
    def crash(self, addresses: bool, grants: bool, flushes: int, stage: int) -> None:
        for row in self.world.contacts.rows() if grants else ():
            self.world.contacts.look(row, grant=True)
        for _ in range(flushes):
            self.lanes[addresses].flush()
        self.lanes[addresses].flush(stage)

    @rule()
    def hand_over(self) -> None:
        self.world.addresses.hand_over()

    @rule(topic=st.sampled_from(TOPICS), data=st.data())
    def repeat(self, topic: str, data: st.DataObject) -> None:
        if records := self.world.topics[topic]:
            self.world.publish(data.draw(st.sampled_from(records)))

    # --- what must hold ---

    @invariant()
    def one_open_command_a_contact(self) -> None:
        open_ = [row.contact_id for row in self.world.contacts.rows() if row.open is not None]
        assert len(open_) == len(set(open_))

    @invariant()
    def one_call_a_number(self) -> None:
        for row in self.world.addresses.ledgers():
            assert sum(c.state is CallState.RESERVED and c.channel == "call" for c in row.calls.values()) <= 1

    @invariant()
    def one_record_of_its_kind(self) -> None:
        """One closing a command, one command a dial_id, one exit an enrollment: repeats are the very same record."""
        sources = {"outcomes": self.world.topics["outcomes"], "commands": self.world.topics["commands"], "feed": self.world.feed}
        for name, records in sources.items():
            for record in records[self.read_up_to[name] :]:
                if (subject := _subject(record)) is not None:
                    assert self.said.setdefault((type(record), subject), record) == record
            self.read_up_to[name] = len(records)

    def teardown(self) -> None:
        self._drain()
        closings = {o.dial_id: o for o in self.world.topics["outcomes"]}
        rows = {row.key: row for row in self.world.contacts.rows()}
        assert set(rows) == self.asked, "somebody was forgotten"
        for row in rows.values():
            self._settled(row, [o for o in closings.values() if o.enrollment_id == row.enrollment_id])
        for dial_id, closing in closings.items():
            assert closing.disposition != "not_dialed" or dial_id not in self.world.provider, "called, and it does not count"
        self._opt_outs_have_reached_everybody()
        for address, channel in self.gone:
            assert f"channel:{channel}" in {e.scope for e in self.world.addresses.row(address).suppressions}, "a bounce was lost"
        self._limits_were_held({dial_id for dial_id, closing in closings.items() if closing.attempt_at is not None})

    def _limits_were_held(self, counted: set[str]) -> None:
        """Of spring's contacts, by address and by person: how many that count came before each, in the limit's time."""
        order = [dial for dial_id, dial in self.requests.items() if dial_id in counted]
        for n, dial in enumerate(order):
            at = self.requested_at[dial.dial_id]
            near = [other for other in order[:n] if self.requested_at[other.dial_id] + CAP.per > at]
            if dial.campaign == "spring":
                assert sum(other.address == dial.address for other in near) < CAP.max, "a number was contacted too often"
                assert sum(other.contact_id == dial.contact_id for other in near) < CAP.max, "a person was contacted too often"

    def _drain(self) -> None:
        """Everything that is under way comes to its end; no new command is issued."""
        for call in self.world.provider.values():
            call.ended = None if call.silent else call.ended or {"disposition": "no_answer", "ended_at": int(self.world.now)}
        self.world.addresses.hand_over()
        quiet = 0
        for _ in range(200):
            moved = [self.world.side(topic).read(topic) for topic in TOPICS]
            pending = [bool(lane.pending) for lane in self.lanes]
            for lane in self.lanes:
                lane.flush(DONE)
            quiet = 0 if any(moved) or any(pending) else quiet + 1
            if quiet > 1:
                self.world.now += 20_000
                self.look_after()
                open_ = any(row.open is not None for row in self.world.contacts.rows())
                if not open_ and not any(lane.pending for lane in self.lanes):
                    return
        raise AssertionError("it never comes to rest")

    def _settled(self, row: EnrollmentRow, closings: list[Outcome]) -> None:
        """Nobody is forgotten, and what the row counts is what was closed."""
        assert row.open is None
        assert row.state in (State.AWAITING_CONTACT, State.WAITING, State.EXITED)
        assert row.state is not State.AWAITING_CONTACT or not self._known(row.contact_id)
        assert row.attempts == sum(effect(o.disposition).counts for o in closings)
        assert row.seq == len(closings) + 1
        exits = {e.event_id for e in self.world.feed if e.kind == "exited" and e.enrollment_id == row.enrollment_id}
        assert len(exits) == (row.state is State.EXITED)
        calls = [d for d in self.requests.values() if d.enrollment_id == row.enrollment_id]
        assert row.attempts <= len(calls), "an attempt that nobody made"

    def _known(self, contact: str) -> bool:
        profile = self.world.contacts.profile(contact)
        return profile is not None and profile.known

    def _opt_outs_have_reached_everybody(self) -> None:
        for address in self.spoke:
            assert any(e.spoke for e in self.world.addresses.row(address).suppressions), "somebody spoke, and nobody listened"
            for contact in (c for c, person in PEOPLE.items() if address in person.addresses and self._known(c)):
                profile = self.world.contacts.profile(contact)
                assert profile is not None
                assert profile.opt_outs
                for other in profile.addresses:
                    assert self.world.addresses.row(other).suppressions, "another address of the person is open"


Calling.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestCalling = Calling.TestCase
