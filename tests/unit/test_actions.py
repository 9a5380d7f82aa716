"""Post-call actions: which follow what, with which id and content, when again, and what is wrong with them in a file."""

import base64
import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine import action_messages as messages
from engine import actions, flow
from engine.compile import ResourceIndex, compile_plan, faults
from engine.plan import Action, Channel, Contacting
from engine.retries import DISPOSITIONS
from engine.time import HOUR, MINUTE, Instant
from schemas.crm import CrmUpdate
from schemas.enrollment import ENROLLMENT, Act
from schemas.event import CATALOGUE, Event, EventKind
from schemas.resources import Agent, Line, Number
from schemas.rows import ActionRow, Exit, State
from schemas.suppression import Suppression
from tests.unit.samples import NOW, PHONE, PROFILE, SLOT, outcome_of, plan_of, row_of

THANKS = Contacting("@thanks", Channel.SMS, template="Thank you, {{first_name}}")
LETTER = Contacting("@letter", Channel.EMAIL, subject="For {{first_name}}", template="As promised")
HOOK = Action("tell", frozenset({"answered"}), "webhook", url="https://crm.example.com/x", secret_env="CRM")
RECORD = Action("reached", frozenset({"answered"}), "event", name="reached")
ANSWERED = outcome_of("answered", recording_url="https://rec.example.com/1", summary="Wants the family plan", attempt_at=NOW)


def following(*on: str, **fields: Any) -> bool:
    """Whether an action on these words follows this outcome."""
    plan = plan_of(actions=(Action("a", frozenset(on), "event"),), meanings={"gatekeeper": "answered"})
    return bool(list(actions.on_outcome(plan, outcome_of(**fields))))


@pytest.mark.parametrize(
    ("on", "fields", "follows"),
    [
        ("answered", {"disposition": "answered"}, True),
        ("answered", {"disposition": "voicemail"}, False),
        ("opt_out", {"disposition": "answered", "opt_out": "all"}, True),
        ("opt_out", {"disposition": "answered"}, False),
        ("callback", {"disposition": "answered", "callback_at": "17:00"}, True),
        ("answered", {"disposition": "gatekeeper"}, True),  # as the campaign takes it
        ("gatekeeper", {"disposition": "gatekeeper"}, True),  # and as the provider says it
        ("unknown", {"disposition": "line_of_sight"}, True),  # what nobody has heard of
        ("not_dialed", {"disposition": "not_dialed"}, False),
        ("answered", {"disposition": "answered", "action": "a1"}, False),  # or two messages would go on for ever
        ("exited:answered", {"disposition": "answered"}, False),
    ],
)
def test_an_outcome_is_followed_by_what_it_says(on: str, fields: dict[str, Any], follows: bool) -> None:
    assert following(on, **fields) is follows


def test_an_exit_is_followed_by_the_actions_on_its_reason() -> None:
    plan = plan_of(actions=(Action("a", frozenset({"exited:goal", "answered"}), "event"),))
    assert [action.id for action in actions.on_exit(plan, "goal")] == ["a"]
    assert not list(actions.on_exit(plan, "answered"))


def test_the_id_is_that_of_the_cause_and_the_action() -> None:
    """So that a repeat has the same, and two actions of one outcome have two."""
    first, again = actions.of_outcome(HOOK, ANSWERED, PROFILE), actions.of_outcome(HOOK, ANSWERED, None)
    assert first.action_id == again.action_id
    assert first.action_id != actions.of_outcome(RECORD, ANSWERED, PROFILE).action_id
    assert first.action_id != actions.of_outcome(HOOK, outcome_of("answered", 2), PROFILE).action_id


def test_the_cause_of_what_follows_an_exit_is_the_event_that_says_it() -> None:
    row = row_of(State.EXITING, exit=Exit("goal", "c", NOW), attempts=2, reached=True)
    kept = actions.of_exit(HOOK, row, PROFILE)
    assert (kept.exit, kept.attempts, kept.reached, kept.outcome) == ("goal", 2, True, None)
    (exited,) = flow.transition(row, flow.Finish(), NOW, plan_of(), PROFILE).emit
    assert kept.cause == exited.event_id


def test_the_body_tells_all_of_the_outcome_and_is_the_same_on_every_repeat() -> None:
    kept = actions.of_outcome(HOOK, ANSWERED, PROFILE)
    told = json.loads(actions.body(kept))
    assert (told["type"], told["timestamp"]) == ("call.ended", "2026-11-24T14:58:00.000Z")
    assert told["data"]["variables"] == {"first_name": "Ada"}
    assert told["data"]["outcome"]["recording_url"] == ANSWERED.recording_url
    assert told["data"]["outcome"]["summary"] == ANSWERED.summary
    again = actions.again(kept, "it was answered 503", NOW)
    assert again is not None
    assert actions.body(msgspec.json.decode(msgspec.json.encode(again), type=ActionRow)) == actions.body(kept)


@pytest.mark.parametrize(("changes", "type_"), [({"channel": "sms"}, "message.sent"), ({"channel": "call"}, "call.ended")])
def test_the_body_says_what_it_is_about(changes: dict[str, Any], type_: str) -> None:
    assert json.loads(actions.body(actions.of_outcome(HOOK, replace(ANSWERED, **changes), None)))["type"] == type_


def test_the_body_after_an_exit() -> None:
    row = row_of(State.EXITING, exit=Exit("goal", "c", NOW), attempts=2, reached=True)
    told = json.loads(actions.body(actions.of_exit(HOOK, row, PROFILE)))
    assert told["type"] == "enrollment.exited"
    assert told["data"]["exit"] == {"reason": "goal", "attempts": 2, "reached": True}
    assert "outcome" not in told["data"]


# --- records ----------------------------------------------------------------------------------------------------------------------


def test_an_event_is_a_record_for_a_crm_and_is_done_at_once() -> None:
    kept = actions.of_outcome(RECORD, ANSWERED, PROFILE)
    update, done = actions.records(RECORD, kept, PROFILE, NOW)
    assert isinstance(update, CrmUpdate)
    assert (update.event_id, update.name, update.outcome) == (kept.action_id, "reached", ANSWERED)
    assert isinstance(done, Event)
    assert (done.kind, done.data["does"]) == ("action_done", "event")


def test_suppress_means_the_number_that_was_called_and_after_an_exit_the_person() -> None:
    action = Action("never", frozenset({"fax"}), "suppress", scope="campaign:spring")
    profile = replace(PROFILE, alt_phones=("+12125550105",), email="ada@example.com")
    called, _ = actions.records(action, actions.of_outcome(action, ANSWERED, profile), profile, NOW)
    assert isinstance(called, Suppression)
    assert (called.address, called.scope, called.spoke, called.contact_id) == (PHONE, "campaign:spring", False, None)
    row = row_of(State.EXITING, exit=Exit("goal", "c", NOW))
    *entries, _ = actions.records(action, actions.of_exit(action, row, profile), profile, NOW)
    assert [entry.address for entry in entries if isinstance(entry, Suppression)] == [PHONE, "+12125550105", "ada@example.com"]
    assert len({entry.event_id for entry in entries}) == 3


# --- again ------------------------------------------------------------------------------------------------------------------------


def tries(action_id: str, asked: int = 0) -> list[int]:
    """The real ms at which an action that always fails is tried, from the first time on."""
    row: ActionRow | None = replace(actions.of_outcome(HOOK, ANSWERED, None), action_id=action_id)
    found = [0]
    while (row := actions.again(row, "no", found[-1], asked)) is not None:  # type: ignore[arg-type]
        found.append(row.due)
    return found


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_an_action_is_tried_twelve_times_over_about_a_day(action_id: str) -> None:
    at = tries(action_id)
    assert len(at) == 12
    assert 21 * HOUR < at[-1] < 27 * HOUR
    pauses = [b - a for a, b in pairwise(at)]
    assert pauses == sorted(pauses)


def test_what_failed_together_does_not_come_again_together() -> None:
    assert tries("0" * 32)[1] < tries("f" * 32)[1]


def test_a_server_may_ask_for_a_longer_pause_within_reason() -> None:
    assert tries("0" * 32, 2 * MINUTE)[1] == 2 * MINUTE
    assert tries("0" * 32, 1000 * HOUR)[1] == 24 * HOUR


def test_a_dead_letter_comes_again_as_it_is() -> None:
    """Published where it says it lay, it is the same action, afresh."""
    kept = replace(actions.of_outcome(HOOK, ANSWERED, PROFILE), tries=11, error="no", due=7)
    letter = actions.letter(kept, "it was answered 500", 3, 99)
    assert letter.key == f"enrollments/3/{kept.action_id}"
    assert base64.b64decode(letter.key_base64 or "").decode() == "c7"
    asked = ENROLLMENT.validate_json(base64.b64decode(letter.value_base64 or ""))
    assert isinstance(asked, Act)
    assert msgspec.convert(asked.row, ActionRow) == replace(kept, tries=0, error=None, due=0)


@pytest.mark.parametrize("kind", [EventKind.ACTION_DONE, EventKind.ACTION_FAILED, EventKind.ACTION_SKIPPED])
def test_the_catalogue_misses_nothing_that_is_told(kind: EventKind) -> None:
    told = actions.told(actions.of_outcome(HOOK, ANSWERED, None), kind, "webhook", NOW)
    assert told.data.keys() <= CATALOGUE[kind][1].keys()


# --- messages ---------------------------------------------------------------------------------------------------------------------


def test_a_text_message_goes_to_the_number_that_was_called() -> None:
    other = outcome_of("voicemail")
    kept = actions.of_outcome(HOOK, replace(other, address="+12125550105"), PROFILE)
    assert messages.address(kept, THANKS, PROFILE) == "+12125550105"
    assert messages.address(kept, LETTER, PROFILE) is None
    assert messages.lacking(kept, LETTER, PROFILE) == "no_address"
    assert messages.address(kept, LETTER, replace(PROFILE, email="ada@example.com")) == "ada@example.com"


def test_a_command_is_named_by_the_action_and_the_commands_before_it() -> None:
    kept = actions.of_outcome(HOOK, ANSWERED, PROFILE)
    plan = plan_of(actions=(Action("thanks", frozenset(), "sms", step=THANKS),))
    first = messages.issued(kept, THANKS, PROFILE, SLOT, "+12125550102", NOW)
    second = messages.issued(replace(kept, commands=1), THANKS, PROFILE, SLOT, None, NOW)
    assert first.dial_id != second.dial_id
    dial = messages.command(replace(kept, open=first), THANKS, plan, PROFILE)
    assert (dial.action, dial.step, dial.seq, dial.text) == (kept.action_id, "@thanks", 0, "Thank you, Ada")
    assert plan.step(dial.step) is THANKS  # so the gate finds its terms
    assert THANKS not in plan.steps


def test_a_variable_that_the_person_lacks_skips_the_message() -> None:
    kept = replace(actions.of_outcome(HOOK, ANSWERED, PROFILE), variables={})
    assert messages.lacking(kept, THANKS, PROFILE) == "template: the contact has no first_name"


@pytest.mark.parametrize("disposition", [*map(str, DISPOSITIONS), "line_of_sight"])
def test_what_may_have_been_sent_is_never_sent_again(disposition: str) -> None:
    what = messages.closed(outcome_of(disposition))
    rang = disposition not in DISPOSITIONS or DISPOSITIONS[disposition].rang
    if rang:
        assert what.sent or (what.failed and not what.again)
    elif disposition == "not_dialed":
        assert what == messages.Closed()
    else:
        assert what == messages.Closed(failed=disposition, again=True)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"ends": "opted_out"}, messages.Closed(never="opted_out")),
        ({"skips": "suppressed"}, messages.Closed(never="suppressed")),
        ({"retry_at": NOW + 5}, messages.Closed(due=Instant(NOW + 5))),
    ],
)
def test_what_the_gate_refused_is_tried_again_then_or_never(fields: dict[str, Any], what: messages.Closed) -> None:
    assert messages.closed(outcome_of("not_dialed", **fields)) == what


# --- files ------------------------------------------------------------------------------------------------------------------------

RESOURCES = ResourceIndex.of([Agent(id="ann"), Number(number="+12125550101", tags=["sales"]), Line(id="main")])
FILE: dict[str, Any] = {
    "id": "spring",
    "agent": "ann",
    "numbers": {"tag": "sales"},
    "line": "main",
    "rules": "none",
    "window": {"weekly": {"mon-sun": ["00:00-24:00"]}, "timezone": {"use": "fixed", "zone": "Etc/UTC"}},
    "flow": [{"id": "call", "call": {}}],
}
GOOD: dict[str, Any] = {"id": "tell", "on": ["answered"], "event": {"name": "reached"}}
WEBHOOK = {"url": "https://crm.example.com/x", "secret_env": "CRM_SECRET"}


def told_of(*parts: Any, **fields: Any) -> list[str]:
    return [str(fault) for fault in faults({**FILE, "actions": list(parts), **fields}, RESOURCES)]


def one(**changes: Any) -> dict[str, Any]:
    """The good action with other keys; None takes one out."""
    return {key: value for key, value in (GOOD | changes).items() if value is not None}


def test_a_file_with_each_kind_of_action_becomes_a_plan() -> None:
    parts = [
        one(id="a", event=None, webhook=WEBHOOK),
        one(id="b", event=None, sms={"template": "Hi"}),
        one(id="c", event=None, email={"subject": "Hi", "template": "Hi"}),
        one(id="d"),
        one(id="e", event=None, suppress={"scope": "campaign"}),
        one(id="f", event=None, suppress={"scope": "sms"}),
    ]
    plan = compile_plan({**FILE, "actions": parts}, 1, RESOURCES)
    assert [action.does for action in plan.actions] == ["webhook", "sms", "email", "event", "suppress", "suppress"]
    assert [action.scope for action in plan.actions][-2:] == ["campaign:spring", "channel:sms"]
    assert plan.channels == {Channel.CALL}  # what follows a call reaches nobody whom the flow does not


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (one(event=None), "actions[0]: has none of webhook, sms, email, event and suppress: an action does exactly one of them"),
        (one(sms={"template": "Hi"}), "actions[0]: has sms and event: an action does exactly one of them"),
        (one(on=["answerd"]), "Did you mean answered?"),
        (one(on=["exited:goals"]), "Did you mean exited:goal?"),
        (one(on=["exited:callback"]), "is no exit"),
        (one(on=["delivered"]), "'delivered' ends no call or message"),
        (one(on=["exited:opted_out"], event=None, sms={"template": "Hi"}), "nobody gets an sms any more after exited:opted_out"),
        (one(on=[]), "actions[0].on: is empty: after which outcomes"),
        (one(on=None), "actions[0].on: is missing"),
        (one(event=None, webhook=WEBHOOK | {"url": "http://crm.example.com/x"}), "unencrypted: write https://crm.example.com/x"),
        (one(event=None, webhook=WEBHOOK | {"url": "ftp://crm.example.com/x"}), "is no URL of a web server"),
        (one(event=None, webhook=WEBHOOK | {"url": "https://me:pw@crm.example.com/"}), "holds a name or a password"),
        (one(event=None, webhook=WEBHOOK | {"url": "https://crm.example.com:no/"}), "is no URL"),
        (one(event=None, webhook=WEBHOOK | {"secret_env": "whsec_abc"}), "The secret itself stays out of the file"),
        (one(event=None, sms={"template": "Hi {{frist_name}}"}), "Did you mean {{first_name}}?"),
        (one(event=None, sms={"template": "Hi {{first name}}"}), "is not a variable"),
        (one(event=None, suppress={"scope": "everything"}), "write all, campaign, call, sms or email"),
    ],
)
def test_a_fault_names_its_place_and_the_remedy(part: dict[str, Any], says: str) -> None:
    (fault,) = told_of(part)
    assert says in fault
    assert fault.startswith("actions[0]")


@pytest.mark.parametrize("webhook", [{"url": "https://me:hush@crm.example.com/"}, {"secret_env": "whsec_hush"}])
def test_a_fault_does_not_repeat_what_may_be_a_secret(webhook: dict[str, str]) -> None:
    (fault,) = told_of(one(event=None, webhook=WEBHOOK | webhook))
    assert "hush" not in fault


def test_a_disposition_of_the_providers_own_is_declared_by_its_meaning() -> None:
    part = one(on=["gatekeeper"])
    assert "is nothing that an outcome says" in told_of(part)[0]
    assert told_of(part, dispositions={"gatekeeper": "answered"}) == []


def test_each_action_has_an_id_of_its_own() -> None:
    assert told_of(GOOD, GOOD) == ["actions[1].id: 'tell' is the id of an earlier action: each action needs its own"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:80/x", "https://crm.example.com"])
def test_this_machine_may_be_told_unencrypted(url: str) -> None:
    assert told_of(one(event=None, webhook=WEBHOOK | {"url": url})) == []
