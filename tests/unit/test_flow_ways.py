"""engine/flow.py and engine/tries.py: ways, lateness, times, retries, numbers, callbacks and goals, one situation each."""

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace
from samples import BUSY, ENROLLMENT, FIRST, NOW, NY, OTHER, PAUSE, PHONE, PROFILE, SECOND, SLOT, TEXT, outcome_of, plan_of, row_of

from engine import flow
from engine.answers import At
from engine.caps import Cap
from engine.gate import Facts, decide
from engine.plan import Channel, Condition, Contacting, Exiting, Late, Plan, Retry, Waiting
from engine.reach import address_for, reachable
from engine.retries import DISPOSITIONS, effect
from engine.time import DAY, HOUR, MINUTE, Delay, Instant
from engine.windows import parse_weekly, weekly_window
from schemas import ids
from schemas.campaign import CampaignState
from schemas.command import Dial, Revoke
from schemas.event import Event
from schemas.rows import Attempt, EnrollmentRow, Exit, Profile, State, Wanted

ENDED = NOW - 2 * MINUTE
MAIL = Contacting("mail", Channel.EMAIL, subject="Hi {{first_name}}", template="...")
BYE = Exiting("bye", "expired")
TWO = replace(PROFILE, alt_phones=(OTHER,))


def after(row: EnrollmentRow, inp: flow.Input, plan: Plan, profile: Profile | None = PROFILE, now: int = NOW) -> flow.Result:
    return flow.transition(row, inp, Instant(now), plan, profile)


def closed(plan: Plan, disposition: str, profile: Profile = PROFILE, step: str = "first", **fields: Any) -> flow.Result:
    said = {name: fields.pop(name) for name in ("callback_at", "opt_out", "address") if name in fields}
    row = row_of(State.ISSUED, step, **fields)
    return after(row, flow.Closing(replace(outcome_of(disposition, seq=row.seq), **said)), plan, profile)


def told(result: flow.Result, kind: str) -> list[dict[str, Any]]:
    return [e.data for e in result.emit if isinstance(e, Event) and e.kind == kind]


def stands(result: flow.Result) -> tuple[str, str, int]:
    """State, step and due; of who leaves the reason and nothing."""
    row = result.row
    return (row.state, row.exit.reason, 0) if row.exit else (row.state, row.step, row.due)


def named(step: Contacting | Waiting, **changes: Any) -> Any:
    return dataclasses.replace(step, **changes)


# --- ways -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "otherwise", "closing", "skipped"),
    [
        (None, None, "pause", "pause"),
        ("text", None, "text", "pause"),
        ("text", "second", "text", "second"),
        (None, "second", "pause", "second"),
        ("end", "text", "unreachable", "text"),
        ("bye", "end", "expired", "unreachable"),
    ],
)
def test_then_and_otherwise(then: str | None, otherwise: str | None, closing: str, skipped: str) -> None:
    plan = plan_of(named(FIRST, then=then, otherwise=otherwise), PAUSE, SECOND, TEXT, BYE)
    assert stands(closed(plan, "rejected"))[1] == closing
    row = row_of(State.WAITING)
    assert stands(after(row, flow.Refused("suppressed", skips=True), plan))[1] == skipped


def test_an_exit_whose_condition_does_not_hold_is_passed_over() -> None:
    no = Condition(lambda seen: seen["attempts"] > 9, frozenset({"attempts"}))
    plan = plan_of(FIRST, named(BYE, when=no), SECOND)
    assert stands(closed(plan, "rejected")) == ("waiting", "second", ENDED)
    assert stands(closed(plan, "rejected", attempts=9)) == ("exiting", "expired", 0)


def test_a_way_back_is_taken_as_often_as_it_may_and_no_more() -> None:
    """Three visits, each with attempts of its own."""
    plan = plan_of(named(FIRST, max_visits=3, otherwise="end"), named(PAUSE, then="first"))
    row = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, plan, PROFILE).row
    visits = []
    while row.state is State.WAITING:
        if row.step == "pause":
            row = after(row, flow.Due(), plan, now=row.due).row
            continue
        visits.append(row.visits["first"])
        issued = after(row, flow.Granted(SLOT, None), plan, now=row.due).row
        row = after(issued, flow.Closing(outcome_of("rejected", seq=issued.seq)), plan).row
    assert visits == [1, 2, 3]
    assert (row.exit and row.exit.reason, row.attempts) == ("unreachable", 3)


def test_that_visits_are_used_up_is_told_of_steps_that_contact() -> None:
    plan = plan_of(named(FIRST, max_visits=1, otherwise="end"), named(PAUSE, then="first"))
    result = after(row_of(State.WAITING, "pause", visits={"first": 1}), flow.Due(), plan)
    assert (told(result, "step_skipped"), stands(result)[1]) == ([{"reason": "visits"}], "unreachable")


def test_conditions_see_the_person_the_attempts_and_the_local_clock() -> None:
    seen: list[dict[str, Any]] = []
    ask = Condition(lambda variables: bool(seen.append(variables)) or True, frozenset({"last", "local"}))
    flow.moves_when_due(row_of(State.WAITING, attempts=2), plan_of(named(FIRST, when=ask)), PROFILE, NOW)
    (variables,) = seen
    assert variables["local"] == {"hour": 10, "minute": 0, "weekday": "tue", "date": "2026-11-24"}
    assert (variables["attempts"], variables["contact"], variables["last"]) == (2, {"first_name": "Ada"}, None)


# --- time -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "lateness", "result"),
    [
        ("skip", HOUR, ("waiting", "first", NOW - HOUR)),
        ("skip", 4 * HOUR, ("waiting", "first", NOW - 4 * HOUR)),
        ("skip", 4 * HOUR + 1, ("waiting", "second", NOW - 4 * HOUR - 1)),
        ("exit", 4 * HOUR + 1, ("exiting", "expired", 0)),
        ("call", 99 * HOUR, ("waiting", "first", NOW - 99 * HOUR)),
    ],
)
def test_what_comes_too_late(do: str, lateness: int, result: tuple[str, str, int]) -> None:
    plan = plan_of(named(FIRST, late=Late(4 * HOUR, do)), SECOND)
    row = row_of(State.WAITING, due=NOW - lateness)
    assert stands(after(row, flow.Due(), plan)) == result
    assert (after(row, flow.Granted(SLOT, None), plan).row.state is State.ISSUED) == (result[1] == "first")  # nor by a slot


def test_lateness_counts_from_when_the_step_fell_due_however_often_it_was_refused() -> None:
    plan = plan_of(named(FIRST, late=Late(4 * HOUR, "skip")), SECOND)
    row = row_of(State.ISSUED, due=NOW - 3 * HOUR)
    refused = outcome_of("not_dialed", reason="window", retry_at=NOW + HOUR + 1)
    waiting = after(row, flow.Closing(refused), plan).row
    assert (waiting.due, waiting.fell_due) == (NOW + HOUR + 1, NOW - 3 * HOUR)
    assert stands(after(waiting, flow.Due(), plan, now=NOW + HOUR + 1))[1] == "second"


def test_a_step_at_a_time_of_the_day() -> None:
    plan = plan_of(FIRST, named(SECOND, at=9 * 60))
    assert closed(plan, "rejected").row.due == NOW + 23 * HOUR  # it is 10:00 in New York


def test_business_days_are_counted_by_the_campaigns_window() -> None:
    monday = weekly_window(parse_weekly({"mon": ["09:00-17:00"]}), 0)
    plan = plan_of(FIRST, Waiting("pause", Delay(business=1)), SECOND, window=monday)
    assert closed(plan, "rejected").row.due == ENDED + 6 * DAY  # a Tuesday


# --- retries ----------------------------------------------------------------------------------------------------------------------


def test_each_further_retry_waits_longer() -> None:
    step = named(FIRST, retry={"busy": Retry(Delay(ms=15 * MINUTE), 3, backoff=2)})
    dues = [closed(plan_of(step), "busy", tries={"busy": n} if n else {}).row.due - ENDED for n in range(3)]
    assert dues == [15 * MINUTE, 30 * MINUTE, 60 * MINUTE]
    days = named(FIRST, retry={"busy": Retry(Delay(days=1), 3, backoff=1.5)})
    assert closed(plan_of(days), "busy", tries={"busy": 1}).row.due == ENDED + 2 * DAY


def test_the_step_is_over_when_its_attempts_are_used_up() -> None:
    plan = plan_of(named(FIRST, max_attempts=2), PAUSE, SECOND)
    assert stands(closed(plan, "busy", taken=0))[1] == "first"
    assert stands(closed(plan, "busy", taken=1))[1] == "pause"
    assert stands(closed(plan, "provider_error", taken=1))[1] == "first"  # which is no attempt


def test_a_retry_at_another_time_of_the_day_says_so() -> None:
    step = named(FIRST, retry={"no_answer": Retry(Delay(ms=15 * MINUTE), 3, another_time=2 * HOUR)})
    result = closed(plan_of(step), "no_answer")
    due = ENDED + 15 * MINUTE + 7 * 15 * MINUTE  # the first quarter of an hour that is two hours off
    assert (result.row.due, result.row.failed) == (due, (ENDED,))
    assert told(result, "retry_scheduled") == [{"due": due, "disposition": "no_answer", "why": "another_time"}]


@pytest.mark.parametrize("disposition", ["invalid_number", "fax"])
def test_the_next_number_is_tried_at_once(disposition: str) -> None:
    result = closed(plan_of(FIRST, PAUSE), disposition, TWO)
    assert (stands(result), result.row.bad) == (("waiting", "first", ENDED), (PHONE,))
    assert told(result, "retry_scheduled")[0]["why"] == "next_number"
    issued = after(result.row, flow.Granted(SLOT, None), plan_of(FIRST, PAUSE), TWO).row
    assert issued.open is not None
    assert issued.open.address == OTHER
    last = replace(outcome_of(disposition, seq=2), address=OTHER)
    over = after(issued, flow.Closing(last), plan_of(FIRST, PAUSE), TWO)
    assert over.row.bad == (PHONE, OTHER)
    assert stands(over)[1] == ("unreachable" if disposition == "invalid_number" else "pause")


def test_whoever_has_an_email_address_can_still_be_reached_by_email() -> None:
    profile = replace(PROFILE, email="ada@example.com")
    assert stands(closed(plan_of(FIRST, MAIL), "invalid_number", profile))[:2] == ("waiting", "mail")
    assert stands(closed(plan_of(FIRST, PAUSE), "invalid_number", profile))[1] == "unreachable"
    only_mail = Profile(contact_id="c7", email="ada@example.com", variables={"first_name": "Ada"})
    skipped = after(row_of(State.WAITING), flow.Due(), plan_of(FIRST, MAIL), only_mail)
    assert (told(skipped, "step_skipped"), skipped.row.step) == ([{"reason": "no_address"}], "mail")
    dial = after(skipped.row, flow.Granted(SLOT, None), plan_of(FIRST, MAIL), only_mail).after[0]
    assert isinstance(dial, Dial)
    assert (dial.channel, dial.address, dial.subject, dial.text) == ("email", "ada@example.com", "Hi Ada", "...")


def test_addresses_in_their_order() -> None:
    profile = Profile(contact_id="c7", phone=PHONE, alt_phones=(OTHER,), email="a@b.example")
    assert [address_for(profile, "call", bad) for bad in ((), (PHONE,), (PHONE, OTHER))] == [PHONE, OTHER, None]
    assert [address_for(profile, "email", bad) for bad in ((), ("a@b.example",))] == ["a@b.example", None]
    assert reachable(profile, frozenset({Channel.SMS}), (PHONE,))
    assert not reachable(profile, frozenset({Channel.SMS}), (PHONE, OTHER))
    assert not reachable(None, frozenset(Channel), ())


# --- dispositions -----------------------------------------------------------------------------------------------------------------


def test_a_campaign_may_take_one_disposition_for_another() -> None:
    plan = plan_of(FIRST, PAUSE, meanings={"answered_silent": "answered", "left_message": "voicemail", "rejected": "busy"})
    assert stands(closed(plan, "answered_silent"))[1] == "answered"
    assert closed(plan, "left_message").row.reached
    assert closed(plan, "rejected").row.due == ENDED + 15 * MINUTE
    assert closed(plan, "left_message").row.last.disposition == "left_message"  # type: ignore[union-attr]


def test_what_nobody_has_heard_of_is_data_and_never_a_redial() -> None:
    plan = plan_of(named(FIRST, retry=dict.fromkeys(DISPOSITIONS, BUSY)), PAUSE)
    result = closed(plan, "abducted")
    assert (result.row.step, result.row.attempts, effect("abducted")) == ("pause", 1, effect("unknown"))


# --- callbacks --------------------------------------------------------------------------------------------------------------------

SIX = "2026-11-24T18:00"  # by the person's clock, New York
SIX_AT = NOW + 8 * HOUR


@pytest.mark.parametrize("disposition", ["answered", "voicemail", "unknown"])
def test_a_callback_is_the_same_step_at_the_time_that_was_asked_for(disposition: str) -> None:
    result = closed(plan_of(FIRST, PAUSE), disposition, callback_at=SIX)
    assert stands(result) == ("waiting", "first", SIX_AT)
    assert (result.row.callbacks, result.row.promised, result.row.attempts) == (1, True, 1)
    assert told(result, "callback_scheduled") == [{"asked": SIX, "due": SIX_AT}]


def test_a_callback_outside_the_window_moves_and_says_why() -> None:
    day = weekly_window(parse_weekly({"mon-fri": ["09:00-17:00"]}), 30_000)
    (data,) = told(closed(plan_of(FIRST, window=day), "answered", callback_at=SIX), "callback_scheduled")
    assert data["due"] == NOW + 23 * HOUR
    assert data["moved"].startswith("outside the campaign's hours: Tue 09:00-17:00; it is Tue 2026-11-24 18:00")


@pytest.mark.parametrize(("asked", "times"), [("soon", 0), ("2029-01-01T10:00", 0), (SIX, 3)])
def test_a_callback_that_cannot_be_honoured_leaves_the_answer(asked: str, times: int) -> None:
    assert stands(closed(plan_of(FIRST), "answered", callback_at=asked, callbacks=times))[1] == "answered"


def test_an_opt_out_is_stronger_than_a_callback() -> None:
    assert stands(closed(plan_of(FIRST), "answered", callback_at=SIX, opt_out="all"))[1] == "opted_out"


def test_a_promise_is_kept_whatever_the_condition_of_the_step() -> None:
    never = named(FIRST, when=Condition(lambda _: False))
    row = row_of(State.WAITING, promised=True)
    assert not flow.moves_when_due(row, plan_of(never), PROFILE, NOW)
    assert flow.moves_when_due(replace(row, promised=False), plan_of(never), PROFILE, NOW)


def test_after_a_callback_that_nobody_took_the_step_goes_on_as_it_would() -> None:
    back = closed(plan_of(FIRST, PAUSE), "answered", callback_at=SIX).row
    issued = after(back, flow.Granted(SLOT, None), plan_of(FIRST, PAUSE), now=SIX_AT).row
    over = after(issued, flow.Closing(outcome_of("busy", seq=2)), plan_of(FIRST, PAUSE)).row
    assert (over.step, over.due, over.promised, over.tries) == ("first", ENDED + 15 * MINUTE, False, {"busy": 1})


@pytest.mark.parametrize(
    ("steps", "here", "there"),
    [
        ((FIRST, PAUSE, SECOND), "pause", "second"),
        ((FIRST, PAUSE, TEXT), "text", "first"),
        ((FIRST, PAUSE, SECOND), "first", "first"),
    ],
)
def test_who_asks_for_a_call_in_between_is_called_by_the_nearest_call(steps: tuple[Any, ...], here: str, there: str) -> None:
    result = after(row_of(State.WAITING, here, tries={"busy": 1}), flow.Callback(SIX, "cause"), plan_of(*steps))
    assert stands(result) == ("waiting", there, SIX_AT)
    assert result.row.tries == ({"busy": 1} if here == there else {})


def test_a_campaign_that_calls_nobody_cannot_call_back() -> None:
    row = row_of(State.WAITING, "text")
    assert after(row, flow.Callback(SIX, "cause"), plan_of(TEXT)) == flow.Result(row)


@pytest.mark.parametrize(
    ("closing", "there"),
    [
        (outcome_of("voicemail"), ("waiting", "first", SIX_AT)),
        (outcome_of("answered"), ("waiting", "first", SIX_AT)),
        (outcome_of("answered", opt_out="all"), ("exiting", "opted_out", 0)),
        (outcome_of("not_dialed", reason="handed_over"), ("waiting", "first", SIX_AT)),
        (outcome_of("not_dialed", reason="suppression", ends="suppressed"), ("exiting", "suppressed", 0)),
    ],
)
def test_a_call_that_is_asked_for_while_one_is_out(closing: Any, there: tuple[str, str, int]) -> None:
    plan = plan_of(FIRST, PAUSE)
    noted = after(row_of(State.ISSUED), flow.Callback(SIX, "cause"), plan).row
    assert noted.wanted == Wanted(SIX, "cause")
    result = after(noted, flow.Closing(closing), plan)
    assert (stands(result), result.row.wanted if result.row.exit is None else None) == (there, None)


def test_a_call_that_is_asked_for_before_the_person_is_known() -> None:
    plan = plan_of(FIRST)
    noted = after(row_of(State.AWAITING_CONTACT), flow.Callback(SIX, "cause"), plan, None).row
    result = after(noted, flow.ContactChanged("known"), plan)
    assert (stands(result), result.row.wanted) == (("waiting", "first", SIX_AT), None)


# --- goals and exits --------------------------------------------------------------------------------------------------------------

STATES = [State.AWAITING_CONTACT, State.WAITING, State.ISSUED]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("goal", ["paid", "visited"])
def test_a_goal_ends_what_lists_it_at_once(state: State, goal: str) -> None:
    row = row_of(state)
    result = after(row, flow.Reached(goal, "cause"), plan_of(FIRST, goals=frozenset({"paid"})))
    if goal == "visited":
        assert result == flow.Result(row)
        return
    assert result.row.exit == Exit("goal", "cause", NOW)
    assert [type(record) for record in result.after] == ([Revoke] if state is State.ISSUED else [])
    assert (result.then == flow.Finish()) == (state is not State.ISSUED)


@pytest.mark.parametrize(
    ("first", "closing", "reason"),
    [
        ("goal", outcome_of("answered"), "goal"),
        ("goal", outcome_of("answered", opt_out="all"), "opted_out"),
        ("unenrolled", outcome_of("answered"), "answered"),
        ("campaign_ended", outcome_of("answered", callback_at=SIX), "answered"),
        ("unenrolled", outcome_of("busy"), "unenrolled"),
    ],
)
def test_whoever_is_leaving_leaves_and_with_the_stronger_reason(first: str, closing: Any, reason: str) -> None:
    row = row_of(State.EXITING, open=row_of(State.ISSUED).open, exit=Exit(first, "cause", NOW - 9))
    result = after(row, flow.Closing(closing), plan_of(FIRST, PAUSE))
    assert (result.row.exit and result.row.exit.reason, result.then) == (reason, flow.Finish())


def test_the_records_of_a_passage_have_causes_and_ids_of_their_own() -> None:
    """Two retries, a callback and an exit: no two events share an id, and the same passage tells the same ids."""

    def passage() -> list[str]:
        plan, told = plan_of(FIRST, PAUSE), list[str]()
        row = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, plan, PROFILE).row
        for disposition, fields in (("busy", {}), ("busy", {}), ("answered", {"callback_at": SIX}), ("answered", {})):
            told.append(flow.step_due(row).event_id)
            row = after(row, flow.Granted(SLOT, None), plan, now=row.due).row
            result = after(row, flow.Closing(outcome_of(disposition, seq=row.seq, **fields)), plan)
            told += [e.event_id for e in result.emit if isinstance(e, Event)]
            row = result.row
        told += [e.event_id for e in after(row, flow.Finish(), plan).emit if isinstance(e, Event)]
        return told

    assert passage() == passage()
    assert len(set(passage())) == len(passage()) == 4 + 4 + 3 + 1
    assert ids.event_id(outcome_of("answered", seq=4).event_id, "exited", ENROLLMENT) in passage()


def test_limits_hold_for_callbacks_too() -> None:
    """The flow promises an instant; what a limit forbids then is moved by the gate, which says why."""
    plan = plan_of(FIRST, caps=(Cap(1, DAY),))
    back = closed(plan, "answered", callback_at=SIX).row
    made = Attempt(ENDED, "spring", "call", "d1")
    facts = Facts(plan, CampaignState.RUNNING, (NY,), flow.contacting(back, plan), attempts=(made,))
    verdict = decide(facts, Instant(back.due))
    assert (verdict.reason, verdict.until) == ("person_caps", At(Instant(ENDED + DAY)))
