"""The flow against a pencil: whatever happens to a person, the machine stands where the naive model (passage.py) stands.

Flow, retries, numbers, pause and resume, opt-outs, callbacks, goals and exits, in any order, with repeats of what has closed.
"""

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from passage import H, M, Passage

from engine import flow
from engine.gate import Facts, decide
from engine.pauses import expired, moved
from engine.plan import Channel, Condition, Contacting, Exiting, Late, Plan, Retry, Step, Waiting
from engine.time import Delay, Instant
from engine.windows import parse_weekly, weekly_window
from schemas import ids
from schemas.campaign import CampaignState, Pause
from schemas.command import Dial, Revoke
from schemas.event import Event
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Profile, State

START = Instant(1_795_532_400_000)
NUMBERS = ("+12125550101", "+12125550102")
RETRY = {"busy": (15 * M, 2, 2), "no_answer": (4 * H, 1, 1)}

FLOWS: dict[str, list[dict[str, Any]]] = {
    "one call": [{"id": "call", "call": True}],
    "two calls": [{"id": "a", "call": True, "retry": RETRY}, {"id": "w", "wait": H}, {"id": "b", "call": True, "max_attempts": 2}],
    "branches": [
        {"id": "a", "call": True, "retry": RETRY, "max_attempts": 3, "then": "w"},
        {"id": "sorry", "sms": True, "then": "end", "otherwise": "end"},
        {"id": "w", "wait": H, "after": "voicemail", "otherwise": "b"},
        {"id": "text", "sms": True, "after": "voicemail"},
        {"id": "b", "call": True, "late": 3 * H, "do": "skip", "otherwise": "sorry"},
        {"id": "out", "exit": "completed"},
    ],
    "back": [
        {"id": "a", "call": True, "visits": 1, "otherwise": "b"},
        {"id": "x", "sms": True, "after": "voicemail", "otherwise": "a"},
        {"id": "b", "call": True, "visits": 2, "otherwise": "end"},
        {"id": "y", "wait": M, "then": "x"},
    ],
    "rounds": [
        {"id": "a", "call": True, "retry": RETRY, "visits": 2, "otherwise": "c"},
        {"id": "w", "wait": 30 * M, "then": "a"},
        {"id": "c", "call": True, "late": 2 * H, "do": "exit", "retry": {"voicemail": (M, 1, 1)}},
    ],
}


def step_of(spec: dict[str, Any]) -> Step:
    """The same step as the engine has it."""
    after = spec.get("after")
    when = None if after is None else Condition(lambda seen: (seen["last"] or {}).get("disposition", "") == after)
    way = {"when": when, "then": spec.get("then"), "otherwise": spec.get("otherwise"), "max_visits": spec.get("visits")}
    if "wait" in spec:
        return Waiting(spec["id"], Delay(ms=spec["wait"]), **way)
    if "exit" in spec:
        return Exiting(spec["id"], spec["exit"], **way)
    return Contacting(
        spec["id"],
        Channel.CALL if "call" in spec else Channel.SMS,
        retry={name: Retry(Delay(ms=ms), most, factor) for name, (ms, most, factor) in spec.get("retry", {}).items()},
        max_attempts=spec.get("max_attempts"),
        late=Late(spec["late"], spec["do"]) if "late" in spec else None,
        **way,
    )


WINDOW = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)
EXITS = frozenset({"answered", "opted_out", "unreachable"})
PLANS = {
    (name, silence): Plan(
        "spring",
        1,
        "main",
        tuple(map(step_of, spec)),
        WINDOW,
        "UTC",
        None,
        EXITS,
        "tag",
        (),
        callbacks=2,
        goals=frozenset({"paid"}),
        meanings={"answered_silent": "answered"} if silence else {},
    )
    for name, spec in FLOWS.items()
    for silence in (False, True)
}

DISPOSITIONS = (
    "answered", "answered_silent", "voicemail", "fax", "busy", "busy", "no_answer", "rejected", "spam_blocked", "invalid_number",
    "provider_throttled", "provider_error", "unknown", "abducted",
)  # fmt: skip
LATER = (0, 1, 10 * M, 15 * M, 30 * M, H, 4 * H, 9 * H)
#: Some 50 s. To search for longer: OUTDIAL_EXAMPLES=50000.
EXAMPLES = int(os.environ.get("OUTDIAL_EXAMPLES", "5000"))


pytestmark = pytest.mark.timeout(600)


class Campaign(RuleBasedStateMachine):
    """The rules are what may happen."""

    @initialize(name=st.sampled_from(sorted(FLOWS)), numbers=st.integers(1, 2), silence=st.booleans())
    def enters(self, name: str, numbers: int, silence: bool) -> None:
        self.now, self.running, self.asked = START, True, 0
        self.pauses: list[Pause] = []
        self.plan = PLANS[name, silence]
        self.profile = Profile(contact_id="c7", phone=NUMBERS[0], alt_phones=NUMBERS[1:numbers], zones=("America/New_York",))
        self.model = Passage(FLOWS[name], numbers, self.now, silence)
        self.closed: list[Outcome] = []
        self.said: dict[str, Event | Dial | Revoke] = {}
        self.row: EnrollmentRow = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), self.now, self.plan, self.profile).row

    def _feed(self, inp: flow.Input) -> None:
        """The input, and what follows it; what has an id is said once, or the very same again."""
        following: flow.Input | None = inp
        while following is not None:
            result = flow.transition(moved(self.row, self.pauses), following, self.now, self.plan, self.profile)
            for record in (*result.emit, *result.after):
                assert self.said.setdefault(record.event_id, record) == record
            self.row, following = result.row, result.then

    # --- the worker ---

    @rule(ms=st.sampled_from(LATER))
    def looks(self, ms: int) -> None:
        """Some time passes; then the scheduler looks, and a slot is there."""
        self.now = Instant(self.now + ms)
        self.model.now = self.now
        goes_out = self.model.look(self.running)
        before = self.row
        row = moved(self.row, self.pauses)
        if self.running and row.state is State.WAITING and row.due <= self.now:
            self._take_turn(row)
        assert (self.row.open is not None and before.open is None) == goes_out

    def _take_turn(self, row: EnrollmentRow) -> None:
        """As streams/scheduler.py does."""
        if flow.moves_when_due(row, self.plan, self.profile, self.now):
            self._feed(flow.Due())
            return
        if expired(Instant(row.due), self.pauses):
            self._feed(flow.Refused("expired", skips=True))
            return
        facts = Facts(self.plan, CampaignState.RUNNING, ("America/New_York",), flow.contacting(row, self.plan))
        if decide(facts, self.now).ok:
            self._feed(flow.Granted(Slot("main", 1, self.now * 1000, self.now * 1000 + 5_000), None))

    @precondition(lambda self: self.row.open is not None)
    @rule(
        disposition=st.sampled_from(DISPOSITIONS),
        ms=st.sampled_from((0, 30_000, H)),
        asked=st.sampled_from((None, None, None, -H, 2 * H)),
        opt_out=st.sampled_from((False,) * 7 + (True,)),
    )
    def closes(self, disposition: str, ms: int, asked: int | None, opt_out: bool) -> None:
        self.now = Instant(self.now + ms)
        self.model.now = self.now
        back = None if asked is None else self.now + asked
        self.model.closes(disposition, self.now, back, opt_out)
        said = {"callback_at": None if back is None else _written(back), "opt_out": "all" if opt_out else None}
        self._close(self._outcome(disposition, **said))

    @precondition(lambda self: self.row.open is not None)
    @rule(ms=st.sampled_from((0, H, 5 * H)))
    def is_refused(self, ms: int) -> None:
        """Behind the scheduler's yes the dialer says no, until some instant."""
        self.model.not_dialed(self.now + ms)
        self._close(self._outcome("not_dialed", reason="number_busy", retry_at=self.now + ms))

    def _outcome(self, disposition: str, **fields: Any) -> Outcome:
        open_ = self.row.open
        assert open_ is not None
        about = {"enrollment_id": self.row.enrollment_id, "contact_id": "c7", "campaign": "spring", "version": 1, "entry": 1}
        return Outcome(
            event_id=ids.event_id(open_.dial_id, "outcome", open_.dial_id),
            **about,  # type: ignore[arg-type]
            dial_id=open_.dial_id,
            step=self.row.step,
            seq=self.row.seq,
            channel=open_.channel,
            address=open_.address,
            disposition=disposition,
            ended_at=int(self.now),
            **fields,
        )

    def _close(self, outcome: Outcome) -> None:
        self.closed.append(outcome)
        self._feed(flow.Closing(outcome))

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def repeats(self, data: st.DataObject) -> None:
        """A closing that was taken comes again, as after a crash."""
        before = self.row
        self._feed(flow.Closing(data.draw(st.sampled_from(self.closed))))
        assert moved(self.row, self.pauses) == moved(before, self.pauses)

    # --- people and operators ---

    @rule(how=st.sampled_from(("unenrolled", "opted_out", "goal", "another goal", "erased")))
    def leaves(self, how: str) -> None:
        if how == "another goal":
            self._feed(flow.Reached("visited", "cause"))
            return
        self.model.asked_out(how)
        self._feed(flow.Reached("paid", how) if how == "goal" else flow.Leave(how, how))

    @rule(ms=st.sampled_from((-H, M, 5 * H)))
    def asks_for_a_call(self, ms: int) -> None:
        at = self.now + ms
        self.model.asks(at)
        self.asked += 1
        self._feed(flow.Callback(_written(at), f"asked {self.asked}"))

    @rule(ms=st.sampled_from((M, H, 5 * H)), policy=st.sampled_from(("hold", "shift", "expire")))
    def pauses_or_resumes(self, ms: int, policy: str) -> None:
        """Everybody keeps their place: nothing is fed to a row, what the pause means is asked when it matters."""
        if self.running:
            self.running, self.paused_at = False, self.now
            return
        self.now = Instant(self.now + ms)
        self.model.now = self.now
        self.pauses.append(Pause(begin=self.paused_at, end=self.now, policy=policy, older=H))
        self.model.resumed(self.paused_at, policy, H)
        self.running = True

    @rule()
    def ends(self) -> None:
        self.model.asked_out("campaign_ended")
        self._feed(flow.CampaignEnded("head"))

    # --- what must hold ---

    @invariant()
    def the_machine_stands_where_the_model_stands(self) -> None:
        row, model = self.row, self.model
        assert (row.open is not None) == model.out
        assert (row.exit and row.exit.reason) == model.left
        assert row.attempts == model.attempts
        assert row.reached == model.reached
        if model.left is None:
            assert (row.step, row.callbacks) == (model.where, model.callbacks)
            assert moved(row, self.pauses).due == model.due or model.out
        assert (row.state is State.EXITED) == (model.where is None)

    @invariant()
    def one_exit_and_nothing_behind_it(self) -> None:
        events = [record.kind for record in self.said.values() if isinstance(record, Event)]
        assert events.count("exited") == (self.row.state is State.EXITED)
        assert "exited" not in events[:-1]


def _written(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


Campaign.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestCampaign = Campaign.TestCase
