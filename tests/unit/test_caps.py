"""engine/caps.py: what counts, in which window, to the millisecond; and that nothing passes by the gate."""

from typing import Any

import pytest
from msgspec.structs import replace
from samples import FIRST, NOW, NY, OTHER, PHONE, TEXT, dial_of, outcome_of, plan_of, receipt_of

from engine import ledger
from engine.answers import BUSY_AGAIN, Answer, At
from engine.caps import LONGEST, MOST_ATTEMPTS, Cap, number_caps, person_caps, recent, with_attempt
from engine.gate import Facts, Verdict, decide
from engine.ledger import Moment
from engine.plan import Contacting
from engine.retries import DISPOSITIONS, effect
from engine.time import DAY, HOUR, MINUTE, Instant
from schemas.campaign import CampaignState
from schemas.outcome import Outcome
from schemas.rows import Attempt, Call, CallState, LedgerRow

LATEST = NOW + 9_000  # from when an attempt counts of which the sender has heard nothing
BY = NOW + 40  # and when its answer was here


def at(*ago: int, campaign: str = "spring", channel: str = "call") -> tuple[Attempt, ...]:
    """Attempts so many ms ago, by time."""
    return tuple(Attempt(NOW - ms, campaign, channel, f"{channel}-{ms}") for ms in sorted(ago, reverse=True))


def both(cap: Cap, attempts: tuple[Attempt, ...], campaign: str = "spring") -> Answer:
    """What the person's and the address's say, but for the name of the check: the same."""
    person = person_caps((cap,), attempts, campaign, NOW)
    number = number_caps((cap,), LedgerRow(address=PHONE, attempts=attempts), campaign, None, NOW)
    assert (number.ok, number.until, number.detail) == (person.ok, person.until, person.detail)
    return person


# --- the window, to the millisecond -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cap", "ago", "wait"),
    [
        (Cap(1, HOUR), (HOUR,), None),  # [T, T + per): its hour is over
        (Cap(1, HOUR), (HOUR - 1,), 1),
        (Cap(1, HOUR), (0,), HOUR),
        (Cap(1, HOUR), (-5_000,), HOUR + 5_000),  # one that may only arrive in five seconds
        (Cap(2, HOUR), (0,), None),
        (Cap(2, HOUR), (HOUR, 0), None),
        (Cap(2, HOUR), (HOUR - 1, 0), 1),
        (Cap(2, HOUR), (10, 0), HOUR - 10),  # the older one leaves first
        (Cap(2, HOUR), (30, 20, 10), HOUR - 20),  # one more than is allowed: two must leave
        (Cap(3, 31 * DAY), (31 * DAY - 1, 5, 5), 1),
    ],
)
def test_an_attempt_counts_from_its_instant_until_just_before_the_end_of_the_window(
    cap: Cap, ago: tuple[int, ...], wait: int | None
) -> None:
    answer = both(cap, at(*ago))
    assert answer.until == (None if wait is None else At(Instant(NOW + wait)))
    if wait is not None:
        assert person_caps((cap,), at(*ago), "spring", Instant(NOW + wait)).ok
        assert not person_caps((cap,), at(*ago), "spring", Instant(NOW + wait - 1)).ok


def test_of_several_limits_the_latest_instant_speaks() -> None:
    limits = (Cap(2, 24 * HOUR, True), Cap(1, HOUR), Cap(9, HOUR))
    assert person_caps(limits, at(2 * HOUR, 0), "spring", NOW).until == At(Instant(NOW + 22 * HOUR))
    assert person_caps(limits, at(0), "spring", NOW).until == At(Instant(NOW + HOUR))


@pytest.mark.parametrize(
    ("cap", "attempts", "words"),
    [
        (Cap(2, DAY, True), at(2, 1), "2 of 2 attempts in 24 h of any campaign: the campaign's limit"),
        (Cap(1, 90 * MINUTE, counted="call"), at(1), "1 of 1 call in 90 min of this campaign: the campaign's limit"),
        (
            Cap(2, HOUR, name="Florida's limit", counted="sms"),
            at(3, 2, 1, channel="sms"),
            "3 of 2 text messages in 1 h of this campaign: Florida's limit",
        ),
    ],
)
def test_the_refusal_in_words(cap: Cap, attempts: tuple[Attempt, ...], words: str) -> None:
    assert both(cap, attempts).detail == words


@pytest.mark.parametrize(
    ("cap", "campaign", "channel", "counts"),
    [
        (Cap(1, HOUR), "spring", "sms", True),
        (Cap(1, HOUR), "autumn", "call", False),
        (Cap(1, HOUR, True), "autumn", "call", True),
        (Cap(1, HOUR, counted="call"), "spring", "sms", False),
        (Cap(1, HOUR, True, "sms"), "autumn", "sms", True),
        (Cap(1, HOUR, True, "sms"), "autumn", "call", False),
    ],
)
def test_whose_attempts_count(cap: Cap, campaign: str, channel: str, counts: bool) -> None:
    assert both(cap, at(1, campaign=campaign, channel=channel)).ok is not counts


# --- what is under way ------------------------------------------------------------------------------------------------------------


def open_call(dial_id: str, campaign: str = "spring", channel: str = "call", state: CallState = CallState.RESERVED) -> Call:
    template = replace(outcome_of("unknown"), dial_id=dial_id, campaign=campaign)
    return Call(dial_id=dial_id, state=state, channel=channel, contact_id="c7", template=template)


@pytest.mark.parametrize(
    ("call", "wait"),
    [
        (open_call("other"), BUSY_AGAIN),
        (open_call("mine"), None),
        (open_call("other", state=CallState.SETTLED), None),  # if it counts, it stands among the attempts
        (open_call("other", campaign="autumn"), None),
        (open_call("other", channel="sms"), None),
    ],
)
def test_a_command_that_is_reserved_counts_but_not_against_itself(call: Call, wait: int | None) -> None:
    row = LedgerRow(address=PHONE, calls={call.dial_id: call}, attempts=at(1))
    answer = number_caps((Cap(2, HOUR, counted="call"),), row, "spring", "mine", NOW)
    assert answer.until == (None if wait is None else At(Instant(NOW + wait)))
    if wait:
        assert answer.detail == "1 of 2 calls in 1 h of this campaign, 1 more under way: the campaign's limit"


# --- what is remembered -----------------------------------------------------------------------------------------------------------


def test_attempts_are_kept_by_time_for_as_long_as_a_limit_may_see_them() -> None:
    kept = with_attempt(at(LONGEST, LONGEST - 1, 5), *at(7), NOW)
    assert kept == at(LONGEST - 1, 7, 5)
    assert recent(kept, NOW) is kept
    assert recent(kept, Instant(NOW + 1)) == at(7, 5)
    assert with_attempt(kept, *at(0), NOW) == at(LONGEST - 1, 7, 5, 0)


@pytest.mark.parametrize("new", [Attempt(NOW - 6, "spring", "call", "call-7"), Attempt(NOW - LONGEST, "spring", "call", "new")])
def test_a_repeat_and_what_no_limit_sees_change_nothing(new: Attempt) -> None:
    """A repeat is told by its command: it may be counted from another instant after a crash."""
    known = at(7, 5)
    assert with_attempt(known, new, NOW) is known


def test_two_of_the_same_millisecond_are_two() -> None:
    """Messages to a number that two people share: it is not locked for them."""
    assert len(with_attempt(at(7, channel="sms"), Attempt(NOW - 7, "spring", "sms", "other"), NOW)) == 2


# --- from when an attempt counts --------------------------------------------------------------------------------------------------

EMPTY = LedgerRow(address=PHONE)
ID = dial_of().dial_id


def verdict(row: LedgerRow, step: Contacting = FIRST, cap: Cap | None = None, dial_id: str | None = None) -> Verdict:
    plan = plan_of(caps=(cap,) if cap else ())
    return decide(Facts(plan, CampaignState.RUNNING, (NY,), step, ledger=row, dial_id=dial_id), NOW)


def moment(ms: int = 0) -> Moment:
    return Moment(Instant(NOW + ms), NOW + ms)


def reserved(channel: str = "call", row: LedgerRow = EMPTY, seq: int = 1, **fields: Any) -> LedgerRow:
    inp = ledger.Reserve(dial_of(seq, channel, **fields), verdict(row), NOW + 2_000, NOW + 4_000, Instant(LATEST))
    return after(ledger.apply(row, inp, moment()))


def after(result: ledger.Result) -> LedgerRow:
    assert result.row is not None
    return result.row


def told(row: LedgerRow, kind: str, seq: int = 1, ms: int = 50, **fields: Any) -> LedgerRow:
    return after(ledger.apply(row, ledger.Told(receipt_of(kind, seq, **fields), NOW + HOUR), moment(ms)))


def closing(row: LedgerRow) -> Outcome:
    (call,) = row.calls.values()
    assert call.closing is not None
    return call.closing


@pytest.mark.parametrize("disposition", [*DISPOSITIONS, "abducted"])
@pytest.mark.parametrize("heard", [True, False])
def test_what_reached_the_network_counts_from_when_the_provider_can_have_had_it(disposition: str, heard: bool) -> None:
    """Whatever the provider's own clock says. `not_dialed` is not for a provider to say."""
    row = told(reserved(), "accepted", requested_by=BY) if heard else reserved()
    row = told(row, "ended", ms=90_000, disposition=disposition, started_at=NOW - HOUR, ended_at=NOW + 80_000)
    rang = disposition == "not_dialed" or effect(disposition).rang
    since = BY if heard else LATEST
    assert closing(row).attempt_at == (since if rang else None)
    assert row.attempts == ((Attempt(since, "spring", "call", ID),) if rang else ())


def test_a_call_that_is_over_was_requested_by_now() -> None:
    """Its end was told before the answer to the request was read."""
    row = told(reserved(), "ended", ms=700, disposition="busy", ended_at=NOW + 600)
    assert (closing(row).attempt_at, row.attempts) == (NOW + 700, (Attempt(NOW + 700, "spring", "call", ID),))


def test_a_message_counts_as_soon_as_it_is_taken() -> None:
    row = told(reserved("sms"), "accepted", requested_by=BY)
    assert (closing(row).disposition, closing(row).attempt_at) == ("sent", BY)
    assert row.attempts == (Attempt(BY, "spring", "sms", ID),)


@pytest.mark.parametrize(("disposition", "counted"), [("invalid_number", 1), ("provider_throttled", 0), ("config_error", 0)])
def test_a_request_that_was_rejected_counts_if_it_reached_the_network(disposition: str, counted: int) -> None:
    row = told(reserved(), "rejected", disposition=disposition, requested_by=BY)
    assert row.attempts == (Attempt(BY, "spring", "call", ID),) * counted


def test_an_attempt_of_which_nothing_is_known_counts_from_the_latest_instant_at_which_it_can_have_been_made() -> None:
    row = reserved()
    assert ledger.apply(row, ledger.Told(receipt_of("unknown"), NOW + HOUR), moment()).row is None
    for _ in range(ledger.MAX_LOOKUPS + 1):
        row = after(ledger.apply(row, ledger.Overdue(ID), moment(HOUR)))
        row = replace(row, calls={k: replace(c, deadline=0) for k, c in row.calls.items()})
    assert (closing(row).disposition, closing(row).attempt_at) == ("unknown", LATEST)
    assert row.attempts == (Attempt(LATEST, "spring", "call", ID),)


@pytest.mark.parametrize("inp", ["handed_over", "not_found"])
def test_what_was_never_requested_does_not_count(inp: str) -> None:
    refused = after(ledger.apply(reserved(), ledger.Refuse(ID, reason=inp), moment()))
    row = told(reserved(), inp) if inp == "not_found" else refused
    assert (closing(row).attempt_at, row.attempts) == (None, ())


def test_a_number_that_is_written_to_forgets_what_no_limit_sees() -> None:
    old = LedgerRow(address=PHONE, attempts=at(LONGEST, LONGEST - 1))
    assert reserved(row=old).attempts == at(LONGEST - 1)


def test_nobody_is_contacted_more_than_a_thousand_times_a_month_even_without_limits() -> None:
    """A row that held more would outgrow a record: a number that stands for thousands of people, or a loop in somebody's CRM."""
    full = at(*range(1, MOST_ATTEMPTS + 1), campaign="autumn")
    for attempts, ok in ((full[1:], True), (full, False)):
        number, person = LedgerRow(address=PHONE, attempts=attempts), {"attempts": attempts}
        for facts in ({"ledger": number}, person):
            found = decide(Facts(plan_of(), CampaignState.RUNNING, (NY,), FIRST, **facts), NOW)  # type: ignore[arg-type]
            assert found.ok is ok
    (refused,) = [answer for answer in found.answers if answer.ok is False]
    assert refused.until == At(Instant(NOW - MOST_ATTEMPTS + LONGEST))
    assert refused.detail == "1000 of 1000 attempts in 744 h of any campaign: Outdial's own limit"


# --- named complaints about other products ----------------------------------------------------------------------------------------


def test_complaint_9_limits_hold_for_every_contact_whatever_the_step_and_the_channel() -> None:
    """Frequency caps that campaigns ignore: here first calls, retries and messages ask the same function."""
    row, cap = LedgerRow(address=PHONE, attempts=at(1)), Cap(1, HOUR)
    for step in (FIRST, replace_step(FIRST, "second"), TEXT):
        assert verdict(row, step, cap).reason == "number_caps"
        person = decide(Facts(plan_of(caps=(cap,)), CampaignState.RUNNING, (NY,), step, attempts=at(1)), NOW)
        assert (person.reason, person.until) == ("person_caps", At(Instant(NOW - 1 + HOUR)))


def replace_step(step: Contacting, name: str) -> Contacting:
    return Contacting(name, step.channel, agent=step.agent)


def test_complaint_10_the_window_slides_and_a_limit_is_the_campaigns_own_unless_it_says_all() -> None:
    """Sliding windows that miscount, limits that are global: three around midnight are three, and those of others are others'."""
    cap = Cap(3, DAY)
    assert both(cap, at(23 * HOUR, 2, 1)).until == At(Instant(NOW + HOUR))  # no reset in between
    assert both(cap, at(23 * HOUR, 2, 1, campaign="autumn")).ok
    assert not both(Cap(3, DAY, everywhere=True), at(23 * HOUR, 2, 1, campaign="autumn")).ok


def test_complaint_19_limits_hold_across_numbers_people_and_entries() -> None:
    """Caps that recycling, a second number or a callback get around.

    Another number of the person, another enrollment, another person at the number: the person's or the number's limit holds.
    """
    cap = Cap(1, DAY)
    taken = told(reserved(), "accepted", requested_by=BY)
    taken = told(taken, "ended", ms=60_000, disposition="no_answer", ended_at=NOW + 60_000)
    assert person_caps((cap,), taken.attempts, "spring", NOW).until == At(Instant(BY + DAY))  # whichever number
    assert not verdict(taken, cap=cap).ok  # whoever shares it, whichever entry or callback
    assert verdict(LedgerRow(address=OTHER), cap=cap).ok
