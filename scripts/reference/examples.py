"""One record of each kind, of one person's way through one campaign: Ada Example, called by `spring` on 24 November 2026."""

from typing import Any

from msgspec import to_builtins

from engine import lifecycle
from engine.alarms import Alarm
from engine.feed import told_alarm, told_paused, told_resumed
from engine.lifecycle import Resume
from engine.time import DAY, HOUR, MINUTE, Instant
from schemas import ids
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion
from schemas.command import Dial, Link, Revoke, Unlink
from schemas.contact import Contact
from schemas.crm import CrmUpdate
from schemas.deadletter import DeadLetter
from schemas.decision import AnswerRecord, Decision
from schemas.enrollment import Act, Callback, Enroll, Goal, OptOut, Unenroll
from schemas.event import Event, EventKind
from schemas.line import Demand, Grant, Slot, Spent
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.resources import Agent, Halt, Line, Number, SuppressionList
from schemas.rows import (
    ActionRow,
    Call,
    CallState,
    EnrollmentRow,
    Exit,
    Last,
    LedgerRow,
    LinkRow,
    Profile,
    State,
    SuppressionEntry,
    TotalsRow,
)
from schemas.suppression import Suppression

AT = 1_795_532_400_000  # 2026-11-24T15:00:00Z
ENDED = AT + 95_000
PHONE, CALLER, NY = "+12125550142", "+12125550101", "America/New_York"
SLOT = Slot(line="main", epoch=3, start=AT * 1000, end=AT * 1000 + 5_000, granted=AT * 1000 - 200_000)
ENROLLMENT = ids.enrollment_id("ada", "spring", 1)
DIAL = ids.dial_id(ENROLLMENT, 1)
PERSON: dict[str, Any] = {"enrollment_id": ENROLLMENT, "contact_id": "ada", "campaign": "spring", "version": 1, "entry": 1}


def _id(cause: str, kind: str) -> dict[str, Any]:
    return {"event_id": ids.event_id(cause, kind, ENROLLMENT), "cause": cause}


def _event(kind: EventKind, at: int, step: str | None = None, **data: Any) -> Event:
    return Event(**_id(DIAL, kind), **PERSON, kind=kind, at=at, step=step, data=data)


ENROLL = Enroll(event_id=ids.digest("enroll", "ada"), contact_id="ada", campaign="spring", at=AT - 60_000, source="crm")
DIALED = Dial(
    **_id(DIAL, "dial"),
    **PERSON,
    dial_id=DIAL,
    step="call",
    seq=1,
    channel="call",
    address=PHONE,
    caller=CALLER,
    zones=(NY,),
    slot=SLOT,
    agent="renewals-agent",
    variables={"first_name": "Ada", "plan": "family"},
    at=AT,
)
OUTCOME = Outcome(
    **_id(DIAL, "outcome"),
    **PERSON,
    dial_id=DIAL,
    step="call",
    seq=1,
    channel="call",
    address=PHONE,
    disposition="answered",
    caller=CALLER,
    provider_call_id="4751cd05bd2525fb",
    requested_at=AT + 2,
    ended_at=ENDED,
    talk_ms=80_000,
)
RUNNING = CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=AT)
PAUSED = lifecycle.paused(RUNNING, Instant(AT + HOUR), "wrong script")
RESUMED = lifecycle.resumed(PAUSED, Instant(AT + 2 * HOUR), Resume("expire", DAY, 10 * MINUTE))
HOOKED = ids.digest("action", OUTCOME.event_id, "tell-crm")
_ACTION = {"action": "tell-crm", "action_id": HOOKED, "does": "webhook"}
ACTION = ActionRow(
    stamp=(AT, 10),
    **PERSON,
    action_id=HOOKED,
    action="tell-crm",
    cause=OUTCOME.event_id,
    at=ENDED,
    outcome=OUTCOME,
    variables={"first_name": "Ada", "plan": "family"},
    tries=1,
    error="it was answered 503",
    due=ENDED + 5_000,
)
EVENTS: dict[EventKind, Event] = {
    EventKind.ENROLLED: _event(EventKind.ENROLLED, AT - 59_000),
    EventKind.ENROLLMENT_REFUSED: _event(EventKind.ENROLLMENT_REFUSED, AT, reason="too_soon"),
    EventKind.STEP_DUE: _event(EventKind.STEP_DUE, AT - 1_000, "call", due=AT - 1_000),
    EventKind.CALL_PLACED: _event(EventKind.CALL_PLACED, AT, "call", dial_id=DIAL, address=PHONE),
    EventKind.CALLBACK_SCHEDULED: _event(
        EventKind.CALLBACK_SCHEDULED, ENDED, "call", asked="2026-11-26T17:30", due=ENDED + 7_200_000
    ),
    EventKind.STEP_SKIPPED: _event(EventKind.STEP_SKIPPED, ENDED, "text", reason="condition"),
    EventKind.CALL_ENDED: _event(EventKind.CALL_ENDED, ENDED, "call", dial_id=DIAL, disposition="answered"),
    EventKind.MESSAGE_SENT: _event(EventKind.MESSAGE_SENT, ENDED, "text", dial_id=DIAL, disposition="sent"),
    EventKind.MESSAGE_STATUS: _event(
        EventKind.MESSAGE_STATUS, ENDED + 9_000, "text", dial_id=DIAL, disposition="delivered", address=PHONE
    ),
    EventKind.RETRY_SCHEDULED: _event(EventKind.RETRY_SCHEDULED, ENDED, "call", due=ENDED + 900_000, disposition="busy"),
    EventKind.EXITED: _event(EventKind.EXITED, ENDED, reason="answered", attempts=1, reached=True),
    EventKind.PAUSED: told_paused(PAUSED, "cli", "wrong script"),
    EventKind.RESUMED: told_resumed(RESUMED, RESUMED.pauses[-1]),
    EventKind.ALERT: told_alarm(PAUSED, Alarm("opt_out_rate", 0.055, 0.05, 200)),
    EventKind.ACTION_DONE: _event(EventKind.ACTION_DONE, ENDED + 6_000, **_ACTION, tries=1),
    EventKind.ACTION_FAILED: _event(EventKind.ACTION_FAILED, ENDED + 90_000_000, **_ACTION, tries=11, reason="it was answered 503"),
    EventKind.ACTION_SKIPPED: _event(
        EventKind.ACTION_SKIPPED, ENDED + 6_000, action="thanks", action_id=HOOKED, does="sms", tries=0, reason="opted_out"
    ),
}
FILE = {
    "id": "spring",
    "numbers": {"tag": "sales-us"},
    "line": "main",
    "agent": "renewals-agent",
    "flow": [{"id": "call", "call": {}}],
}
WINDOW = {"weekly": {"mon-fri": ["09:00-17:00"]}, "timezone": {"use": "contact", "fallback": NY}}

RECORDS: tuple[Any, ...] = (
    CampaignVersion(id="spring", version=1, file=FILE | {"window": WINDOW}, at=AT - 900_000),
    RESUMED,
    Agent(id="renewals-agent", name="Robin"),
    Number(number=CALLER, tags=["sales-us"]),
    Line(id="main", calls_per_second=5, concurrency=20),
    Contact(id="ada", phone=PHONE, first_name="Ada", state="NY", postal_code="10001", country="US", variables={"plan": "family"}),
    ENROLL,
    Unenroll(event_id=ids.digest("unenroll", "ada"), contact_id="ada", campaign="spring", at=AT, source="crm"),
    OptOut(event_id=ids.digest("opt_out", "ada"), contact_id="ada", address=PHONE, at=AT, source="crm"),
    Callback(
        event_id=ids.digest("callback", "ada"),
        contact_id="ada",
        campaign="spring",
        at=AT,
        source="crm",
        callback_at="2026-11-26T17:30",
    ),
    Goal(event_id=ids.digest("goal", "ada"), contact_id="ada", goal="paid", at=AT, source="crm"),
    Profile(
        stamp=(AT, 1),
        contact_id="ada",
        phone=PHONE,
        zones=(NY,),
        zone_sources={"postal_code": (NY,), "phone": (NY,)},
        variables={"first_name": "Ada", "plan": "family"},
    ),
    EnrollmentRow(
        stamp=(AT, 7),
        **PERSON,
        state=State.EXITING,
        step="call",
        seq=2,
        due=AT,
        last=Last("call", "call", "answered", ENDED, DIAL),
        attempts=1,
        reached=True,
        exit=Exit("answered", OUTCOME.event_id, ENDED),
    ),
    ACTION,
    Act(event_id=ids.digest("act", "ada"), contact_id="ada", campaign="spring", action_id=HOOKED, row=to_builtins(ACTION)),
    CrmUpdate(
        event_id=ids.digest("action", OUTCOME.event_id, "renewal-reached"),
        cause=OUTCOME.event_id,
        **PERSON,
        name="renewal-reached",
        action="crm-reached",
        at=ENDED,
        outcome=OUTCOME,
        variables={"first_name": "Ada", "plan": "family"},
    ),
    TotalsRow(stamp=(AT, 9), partition=3, exits={"spring": {"answered": 812}}, attempts={"spring": 1130}),
    Demand(
        line="main",
        partition=3,
        epoch=3,
        seen=41,
        ready={"spring": 120},
        oldest=AT - 4_000,
        in_flight=6,
        open={"spring": 6},
        spent={"spring": Spent(day=AT - AT % 86_400_000, calls=212, cost=8_480_000, priced=1_940, price=77_600_000)},
        lead=40_000,
        skew=300,
        at=AT * 1000,
        writer=AT,
    ),
    Grant(
        line="main",
        epoch=3,
        partition=3,
        number=42,
        t0=SLOT.start,
        step=203_000,
        n=4,
        width=5_000,
        granted=SLOT.granted,
        campaign="spring",
    ),
    DIALED,
    Revoke(**_id(DIAL, "revoke"), dial_id=DIAL, address=PHONE, reason="unenrolled", slot_end=SLOT.end),
    Link(**_id(ENROLL.event_id or "", "link"), address=PHONE, contact_id="ada"),
    Unlink(**_id(ENROLL.event_id or "", "unlink"), address=PHONE, contact_id="ada"),
    Receipt(
        event_id=ids.digest("receipt", DIAL),
        dial_id=DIAL,
        address=PHONE,
        kind="ended",
        provider_call_id="4751cd05bd2525fb",
        disposition="answered",
        started_at=AT + 2_000,
        ended_at=ENDED,
        talk_ms=80_000,
    ),
    LedgerRow(
        stamp=(AT, 8),
        address=PHONE,
        calls={
            DIAL: Call(
                dial_id=DIAL, state=CallState.SETTLED, channel="call", contact_id="ada", accepted=True, closing=OUTCOME, at=AT
            )
        },
        suppressions=(SuppressionEntry(scope="all", reason="opted_out", source="call", spoke=True, at=ENDED),),
    ),
    LinkRow(stamp=(AT, 6), address=PHONE, contact_id="ada"),
    Halt(id="state/US-TX", country="US", state="US-TX", reason="state of emergency", at=AT),
    SuppressionList(id="us-national", as_of=AT, entries=1_000_000, at=AT),
    Suppression(event_id=ids.digest("suppress", PHONE), address=PHONE, source="crm", spoke=True, at=AT),
    OUTCOME,
    *EVENTS.values(),
    Decision(
        **_id(DIAL, "decision"),
        dial_id=DIAL,
        address=PHONE,
        contact_id="ada",
        campaign="spring",
        version=1,
        point="reserve",
        ok=False,
        answers=(AnswerRecord("lifecycle", True), AnswerRecord("window", False, AT + 3_600_000), AnswerRecord("slot", None)),
        at=AT,
    ),
    DeadLetter(
        topic="contacts",
        partition=3,
        offset=1742,
        reason="Object missing required field `id`",
        error="ValidationError",
        key_base64="YWRh",
        value_base64="e30=",
        at=AT,
    ),
)
