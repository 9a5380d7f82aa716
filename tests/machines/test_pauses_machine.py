"""Pauses, resumes by each policy, crashes and workers that are away, in any order: the real scheduler against a pencil.

Scheduler, flows and heads are the real ones, over a table in memory. The pencil rewrites everybody's due instant at each resume,
which the product never does; both must come to the same calls at the same instants. In a pause nothing moves, and in the end nobody
is left.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import flow, lifecycle
from engine.lifecycle import Resume
from engine.pauses import let_out
from engine.plan import Channel, Contacting, Waiting
from engine.time import HOUR, Delay, Instant
from schemas import ids
from schemas.base import encode
from schemas.campaign import CampaignHead, CampaignState, Pause
from schemas.command import Dial
from schemas.event import Event
from schemas.line import Grant
from schemas.outcome import Outcome
from schemas.resources import Number, resource_key
from schemas.rows import EnrollmentRow, Profile, State, TimerRow
from schemas.topics import CAMPAIGNS, CONTACT_PROFILES, RESOURCES, STEP_TIMERS
from streams.flows import Flows
from streams.heads import Heads
from streams.lead import Lead
from streams.scheduler import Scheduler
from streams.store import Table
from tests.unit.samples import ALWAYS, plan_of

START = Instant(1_795_532_400_000)
WAIT = 2 * HOUR
STEPS = ("first", "pause", "second", "rest", "third")
PLAN = plan_of(
    Contacting("first", Channel.CALL),
    Waiting("pause", Delay(ms=WAIT)),
    Contacting("second", Channel.CALL),
    Waiting("rest", Delay(ms=WAIT)),
    Contacting("third", Channel.CALL),
    window=ALWAYS,
    exits="opted_out",
)
PEOPLE = ("ann", "bob", "cyd")
#: Some 8 s. To search for longer: OUTDIAL_EXAMPLES=50000.
EXAMPLES = int(os.environ.get("OUTDIAL_EXAMPLES", "500"))


@dataclass
class Worker:
    """The stages, over a lane whose steps are durable at once; `calls`: (person, step, when issued)."""

    now: Instant
    calls: list[tuple[str, str, Instant]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    writes: int = 0
    up: bool = True

    def __post_init__(self) -> None:
        self._thens: list[Callable[[], None]] = []
        self.profiles: Table[Profile] = Table(CONTACT_PROFILES, Profile)
        self.rows: Table[TimerRow] = Table(STEP_TIMERS, TimerRow)
        self.heads = Heads("nowhere")
        self.heads._plans["spring", 1] = PLAN
        caller = Number(number="+12125550199", tags=["sales"])
        self.heads._take(RESOURCES.name, resource_key(caller), encode(caller))
        clock: Any = SimpleNamespace(rate=1.0, real_delay=lambda ms: ms / 1000)
        self.lane: Any = SimpleNamespace(
            roomy=True,
            emit=self._emit,
            emit_after=self._emit,
            put=self._put,
            then=self._thens.append,
            tick=lambda _fn: lambda _p: None,
            now=lambda: self.now,
            epoch=lambda _p: 1,
            partitions=1,
            active=frozenset({0}),
            skew_us=0,
        )
        self._set_clock()
        self.flows = Flows(self.lane, clock, self.heads, self.profiles, self.rows)
        self.scheduler = Scheduler(self.flows, Lead())

    def head(self, head: CampaignHead) -> None:
        self.heads._take(CAMPAIGNS.name, head.key, encode(head))

    def enroll(self, person: str) -> None:
        profile = Profile(contact_id=person, phone=f"+1212555010{PEOPLE.index(person)}", zones=("America/New_York",))
        self.profiles.set(0, person, profile)
        self.flows.apply(0, None, flow.enroll(flow.Enroll(person, "spring", 1, "c"), self.now, PLAN, profile))
        self._settle()

    def close(self, person: str) -> None:
        """The call rang, and was busy."""
        row = self.row(person)
        assert row.open is not None
        about: dict[str, Any] = {
            "enrollment_id": row.enrollment_id,
            "contact_id": person,
            "campaign": "spring",
            "version": 1,
            "entry": 1,
        }
        event = ids.event_id(row.open.dial_id, "outcome", person)
        how: dict[str, Any] = {"channel": "call", "disposition": "busy", "ended_at": self.now}
        outcome = Outcome(
            event_id=event, **about, dial_id=row.open.dial_id, step=row.step, seq=row.seq, address=row.open.address, **how
        )
        self.flows.feed(0, row, flow.Closing(outcome), self.now)
        self._settle()

    def run(self) -> None:
        """All that is due, with as many slots as anybody can use."""
        self._set_clock()
        busy = True
        while busy:
            self.scheduler.tick(0, self.now)
            self._settle()
            busy = bool(self.flows.index[0].todo) or self._take_slots()

    def crash(self) -> None:
        """What is derived is gone, and built again from the rows."""
        self._set_clock()
        self.flows.rebuild(0)

    def row(self, person: str) -> EnrollmentRow:
        found = self.flows.row(0, f"{person}/spring/1")
        assert found is not None
        return found

    def _set_clock(self) -> None:
        self.lane.real_ms, self.lane.real_us = int(self.now), self.now * 1_000

    def _take_slots(self) -> bool:
        if not len(self.flows.index[0].ready):
            return False
        t = self.now * 1_000
        grant = Grant(line="main", epoch=1, partition=0, number=1, t0=t, step=0, n=9, width=1_000, granted=t)
        before = len(self.calls)
        self.scheduler.on_slots(0, SimpleNamespace(value=encode(grant)), self.now)  # type: ignore[arg-type]
        self._settle()
        return len(self.calls) > before

    def _settle(self) -> None:
        while self._thens:
            self._thens.pop(0)()

    def _emit(self, record: Any, **_: Any) -> None:
        if isinstance(record, Dial) and (record.contact_id, record.step) not in {call[:2] for call in self.calls}:
            self.calls.append((record.contact_id, record.step, self.now))
        elif isinstance(record, Event) and record.kind == "step_skipped":
            assert record.data == {"reason": "expired"}
            self.skipped.append((record.contact_id, record.step or ""))

    def _put(self, table: Table[Any], p: int, key: str, row: Any) -> None:
        self.writes += 1
        table.set(p, key, row)


@dataclass
class Pencil:
    """One person, with the instants that a careful reader of docs/lifecycle.md would write down."""

    name: str
    due: int
    step: int = 0  # of STEPS
    out: bool = False
    expires: bool = False
    turn: int = 0

    def resumed(self, pauses: list[Pause]) -> None:
        """Everything that is behind is worked out anew, whatever pause it was due in."""
        self.turn, self.expires = 0, False
        for pause in pauses:
            assert pause.end is not None
            if pause.policy == "shift" and pause.begin <= self.due < pause.end:
                self.due += pause.end - pause.begin
            elif pause.policy == "expire" and pause.end - max(self.due, pause.begin) > pause.older:
                self.expires = True

    def go_to(self, due: int, pauses: list[Pause]) -> None:
        self.step, self.due = self.step + 1, due + (WAIT if STEPS[(self.step + 1) % 5] in ("pause", "rest") else 0)
        self.resumed(pauses)


class Pauses(RuleBasedStateMachine):
    """The rules are what may happen."""

    @initialize()
    def starts(self) -> None:
        self.worker = Worker(START)
        self.head = CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=START)
        self.worker.head(self.head)
        self.people = {name: Pencil(name, START) for name in PEOPLE}
        self.expected: list[tuple[str, str, Instant]] = []
        self.skips: list[tuple[str, str]] = []
        for name in PEOPLE:
            self.worker.enroll(name)
        self._run()

    @property
    def now(self) -> Instant:
        return self.worker.now

    @property
    def paused(self) -> bool:
        return self.head.state is CampaignState.PAUSED

    @property
    def over(self) -> list[Pause]:
        return [pause for pause in self.head.pauses if pause.end is not None]

    def _run(self) -> None:
        """The worker does what is due, if it is there; so does the pencil."""
        if not self.worker.up:
            return
        before = self.worker.writes
        self.worker.run()
        if self.paused:
            assert self.worker.writes == before, "in a pause nobody's row is touched by time"
            return
        for person in self.people.values():
            while self._moves(person):
                pass

    def _moves(self, person: Pencil) -> bool:
        if person.out or person.step >= len(STEPS) or person.due > self.now:
            return False
        step = STEPS[person.step]
        if step in ("pause", "rest"):
            person.go_to(person.due, self.over)
            return True
        if person.expires:
            self.skips.append((person.name, step))
            person.go_to(person.due, self.over)
            return True
        row = self.worker.rows.get(0, f"{person.name}/spring/1")
        assert isinstance(row, EnrollmentRow)
        turn = EnrollmentRow(
            enrollment_id=row.enrollment_id, contact_id="", campaign="", entry=1, version=1, state=State.WAITING, due=person.due
        )
        if let_out(turn, self.over) <= self.now:
            self.expected.append((person.name, step, self.now))
            person.out = True
        return False

    # --- what happens ---

    @rule(ms=st.sampled_from((1, 60_000, HOUR // 2, HOUR, 3 * HOUR)))
    def passes(self, ms: int) -> None:
        self.worker.now = Instant(self.now + ms)
        self._run()

    @precondition(lambda self: not self.paused)
    @rule()
    def is_paused(self) -> None:
        self.head = lifecycle.paused(self.head, self.now)
        self.worker.head(self.head)
        self._run()

    @precondition(lambda self: self.paused)
    @rule(
        policy=st.sampled_from(("hold", "shift", "expire")),
        older=st.sampled_from((0, HOUR // 2, 2 * HOUR)),
        ramp=st.sampled_from((0, 0, HOUR)),
    )
    def is_resumed(self, policy: str, older: int, ramp: int) -> None:
        self.head = lifecycle.resumed(self.head, self.now, Resume(policy, older if policy == "expire" else 0, ramp))
        self.worker.head(self.head)
        for person in self.people.values():
            if not person.out:
                person.resumed(self.over)
        self._run()

    @precondition(lambda self: any(person.out for person in self.people.values()))
    @rule(data=st.data())
    def a_call_ends(self, data: st.DataObject) -> None:
        """Outcomes are taken whether the campaign is paused or not."""
        person = data.draw(st.sampled_from([person for person in self.people.values() if person.out]), "person")
        self.worker.close(person.name)
        person.out = False
        person.go_to(self.now, self.over)
        self._run()

    @rule()
    def crashes(self) -> None:
        self.worker.crash()
        self._run()

    @rule()
    def goes_away_or_comes_back(self) -> None:
        self.worker.up = not self.worker.up
        if self.worker.up:
            self.worker.crash()
        self._run()

    # --- what must hold ---

    @invariant()
    def the_same_calls_at_the_same_instants_and_the_same_steps_skipped(self) -> None:
        assert sorted(self.worker.calls) == sorted(self.expected)
        assert sorted(self.worker.skipped) == sorted(self.skips)

    def teardown(self) -> None:
        """Let it run: everybody comes to the end, each step was taken, or skipped, once."""
        if not hasattr(self, "worker"):
            return
        self.worker.up = True
        self.worker.crash()
        if self.paused:
            self.is_resumed("hold", 0, 0)
        for _ in range(12):
            self.worker.now = Instant(self.now + 30 * HOUR)
            self._run()
            for person in [person for person in self.people.values() if person.out]:
                self.worker.close(person.name)
                person.out = False
                person.go_to(self.now, self.over)
        taken = [call[:2] for call in self.worker.calls] + self.worker.skipped
        assert sorted(taken) == sorted((name, step) for name in PEOPLE for step in ("first", "second", "third"))
        left = [row for row in self.worker.rows.rows(0).values() if isinstance(row, EnrollmentRow)]
        assert all(row.state is State.EXITED for row in left)


Pauses.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
TestPauses = Pauses.TestCase
