"""Small campaigns, people and records for the tests of the pure machines. Their day is Tuesday, 24 November 2026, 15:00 UTC."""

from typing import Any

from msgspec.structs import replace

from engine import flow
from engine.plan import Channel, Condition, Contacting, Plan, Retry, Step, Waiting
from engine.time import DAY, HOUR, MINUTE, Delay, Instant
from engine.windows import Window, parse_weekly, weekly_window
from schemas import ids
from schemas.command import Dial
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import EnrollmentRow, Exit, Last, Open, Profile, State

NOW = Instant(1_795_532_400_000)
PHONE, OTHER, NY = "+12125550101", "+12125550102", "America/New_York"
ALWAYS = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)
WORKDAY = weekly_window(parse_weekly({"mon-fri": ["09:00-17:00"]}), 30_000)  # in New York 14:00 to 22:00 UTC, less 30 s
SLOT = Slot("main", 1, NOW * 1000, NOW * 1000 + 5_000)
BUSY, NO_ANSWER = Retry(Delay(ms=15 * MINUTE), 2), Retry(Delay(ms=4 * HOUR), 1)
ENROLLMENT = ids.enrollment_id("c7", "spring", 1)


voicemail_left = Condition(lambda seen: bool(seen["last"]) and seen["last"]["disposition"] == "voicemail")


FIRST = Contacting("first", Channel.CALL, agent="ann", retry={"busy": BUSY, "no_answer": NO_ANSWER})
PAUSE = Waiting("pause", Delay(days=1))
SECOND = Contacting("second", Channel.CALL, agent="ann")
TEXT = Contacting("text", Channel.SMS, when=voicemail_left, template="Hi {{first_name}}")


def plan_of(*steps: Step, exits: str = "answered opted_out unreachable", window: Window = ALWAYS, **fields: Any) -> Plan:
    known: dict[str, Any] = {"campaign": "spring", "version": 1, "line": "main", "fallback_zone": NY, "fixed_zone": None}
    known |= {"numbers_tag": "sales", "numbers_list": ()} | fields
    return Plan(steps=steps or (FIRST, PAUSE, SECOND, TEXT), window=window, exits=frozenset(exits.split()), **known)


PLAN = plan_of()
PROFILE = Profile(contact_id="c7", phone=PHONE, zones=(NY,), variables={"first_name": "Ada"})


def row_of(state: State, step: str = "first", **fields: Any) -> EnrollmentRow:
    """An enrollment in `state`; ISSUED has its command open, EXITING has none unless told."""
    row = EnrollmentRow(
        enrollment_id=ENROLLMENT, contact_id="c7", campaign="spring", entry=1, version=1, state=state, step=step, due=NOW - 1_000
    )
    if state is State.AWAITING_CONTACT:
        row = replace(row, step="", due=0)
    if state is State.ISSUED:
        row = replace(row, open=open_of(1))
    if state in (State.EXITING, State.EXITED):
        row = replace(row, exit=Exit("campaign_ended", "c", NOW - 500))
    return replace(row, **fields)


def open_of(seq: int, channel: str = "call") -> Open:
    return Open(ids.dial_id(ENROLLMENT, seq), channel, PHONE, None, SLOT, NOW - 200)


def last_of(step: str, disposition: str) -> Last:
    return Last(step, "call", disposition, NOW - DAY, "d0")


def outcome_of(disposition: str, seq: int = 1, **fields: Any) -> Outcome:
    """How the command number `seq` of the enrollment ended, two minutes ago."""
    dial = ids.dial_id(ENROLLMENT, seq)
    known: dict[str, Any] = {"event_id": ids.event_id(dial, "outcome", dial), "channel": "call", "ended_at": NOW - 2 * MINUTE}
    about = {"enrollment_id": ENROLLMENT, "contact_id": "c7", "campaign": "spring", "version": 1, "entry": 1, "step": "first"}
    return Outcome(**(about | known | fields), dial_id=dial, seq=seq, address=PHONE, disposition=disposition)


def dial_of(seq: int = 1, channel: str = "call", **fields: Any) -> Dial:
    row = row_of(State.ISSUED, seq=seq, open=open_of(seq, channel))
    return replace(flow.command(row, PLAN, PROFILE), **fields)


def receipt_of(kind: str, seq: int = 1, **fields: Any) -> Receipt:
    dial = ids.dial_id(ENROLLMENT, seq)
    return Receipt(event_id=f"receipt-{kind}-{seq}", dial_id=dial, address=PHONE, kind=kind, **fields)
