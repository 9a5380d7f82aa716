"""Daily caps of numbers against a witness at the provider: no number makes more calls in a day of its own zone than its cap.

Three partitions choose for their people, each by what it knows itself. Time passes, across midnights of two zones. Workers die:
what a partition knows is built anew from its rows, of which the last closing may have written one and not the other. Caps are
raised.
And whoever is refused until an instant may be called then, if nothing happens meanwhile.
"""

import os
from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from engine.callers import Caller
from engine.caps import with_attempt
from engine.daily_caps import Account
from engine.days import day_of
from engine.number_use import Use
from engine.numbers import NextFree, Person, choose, none_left
from engine.pools import Pool
from engine.time import HOUR, MINUTE, Instant
from schemas import ids
from schemas.line import Slot
from schemas.rows import Attempt, EnrollmentRow, Last, Open, Profile, State

START = Instant(1_795_532_400_000)
REACH = 5_000
PARTITIONS = 3
ZONES = {"+12125550101": "America/New_York", "+17165550101": "Asia/Kathmandu"}
PEOPLE = [f"p{n}" for n in range(9)]  # person n is of partition n % 3
PASSES = (0, 1, 999, 4_000, REACH, MINUTE, HOUR)
ENDS = ("busy", "answered", "unknown", "provider_error")

#: About 5 s. To search for longer: OUTDIAL_EXAMPLES=20000.
EXAMPLES = int(os.environ.get("OUTDIAL_EXAMPLES", "200"))


@dataclass
class Worker:
    """One partition: its rows as they are known, and as they are durable."""

    use: Use
    profiles: dict[str, Profile] = field(default_factory=dict)
    rows: dict[str, EnrollmentRow] = field(default_factory=dict)


class NumbersMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.caps = {"+12125550101": 1, "+17165550101": 2}  # the shares move each day
        self.workers = [Worker(Use(REACH)) for _ in range(PARTITIONS)]
        self.calls: dict[tuple[str, int], int] = defaultdict(int)  # the witness: number, day -> requests
        self.requested: dict[str, Instant] = {}  # open commands -> when the provider had the request
        self.unread: dict[str, tuple[str, str, Instant]] = {}  # person -> closing that is going to be read again
        self.pool = self._pool()

    def _pool(self) -> Pool:
        return Pool([Caller(e164, e164[:5], zone=ZONES[e164], cap=cap) for e164, cap in self.caps.items()])

    def _of(self, person: str) -> tuple[int, Worker]:
        p = int(person[1:]) % PARTITIONS
        return p, self.workers[p]

    def _account(self, p: int) -> Account:
        return Account(p, PARTITIONS, self.workers[p].use.made, REACH)

    def _row(self, person: str) -> EnrollmentRow:
        rows = self._of(person)[1].rows
        return rows.get(person) or EnrollmentRow(
            enrollment_id=ids.enrollment_id(person, "spring", 1),
            contact_id=person,
            campaign="spring",
            entry=1,
            version=1,
            state=State.WAITING,
        )

    def _put_row(self, person: str, row: EnrollmentRow) -> None:
        worker = self._of(person)[1]
        worker.use.put_row(person, worker.rows.get(person), row)
        worker.rows[person] = row

    def _put_profile(self, person: str, attempt: Attempt) -> None:
        worker = self._of(person)[1]
        before = worker.profiles.get(person) or Profile(contact_id=person)
        after = replace(before, attempts=with_attempt(before.attempts, attempt, self.now))
        worker.use.put_profile(worker.profiles.get(person), after)
        worker.profiles[person] = after

    # --- what happens ---

    @rule(ms=st.sampled_from(PASSES))
    def time_passes(self, ms: int) -> None:
        """Requests that were not made by then are made at the last instant."""
        until = Instant(self.now + ms)
        for person in PEOPLE:
            row = self._row(person)
            if row.open and row.open.dial_id not in self.requested and row.open.at + REACH <= until:
                self._request(person, Instant(row.open.at + REACH))
        self.now = until

    @rule(zone=st.sampled_from(sorted(ZONES.values())), before=st.sampled_from([0, 1, 3_000, REACH]))
    def it_is_nearly_midnight(self, zone: str, before: int) -> None:
        self.time_passes(max(0, day_of(zone, self.now).end - before - self.now))

    @rule(zone=st.sampled_from(sorted(ZONES.values())), before=st.sampled_from([1, 3_000]))
    def commands_cross_midnight(self, zone: str, before: int) -> None:
        self.it_is_nearly_midnight(zone, before)
        for ms in (before, REACH):
            for p in range(PARTITIONS):
                self.slots_come(p, 2)
            self.time_passes(ms)

    @rule(p=st.integers(0, PARTITIONS - 1), n=st.integers(1, 3))
    def slots_come(self, p: int, n: int) -> None:
        for person in [each for each in PEOPLE if self._of(each)[0] == p and self._row(each).open is None][:n]:
            self._slot_comes(person)

    def _slot_comes(self, person: str) -> None:
        row, (p, _) = self._row(person), self._of(person)
        if row.open is not None:
            return
        found = choose(self.pool, Person(person, "+12125550199", (), row.seq), self._account(p), self.now)
        if isinstance(found, NextFree):
            assert found.at is not None
            assert found.at > self.now
            assert none_left(self.pool, self._account(p), self.now) == found
            return
        open_ = Open(ids.dial_id(row.enrollment_id, row.seq), "call", "+12125550199", found, Slot("main", 1, 0, 0), self.now)
        self._put_row(person, replace(row, state=State.ISSUED, open=open_))

    @rule(p=st.integers(0, PARTITIONS - 1))
    def requests_are_made(self, p: int) -> None:
        for person in [each for each in PEOPLE if self._of(each)[0] == p]:
            row = self._row(person)
            if row.open and row.open.dial_id not in self.requested:
                self._request(person, self.now)

    def _request(self, person: str, at: Instant) -> None:
        open_ = self._row(person).open
        assert open_ is not None
        assert open_.caller is not None
        self.requested[open_.dial_id] = at
        self.calls[open_.caller, day_of(ZONES[open_.caller], at).number] += 1

    @rule(person=st.sampled_from(PEOPLE), how=st.sampled_from(ENDS), durable=st.sampled_from(["both", "both", "row", "profile"]))
    def a_call_ends(self, person: str, how: str, durable: str) -> None:
        """One that never rang is still a request: the witness is stricter than the limit, so those that fail were not made."""
        self.a_closing_is_read_again(person)  # they are read in order
        row = self._row(person)
        if row.open is None or (how != "provider_error" and row.open.dial_id not in self.requested):
            return
        if how == "provider_error" and row.open.dial_id in self.requested:
            return
        if durable == "both":
            self._close(person, row, how, profile=True, moved=True)
        else:  # the worker dies meanwhile
            if how != "provider_error":
                self.unread[person] = (row.open.dial_id, row.open.caller or "", self.requested[row.open.dial_id])
            self._close(person, row, how, profile=durable == "profile", moved=durable == "row")
            self._die(self._of(person)[0])

    def _close(self, person: str, row: EnrollmentRow, how: str, *, profile: bool, moved: bool) -> None:
        assert row.open is not None
        at = self.requested.get(row.open.dial_id, self.now)
        if profile and how != "provider_error":
            self._put_profile(person, Attempt(at, "spring", "call", row.open.dial_id, row.open.caller))
        if moved:
            last = Last("call", "call", how, self.now, row.open.dial_id)
            self._put_row(person, replace(row, state=State.WAITING, seq=row.seq + 1, open=None, last=last))

    @rule(person=st.sampled_from(PEOPLE))
    def a_closing_is_read_again(self, person: str) -> None:
        if person in self.unread:
            dial_id, caller, at = self.unread.pop(person)
            self._put_profile(person, Attempt(at, "spring", "call", dial_id, caller))
            row = self._row(person)
            if row.open is not None and row.open.dial_id == dial_id:
                self._close(person, row, "busy", profile=True, moved=True)

    @rule(p=st.integers(0, PARTITIONS - 1))
    def a_worker_dies(self, p: int) -> None:
        self._die(p)

    def _die(self, p: int) -> None:
        worker = self.workers[p]
        worker.use = Use(REACH)
        for profile in worker.profiles.values():
            worker.use.put_profile(None, profile)
        for person, row in worker.rows.items():
            worker.use.put_row(person, None, row)
            worker.use.doubt(row, worker.profiles.get(person), self.now)

    @rule(e164=st.sampled_from(sorted(ZONES)))
    def a_cap_is_raised(self, e164: str) -> None:
        if self.caps[e164] < 4:
            self.caps[e164] += 1
            self.pool = self._pool()

    # --- what must hold ---

    @invariant()
    def no_cap_is_ever_exceeded(self) -> None:
        for (e164, day), calls in self.calls.items():
            assert calls <= self.caps[e164], (e164, day, calls)


TestNumbers = NumbersMachine.TestCase
TestNumbers.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
