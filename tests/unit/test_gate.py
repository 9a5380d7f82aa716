"""engine/gate.py: each check's answers, which of several refusals speaks, and the window's edge to the millisecond."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from samples import ALWAYS, FIRST, NOW, NY, PHONE, PLAN, SLOT, TEXT, WORKDAY, plan_of

from engine.answers import BUSY_AGAIN, CHECKS, At, Never, Until, When, reason_of
from engine.caps import Cap
from engine.gate import Facts, Verdict, decide, holds
from engine.layers import Layer, day_of
from engine.numbers import NextFree
from engine.plan import Channel, Contacting, Plan
from engine.retries import stronger
from engine.rulepack import Pack
from engine.rules import Rules
from engine.time import DAY, HOUR, MINUTE, Instant
from engine.weekly import Weekly
from engine.windows import Window, is_open, parse_weekly, weekly_window
from schemas.campaign import CampaignState
from schemas.resources import Halt
from schemas.rows import Attempt, Call, CallState, Consent, LedgerRow, OptOutEntry, SuppressionEntry

OPT_OUT = OptOutEntry("all", "call", NOW, "c1")
OPENS = Instant(NOW - HOUR)  # 09:00 in New York
CLOSES = Instant(NOW + 7 * HOUR - 30_000)  # 17:00, less the ring time
BUSINESS = plan_of(window=WORKDAY)
TODAY = day_of("2026-11-24")
TOKYO = ("Asia/Tokyo",)  # where it is midnight


def shut_today(weekly: Weekly) -> Plan:
    return plan_of(window=Window((Layer("window", "the hours", weekly, blackout=((TODAY, TODAY),)),), 30_000))


SHUT, DARK = shut_today(WORKDAY.layers[0].weekly), shut_today(ALWAYS.layers[0].weekly)
#: A law of one state in a country without hours of its own.
PACK = Pack.model_validate(
    {"pack": "x", "version": "1", "country": "US", "divisions": True, "notice": "made up"}
    | {
        "rules": [
            {"id": name, "jurisdiction": place, "from": "2026-01-01", "source": name, "reviewed": True} | rule
            for name, place, rule in (
                ("country", "US", {"hours": {"mon-sun": ["00:00-24:00"]}}),
                ("eight", "US-FL", {"hours": {"mon-sun": ["08:00-20:00"]}}),
                ("asked", "US-FL", {"consent": {"marketing": "express"}}),
            )
        ]
    }
)
LAWFUL = plan_of(rules=Rules(PACK, "informational"))
ASKING = plan_of(rules=Rules(PACK, "marketing"), purpose="marketing")
FLORIDA = {"jurisdictions": ("US-FL",)}
LISTED = plan_of(lists=(("national", 31 * DAY),))
CAPPED = plan_of(caps=(Cap(2, DAY),))
TWICE = tuple(Attempt(NOW - hours * HOUR, "spring", "call", f"d{hours}") for hours in (20, 3))


def facts_of(**fields: Any) -> Facts:
    known: dict[str, Any] = {"plan": PLAN, "campaign_state": CampaignState.RUNNING, "zones": (NY,), "step": FIRST}
    return Facts(**(known | fields))


def suppressed(*reasons: str) -> LedgerRow:
    return LedgerRow(address=PHONE, suppressions=tuple(SuppressionEntry(scope="all", reason=r, source=r) for r in reasons))


def calling(state: CallState = CallState.RESERVED, channel: str = "call") -> LedgerRow:
    return LedgerRow(address=PHONE, calls={"d1": Call(dial_id="d1", state=state, channel=channel, contact_id="c7")})


def halt_of(**fields: str) -> Halt:
    return Halt(id="any", at=NOW - HOUR, **fields)


def called(*attempts: Attempt) -> LedgerRow:
    return LedgerRow(address=PHONE, attempts=attempts)


NO_CALL = Never("no_consent", skips=True)  # there is consent to texts
#: check, facts, expected answer and until
ANSWERS: list[tuple[str, dict[str, Any], bool | None, Until | None]] = [
    ("lifecycle", {}, True, None),
    ("lifecycle", {"campaign_state": CampaignState.PAUSED}, False, When("resumed")),
    ("lifecycle", {"campaign_state": CampaignState.DRAFT}, False, When("started")),
    ("lifecycle", {"campaign_state": CampaignState.SCHEDULED, "starts_at": NOW + 1}, False, At(Instant(NOW + 1))),
    ("lifecycle", {"campaign_state": CampaignState.SCHEDULED, "starts_at": NOW}, True, None),
    ("lifecycle", {"campaign_state": CampaignState.SCHEDULED}, False, When("started")),
    ("lifecycle", {"campaign_state": CampaignState.DRAINING}, True, None),
    ("lifecycle", {"campaign_state": CampaignState.ENDED}, False, Never("campaign_ended")),
    ("halt", {}, True, None),
    ("halt", {"halts": (halt_of(),)}, False, When("halt_lifted")),
    ("halt", {"halts": (halt_of(line="other"),)}, True, None),
    ("halt", {"halts": (halt_of(state="US-TX"),), **FLORIDA}, True, None),
    ("halt", {"halts": (halt_of(state="US-FL"),), **FLORIDA}, False, When("halt_lifted")),
    ("exit", {}, True, None),
    ("exit", {"exiting": "unenrolled"}, False, Never("unenrolled")),
    ("suppression", {}, None, None),
    ("suppression", {"opt_outs": (OPT_OUT,)}, False, Never("opted_out")),
    ("suppression", {"ledger": suppressed()}, True, None),
    ("suppression", {"ledger": suppressed("opted_out")}, False, Never("opted_out")),
    ("suppression", {"ledger": suppressed("litigator")}, False, Never("suppressed")),
    ("suppression", {"ledger": suppressed("litigator", "opted_out")}, False, Never("opted_out")),
    ("suppression", {"ledger": suppressed("opted_out", "litigator")}, False, Never("opted_out")),
    ("suppression", {"opt_outs": (replace(OPT_OUT, scope="channel:sms"),), "ledger": suppressed()}, True, None),
    ("suppression", {"opt_outs": (replace(OPT_OUT, scope="channel:call"),)}, False, Never("opted_out", skips=True)),
    ("lists", {}, True, None),
    ("lists", {"plan": LISTED}, False, When("list_imported")),
    ("lists", {"plan": LISTED, "lists": {"national": NOW - 31 * DAY}}, True, None),
    ("lists", {"plan": LISTED, "lists": {"national": NOW - 31 * DAY - 1}}, False, When("list_imported")),
    ("consent", {}, True, None),
    ("consent", {"plan": LAWFUL, **FLORIDA}, True, None),
    ("consent", {"plan": ASKING, **FLORIDA}, False, Never("no_consent")),
    ("consent", {"plan": ASKING, **FLORIDA, "consents": (Consent(kind="express"),)}, True, None),
    ("consent", {"plan": ASKING, **FLORIDA, "consents": (Consent(kind="express", at=NOW + 1),)}, False, At(Instant(NOW + 1))),
    ("consent", {"plan": ASKING, **FLORIDA, "consents": (Consent(kind="express", channel="sms"),)}, False, NO_CALL),
    ("window", {"plan": BUSINESS}, True, None),
    ("window", {"plan": BUSINESS, "zones": TOKYO}, False, At(Instant(NOW + 9 * HOUR))),
    ("window", {"plan": BUSINESS, "zones": (NY, *TOKYO)}, False, Never("no_window")),
    ("holidays", {"plan": DARK, "zones": TOKYO}, True, None),  # there it is over
    ("holidays", {"plan": SHUT}, False, At(Instant(OPENS + DAY))),
    ("law", {"plan": LAWFUL, **FLORIDA}, True, None),
    ("law", {"plan": LAWFUL, **FLORIDA, "zones": TOKYO}, False, At(Instant(NOW + 8 * HOUR))),
    ("number_caps", {"plan": CAPPED}, None, None),
    ("number_caps", {"plan": CAPPED, "ledger": suppressed()}, True, None),
    ("number_caps", {"plan": CAPPED, "ledger": called(*TWICE)}, False, At(Instant(NOW + 4 * HOUR))),
    ("person_caps", {"plan": CAPPED}, None, None),
    ("person_caps", {"plan": CAPPED, "attempts": TWICE[1:]}, True, None),
    ("person_caps", {"plan": CAPPED, "attempts": TWICE}, False, At(Instant(NOW + 4 * HOUR))),
    (
        "number_caps",
        {"plan": plan_of(caps=(Cap(1, HOUR, everywhere=True),)), "ledger": calling(channel="sms")},
        False,
        At(Instant(NOW + BUSY_AGAIN)),
    ),
    ("number", {}, True, None),
    ("number", {"no_number": NextFree(OPENS, "all are used up")}, False, At(OPENS)),
    ("number", {"no_number": NextFree(None, "all are resting")}, False, When("number")),
    ("contact_busy", {}, None, None),
    ("contact_busy", {"contact_busy": False}, True, None),
    ("contact_busy", {"contact_busy": True}, False, When("contact_free")),
    ("number_busy", {}, None, None),
    ("number_busy", {"ledger": calling()}, False, At(Instant(NOW + BUSY_AGAIN))),
    ("number_busy", {"ledger": calling(), "dial_id": "d1"}, True, None),
    ("number_busy", {"ledger": calling(CallState.SETTLED)}, True, None),
    ("number_busy", {"ledger": calling(channel="sms")}, True, None),
    ("number_busy", {"ledger": calling(), "step": TEXT}, True, None),
    ("slot", {}, None, None),
    ("slot", {"slot": SLOT, "real_us": SLOT.end - 1}, True, None),
    ("slot", {"slot": SLOT, "real_us": SLOT.end}, False, At(NOW)),
    ("country", {"abroad": False}, True, None),
    ("country", {"abroad": True}, False, Never("country_not_allowed")),
]


@pytest.mark.parametrize(("check", "fields", "ok", "until"), ANSWERS)
def test_each_check(check: str, fields: dict[str, Any], ok: bool | None, until: Until | None) -> None:
    verdict = decide(facts_of(**fields), NOW)
    (answer,) = (a for a in verdict.answers if a.check == check)
    assert (answer.ok, answer.until) == (ok, until)
    assert verdict.ok == (ok is not False)
    assert verdict.until == until
    assert verdict.reason == (reason_of(check) if ok is False else None)


def test_every_check_is_tried_with_a_no_and_answers_in_order() -> None:
    names = [a.check for a in decide(facts_of(abroad=False), NOW).answers]
    assert names[:-1] == [a.check for a in decide(facts_of(), NOW).answers] == list(CHECKS)
    assert {check for check, _, ok, _ in ANSWERS if ok is False} == set(names)
    assert names == list(dict.fromkeys(check for check, *_ in ANSWERS))


PAUSED, BUSY, DONE = {"campaign_state": CampaignState.PAUSED}, {"contact_busy": True}, {"campaign_state": CampaignState.ENDED}
CLOSED: dict[str, Any] = {"plan": BUSINESS, "zones": TOKYO}


@pytest.mark.parametrize(
    ("fields", "reason", "until"),
    [
        (PAUSED | CLOSED, "lifecycle", When("resumed")),  # an event before an instant
        (PAUSED | {"opt_outs": (OPT_OUT,)}, "suppression", Never("opted_out")),  # never before an event
        (PAUSED | BUSY, "lifecycle", When("resumed")),  # of two events the first
        (CLOSED | {"ledger": calling()}, "window", At(Instant(NOW + 9 * HOUR))),  # the later of two instants
        (DONE | {"opt_outs": (OPT_OUT,)}, "suppression", Never("opted_out")),  # the stronger of two exits
        (DONE | {"exiting": "erased", "opt_outs": (OPT_OUT,)}, "exit", Never("erased")),
        (DONE | {"ledger": suppressed("litigator")}, "suppression", Never("suppressed")),
        (DONE | {"abroad": True}, "country", Never("country_not_allowed")),
        ({"abroad": True, "opt_outs": (OPT_OUT,)}, "suppression", Never("opted_out")),
    ],
)
def test_one_refusal_speaks_for_all(fields: dict[str, Any], reason: str, until: Until) -> None:
    verdict = decide(facts_of(**fields), NOW)
    assert (verdict.reason, verdict.until) == (reason, until)
    assert verdict.ends == (until.reason if isinstance(until, Never) else None)
    assert len(verdict.refusals) >= 2


def test_the_record_of_a_decision() -> None:
    verdict = decide(facts_of(opt_outs=(OPT_OUT,), contact_busy=True, **CLOSED), NOW)
    written = {r.check: (r.ok, r.until) for r in verdict.records()}
    assert written == dict.fromkeys(CHECKS, (True, None)) | {
        "suppression": (False, "never"),
        "window": (False, NOW + 9 * HOUR),
        "contact_busy": (False, "when:contact_free"),
        "number_busy": (None, None),
        "slot": (None, None),
    }


def test_the_record_says_what_closes_and_when_each_turns() -> None:
    """The campaign's dates, a step's hours, a law and a limit at once, of somebody who may be in New York or in Los Angeles."""
    late = Layer("window", "the hours of step late", parse_weekly({"mon-sun": ["12:00-17:00"]}))
    step = Contacting("late", Channel.CALL, agent="ann", hours=(late,))
    plan = plan_of(step, window=SHUT.window, rules=LAWFUL.rules, caps=CAPPED.caps)
    verdict = decide(facts_of(plan=plan, step=step, zones=(NY, "America/Los_Angeles"), attempts=TWICE, **FLORIDA), NOW)
    assert {r.check: (r.until, r.detail) for r in verdict.records() if r.ok is False} == {
        "window": (
            NOW + 5 * HOUR,
            "outside the hours of step late: Tue 12:00-17:00; it is Tue 2026-11-24 10:00 in America/New_York",
        ),
        "holidays": (
            NOW + 26 * HOUR,
            "the hours: closed on blackout 2026-11-24; it is Tue 2026-11-24 10:00 in America/New_York",
        ),
        "law": (
            NOW + HOUR,
            "outside law US-FL (eight): Tue 08:00-20:00; it is Tue 2026-11-24 07:00 in America/Los_Angeles",
        ),
        "person_caps": (NOW + 4 * HOUR, "2 of 2 attempts in 24 h of this campaign: the campaign's limit"),
    }
    assert verdict.until == At(Instant(NOW + 29 * HOUR))  # tomorrow at noon in Los Angeles, when all are open at once


@pytest.mark.parametrize(
    ("at", "transit", "ok"),
    [
        (OPENS - 1, 0, False),
        (OPENS, 0, True),
        (CLOSES - 1, 0, True),
        (CLOSES, 0, False),
        (OPENS - 1, 250, False),
        (OPENS, 250, True),
        (CLOSES - 251, 250, True),
        (CLOSES - 250, 250, False),
        (CLOSES - 15_001, 15_000, True),  # a clock that runs 60 times as fast
        (CLOSES - 15_000, 15_000, False),
    ],
)
def test_the_edges_of_the_window(at: int, transit: int, ok: bool) -> None:
    facts = facts_of(plan=BUSINESS, transit=transit)
    verdict = decide(facts, Instant(at))
    assert verdict.ok == ok
    if ok:
        assert decide(facts, Instant(at)).open_until == CLOSES - transit
    else:
        assert verdict.until == At(OPENS if at < OPENS else Instant(OPENS + DAY))


def test_a_message_does_not_ring() -> None:
    facts = facts_of(plan=BUSINESS, step=TEXT)
    assert decide(facts, NOW).open_until == CLOSES + 30_000


@pytest.mark.parametrize(
    ("intervals", "transit", "opens"),
    [
        (["09:00-10:00"], 30 * MINUTE, OPENS + DAY),
        (["09:00-09:10", "13:00-15:00"], 30 * MINUTE, OPENS + 4 * HOUR),  # the short one is never long enough
        (["09:00-09:10"], 30 * MINUTE, None),  # none is: it must not be sought for ever
    ],
)
def test_ranges_too_short_for_the_transit_are_passed_over(intervals: list[str], transit: int, opens: int | None) -> None:
    facts = facts_of(plan=plan_of(window=weekly_window(parse_weekly({"mon-sun": intervals}), 0)), transit=transit)
    assert decide(facts, NOW).opens == opens
    if opens is None:
        assert decide(facts, NOW).ends == "no_window"


windows = st.builds(
    lambda days, start, length, cut: weekly_window(parse_weekly({days: [f"{start:02}:00-{start + length:02}:00"]}), cut),
    st.sampled_from(["mon", "mon-fri", "sat,sun"]),
    st.integers(0, 12),
    st.integers(1, 11),
    st.sampled_from([0, 30_000, 2 * HOUR]),
)
zone_sets = st.lists(st.sampled_from([NY, "Europe/London", "Asia/Kolkata"]), min_size=1, max_size=2, unique=True).map(tuple)


@given(windows, zone_sets, st.integers(0, 400 * DAY), st.sampled_from([0, 250, 15_000, HOUR]))
def test_what_the_window_says_holds_at_its_instant(window: Window, zones: tuple[str, ...], offset: int, transit: int) -> None:
    now = Instant(NOW + offset)
    facts = facts_of(plan=plan_of(window=window), zones=zones, transit=transit)
    match decide(facts, now).until:
        case None:
            until = decide(facts, now).open_until
            assert until is not None
            assert decide(facts, Instant(until - 1)).ok
            assert not decide(facts, until).ok
            assert is_open(window, zones, Instant(until - 1 + transit))
        case At(instant):
            assert instant > now
            assert decide(facts, instant).ok
            assert not decide(facts, Instant((now + instant) // 2)).ok
        case Never(reason):
            assert reason == "no_window"


states = st.builds(
    facts_of,
    campaign_state=st.sampled_from(CampaignState),
    starts_at=st.sampled_from([None, NOW - 1, NOW + 1]),
    plan=st.sampled_from([PLAN, BUSINESS, plan_of(window=ALWAYS)]),
    zones=st.sampled_from([(NY,), ("Asia/Tokyo",)]),
    step=st.sampled_from((FIRST, TEXT)),
    opt_outs=st.sampled_from(((), (OPT_OUT,))),
    exiting=st.sampled_from([None, "unenrolled", "erased"]),
    contact_busy=st.sampled_from([None, True, False]),
    ledger=st.sampled_from([None, suppressed(), suppressed("litigator"), calling()]),
    slot=st.sampled_from([None, SLOT]),
    real_us=st.sampled_from([0, SLOT.end]),
)


@given(states)
def test_the_strongest_refusal_speaks(facts: Facts) -> None:
    verdict: Verdict = decide(facts, NOW)
    nevers = [a.until.reason for a in verdict.refusals if isinstance(a.until, Never)]
    assert verdict.ok == (not verdict.refusals) == (verdict.until is None)
    assert all(a.until is not None for a in verdict.refusals)
    assert bool(nevers) == (verdict.ends is not None)
    assert all(verdict.ends is not None and stronger(verdict.ends, reason) == verdict.ends for reason in nevers)
    if not nevers and isinstance(verdict.until, At):
        assert not any(isinstance(a.until, When) for a in verdict.refusals)


@pytest.mark.parametrize("state", CampaignState)
@pytest.mark.parametrize("busy", [False, True])
def test_a_yes_holds_as_long_as_the_gate_would_give_it_again(state: CampaignState, busy: bool) -> None:
    plan, zones = plan_of(window=WORKDAY), (NY,)
    until = decide(Facts(plan, CampaignState.RUNNING, zones, FIRST, contact_busy=False), NOW).open_until
    assert until is not None
    for now in (NOW, Instant(until - 1), until):
        assert holds(state, busy, until, now) is decide(Facts(plan, state, zones, FIRST, contact_busy=busy, starts_at=NOW), now).ok


def test_an_email_is_of_no_country() -> None:
    plan = plan_of(TEXT, countries=frozenset({"US"}))
    assert plan.abroad("ana@example.com") is None
    assert plan.abroad("+442079460958") is True


def test_an_opt_out_of_the_only_channel_of_a_campaign_ends_it() -> None:
    mail = Contacting("mail", Channel.EMAIL, subject="Hi", template="Hi")
    left = (OptOutEntry("channel:email", "message", NOW, "c1"),)
    assert decide(facts_of(plan=plan_of(mail), step=mail, opt_outs=left), NOW).ends == "opted_out"
    assert decide(facts_of(plan=plan_of(mail, FIRST), step=mail, opt_outs=left), NOW).skips == "opted_out"
    assert decide(facts_of(plan=plan_of(mail, FIRST), opt_outs=left), NOW).ok


def test_limits_and_consent_of_emails_are_their_own() -> None:
    mail = Contacting("mail", Channel.EMAIL, subject="Hi", template="Hi")
    plan = plan_of(mail, FIRST, caps=(Cap(1, DAY, counted="email"),))
    written = (Attempt(NOW - HOUR, "spring", "email", "d1"),)
    assert decide(facts_of(plan=plan, step=mail, attempts=written), NOW).until == At(Instant(NOW - HOUR + DAY))
    assert decide(facts_of(plan=plan, attempts=written), NOW).ok
    asking = plan_of(mail, rules=Rules(PACK, "marketing"), purpose="marketing")
    by_call = (Consent(kind="express", channel="call"),)
    assert decide(facts_of(plan=asking, step=mail, consents=by_call, **FLORIDA), NOW).ends == "no_consent"
    by_email = (Consent(kind="express", channel="email"),)
    assert decide(facts_of(plan=asking, step=mail, consents=by_email, **FLORIDA), NOW).ok
