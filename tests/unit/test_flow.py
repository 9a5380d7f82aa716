"""engine/flow.py: every pair of the table, then what each disposition leads to, step by step."""

import dataclasses
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace
from samples import (
    BUSY,
    ENROLLMENT,
    FIRST,
    NOW,
    NY,
    PAUSE,
    PHONE,
    PLAN,
    PROFILE,
    SECOND,
    SLOT,
    TEXT,
    last_of,
    open_of,
    outcome_of,
    plan_of,
    row_of,
    voicemail_left,
)

from engine import flow
from engine.flow import TABLE, Result, transition
from engine.plan import Channel, Contacting, Exiting, Plan, Waiting
from engine.retries import DISPOSITIONS, MAX_UNRUNG, effect
from engine.time import DAY, HOUR, MINUTE, Delay
from engine.windows import add_delay
from schemas import ids
from schemas.command import Dial, Revoke
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Exit, OptOutEntry, Profile, State, Wanted

ENDED = NOW - 2 * MINUTE
EXITING_OPEN = row_of(State.EXITING, open=open_of(1))
INPUTS: dict[type[Any], Any] = {
    flow.ContactChanged: flow.ContactChanged("c1"),
    flow.Leave: flow.Leave("unenrolled", "c2"),
    flow.Reached: flow.Reached("paid", "c5"),
    flow.Callback: flow.Callback("2026-11-24T18:00Z", "c6"),
    flow.CampaignEnded: flow.CampaignEnded("c3"),
    flow.Due: flow.Due(),
    flow.Refused: flow.Refused("no_window"),
    flow.Granted: flow.Granted(SLOT, "+12125550199"),
    flow.Closing: flow.Closing(outcome_of("voicemail")),
    flow.Finish: flow.Finish(),
}


def after(row: EnrollmentRow, inp: flow.Input, plan: Plan = PLAN, profile: Profile | None = PROFILE) -> Result:
    return transition(row, inp, NOW, plan, profile)


def closed(outcome: Outcome, plan: Plan = PLAN, row: EnrollmentRow | None = None) -> Result:
    return after(row or row_of(State.ISSUED), flow.Closing(outcome), plan)


def kinds(result: Result) -> list[str]:
    return [e.kind for e in result.emit if isinstance(e, Event)]


# --- the table --------------------------------------------------------------------------------------------------------------------


def test_the_table_is_total() -> None:
    inputs = set(get_args(flow.Input)) - {flow.Enroll}
    assert inputs == set(INPUTS)
    assert set(TABLE) == {(state, inp) for state in State for inp in inputs}


#: (state, input) -> state after, input that follows; pairs that are not here leave the row as it is.
MOVES: dict[tuple[State, type[Any]], tuple[State, type[Any] | None]] = {
    (State.AWAITING_CONTACT, flow.ContactChanged): (State.WAITING, None),
    (State.AWAITING_CONTACT, flow.Leave): (State.EXITING, flow.Finish),
    (State.AWAITING_CONTACT, flow.CampaignEnded): (State.EXITING, flow.Finish),
    (State.AWAITING_CONTACT, flow.Refused): (State.EXITING, flow.Finish),
    (State.WAITING, flow.Leave): (State.EXITING, flow.Finish),
    (State.WAITING, flow.CampaignEnded): (State.EXITING, flow.Finish),
    (State.WAITING, flow.Refused): (State.EXITING, flow.Finish),
    (State.WAITING, flow.Granted): (State.ISSUED, None),
    (State.WAITING, flow.Callback): (State.WAITING, None),
    (State.ISSUED, flow.Leave): (State.EXITING, None),
    (State.ISSUED, flow.CampaignEnded): (State.EXITING, None),
    (State.ISSUED, flow.Closing): (State.WAITING, None),
    (State.EXITING, flow.Finish): (State.EXITED, None),
}

#: Pairs that only leave a note in the row.
NOTED = {(State.AWAITING_CONTACT, flow.Callback), (State.ISSUED, flow.Callback)}


@pytest.mark.parametrize(("state", "inp"), [(s, i) for s in State for i in INPUTS], ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_pair(state: State, inp: type[Any]) -> None:
    row = row_of(state)
    result = after(row, INPUTS[inp])
    if (state, inp) in NOTED:
        assert result == Result(replace(row, wanted=Wanted("2026-11-24T18:00Z", "c6")))
    elif (state, inp) in MOVES:
        assert (result.row.state, type(result.then) if result.then else None) == MOVES[state, inp]
    else:
        assert result == Result(row)


def test_a_row_that_no_input_fits_is_an_error() -> None:
    with pytest.raises(KeyError):
        after(row_of(State.WAITING), flow.Enroll("c7", "spring", 1, "c"))


# --- enrolling --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "state", "step", "due"),
    [
        (PROFILE, State.WAITING, "first", NOW),
        (None, State.AWAITING_CONTACT, "", 0),
        (Profile(contact_id="c7", known=False), State.AWAITING_CONTACT, "", 0),
    ],
)
def test_enroll(profile: Profile | None, state: State, step: str, due: int) -> None:
    result = flow.enroll(flow.Enroll("c7", "spring", 1, "cause"), NOW, PLAN, profile)
    assert (result.row.state, result.row.step, result.row.due, result.row.seq) == (state, step, due, 1)
    assert result.row.enrollment_id == ENROLLMENT
    assert [e.event_id for e in result.emit] == [ids.event_id("cause", "enrolled", ENROLLMENT)]


def test_a_campaign_may_begin_with_a_wait() -> None:
    row = flow.enroll(flow.Enroll("c7", "spring", 1, "cause"), NOW, plan_of(PAUSE, SECOND), PROFILE).row
    assert (row.step, row.due) == ("pause", NOW + DAY)


def test_a_contact_that_comes_later_starts_the_flow_then() -> None:
    row = after(row_of(State.AWAITING_CONTACT), flow.ContactChanged("c")).row
    assert (row.state, row.step, row.due) == (State.WAITING, "first", NOW)


# --- due --------------------------------------------------------------------------------------------------------------------------


def test_a_wait_that_is_over_leads_to_the_next_step_from_its_own_instant() -> None:
    result = after(row_of(State.WAITING, "pause"), flow.Due())
    assert (result.row.step, result.row.due) == ("second", NOW - 1_000)
    assert flow.moves_when_due(row_of(State.WAITING, "pause"), PLAN, PROFILE, NOW)


@pytest.mark.parametrize(
    ("row", "profile", "reason"),
    [
        (row_of(State.WAITING, "text"), PROFILE, "condition"),
        (row_of(State.WAITING, "text", last=last_of("second", "busy")), PROFILE, "condition"),
        (row_of(State.WAITING, "text", last=last_of("second", "voicemail")), PROFILE, None),
        (
            row_of(State.WAITING, "text", last=last_of("text", "provider_throttled"), unrung=1),
            PROFILE,
            None,
        ),  # a retry of the step itself
        (
            row_of(State.WAITING, "text", last=last_of("second", "voicemail")),
            Profile(contact_id="c7", phone=PHONE),
            "template: the contact has no first_name",
        ),
        (row_of(State.WAITING), Profile(contact_id="c7", email="a@b.example"), "no_address"),
        (row_of(State.WAITING), None, "no_address"),
        (row_of(State.WAITING), PROFILE, None),
    ],
)
def test_a_step_is_skipped_for_a_reason(row: EnrollmentRow, profile: Profile | None, reason: str | None) -> None:
    plan = plan_of(exits="answered")
    assert flow.moves_when_due(row, plan, profile, NOW) == (reason is not None)
    result = after(row, flow.Due(), plan, profile)
    told = [e.data["reason"] for e in result.emit if isinstance(e, Event)]
    assert told == ([] if reason is None else [reason])
    assert (result.row is row) == (reason is None)


def test_nobody_to_be_reached_is_unreachable_if_that_is_listed() -> None:
    result = after(row_of(State.WAITING), flow.Due(), profile=Profile(contact_id="c7"))
    assert result.row.exit is not None
    assert result.row.exit.reason == "unreachable"


def test_a_wait_whose_condition_does_not_hold_is_passed_over() -> None:
    plan = plan_of(FIRST, Waiting("long", Delay(days=9), when=voicemail_left), SECOND)
    assert closed(outcome_of("rejected"), plan).row.step == "second"
    assert closed(outcome_of("voicemail"), plan).row.step == "long"


@pytest.mark.parametrize(
    ("reached", "exits", "reason"),
    [(False, "unreachable", "unreachable"), (True, "unreachable", "completed"), (False, "answered", "completed")],
)
def test_the_end_of_the_flow(reached: bool, exits: str, reason: str) -> None:
    result = closed(outcome_of("rejected"), plan_of(FIRST, exits=exits), row_of(State.ISSUED, reached=reached))
    assert result.row.exit == Exit(reason, outcome_of("rejected").event_id, NOW)
    assert result.then == flow.Finish()


# --- commands ---------------------------------------------------------------------------------------------------------------------


def test_a_grant_is_named_in_the_row_and_sent_once_that_is_durable() -> None:
    result = after(row_of(State.WAITING), flow.Granted(SLOT, "+12125550199"))
    assert not result.emit
    (dial,) = result.after
    assert isinstance(dial, Dial)
    assert result.row.open is not None
    assert dial.dial_id == result.row.open.dial_id == ids.dial_id(ENROLLMENT, 1)
    assert (dial.address, dial.caller, dial.slot, dial.zones, dial.agent) == (PHONE, "+12125550199", SLOT, (NY,), "ann")
    assert flow.command(result.row, PLAN, PROFILE) == dial  # as recovery sends it, from the row


def test_a_message_carries_its_text() -> None:
    row = row_of(State.WAITING, "text", last=last_of("second", "voicemail"))
    (dial,) = after(row, flow.Granted(SLOT, None)).after
    assert isinstance(dial, Dial)
    assert (dial.channel, dial.text) == ("sms", "Hi Ada")


def test_a_command_can_be_sent_again_after_the_contact_lost_a_variable() -> None:
    row = row_of(State.ISSUED, "text", open=open_of(1, "sms"))
    dial = flow.command(row, PLAN, replace(PROFILE, variables={}))
    assert (dial.dial_id, dial.text) == (ids.dial_id(ENROLLMENT, 1), None)


@pytest.mark.parametrize(
    ("row", "profile"),
    [
        (row_of(State.WAITING, "pause"), PROFILE),
        (row_of(State.WAITING, "text"), PROFILE),
        (row_of(State.WAITING), None),
        (row_of(State.WAITING), Profile(contact_id="c7")),
    ],
)
def test_a_slot_for_a_step_that_contacts_nobody_lapses(row: EnrollmentRow, profile: Profile | None) -> None:
    assert after(row, flow.Granted(SLOT, None), profile=profile) == Result(row)


def test_there_is_no_command_without_an_open_one() -> None:
    with pytest.raises(ValueError, match="no open command"):
        flow.command(row_of(State.WAITING), PLAN, PROFILE)
    with pytest.raises(TypeError, match="contacts nobody"):
        flow.contacting(row_of(State.WAITING, "pause"), PLAN)


# --- closings ---------------------------------------------------------------------------------------------------------------------

NEXT = ("waiting", "pause", ENDED + DAY, None)
FAILED = ("waiting", "first", ENDED + MINUTE, None)
#: disposition -> state, step, due and exit reason after the first call of PLAN ended with it.
LEADS_TO: dict[str, tuple[str, str, int, str | None]] = {
    "answered": ("exiting", "first", NOW - 1_000, "answered"),
    "answered_silent": NEXT,
    "voicemail": NEXT,
    "fax": NEXT,
    "busy": ("waiting", "first", ENDED + 15 * MINUTE, None),
    "no_answer": ("waiting", "first", ENDED + 4 * HOUR, None),
    "rejected": NEXT,
    "spam_blocked": NEXT,
    "invalid_number": ("exiting", "first", NOW - 1_000, "unreachable"),
    "provider_throttled": FAILED,
    "provider_error": FAILED,
    "config_error": FAILED,
    "canceled": FAILED,
    "unknown": NEXT,
    "not_dialed": ("waiting", "first", NOW, None),
    "sent": NEXT,
    "delivered": NEXT,
    "undelivered": NEXT,
    "abducted by aliens": NEXT,
}


@pytest.mark.parametrize("disposition", LEADS_TO)
def test_what_each_disposition_leads_to(disposition: str) -> None:
    row = closed(outcome_of(disposition)).row
    assert (row.state, row.step, row.due, row.exit and row.exit.reason) == LEADS_TO[disposition]
    assert (row.seq, row.open, row.attempts) == (2, None, int(effect(disposition).counts))


def test_every_disposition_is_tried() -> None:
    assert set(DISPOSITIONS) <= set(LEADS_TO)


@pytest.mark.parametrize("disposition", LEADS_TO)
def test_while_exiting_the_stronger_reason_holds(disposition: str) -> None:
    result = closed(outcome_of(disposition), row=EXITING_OPEN)
    assert (result.row.state, result.row.open, result.row.seq) == (State.EXITING, None, 2)
    assert result.row.exit is not None
    assert result.row.exit.reason == (LEADS_TO[disposition][3] or "campaign_ended")
    assert result.row.attempts == int(effect(disposition).counts)
    assert result.then == flow.Finish()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("disposition", ["answered", "busy", "provider_error", "not_dialed", "abducted"])
def test_the_closing_of_another_command_changes_nothing(state: State, disposition: str) -> None:
    row = replace(row_of(state), open=open_of(2)) if state in (State.ISSUED, State.EXITING) else row_of(state)
    assert closed(outcome_of(disposition, seq=1), row=row) == Result(row)
    assert closed(outcome_of(disposition, seq=3), row=row) == Result(row)


@pytest.mark.parametrize("disposition", LEADS_TO)
def test_a_repeat_of_a_closing_changes_nothing(disposition: str) -> None:
    once = closed(outcome_of(disposition)).row
    assert closed(outcome_of(disposition), row=once) == Result(once)


@pytest.mark.parametrize(
    ("exits", "disposition", "reason"),
    [
        ("opted_out", "answered", None),
        ("answered", "invalid_number", None),
        ("answered", "answered", "answered"),
        ("unreachable", "invalid_number", "unreachable"),
    ],
)
def test_exits_must_be_listed(exits: str, disposition: str, reason: str | None) -> None:
    row = closed(outcome_of(disposition), plan_of(exits=exits)).row
    assert (row.exit and row.exit.reason) == reason


@pytest.mark.parametrize("disposition", ["answered", "busy", "voicemail", "invalid_number"])
def test_an_opt_out_is_the_strongest_and_need_not_be_listed(disposition: str) -> None:
    row = closed(outcome_of(disposition, opt_out="all"), plan_of(exits="answered")).row
    assert row.exit is not None
    assert row.exit.reason == "opted_out"


@pytest.mark.parametrize(
    ("now", "later", "reason"),
    [
        ("campaign_ended", "unenrolled", "unenrolled"),
        ("unenrolled", "campaign_ended", "unenrolled"),
        ("opted_out", "unenrolled", "opted_out"),
        ("unenrolled", "opted_out", "opted_out"),
        ("opted_out", "erased", "erased"),
    ],
)
def test_of_two_exits_the_stronger_holds(now: str, later: str, reason: str) -> None:
    row = row_of(State.EXITING, exit=Exit(now, "a", NOW - 9), open=open_of(1))
    after_leave = after(row, flow.Leave(later, "b")).row
    assert after_leave.exit == (Exit(now, "a", NOW - 9) if reason == now else Exit(later, "b", NOW))
    closing = outcome_of("not_dialed", reason="exit", ends=later)
    after_refusal = closed(closing, row=row).row
    assert after_refusal.exit is not None
    assert after_refusal.exit.reason == reason


@pytest.mark.parametrize(
    ("fields", "due", "reason"),
    [
        ({"reason": "window", "retry_at": NOW + HOUR}, NOW + HOUR, None),
        ({"reason": "lifecycle"}, NOW, None),
        ({"reason": "handed_over"}, NOW, None),
        ({"reason": "suppression", "ends": "opted_out"}, NOW, "opted_out"),
        ({"reason": "window", "ends": "no_window"}, NOW, "no_window"),
    ],
)
def test_not_dialed_uses_up_no_attempt(fields: dict[str, Any], due: int, reason: str | None) -> None:
    busy_before = row_of(State.ISSUED, tries={"busy": 1}, attempts=1, last=last_of("first", "busy"))
    row = closed(outcome_of("not_dialed", **fields), row=busy_before).row
    assert (row.due, row.exit and row.exit.reason) == (due, reason)
    assert (row.attempts, row.tries, row.last, row.seq) == (1, {"busy": 1}, last_of("first", "busy"), 2)


# --- retries ----------------------------------------------------------------------------------------------------------------------


def passage(plan: Plan, *dispositions: str) -> list[EnrollmentRow]:
    """The rows after each of the closings, a slot being granted whenever the row waits at a step that contacts."""
    rows = [row_of(State.WAITING)]
    for disposition in dispositions:
        row = rows[-1]
        while row.state is State.WAITING and flow.moves_when_due(row, plan, PROFILE, NOW):
            row = transition(row, flow.Due(), NOW, plan, PROFILE).row
        row = after(row, flow.Granted(SLOT, None), plan).row
        rows.append(closed(outcome_of(disposition, seq=row.seq), plan, row).row)
    return rows[1:]


@pytest.mark.parametrize(
    ("dispositions", "steps"),
    [
        (["busy", "busy", "busy"], ["first", "first", "pause"]),  # max 2, then the next step
        (["no_answer", "no_answer"], ["first", "pause"]),  # max 1
        (["busy", "no_answer", "busy", "no_answer"], ["first", "first", "first", "pause"]),  # each has its own count
        (["busy", "voicemail"], ["first", "pause"]),
        (["busy", "busy", "busy", "busy"], ["first", "first", "pause", "text"]),  # the second call has no retry
    ],
)
def test_retries_used_up_lead_to_the_next_step(dispositions: list[str], steps: list[str]) -> None:
    rows = passage(PLAN, *dispositions)
    assert [r.step for r in rows] == steps
    assert [r.attempts for r in rows] == [n + 1 for n in range(len(rows))]


def test_a_new_step_counts_its_retries_from_the_beginning() -> None:
    plan = plan_of(FIRST, replace_id(FIRST, "again"))
    assert [r.step for r in passage(plan, *["busy"] * 5)] == ["first", "first", "again", "again", "again"]


def replace_id(step: Contacting, name: str) -> Contacting:
    return dataclasses.replace(step, id=name)


def test_a_conditional_step_is_tried_again_whatever_its_own_attempt_brought() -> None:
    text = Contacting("text", Channel.SMS, when=voicemail_left, template="Hi {{first_name}}")
    rows = passage(plan_of(FIRST, text), "voicemail", "provider_error", "sent")
    assert [(r.step, r.attempts) for r in rows] == [("text", 1), ("text", 1), ("text", 2)]


def test_what_never_rang_backs_off_and_is_given_up() -> None:
    rows = passage(PLAN, *["provider_throttled"] * (MAX_UNRUNG + 1))
    waits = [r.due - ENDED for r in rows[:-1]]
    assert waits[:4] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert waits[-1] == 4 * HOUR
    assert {r.step for r in rows[:-1]} == {"first"}
    assert (rows[-1].step, rows[-1].attempts) == ("pause", 0)


def test_a_call_that_rang_ends_the_row_of_failures() -> None:
    rows = passage(PLAN, "provider_error", "provider_error", "busy", "provider_error")
    assert [r.unrung for r in rows] == [1, 2, 0, 1]


@pytest.mark.parametrize(
    ("disposition", "told"),
    [
        ("answered", ["call_ended"]),
        ("busy", ["call_ended", "retry_scheduled"]),
        ("provider_error", ["call_ended", "retry_scheduled"]),
        ("voicemail", ["call_ended"]),
        ("not_dialed", []),
    ],
)
def test_the_feed(disposition: str, told: list[str]) -> None:
    assert kinds(closed(outcome_of(disposition))) == told


def test_a_message_is_told_as_one() -> None:
    row = row_of(State.ISSUED, "text", open=open_of(1, "sms"))
    assert kinds(closed(outcome_of("sent", channel="sms", step="text"), row=row)) == ["message_sent"]


def test_a_wait_counts_from_the_end_of_the_call_on_the_wall_clock() -> None:
    row = closed(outcome_of("voicemail")).row
    assert row.due == add_delay(Delay(days=1), ENDED, (NY,))


# --- exits ------------------------------------------------------------------------------------------------------------------------


def test_leaving_while_a_command_is_out_revokes_it_and_waits_for_its_closing() -> None:
    result = after(row_of(State.ISSUED), flow.Leave("opted_out", "cause"))
    (revoke,) = result.after
    assert isinstance(revoke, Revoke)
    assert (revoke.dial_id, revoke.address, revoke.slot_end) == (ids.dial_id(ENROLLMENT, 1), PHONE, SLOT.end)
    assert (result.row.state, result.then) == (State.EXITING, None)
    assert after(result.row, flow.Finish()) == Result(result.row)  # not before it has closed


def test_the_reason_is_decided_once_nothing_is_open() -> None:
    row = row_of(State.EXITING)  # before a crash, `exited` may have been said already
    assert after(row, flow.Leave("erased", "c")) == after(row, flow.CampaignEnded("c")) == Result(row)


def test_an_ended_campaign_revokes_nothing() -> None:
    assert not after(row_of(State.ISSUED), flow.CampaignEnded("c")).after


def test_exited_is_said_when_the_row_says_so_and_the_row_shrinks() -> None:
    row = row_of(State.EXITING, attempts=3, reached=True, last=last_of("first", "busy"), tries={"busy": 1})
    result = after(row, flow.Finish())
    assert [e.event_id for e in result.emit] == [ids.event_id("c", "exited", ENROLLMENT)]
    assert (result.row.attempts, result.row.reached, result.row.exit) == (3, True, row.exit)
    assert (result.row.last, result.row.tries, result.row.due) == (None, {}, 0)
    assert after(result.row, flow.Finish()) == Result(result.row)


def test_a_person_who_opted_out_before_may_be_enrolled_and_the_gate_sees_it() -> None:
    profile = replace(PROFILE, opt_outs=(OptOutEntry("all", "cli", NOW, "c"),))
    assert flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, PLAN, profile).row.state is State.WAITING


# --- properties -------------------------------------------------------------------------------------------------------------------

inputs = st.one_of(
    st.sampled_from([i for i in INPUTS.values() if not isinstance(i, flow.Closing)]),
    st.builds(flow.Leave, st.sampled_from(["opted_out", "unenrolled", "erased"]), st.just("c4")),
    st.builds(
        lambda disposition, seq, opt_out, at: flow.Closing(outcome_of(disposition, seq=seq, opt_out=opt_out, callback_at=at)),
        st.sampled_from(list(LEADS_TO)),
        st.integers(1, 9),
        st.sampled_from([None, None, None, "all"]),
        st.sampled_from([None, None, "2026-11-24T18:00Z", "2026-11-25T09:00", "soon"]),
    ),
)
#: Steps that lead anywhere: back to the first twice at the most, out, and by conditions.
AGAIN = dataclasses.replace(SECOND, id="again", max_visits=2, otherwise="end", retry={"voicemail": BUSY}, max_attempts=2)
STEPS = [
    FIRST,
    PAUSE,
    SECOND,
    TEXT,
    AGAIN,
    Waiting("back", Delay(ms=MINUTE), then="again", when=voicemail_left, max_visits=3),
    Exiting("bye", "goal", when=voicemail_left),
]
plans = st.lists(st.sampled_from(STEPS), unique_by=lambda s: s.id).map(
    lambda s: plan_of(*[step for step in s if step.id != "again"], AGAIN, goals=frozenset({"paid"}))
)


@given(plans, st.lists(inputs, max_size=40))
def test_whatever_happens_the_row_stays_sound(plan: Plan, steps: list[flow.Input]) -> None:
    row = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, plan, PROFILE).row
    dialed: dict[str, bytes] = {}
    exited: set[str] = set()
    for inp in steps:
        result = transition(row, inp, NOW, plan, PROFILE)
        assert row.state is not State.EXITED or result == Result(row)
        assert result.row.seq - row.seq == (row.open is not None and result.row.open is None)
        assert (result.row.open is not None) == (result.row.state is State.ISSUED) or result.row.state is State.EXITING
        assert (result.row.exit is not None) == (result.row.state in (State.EXITING, State.EXITED))
        assert result.then is None or (result.row.state is State.EXITING and result.row.open is None)
        for dial in (d for d in result.after if isinstance(d, Dial)):
            assert dialed.setdefault(dial.dial_id, repr(asdict(dial)).encode()) == repr(asdict(dial)).encode()
        exited |= {e.event_id for e in result.emit if isinstance(e, Event) and e.kind == "exited"}
        row = result.row
    assert len(dialed) >= row.attempts
    assert len(exited) == (row.state is State.EXITED)


@given(st.permutations(["erased", "opted_out", "unenrolled", "campaign_ended"]))
def test_the_reason_does_not_depend_on_the_order(reasons: list[str]) -> None:
    row = row_of(State.ISSUED)
    for reason in reasons:
        row = after(row, flow.CampaignEnded("c") if reason == "campaign_ended" else flow.Leave(reason, "c")).row
    assert row.exit is not None
    assert row.exit.reason == "erased"
