"""engine/faults_flow.py: flows that cannot be meant are refused when a file is applied, with their place and a remedy."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compile import RESOURCES, changed

from engine import flow
from engine.compile import compile_plan, faults
from engine.plan import Contacting, Exiting, Waiting
from engine.time import DAY, HOUR, MINUTE, Delay, Instant
from schemas.rows import Profile, State


def told(*steps: dict[str, Any], **keys: Any) -> list[str]:
    return [str(fault) for fault in faults(changed("flow", to=list(steps)) | keys, RESOURCES)]


CALL: dict[str, Any] = {"id": "first", "call": {}}
TEXT: dict[str, Any] = {"id": "text", "sms": {"template": "Hi"}}
PAUSE: dict[str, Any] = {"id": "pause", "wait": "1 day"}


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([CALL | {"then": "secnd"}, TEXT], "flow[0].then: there is no step 'secnd': write first, text or end"),
        (
            [CALL | {"otherwise": "txt"}, TEXT],
            "flow[0].otherwise: there is no step 'txt': write first, text or end. Did you mean text?",
        ),
        ([CALL | {"id": "end"}], "flow[0].id: 'end' is no id for a step: `then: end` leaves the flow"),
        (
            [CALL, PAUSE | {"then": "first"}],
            "flow[1].then: leads back to 'first' without end: give a step on this way max_visits: 3",
        ),
        ([CALL | {"then": "first"}], "flow[0].then: leads back to 'first' without end"),
        (
            [CALL | {"max_visits": 3, "otherwise": "pause"}, PAUSE | {"then": "first"}],
            "flow[1].then: leads back to 'first' without end",  # used up, it would go round without a call
        ),
        ([CALL, {"id": "bye", "exit": "goal", "then": "first"}], "flow[1].then: whoever comes to an exit leaves: write otherwise"),
        ([CALL, PAUSE | {"otherwise": "end"}], "flow[1].otherwise: is never the way: this wait has neither when nor max_visits"),
        (
            [CALL, {"id": "bye", "exit": "fled"}],
            "flow[1].exit: 'fled' is not allowed: write completed, goal, expired or unreachable",
        ),
        ([CALL | {"timing": {}}], "flow[0].timing: needs a window, a time, or both"),
        ([CALL | {"timing": {"at": "25:00"}}], "flow[0].timing.at: '25:00' is not a time of the day: write HH:MM"),
        ([CALL | {"timing": {"at": 600}}], "flow[0].timing.at: must be text, not 600: put it in quotes"),
        ([CALL, PAUSE | {"timing": {"at": "10:00"}}], "flow[1].timing: says nothing of a step that contacts nobody"),
        ([CALL, PAUSE | {"late": {"after": "1h", "do": "skip"}}], "flow[1].late: says nothing of a step that contacts nobody"),
        ([CALL | {"late": {"after": "1h", "do": "wait"}}], "flow[0].late.do: 'wait' is not allowed: write call, skip or exit"),
        ([CALL | {"late": {"after": "soon", "do": "skip"}}], "flow[0].late.after: 'soon' is not a duration"),
        (
            [CALL | {"retry": {"busy": {"after": "1h", "max": 20, "backoff": 3}}}],
            "flow[0].retry.busy.backoff: the last of 20 retries would come 1,162,261,467h after the one before",
        ),
        ([CALL | {"retry": {"busy": {"after": "1h"}}}], "flow[0].retry.busy.max: is missing: how often"),
        ([CALL | {"retry": {"answered": {"after": "1h", "max": 2}}}], "flow[0].retry.answered: 'answered' is never retried"),
        (
            [CALL | {"retry": {"busy": {"after": "1h", "max": 2, "another_time": "1 day"}}}],
            "flow[0].retry.busy.another_time: '1 day' is",
        ),
        ([CALL, {"id": "mail", "email": {"template": "Hi"}}], "flow[1].email.subject: is missing: its subject"),
        (
            [CALL, {"id": "mail", "email": {"subject": "{{fist_name}}", "template": "Hi"}}],
            "flow[1].email.subject: {{fist_name}} is no",
        ),
        ([CALL | {"when": "contact.plan = 3"}], "flow[0].when: 'contact.plan = 3' is not a condition"),
        ([CALL | {"when": "contact.phone != ''"}], "flow[0].when: contact.phone is not passed to conditions"),
        (
            [CALL | {"when": 'last.step == "text"'}, TEXT],
            "flow[0].when: last.step is never 'text' here, which waits or comes later",
        ),
    ],
)
def test_one_fault(steps: list[dict[str, Any]], fault: str) -> None:
    found = told(*steps)
    assert len(found) == 1, found
    assert found[0].startswith(fault), found


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"dispositions": {"unknown": "busy"}}, "dispositions.unknown: 'unknown' always means what it says"),
        ({"dispositions": {"provider_error": "busy"}}, "dispositions.provider_error: 'provider_error' always means what it says"),
        (
            {"dispositions": {"left_message": "voicemial"}},
            "dispositions.left_message: 'voicemial' is nothing that a call can be taken for",
        ),
        ({"dispositions": {"busy": "not_dialed"}}, "dispositions.busy: 'not_dialed' is nothing that a call can be taken for"),
        ({"max_call": "1 day"}, "max_call: '1 day' is in calendar days: write an exact duration"),
        ({"reentry": {"max": 2, "after": "soon"}}, "reentry.after: 'soon' is not a duration"),
        ({"variables": ["plan"]}, "flow[0].when: contact.plna is neither a field of contacts nor one of `variables`"),
    ],
)
def test_one_fault_of_the_whole(keys: dict[str, Any], fault: str) -> None:
    found = told(CALL | ({"when": 'contact.plna == "x"'} if "variables" in keys else {}), **keys)
    assert len(found) == 1, found
    assert found[0].startswith(fault), found


def test_ways_back_that_end_are_fine() -> None:
    assert told(CALL | {"max_visits": 3, "otherwise": "end"}, PAUSE | {"then": "first"}) == []
    assert told(CALL, PAUSE | {"max_visits": 3, "then": "first", "otherwise": "end"}) == []
    assert told(CALL | {"when": 'last.step != "text"', "otherwise": "end"}, TEXT | {"max_visits": 1, "then": "first"}) == []


def test_what_a_way_back_may_ask_of_a_later_step() -> None:
    assert told(CALL | {"max_visits": 2, "when": 'last.step != "text"', "otherwise": "end"}, TEXT | {"then": "first"}) == []


def test_everything_of_a_flow_becomes_a_plan() -> None:
    steps = [
        CALL
        | {
            "timing": {"at": "10:00", "window": {"mon-fri": ["10:00-12:00"]}},
            "late": {"after": "4h", "do": "skip"},
            "retry": {"busy": {"after": "15m", "max": 2, "backoff": 2, "another_time": "2h"}},
            "max_attempts": 4,
            "max_visits": 2,
            "then": "mail",
            "otherwise": "bye",
        },
        {"id": "pause", "wait": "2 business days"},
        {"id": "mail", "email": {"subject": "Hi {{first_name}}", "template": "..."}},
        {"id": "bye", "exit": "expired"},
    ]
    keys = {"dispositions": {"left": "voicemail"}, "goals": ["paid"], "reentry": {"max": 2, "after": "30 days"}, "max_call": "10m"}
    plan = compile_plan(changed("flow", to=steps) | keys, 1, RESOURCES)
    call, pause, mail, bye = plan.steps
    assert isinstance(call, Contacting)
    assert (call.at, call.max_attempts, call.max_visits, call.late and call.late.after) == (600, 4, 2, 4 * HOUR)
    assert (call.retry["busy"].backoff, call.retry["busy"].another_time) == (2, 2 * HOUR)
    assert isinstance(pause, Waiting)
    assert pause.delay == Delay(business=2)
    assert isinstance(mail, Contacting)
    assert (mail.channel, mail.subject) == ("email", "Hi {{first_name}}")
    assert bye == Exiting("bye", "expired")
    assert (plan.after("first"), plan.otherwise("first"), plan.after("pause"), plan.after("bye")) == (mail, bye, mail, None)
    assert (plan.meaning("left"), plan.meaning("busy"), plan.goals, plan.max_call) == ("voicemail", "busy", {"paid"}, 10 * MINUTE)
    assert plan.reentry is not None
    assert plan.reentry.after.length == 30 * DAY


NAMES = ("a", "b", "c", "d")
WAYS = st.sampled_from([None, None, *NAMES, "end"])


@st.composite
def flows(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = []
    for name in NAMES[: draw(st.integers(1, 4))]:
        kind = draw(st.sampled_from([{"call": {}}, {"wait": "1h"}, {"sms": {"template": "Hi"}}, {"exit": "completed"}]))
        step = {"id": name, **kind, "then": draw(WAYS), "otherwise": draw(WAYS)}
        step |= {
            "max_visits": draw(st.sampled_from([None, None, 1, 2])),
            "when": draw(st.sampled_from([None, "attempts < 2", "false"])),
        }
        steps.append({key: value for key, value in step.items() if value is not None})
    return steps


@settings(max_examples=400, deadline=None)
@given(flows(), st.lists(st.booleans(), min_size=60, max_size=60))
def test_whatever_is_accepted_comes_to_an_end(steps: list[dict[str, Any]], skips: list[bool]) -> None:
    """As long as every step ends somehow, and however it does, everybody leaves; and nobody is stopped from reaching the end."""
    data = changed("flow", to=steps)
    if faults(data, RESOURCES):
        return
    plan = compile_plan(data, 1, RESOURCES)
    profile = Profile(contact_id="c7", phone="+12125550101", zones=("America/New_York",))
    row = flow.enroll(flow.Enroll("c7", plan.campaign, 1, "c"), Instant(0), plan, profile).row
    for skip in skips:
        if row.state is not State.WAITING:
            break
        inp = flow.Refused("suppressed", skips=True) if skip else flow.Due()
        after = flow.transition(row, inp, Instant(row.due), plan, profile).row
        if after is row:  # a step that is to be taken: it is, and ends in silence
            after = flow.transition(row, flow.Refused("taken", skips=True), Instant(row.due), plan, profile).row
        row = after
    assert row.state is not State.WAITING
