"""The stage of post-call actions: what is kept and when, what an answer leads to, and how messages wait for gate and slot."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine import actions as engine_actions
from engine import flow
from engine.errors import RecordError
from engine.plan import Action, Channel, Contacting, Plan
from engine.time import HOUR, SECOND, Instant
from providers.outhooks import Answer
from schemas.campaign import CampaignHead, CampaignState
from schemas.command import Dial
from schemas.crm import CrmUpdate
from schemas.deadletter import DeadLetter
from schemas.enrollment import Act
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.rows import ActionRow, Exit, OptOutEntry, Profile, State
from schemas.topics import POST_CALL_ACTIONS
from streams.actions import Actions
from streams.flows import Flows
from streams.index import ContactIndex
from streams.store import Table
from tests.unit.samples import NOW, PROFILE, SLOT, WORKDAY, outcome_of, plan_of, row_of

HOOK = Action("tell", frozenset({"answered"}), "webhook", url="https://crm.example.com/x", secret_env="CRM")
RECORD = Action("reached", frozenset({"answered"}), "event", name="reached")
LEFT = Action("left", frozenset({"exited:goal"}), "webhook", url="https://crm.example.com/x", secret_env="CRM")
THANKS = Action(
    "thanks", frozenset({"answered"}), "sms", step=Contacting("@thanks", Channel.SMS, template="Thank you, {{first_name}}")
)
ANSWERED = outcome_of("answered", attempt_at=NOW)
P = 3


class Scene:
    """The stage on a lane that is a list, at NOW on a real clock. What follows a durable row happens at `settle`."""

    def __init__(self, *actions: Action, profile: Profile | None = PROFILE, **plan: Any) -> None:
        self.plan: Plan = plan_of(actions=actions, **plan)
        self.profile, self.state, self.fenced = profile, CampaignState.RUNNING, False
        self.answers: list[Answer] = []
        self.posted: list[tuple[str, str]] = []  # (webhook-id, body)
        self.sent: list[Any] = []
        self.heads: list[Callable[[CampaignHead], None]] = []
        self._then: list[Callable[[], None]] = []
        self.lane: Any = SimpleNamespace(
            real_ms=int(NOW),
            active=frozenset({P}),
            clock=SimpleNamespace(real_ms=lambda: self.lane.real_ms, real_delay=lambda ms: ms / 1000, rate=1.0),
            fence=SimpleNamespace(ok=lambda: not self.fenced),
            now=lambda: Instant(self.lane.real_ms),
            emit=lambda record, **_: self.sent.append(record),
            emit_after=self.sent.append,
            put=lambda table, p, key, row: table.set(p, key, row),
            then=self._then.append,
            step=lambda _p, fn: fn(),
            tick=lambda _fn: lambda _p: None,
        )
        self.rows: Table[ActionRow] = Table(POST_CALL_ACTIONS, ActionRow)
        self.index = defaultdict(ContactIndex)
        flows: Any = SimpleNamespace(
            lane=self.lane,
            index=self.index,
            wake=lambda _p: None,
            profiles=SimpleNamespace(get=lambda _p, _contact: self.profile),
            plan=lambda _row: self.plan,
            heads=SimpleNamespace(
                starts_at=lambda _campaign: None,
                plan=lambda *_: self.plan,
                state=lambda _: self.state,
                halts=(),
                lists={},
                subscribe=self.heads.append,
                subscribe_held=lambda _: None,
            ),
            callers=SimpleNamespace(choose_for=lambda *_: "+12125550102", none_left=lambda *_: None),
            _transit=0,
        )
        flows.facts_of = lambda *args: Flows.facts_of(flows, *args)
        self.flows = flows
        self.stage = Actions(flows, self.rows, SimpleNamespace(post=self._post))  # type: ignore[arg-type]

    async def _post(self, _url: str, _secret: str, webhook_id: str, body: str) -> Answer:
        self.posted.append((webhook_id, body))
        return self.answers.pop(0) if self.answers else Answer()

    def happen(self, outcome: Outcome = ANSWERED) -> "Scene":
        self.stage.on_outcome(P, outcome, Instant(self.lane.real_ms))
        return self

    def settle(self) -> None:
        """Rows become durable."""
        while self._then:
            self._then.pop(0)()

    def run(self, later: int = 0) -> float | None:
        """So many ms pass; what is due by then is run to its end. Returns seconds to the next tick."""
        self.lane.real_ms += later

        async def play() -> float | None:
            self.settle()
            wait = self.stage.tick(P, self.lane.now())
            for _ in range(5):
                await asyncio.sleep(0)
            return wait

        return asyncio.run(play())

    @property
    def kept(self) -> list[ActionRow]:
        return list(self.rows.rows(P).values())

    def told(self) -> list[tuple[str, str]]:
        return [(event.kind, event.data["action"]) for event in self.sent if isinstance(event, Event)]

    def ready(self) -> list[str]:
        """Takes all that waits for a slot."""
        taken = []
        while (entry := self.index[P].ready.take("main")) is not None:
            taken.append(entry[0])
        return taken


# --- webhooks ---------------------------------------------------------------------------------------------------------------------


def test_nothing_is_asked_of_a_server_before_the_row_is_durable() -> None:
    scene = Scene(HOOK).happen()
    scene.stage.tick(P, NOW)
    assert (len(scene.kept), scene.posted) == (1, [])
    (row,) = scene.kept
    scene.run()
    assert [webhook_id for webhook_id, _ in scene.posted] == [row.action_id]
    assert (scene.kept, scene.told()) == ([], [("action_done", "tell")])


def test_what_fails_is_tried_again_with_the_same_id_and_body() -> None:
    scene = Scene(HOOK).happen()
    scene.answers = [Answer("it was answered 503"), Answer("it was answered 503")]
    wait = scene.run()
    (row,) = scene.kept
    assert (row.tries, row.error, wait) == (1, "it was answered 503", None)
    assert 4 * SECOND < row.due - NOW < 6 * SECOND
    scene.run(4 * SECOND)
    assert len(scene.posted) == 1
    scene.run(2 * SECOND)
    scene.run(20 * SECOND)
    assert len(scene.posted) == 3
    assert len(set(scene.posted)) == 1
    assert scene.told() == [("action_done", "tell")]


def test_an_action_that_fails_for_a_day_is_given_up() -> None:
    scene = Scene(HOOK).happen()
    scene.answers = [Answer("it was answered 500")] * 20
    for _ in range(20):
        scene.run(11 * HOUR)
    assert len(scene.posted) == 12
    (letter,) = (sent for sent in scene.sent if isinstance(sent, DeadLetter))
    assert "given up after 11 tries: it was answered 500" in letter.reason
    assert (scene.kept, scene.told()) == ([], [("action_failed", "tell")])


def test_a_server_that_is_gone_is_not_asked_again() -> None:
    scene = Scene(HOOK).happen()
    scene.answers = [Answer("it was answered 410", final=True)]
    scene.run()
    assert scene.told() == [("action_failed", "tell")]


def test_a_repeat_of_the_outcome_resets_nothing() -> None:
    scene = Scene(HOOK).happen()
    scene.answers = [Answer("no")]
    scene.run()
    assert [row.tries for row in scene.happen().kept] == [1]


def test_a_worker_that_lost_touch_asks_nobody() -> None:
    scene = Scene(HOOK).happen()
    scene.fenced = True
    scene.run()
    assert (scene.posted, scene.kept[0].tries) == ([], 0)
    scene.fenced = False
    scene.run(2 * SECOND)
    assert len(scene.posted) == 1


def test_an_answer_that_comes_when_the_partition_is_elsewhere_changes_nothing() -> None:
    """Its next owner asks again, with the same id."""
    scene = Scene(HOOK).happen()
    real = scene._post

    async def post(*args: Any) -> Answer:
        scene.lane.active = frozenset()
        return await real(*args)

    scene.stage._hooks = SimpleNamespace(post=post)  # type: ignore[assignment]
    scene.run()
    assert (len(scene.posted), len(scene.kept), scene.told()) == (1, 1, [])


def test_who_gets_the_partition_picks_up_what_is_left() -> None:
    scene = Scene(HOOK)
    kept = replace(engine_actions.of_outcome(HOOK, ANSWERED, PROFILE), tries=1, due=NOW + HOUR)
    scene.rows.set(P, kept.action_id, kept)
    scene.stage.assigned(P)
    assert scene.run() == pytest.approx(3600)
    scene.run(HOUR)
    assert len(scene.posted) == 1


def test_an_action_that_its_version_does_not_have_is_given_up() -> None:
    scene = Scene(HOOK).happen()
    scene.plan = plan_of()
    scene.run()
    assert scene.told() == [("action_failed", "tell")]


# --- records, exits, dead letters -------------------------------------------------------------------------------------------------


def test_a_record_leaves_in_the_step_of_the_outcome_and_keeps_nothing() -> None:
    scene = Scene(RECORD).happen()
    assert [type(sent) for sent in scene.sent] == [CrmUpdate, Event]
    assert scene.kept == []


def test_what_follows_an_exit_is_kept_before_it_is_said() -> None:
    scene = Scene(LEFT, RECORD)
    leaving = row_of(State.EXITING, exit=Exit("goal", "c", NOW))
    assert scene.stage.on_exit(P, leaving, NOW)
    assert [row.exit for row in scene.kept] == ["goal"]
    assert not scene.stage.on_exit(P, replace(leaving, exit=Exit("answered", "c", NOW)), NOW)


def act(row: ActionRow, **changes: Any) -> Act:
    return Act(contact_id=row.contact_id, campaign=row.campaign, action_id=row.action_id, row=msgspec.to_builtins(row) | changes)


def test_a_dead_letter_that_comes_again_is_run_again() -> None:
    scene = Scene(HOOK)
    kept = engine_actions.of_outcome(HOOK, ANSWERED, PROFILE)
    scene.stage.once_more(P, act(kept))
    scene.run()
    assert [webhook_id for webhook_id, _ in scene.posted] == [kept.action_id]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"entry": "one"}, "this is no action"),
        ({"action_id": "other"}, "the action in it is other"),
        ({"action": "unheard-of"}, "has no action 'unheard-of'"),
    ],
)
def test_what_is_no_action_of_the_campaign_is_refused(changes: dict[str, Any], says: str) -> None:
    scene = Scene(HOOK)
    with pytest.raises(RecordError, match=says):
        scene.stage.once_more(P, act(engine_actions.of_outcome(HOOK, ANSWERED, PROFILE), **changes))


# --- messages ---------------------------------------------------------------------------------------------------------------------


def waiting(**fields: Any) -> Scene:
    """Somebody who answered, and is to be thanked."""
    scene = Scene(THANKS, **fields).happen()
    scene.run()
    return scene


def issue(scene: Scene) -> Dial:
    (name,) = scene.ready()
    assert scene.flows.others(P, name, SLOT, scene.lane.now())
    (dial,) = (sent for sent in scene.sent[-1:] if isinstance(sent, Dial))
    return dial


def closing(dial: Dial, disposition: str, **fields: Any) -> Outcome:
    return Outcome(
        event_id=f"closed-{dial.dial_id}",
        dial_id=dial.dial_id,
        enrollment_id=dial.enrollment_id,
        contact_id=dial.contact_id,
        campaign=dial.campaign,
        version=1,
        entry=1,
        step=dial.step,
        seq=0,
        channel="sms",
        address=dial.address,
        disposition=disposition,
        ended_at=NOW,
        action=dial.action,
        **fields,
    )


def test_a_message_waits_for_a_slot_is_named_in_its_row_and_done_when_it_is_sent() -> None:
    scene = waiting()
    dial = issue(scene)
    assert dial.text == "Thank you, Ada"
    assert scene.kept[0].open is not None
    assert scene.kept[0].open.dial_id == dial.dial_id
    scene.stage.on_closing(P, closing(dial, "sent"), NOW)
    assert (scene.kept, scene.told()) == ([], [("action_done", "thanks")])


def test_a_closing_of_another_command_changes_nothing() -> None:
    scene = waiting()
    dial = issue(scene)
    scene.stage.on_closing(P, replace(closing(dial, "sent"), dial_id="other"), NOW)
    assert len(scene.kept) == 1


def test_a_message_outside_the_window_waits_for_it() -> None:
    closed = {"window": WORKDAY, "fixed_zone": "Etc/UTC"}
    scene = Scene(THANKS, **closed)
    scene.lane.real_ms = NOW - 10 * HOUR  # five in the morning
    scene.happen()
    assert scene.run() == pytest.approx(4 * 3600, abs=1)
    assert scene.ready() == []
    scene.run(4 * HOUR + SECOND)
    assert len(scene.ready()) == 1


def test_a_message_of_a_paused_campaign_waits_until_it_is_resumed() -> None:
    scene = Scene(THANKS).happen()
    scene.state = CampaignState.PAUSED
    scene.run()
    assert scene.ready() == []
    scene.state = CampaignState.RUNNING
    for changed in scene.heads:
        changed(CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=NOW))
    scene.run()
    assert len(scene.ready()) == 1


def test_a_slot_that_comes_when_the_gate_says_no_by_now_is_not_used() -> None:
    scene = waiting()
    (name,) = scene.ready()
    scene.profile = replace(PROFILE, opt_outs=(OptOutEntry("all", "call", NOW, "c"),))
    assert not scene.flows.others(P, name, SLOT, NOW)
    scene.run()
    assert (scene.kept, scene.told()) == ([], [("action_skipped", "thanks")])


@pytest.mark.parametrize("profile", [None, replace(PROFILE, variables={})])
def test_a_message_that_cannot_be_written_is_skipped(profile: Profile | None) -> None:
    scene = waiting(profile=profile)
    assert (scene.kept, scene.told()) == ([], [("action_skipped", "thanks")])


def test_a_command_that_was_not_sent_is_followed_by_another() -> None:
    scene = waiting()
    first = issue(scene)
    scene.stage.on_closing(P, closing(first, "not_dialed", reason="slot", retry_at=NOW + HOUR), NOW)
    assert scene.ready() == []
    scene.run(HOUR + SECOND)
    assert issue(scene).dial_id != first.dial_id


def test_a_provider_that_fails_is_tried_again_after_a_pause() -> None:
    scene = waiting()
    scene.stage.on_closing(P, closing(issue(scene), "provider_error"), NOW)
    (row,) = scene.kept
    assert (row.tries, row.error, row.open, row.commands) == (1, "provider_error", None, 1)


def test_a_number_that_is_none_is_given_up() -> None:
    scene = waiting()
    scene.stage.on_closing(P, closing(issue(scene), "invalid_number"), NOW)
    assert scene.told() == [("action_failed", "thanks")]


def test_a_command_that_is_out_is_asked_after_by_sending_it_again_unchanged() -> None:
    scene = waiting()
    dial = issue(scene)
    scene.run(2 * 60 * SECOND)
    assert scene.sent[-1] == dial
    assert sum(isinstance(sent, Dial) for sent in scene.sent) == 2


def test_what_is_taken_out_of_the_queue_without_a_slot_comes_back() -> None:
    """As when the campaign has no number for a while, or a step of the scheduler fails."""
    scene = waiting()
    (name,) = scene.ready()
    scene.flows.other_again(P, name)
    scene.flows.other_again(P, "c7/spring/1")  # a row that went meanwhile
    scene.run()
    assert scene.ready() == [name]


def test_a_slot_for_somebody_else_is_left_alone() -> None:
    assert not waiting().flows.others(P, "c7/spring/1", SLOT, NOW)


def test_a_campaign_without_actions_is_not_looked_at() -> None:
    scene = Scene().happen()
    assert (scene.kept, scene.sent) == ([], [])


# --- the order of an exit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_an_exit_is_said_once_what_follows_from_it_is_durable(keeps: bool) -> None:
    """A crash between the two leads to the same again; after `exited` nobody would look at the row any more."""
    leaving, fed, then = row_of(State.EXITING, exit=Exit("goal", "c", NOW)), list[Any](), list[Callable[[], None]]()
    flows: Any = SimpleNamespace(
        leaving=lambda *_: keeps,
        feed=lambda _p, row, inp, _now: fed.append((row, inp)),
        lane=SimpleNamespace(then=then.append, now=lambda: NOW),
        rows=SimpleNamespace(get=lambda _p, _key: leaving),
    )
    flows._said = lambda p, row: Flows._said(flows, p, row)
    Flows.finish(flows, P, leaving, NOW)
    assert (len(fed), len(then)) == ((0, 1) if keeps else (1, 0))
    for follows in then:
        follows()
    assert fed == [(leaving, flow.Finish())]


def test_an_exit_that_was_said_meanwhile_is_not_said_again() -> None:
    fed = list[Any]()
    flows: Any = SimpleNamespace(
        feed=lambda *told: fed.append(told), rows=SimpleNamespace(get=lambda _p, _key: row_of(State.EXITED))
    )
    Flows._said(flows, P, row_of(State.EXITING))
    assert fed == []
