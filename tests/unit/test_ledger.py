"""engine/ledger.py: one request a command, one closing a command, nobody after an opt-out; whatever comes in whatever order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import ENROLLMENT, FIRST, NOW, NY, OTHER, PHONE, PLAN, SLOT, TEXT, WORKDAY, dial_of, plan_of, receipt_of

from engine import ledger
from engine.gate import Facts, Verdict, decide
from engine.ledger import KEEP_SETTLED, LOOKUP_AGAIN, MAX_LOOKUPS, MOST_DIALED, MOST_REFUSED, Moment, Result, apply
from engine.plan import Channel, Contacting
from engine.retries import DISPOSITIONS
from engine.time import DAY, HOUR, MINUTE, Instant
from schemas import ids
from schemas.base import encode
from schemas.campaign import CampaignState
from schemas.decision import Decision
from schemas.enrollment import Goal, OptOut
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.receipt import ReceiptKind
from schemas.rows import CallState, LedgerRow
from schemas.suppression import Suppression

EMPTY = LedgerRow(address=PHONE)
NOT_AFTER = NOW + 2_000
DEADLINE = NOT_AFTER + 2_000
OUTCOME_BY = NOW + 2 * HOUR
DIAL = dial_of()
ID = DIAL.dial_id


def moment(ms: int = 0, *contacts: str) -> Moment:
    return Moment(Instant(NOW + ms), NOW + ms, contacts)


def verdict_of(row: LedgerRow = EMPTY, dial_id: str = ID, plan: Any = PLAN, **fields: Any) -> Verdict:
    known: dict[str, Any] = {"campaign_state": CampaignState.RUNNING, "zones": (NY,), "step": FIRST, "slot": SLOT}
    return decide(Facts(**(known | fields), plan=plan, dial_id=dial_id, ledger=row), NOW)


def reserve(row: LedgerRow = EMPTY, dial: Any = DIAL, ms: int = 0, ledger_row: LedgerRow | None = None, **fields: Any) -> Result:
    verdict = verdict_of(ledger_row or row, dial.dial_id, **fields)
    inp = ledger.Reserve(dial, verdict, NOT_AFTER + ms, DEADLINE + ms, Instant(NOT_AFTER + ms))
    return apply(row, inp, moment(ms))


def row_after(result: Result) -> LedgerRow:
    assert result.row is not None
    return result.row


def told(kind: str, seq: int = 1, **fields: Any) -> ledger.Told:
    return ledger.Told(receipt_of(kind, seq, **fields), OUTCOME_BY)


def closings(result: Result) -> list[Outcome]:
    return [r for r in result.emit if isinstance(r, Outcome)]


def opt_outs(result: Result) -> list[OptOut]:
    return [r for r in result.emit if isinstance(r, OptOut)]


def suppress(spoke: bool = True, cause: str = "s1", **fields: Any) -> ledger.Suppress:
    return ledger.Suppress(Suppression(address=PHONE, spoke=spoke, **fields), cause)


RESERVED = row_after(reserve())
ACCEPTED = row_after(apply(RESERVED, told("accepted", provider_call_id="p1"), moment(100)))
SETTLED = row_after(apply(ACCEPTED, told("ended", disposition="busy", ended_at=NOW + 200), moment(300)))


# --- reserving --------------------------------------------------------------------------------------------------------------------


def test_a_yes_reserves_and_asks_for_one_request() -> None:
    result = reserve()
    assert (result.request, result.wake) == (True, DEADLINE)
    call = row_after(result).calls[ID]
    assert (call.state, call.not_after, call.deadline, call.accepted) == (CallState.RESERVED, NOT_AFTER, DEADLINE, False)
    (decision,) = result.emit
    assert isinstance(decision, Decision)
    assert (decision.point, decision.ok) == ("reserve", True)


@pytest.mark.parametrize(
    ("fields", "reason", "retry_at", "ends"),
    [
        ({"campaign_state": CampaignState.PAUSED}, "lifecycle", None, None),
        ({"campaign_state": CampaignState.ENDED}, "lifecycle", None, "campaign_ended"),
        ({"plan": plan_of(window=WORKDAY), "zones": ("Asia/Tokyo",)}, "window", NOW + 9 * HOUR, None),
        ({"real_us": SLOT.end}, "slot", NOW, None),
    ],
)
def test_a_no_closes_at_once(fields: dict[str, Any], reason: str, retry_at: int | None, ends: str | None) -> None:
    result = reserve(**fields)
    assert not result.request
    (closing,) = closings(result)
    assert (closing.disposition, closing.reason, closing.retry_at, closing.ends) == ("not_dialed", reason, retry_at, ends)
    assert row_after(result).calls[ID].state is CallState.SETTLED


@pytest.mark.parametrize("row", [RESERVED, ACCEPTED, SETTLED], ids=["reserved", "accepted", "settled"])
def test_a_repeated_command_is_never_requested_again(row: LedgerRow) -> None:
    result = reserve(row, ms=1_000)
    assert (result.request, result.row) == (False, None)
    closing = row.calls[ID].closing
    assert result.emit == ((closing,) if closing else ())  # answered with the very same closing


def test_one_call_at_a_time_on_a_number() -> None:
    result = reserve(RESERVED, dial_of(2))
    (closing,) = closings(result)
    assert (closing.reason, closing.retry_at) == ("number_busy", NOW + 60_000)
    assert reserve(SETTLED, dial_of(2)).request


# --- before the request -----------------------------------------------------------------------------------------------------------


def test_the_second_asking_may_still_say_no() -> None:
    result = apply(RESERVED, ledger.Refuse(ID, verdict_of(campaign_state=CampaignState.PAUSED)), moment(5))
    decision, closing = result.emit
    assert isinstance(decision, Decision)
    assert isinstance(closing, Outcome)
    assert (decision.point, closing.disposition, closing.reason) == ("request", "not_dialed", "lifecycle")


def test_a_command_is_handed_over() -> None:
    (closing,) = closings(apply(RESERVED, ledger.Refuse(ID, reason="handed_over"), moment(5)))
    assert (closing.disposition, closing.reason) == ("not_dialed", "handed_over")


@pytest.mark.parametrize("row", [EMPTY, SETTLED], ids=["unknown", "settled"])
def test_a_refusal_of_what_is_not_reserved_changes_nothing(row: LedgerRow) -> None:
    assert apply(row, ledger.Refuse(ID, reason="handed_over"), moment(5)) == Result()
    assert apply(row, ledger.Overdue(ID), moment(DAY)) == Result()


def test_a_revoke_closes_what_waits_for_its_slot() -> None:
    (closing,) = closings(apply(RESERVED, ledger.Withdraw(ID, "unenrolled", SLOT.end, "r", waiting=True), moment(1)))
    assert (closing.disposition, closing.reason) == ("not_dialed", "revoked")


def test_a_revoke_is_noted_once_requested_and_the_call_closes_by_itself() -> None:
    noted = apply(ACCEPTED, ledger.Withdraw(ID, "unenrolled", SLOT.end, "r", waiting=False), moment(1))
    assert not noted.emit
    assert row_after(noted).calls[ID].revoked == "unenrolled"
    (closing,) = closings(apply(row_after(noted), told("ended", disposition="answered"), moment(9)))
    assert closing.disposition == "answered"


def test_a_revoke_that_comes_before_its_command_is_remembered_until_the_slot_has_ended() -> None:
    early = ledger.Withdraw(ID, "unenrolled", SLOT.end, "r", waiting=False)
    remembered = row_after(apply(EMPTY, early, moment(0)))
    result = reserve(remembered)
    assert not result.request
    assert [c.reason for c in closings(result)] == ["revoked"]
    assert row_after(result).revoked == {}
    assert apply(EMPTY, early, moment(6)) == Result()  # the slot is over: the gate will refuse it by itself
    other = ledger.Withdraw("other", "unenrolled", SLOT.end + 60_000_000, "r", waiting=False)
    assert set(row_after(apply(remembered, other, moment(6))).revoked) == {"other"}


# --- receipts ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind", "fields", "disposition", "reason"),
    [
        (ACCEPTED, "ended", {"disposition": "answered"}, "answered", None),
        (RESERVED, "ended", {"disposition": "voicemail"}, "voicemail", None),  # a webhook before the request's answer
        (RESERVED, "rejected", {"disposition": "provider_throttled"}, "provider_throttled", None),
        (RESERVED, "rejected", {}, "unknown", None),
        (ACCEPTED, "ended", {"disposition": "abducted"}, "abducted", None),  # data, with the effect of unknown
        (ACCEPTED, "ended", {"disposition": "not_dialed"}, "unknown", None),  # not for a provider to say: it would be dialed again
        (RESERVED, "not_found", {}, "not_dialed", "not_requested"),
        (ACCEPTED, "not_found", {}, "unknown", "lost_by_provider"),  # it was accepted: never again on doubt
    ],
)
def test_what_closes_a_call(row: LedgerRow, kind: str, fields: dict[str, Any], disposition: str, reason: str | None) -> None:
    result = apply(row, told(kind, **fields), moment(400))
    (closing,) = closings(result)
    assert (closing.disposition, closing.reason, closing.event_id) == (disposition, reason, ids.event_id(ID, "outcome", ID))
    assert row_after(result).calls[ID].closing == closing


@pytest.mark.parametrize("kind", ["unknown", "status", "a kind of next year"])
def test_what_closes_nothing(kind: str) -> None:
    assert apply(RESERVED, told(kind), moment(3)) == Result(wake=DEADLINE)


def test_an_accepted_call_has_until_its_outcome_is_due() -> None:
    result = apply(RESERVED, told("accepted"), moment(3))
    assert result.wake == row_after(result).calls[ID].deadline == OUTCOME_BY


def test_a_message_closes_as_sent_and_later_news_move_no_flow() -> None:
    row = row_after(reserve(dial=dial_of(1, "sms"), step=TEXT))
    sent = apply(row, told("accepted"), moment(3))
    assert [c.disposition for c in closings(sent)] == ["sent"]
    (event,) = apply(row_after(sent), told("status", disposition="delivered"), moment(9)).emit
    assert isinstance(event, Event)
    assert (event.kind, event.data["disposition"], event.enrollment_id) == ("message_status", "delivered", ENROLLMENT)


@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, 900), (300, 300), (-DAY, 0), (300 * DAY, 900)],  # nothing; fine; before the call; a clock far ahead
)
def test_the_end_of_a_call_lies_between_its_reservation_and_now(said: int | None, kept: int) -> None:
    ended_at = None if said is None else NOW + said
    (closing,) = closings(apply(ACCEPTED, told("ended", disposition="busy", ended_at=ended_at), moment(900)))
    assert closing.ended_at == NOW + kept


# --- overdue ----------------------------------------------------------------------------------------------------------------------


def test_look_ups_are_bounded_then_it_is_unknown_and_the_number_free() -> None:
    row, at, lookups = RESERVED, DEADLINE, 0
    while row.calls[ID].state is CallState.RESERVED:
        result = apply(row, ledger.Overdue(ID), Moment(Instant(at), at))
        row, lookups, at = row_after(result), lookups + result.lookup, at + LOOKUP_AGAIN
    assert lookups == MAX_LOOKUPS
    assert [(c.disposition, c.reason) for c in closings(result)] == [("unknown", "no_outcome")]
    assert DISPOSITIONS["unknown"].counts
    assert reserve(row, dial_of(2)).request


def test_nothing_is_looked_up_before_its_deadline() -> None:
    assert apply(RESERVED, ledger.Overdue(ID), Moment(NOW, DEADLINE - 1)) == Result(wake=DEADLINE)
    assert apply(RESERVED, ledger.Overdue(ID), Moment(NOW, DEADLINE)).lookup


def test_a_provider_that_says_accepted_for_ever_is_given_up_as_well() -> None:
    row, at = ACCEPTED, OUTCOME_BY
    for _ in range(MAX_LOOKUPS):
        row = row_after(apply(row, ledger.Overdue(ID), Moment(Instant(at), at)))
        row = row_after(apply(row, ledger.Told(receipt_of("accepted", source="lookup"), at + HOUR), Moment(Instant(at), at)))
        at += HOUR
    (closing,) = closings(apply(row, ledger.Overdue(ID), Moment(Instant(at), at)))
    assert closing.disposition == "unknown"


def test_settled_commands_are_kept_to_answer_repeats_and_then_dropped() -> None:
    later = KEEP_SETTLED - 1_000
    assert set(row_after(reserve(SETTLED, dial_of(2), ms=later)).calls) == {ID, dial_of(2).dial_id}
    assert set(row_after(reserve(SETTLED, dial_of(2), ms=KEEP_SETTLED)).calls) == {dial_of(2).dial_id}
    assert set(row_after(reserve(RESERVED, dial_of(2), ms=KEEP_SETTLED)).calls) == {ID, dial_of(2).dial_id}


def test_a_number_that_many_people_share_does_not_outgrow_a_record() -> None:
    """Two thousand people at one number, who are refused while it is busy with one call of them."""
    row = RESERVED
    for seq in range(2, 2_000):
        row = row_after(reserve(row, dial_of(seq)))
    assert (len(row.calls), row.closed_until) == (1 + MOST_REFUSED, NOT_AFTER)
    assert len(encode(row)) < 20_000
    again = reserve(row, dial_of(2), ledger_row=EMPTY)  # after a crash, the number is free by now, and the slot is open
    assert not again.request
    (closing,) = closings(again)
    assert (closing.disposition, closing.reason, closing.retry_at) == ("not_dialed", "number_busy", NOW + MINUTE)
    later = ledger.Reserve(dial_of(3_000), verdict_of(EMPTY), NOT_AFTER + 1, DEADLINE, Instant(NOT_AFTER))
    assert apply(row, later, moment(10)).request  # of a slot that comes behind those that were dropped


def test_a_number_that_is_called_all_the_time_does_not_outgrow_a_record() -> None:
    row = EMPTY
    for seq in range(1, 600):
        row = row_after(reserve(row, dial_of(seq), ms=seq * 60_000))
        row = row_after(apply(row, told("ended", seq, disposition="no_answer", summary="x" * 200), moment(seq * 60_000 + 30_000)))
    assert len(row.calls) == MOST_DIALED
    assert (set(row.calls) == {dial_of(seq).dial_id for seq in range(600 - MOST_DIALED, 600)}, row.revoked) == (True, {})
    assert len(encode(row)) < 500_000


# --- opt-outs and suppressions ----------------------------------------------------------------------------------------------------


def test_an_opt_out_reaches_everybody_linked_and_the_person_called() -> None:
    result = apply(ACCEPTED, told("ended", disposition="answered", opt_out="all"), moment(9, "c8", "c7"))
    assert [(o.contact_id, o.address, o.spoke) for o in opt_outs(result)] == [("c7", PHONE, True), ("c8", PHONE, True)]
    assert [c.opt_out for c in closings(result)] == ["all"]
    assert not verdict_of(row_after(result), dial_of(2).dial_id).ok


def test_an_opt_out_may_come_after_the_closing() -> None:
    result = apply(SETTLED, told("status", opt_out="all"), moment(DAY, "c8"))
    assert [o.contact_id for o in opt_outs(result)] == ["c7", "c8"]
    assert not closings(result)
    assert row_after(result).calls == SETTLED.calls
    assert verdict_of(row_after(result), dial_of(2).dial_id).ends == "opted_out"


def test_an_opt_out_counts_for_a_command_nobody_remembers() -> None:
    result = apply(EMPTY, told("ended", opt_out="all", disposition="answered"), moment(0, "c8"))
    assert [o.contact_id for o in opt_outs(result)] == ["c8"]
    assert row_after(result).suppressions


def test_link_and_suppression_converge_in_either_order() -> None:
    first = apply(EMPTY, suppress(), moment(0))
    then = apply(row_after(first), ledger.Linked("c7"), moment(10, "c7"))
    together = apply(EMPTY, suppress(), moment(0, "c7"))
    assert opt_outs(then) == opt_outs(together) != []
    assert not opt_outs(first)
    assert not apply(EMPTY, ledger.Linked("c7"), moment(0, "c7")).emit


@pytest.mark.parametrize("linked_first", [True, False])
def test_an_entry_that_did_not_speak_reaches_nobody(linked_first: bool) -> None:
    result = apply(EMPTY, suppress(spoke=False), moment(0, *(["c8"] if linked_first else [])))
    assert not result.emit
    assert not apply(row_after(result), ledger.Linked("c8"), moment(1, "c8")).emit
    assert not verdict_of(row_after(result)).ok


@pytest.mark.parametrize(
    ("there", "comes", "entries"),
    [
        ({"spoke": True}, {"spoke": False}, [True]),  # what spoke is never replaced by what did not
        ({"spoke": False}, {"spoke": True}, [True]),
        ({"spoke": True}, {"spoke": True}, [True]),
        ({"spoke": True}, {"spoke": False, "contact_id": "c8"}, [True, False]),
        ({"spoke": True}, {"spoke": False, "scope": "campaign:spring"}, [True, False]),  # nor what is wide by what is narrow
        ({"spoke": True}, {"spoke": False, "source": "import"}, [True, False]),
    ],
)
def test_narrow_never_replaces_wide(there: dict[str, Any], comes: dict[str, Any], entries: list[bool]) -> None:
    row = row_after(apply(EMPTY, suppress(**there), moment(0)))
    result = apply(row, suppress(cause="s2", **comes), moment(1))
    assert [e.spoke for e in (result.row or row).suppressions] == entries


def test_a_repeated_suppression_tells_nobody_again() -> None:
    row = row_after(apply(EMPTY, suppress(), moment(0, "c7")))
    assert apply(row, suppress(), moment(1, "c7")) == Result()


def test_a_removal_lifts_what_has_its_scope() -> None:
    row = row_after(apply(EMPTY, suppress(), moment(0)))
    assert row_after(apply(row, suppress(kind="remove"), moment(1))).suppressions == ()
    assert apply(row, suppress(kind="remove", scope="sms"), moment(1)) == Result()


# --- properties -------------------------------------------------------------------------------------------------------------------

receipts = st.builds(
    lambda kind, seq, disposition, opt_out: told(kind, seq, disposition=disposition, opt_out=opt_out),
    st.sampled_from([*ReceiptKind, "something new"]),
    st.integers(1, 3),
    st.sampled_from([None, *DISPOSITIONS, "abducted"]),
    st.sampled_from([None, None, None, "all"]),
)
dial_ids = st.integers(1, 3).map(lambda seq: ids.dial_id(ENROLLMENT, seq))
events = st.one_of(
    st.integers(1, 3),  # a dial command: the gate is asked with the row as it then is
    receipts,
    st.builds(ledger.Refuse, dial_ids, reason=st.just("handed_over")),
    st.builds(ledger.Withdraw, dial_ids, st.just("unenrolled"), st.just(SLOT.end), st.just("r"), st.booleans()),
    st.builds(ledger.Overdue, dial_ids),
    st.builds(suppress, st.booleans(), kind=st.sampled_from(["add", "add", "remove"])),
    st.builds(ledger.Linked, st.sampled_from(["c7", "c8"])),
)


@given(st.lists(st.tuples(st.integers(0, DEADLINE - NOW), events), max_size=40))
def test_one_request_and_one_closing_whatever_the_order(steps: list[tuple[int, Any]]) -> None:
    row, ms = EMPTY, 0
    requested: list[str] = []
    closed: dict[str, Outcome] = {}
    for wait, inp in steps:
        ms += wait
        if isinstance(inp, int):
            dial = dial_of(inp)
            inp = ledger.Reserve(dial, verdict_of(row, dial.dial_id), NOT_AFTER + ms, DEADLINE + ms, Instant(NOT_AFTER + ms))
        before, result = row, apply(row, inp, moment(ms, "c7", "c8"))
        row = result.row or row
        requested += [inp.dial.dial_id] if result.request else []
        for closing in closings(result):
            assert closed.setdefault(closing.dial_id, closing) == closing
        assert not (result.request and before.suppressions)
        assert all(c.closing is not None for c in row.calls.values() if c.state is CallState.SETTLED)
        assert sum(c.state is CallState.RESERVED for c in row.calls.values()) <= 1
        assert {d for d, c in row.calls.items() if c.state is CallState.SETTLED} == set(closed)
    assert len(requested) == len(set(requested))
    assert set(requested) <= set(row.calls)


@given(
    st.permutations(
        [suppress(), ledger.Linked("c7"), ledger.Linked("c8"), suppress(spoke=False, source="opt_out", contact_id="c9")]
    )
)
def test_who_is_told_does_not_depend_on_the_order(inputs: list[ledger.Input]) -> None:
    row, linked, reached = EMPTY, [], set()
    for inp in inputs:
        linked += [inp.contact_id] if isinstance(inp, ledger.Linked) else []
        result = apply(row, inp, moment(0, *linked))
        row = result.row or row
        reached |= {(o.contact_id, o.event_id) for o in opt_outs(result)}
    assert reached == {(c, ids.event_id("s1", "opt_out", c)) for c in ("c7", "c8")}
    assert len(row.suppressions) == 2


def test_rows_of_addresses_are_their_own() -> None:
    assert apply(LedgerRow(address=OTHER), ledger.Linked("c7"), moment(0, "c7")) == Result()


# --- messages and people who come by themselves -----------------------------------------------------------------------------------

EMAIL = row_after(reserve(dial=dial_of(channel="email"), step=Contacting("mail", Channel.EMAIL)))
SENT = row_after(apply(EMAIL, told("accepted", cost=400), moment(100)))
BOUNCE = {"disposition": "undelivered", "permanent": True}


def test_a_bounce_for_good_suppresses_the_address_for_its_channel_alone() -> None:
    result = apply(SENT, told("status", **BOUNCE), moment(5_000, "c7"))
    (event,) = result.emit
    assert isinstance(event, Event)
    assert (event.kind, event.data["disposition"], event.data["permanent"]) == ("message_status", "undelivered", True)
    entry = row_after(result).suppressions[0]
    assert (entry.scope, entry.reason, entry.spoke) == ("channel:email", "bounced", False)
    mail, call = Contacting("mail", Channel.EMAIL), FIRST
    both = plan_of(mail, call)
    assert verdict_of(row_after(result), plan=both, step=mail).skips == "suppressed"
    assert verdict_of(row_after(result), plan=both, step=call).ok
    assert verdict_of(row_after(result), plan=plan_of(mail), step=mail).ends == "suppressed"  # there is nothing else to be done
    assert apply(row_after(result), told("status", **BOUNCE), moment(6_000)).row is None  # a repeat


def test_an_email_that_was_not_delivered_this_time_may_be_followed_by_another() -> None:
    assert apply(SENT, told("status", disposition="undelivered"), moment(5_000)).row is None


def test_news_of_a_message_that_overtake_the_answer_close_it_and_are_told() -> None:
    result = apply(EMAIL, told("status", provider_call_id="p1", cost=400, **BOUNCE), moment(50))
    (closing,) = closings(result)
    assert (closing.disposition, closing.provider_call_id, closing.cost) == ("sent", "p1", 400)
    assert [e.kind for e in result.emit if isinstance(e, Event)] == ["message_status"]
    assert row_after(result).suppressions
    assert not apply(row_after(result), told("accepted"), moment(100)).emit  # late, and known already


def test_who_unsubscribes_by_the_link_of_an_email_has_said_so_in_a_message() -> None:
    result = apply(SENT, told("status", disposition="delivered", opt_out="channel:email"), moment(9))
    assert [(o.contact_id, o.scope, o.source) for o in opt_outs(result)] == [("c7", "channel:email", "message")]


def test_a_person_who_calls_us_reaches_a_goal_of_everybody_enrolled_there() -> None:
    said = told("called", 7, provider_call_id="in-1")
    result = apply(SETTLED, said, moment(0, "c8", "c7"))
    goals = [g for g in result.emit if isinstance(g, Goal)]
    assert [(g.contact_id, g.goal, g.campaign, g.source) for g in goals] == [
        ("c7", "called_us", None, "call"),
        ("c8", "called_us", None, "call"),
    ]
    assert (result.row, len(result.emit)) == (None, 2)
    assert apply(SETTLED, said, moment(5, "c8", "c7")).emit[0].event_id == goals[0].event_id  # a repeat is the very same
