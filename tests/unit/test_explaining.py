"""What `explain` prints, to the letter, in five situations; and that nobody is ever stuck without a reason that is told."""

from typing import Any

import pytest
from msgspec.structs import replace

from cli.dossier import Dossier, Found
from cli.explain import _as_json, _print
from cli.explaining import explain
from cli.read import Snapshot
from cli.usage import Usage
from engine.compile import compile_plan
from engine.decisions import of_due
from engine.gate import Facts, decide
from engine.plan import Contacting
from engine.resources import ResourceIndex
from engine.time import DAY, HOUR, MINUTE, Instant
from schemas.campaign import CampaignFile, CampaignHead, CampaignState
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.resources import Halt, Number
from schemas.rows import Attempt, Consent, EnrollmentRow, Exit, LedgerRow, OptOutEntry, Profile, State, SuppressionEntry

NOW = Instant(1_780_359_300_000)  # Monday, 1 June 2026, 19:15 in Chicago, 20:15 in New York
PHONE = "+13125550144"
FILE = {
    "id": "service",
    "purpose": "informational",
    "agent": "robin",
    "numbers": {"tag": "us"},
    "line": "main",
    "window": {"weekly": {"mon-fri": ["09:00-20:50"]}, "timezone": {"fallback": "America/New_York"}, "ring_timeout": "30s"},
    "rules": {"pack": "us", "version": "2026-11"},
    "caps": [{"max": 1, "per": "24h"}],
    "flow": [{"id": "reminder", "call": {}}, {"id": "pause", "wait": "24h"}, {"id": "second", "call": {}}],
}
PLAN = compile_plan(CampaignFile.model_validate(FILE), 1)
CAL = Profile(
    contact_id="cal",
    phone=PHONE,
    zones=("America/Chicago",),
    zone_sources={"postal_code": ("America/Chicago",)},
    jurisdictions=("US-IL",),
    jurisdiction_sources={"postal_code": ("US-IL",)},
    consents=(Consent(kind="express", source="web form"),),
)
NUMBERS = (Number(number="+12125550100", tags=["us"]),)
ROW = EnrollmentRow(
    enrollment_id="e1",
    contact_id="cal",
    campaign="service",
    entry=1,
    version=1,
    state=State.WAITING,
    step="reminder",
    due=NOW - MINUTE,
)
STORM = Halt(id="state/US-IL", country="US", state="US-IL", reason="storm", at=NOW - HOUR)


def dossier(
    row: EnrollmentRow = ROW, profile: Profile = CAL, state: CampaignState = CampaignState.RUNNING, halts: tuple[Halt, ...] = ()
) -> Dossier:
    heads = {"service": CampaignHead(id="service", version=1, state=state, at=NOW - DAY)}
    plans = Snapshot(heads, {}, ResourceIndex.of(NUMBERS), {("service", 1): PLAN}, halts)
    return Dossier("cal", plans, NOW, 1.0, profile, {row.key: row})


def printed(
    capsys: pytest.CaptureFixture[str],
    one: Dossier,
    at: int = NOW,
    ledger: LedgerRow = LedgerRow(address=PHONE),  # noqa: B008
) -> list[str]:
    ledgers = {PHONE: ledger}
    _print(Instant(at), NOW, [(one, explain(one, ledgers, Instant(at), None))], ledgers)
    return capsys.readouterr().out.splitlines()


HEAD = [
    "cal  +13125550144",
    "  time zones     America/Chicago (postal_code)",
    "  jurisdictions  US-IL (postal_code)",
    "  consent        express, for anything (web form)",
]
#: Check -> its yes.
YES = {
    "lifecycle": "    yes lifecycle     the campaign runs",
    "halt": "    yes halt          nothing is halted",
    "exit": "    yes exit          the person is in the campaign",
    "suppression": "    yes suppression   not opted out or suppressed",
    "lists": "    yes lists         the suppression lists are up to date",
    "consent": "    yes consent       consented to",
    "window": "    yes window        inside the calling window",
    "holidays": "    yes holidays      no holiday or blackout date",
    "law": "    yes law           inside the hours of the law",
    "number caps": "    yes number caps   the number's limits have room",
    "person caps": "    yes person caps   the person's limits have room",
    "number": "    yes number        there is a number to call from",
    "contact busy": "    yes contact busy  no other call to the person",
    "number busy": "    yes number busy   no other call to the number",
    "slot": "    -   slot          not asked at this point",
}
ENTRY = "  campaign service version 1, step reminder: its step is due since Mon 2026-06-01 19:14:00 CDT"


def others(*refused: str) -> list[str]:
    return [line for check, line in YES.items() if check not in refused]


def test_the_law_of_another_state_is_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody of Illinois with a number of Florida: both laws hold, in both zones."""
    here, there = ("America/Chicago",), ("America/New_York",)
    ada = replace(
        CAL,
        zones=here + there,
        zone_sources={"postal_code": here, "phone": there},
        jurisdictions=("US-FL", "US-IL"),
        jurisdiction_sources={"postal_code": ("US-IL",), "phone": ("US-FL",)},
    )
    shown = printed(capsys, dossier(profile=ada))
    assert shown[1:3] == [
        "  time zones     America/Chicago, America/New_York (postal_code + phone)",
        "  jurisdictions  US-FL, US-IL (postal_code + phone)",
    ]
    assert shown[6] == (
        "  NO  at Mon 2026-06-01 19:15:00 CDT a contact is refused; "
        "not before Tue 2026-06-02 09:00:00 CDT, when all hours are open at once"
    )
    assert shown[7].startswith("    no  law           outside law US-FL ")
    assert "Fla. Stat. 501.616(6)(a)" in shown[7]
    assert shown[7].endswith("it is Mon 2026-06-01 20:15 in America/New_York, until Tue 2026-06-02 08:00:00 CDT")
    assert shown[8:] == others("law")


@pytest.mark.parametrize(
    ("declared", "until", "why"),
    [
        (
            {"daily_cap": 1},
            "not before Mon 2026-06-01 23:00:00 CDT",
            "the number has had its calls of the day",
        ),
        ({"resting": True}, "until a number is declared for it, or has rested", "the campaign's number is resting"),
    ],
)
def test_there_is_no_number_to_call_from(
    capsys: pytest.CaptureFixture[str], declared: dict[str, Any], until: str, why: str
) -> None:
    """Another person of the same partition had the last call of the day."""
    one, numbers = dossier(), [number.model_copy(update=declared) for number in NUMBERS]
    one.plans = Snapshot(one.plans.heads, {}, ResourceIndex.of(numbers), {("service", 1): PLAN})
    bob = replace(CAL, contact_id="bob", attempts=(Attempt(NOW - HOUR, "autumn", "call", "d1", NUMBERS[0].number),))
    one.usage = Usage.of(one.rows, {"bob": bob}, 1, 1.0)
    shown = printed(capsys, one)
    assert shown[6] == f"  NO  at Mon 2026-06-01 19:15:00 CDT a contact is refused; {until}"
    assert shown[7].startswith(f"    no  number        {why}, until ")
    assert shown[8:] == others("number")


def test_somebody_opted_out_in_another_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    asked = Outcome(
        event_id="o1", dial_id="d1", enrollment_id="e0", contact_id="cal", campaign="renewals", version=1, entry=1, step="call",
        seq=1, address=PHONE, channel="call", disposition="answered", ended_at=NOW - HOUR, opt_out="all",
    )  # fmt: skip
    left = replace(ROW, state=State.EXITED, exit=Exit("opted_out", "o1", NOW - HOUR))
    one = dossier(left, replace(CAL, opt_outs=(OptOutEntry("all", "call", NOW - HOUR, "o1"),)))
    one.outcomes = [Found(asked, "call-outcomes/0/0", NOW)]
    entry = SuppressionEntry(scope="all", reason="opted_out", source="call", spoke=True, at=NOW - HOUR)
    assert printed(capsys, one, ledger=LedgerRow(address=PHONE, suppressions=(entry,))) == [
        *HEAD,
        "  opted out      of everything, Mon 2026-06-01 18:15:00 CDT, in a call of campaign renewals to +13125550144",
        "  suppressed     +13125550144: all, opted out, asked for at this address, since Mon 2026-06-01 23:15:00 UTC (call)",
        "",
        "  campaign service version 1, step reminder: has left: opted out",
    ]


def test_a_limit_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    made = (Attempt(NOW - 10 * MINUTE, "service", "call", "d1"),)
    detail = "limits are reached (1 of 1 attempt in 24 h of this campaign: the campaign's limit), until Tue 2026-06-02 19:05:00 CDT"
    one = dossier(profile=replace(CAL, attempts=made))
    assert printed(capsys, one, ledger=LedgerRow(address=PHONE, attempts=made)) == [
        *HEAD,
        "  attempt        Mon 2026-06-01 19:05:00 CDT: call, campaign service",
        "",
        ENTRY,
        "  NO  at Mon 2026-06-01 19:15:00 CDT a contact is refused; not before Tue 2026-06-02 19:05:00 CDT",
        f"    no  number caps   the number's {detail}",
        f"    no  person caps   the person's {detail}",
        *others("number caps", "person caps"),
    ]


def test_a_halt_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, dossier(halts=(STORM,))) == [
        *HEAD,
        "",
        ENTRY,
        "  NO  at Mon 2026-06-01 19:15:00 CDT a contact is refused; until the halt is lifted",
        "    no  halt          contacts to US-IL are halted since 2026-06-01 23:15Z: storm, until the halt is lifted",
        *others("halt"),
    ]


def test_why_somebody_was_refused_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Of an instant in the past the records tell: what was decided, on what, and what had happened. Nothing of later."""
    then = Instant(NOW - 11 * HOUR)  # 08:15 in Chicago
    one = dossier(profile=replace(CAL, opt_outs=(OptOutEntry("all", "call", NOW - HOUR, "o1"),)))
    enrolled = Event(
        event_id="v1",
        cause="c1",
        kind="enrolled",
        enrollment_id="e1",
        contact_id="cal",
        campaign="service",
        version=1,
        entry=1,
        at=then,
    )
    step = PLAN.step("reminder")
    assert isinstance(step, Contacting)
    verdict = decide(Facts(PLAN, CampaignState.RUNNING, CAL.zones, step, CAL.jurisdictions, CAL.consents), then)
    one.events = [Found(enrolled, "campaign-events/0/0", then)]
    one.decisions = [Found(of_due(ROW, PHONE, verdict, then), "decisions/0/0", then)]
    shown = printed(capsys, one, at=then + HOUR)
    assert shown[:4] == HEAD
    assert "opted out" not in "\n".join(shown)
    refused = (
        "  NO  at Mon 2026-06-01 08:15:00 CDT a contact was refused, decided when the step fell due; "
        "not before Mon 2026-06-01 09:00:00 CDT"
    )
    assert refused in shown
    (window,) = [line for line in shown if line.startswith("    no  window")]
    assert window.endswith("it is Mon 2026-06-01 08:15 in America/Chicago, until Mon 2026-06-01 09:00:00 CDT")
    assert "    Mon 2026-06-01 08:15:00 CDT  Enrolled, on version 1 of the campaign." in shown


def test_an_instant_to_come_is_computed_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, dossier(), at=NOW + 12 * HOUR)
    assert "  NO  at Tue 2026-06-02 07:15:00 CDT a contact would be refused; not before Tue 2026-06-02 09:00:00 CDT" in shown
    assert shown[-1] == "    computed from what is known now, if nothing else happens until then"
    assert any(line.startswith("  YES  at ") for line in printed(capsys, dossier(), at=NOW + 15 * HOUR))


def test_of_an_instant_behind_a_wait_the_step_behind_it_is_asked_for() -> None:
    waits = replace(ROW, step="pause", due=NOW + DAY)
    (now,) = explain(dossier(waits), {}, NOW, None)
    assert (now.ok, now.state, now.due) == (None, "waits for its next step until", NOW + DAY)
    (then,) = explain(dossier(waits), {}, Instant(NOW + DAY), None)
    assert (then.ok, then.step, then.state) == (True, "second", "its step is due since")


def test_for_programs() -> None:
    one = dossier(halts=(STORM,))
    ledgers = {PHONE: LedgerRow(address=PHONE)}
    body: dict[str, Any] = _as_json("cal", NOW, NOW, [(one, explain(one, ledgers, NOW, None))], ledgers)
    assert body["mode"] == "now"
    (enrollment,) = body["people"][0]["enrollments"]
    assert (enrollment["ok"], enrollment["reason"], enrollment["until"]) == (False, "halt", "when:halt_lifted")
    assert enrollment["due"] == "2026-06-02T00:14:00.000Z"


# --- complaint 13: stuck, and nothing says why ------------------------------------------------------------------------------------


PAUSED, DRAFT, RUNNING = CampaignState.PAUSED, CampaignState.DRAFT, CampaignState.RUNNING
CAPPED = replace(CAL, attempts=(Attempt(NOW - HOUR, "service", "call", "d1"),))
#: (row, profile, campaign, halts) -> the check that speaks, and when it turns
STUCK: list[tuple[EnrollmentRow, Profile, CampaignState, tuple[Halt, ...], str, int | str]] = [
    (ROW, CAL, DRAFT, (), "lifecycle", "when:started"),
    (ROW, CAL, PAUSED, (), "lifecycle", "when:resumed"),
    (ROW, CAL, RUNNING, (STORM,), "halt", "when:halt_lifted"),
    (ROW, CAPPED, RUNNING, (), "person_caps", NOW + 23 * HOUR),
    (ROW, replace(CAL, zones=("Europe/London",)), RUNNING, (), "window", NOW + 7 * HOUR + 45 * MINUTE),
    (ROW, replace(CAL, consents=()), RUNNING, (), "consent", "never"),
]


@pytest.mark.parametrize(("row", "profile", "state", "halts", "check", "until"), STUCK)
def test_complaint_13_whoever_is_stuck_is_told_why_and_until_when(
    row: EnrollmentRow, profile: Profile, state: CampaignState, halts: tuple[Halt, ...], check: str, until: int | str
) -> None:
    (told,) = explain(dossier(row, profile, state, halts), {}, NOW, None)
    assert (told.ok, told.reason, told.until) == (False, check, until)
