"""Why a person may, or may not, be contacted at an instant: the gate's own answers, from what the topics hold. Pure.

Now and later: the very function that the workers ask, with today's facts at that instant, the address's ledger row included.
Before: what was decided and happened by then, from the records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as fields_of

from msgspec.structs import replace as with_fields

from cli.dossier import Dossier
from cli.entries import Entry
from cli.history import history
from cli.reasons import View, facts_of
from engine import flow
from engine.answers import Answer, reason_of, record
from engine.errors import OutdialError
from engine.gate import Verdict, decide
from engine.pauses import consequential, expired, let_out, moved
from engine.plan import Contacting, Plan, Waiting
from engine.reach import address_for
from engine.time import Instant
from schemas.campaign import CampaignState, Pause
from schemas.decision import AnswerRecord, Decision
from schemas.rows import EnrollmentRow, LedgerRow, State

#: What happened last, in so many entries.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Explained:
    """One enrollment at one instant. ok: whether the gate says yes; None: it is not the gate's to say, `state` tells why."""

    campaign: str
    entry: int
    version: int
    step: str
    state: str  # in words
    zones: tuple[str, ...]
    ok: bool | None = None
    until: int | str | None = None  # of a no: campaign ms when it turns, `when:<event>`, or `never`
    reason: str | None = None  # the check that speaks for the no
    answers: tuple[AnswerRecord, ...] = ()
    decision: Decision | None = None  # of an instant in the past: the last that was written by then
    before: tuple[Entry, ...] = ()  # likewise: what had happened last
    due: int | None = None  # campaign ms that `state` speaks of
    held: tuple[str, int] | None = None  # nobody of the campaign gets a slot: what is used up, in words, and until when


def explain(one: Dossier, ledgers: Mapping[str, LedgerRow], at: Instant, campaign: str | None) -> list[Explained]:
    """Each enrollment of a person, in the order of their campaigns. `ledgers`: the rows of the person's addresses."""
    rows = [row for _, row in sorted(one.rows.items()) if campaign in (None, row.campaign)]
    past = at < one.now
    return [_then(one, row, at) if past else _asked(one, row, ledgers, at) for row in rows]


def _asked(one: Dossier, row: EnrollmentRow, ledgers: Mapping[str, LedgerRow], at: Instant) -> Explained:
    """Now, or at an instant to come, if nothing else happens until then."""
    told = _told(one, row, _standing(row))
    try:
        plan = one.plans.plan(row.campaign, row.version)
    except OutdialError as error:
        return fields_of(told, state=str(error))
    if row.state is not State.WAITING:
        return told
    pauses = _pauses(one, row.campaign)
    row = _by(moved(row, pauses), plan, at)
    told = fields_of(told, due=row.due)
    if not isinstance(plan.step(row.step), Contacting):
        return fields_of(told, state="waits for its next step until")
    if reason := _skip(one, row, plan, at, pauses):
        return fields_of(told, state=reason)
    verdict = _verdict(one, row, plan, ledgers, at)
    state = "its step is not due before" if row.due > at else "its step is due since"
    if (turn := let_out(row, pauses)) > at and row.due <= at:
        told, state = fields_of(told, due=turn), "its step was overdue when a pause ended, and is let out at"
    held = one.used.get(row.campaign)
    return _with(fields_of(told, step=row.step, held=held if held and at < held[1] else None), verdict, state)


def _by(row: EnrollmentRow, plan: Plan, at: Instant) -> EnrollmentRow:
    """The row at an instant when a wait will be over: at the step behind it."""
    following = plan.after(row.step) if isinstance(plan.step(row.step), Waiting) and row.due <= at else None
    return row if following is None else with_fields(row, step=following.id)


def _verdict(one: Dossier, row: EnrollmentRow, plan: Plan, ledgers: Mapping[str, LedgerRow], at: Instant) -> Verdict:
    profiles = {one.contact_id: one.profile} if one.profile else {}
    view = View.of(one.rows, profiles, one.plans, at, one.rate, usage=one.usage)
    facts = facts_of(row, plan, one.profile, view)
    address = address_for(one.profile, facts.step.channel, row.bad) if one.profile else None
    ledger = ledgers.get(address or "", LedgerRow(address=address or ""))
    return decide(with_fields(facts, ledger=ledger), at)


def _pauses(one: Dossier, campaign: str) -> tuple[Pause, ...]:
    """Those that change when somebody is due; none while another one lasts, for then nobody moves."""
    head = one.plans.heads.get(campaign)
    return consequential(head.pauses) if head and head.state is not CampaignState.PAUSED else ()


def _skip(one: Dossier, row: EnrollmentRow, plan: Plan, at: Instant, pauses: tuple[Pause, ...]) -> str | None:
    if flow.moves_when_due(row, plan, one.profile, at):
        return "its step will be passed over"
    return (
        "its step will be passed over, because a pause has held it up for too long" if expired(Instant(row.due), pauses) else None
    )


def _then(one: Dossier, row: EnrollmentRow, at: Instant) -> Explained:
    """What records say of an instant in the past."""
    made = (f.record for f in one.decisions if f.record.campaign == row.campaign and f.record.at <= at)
    last = max((d for d in made if d.enrollment_id in ("", row.enrollment_id)), key=lambda d: d.at, default=None)
    before = [e for e in history(one) if e.at <= at and e.kind not in ("now", "decided") and e.campaign in (None, row.campaign)]
    told = Explained(row.campaign, row.entry, row.version, last.step if last else "", "as recorded", _zones(one, row))
    return _past(told, last, tuple(before[-SHOWN:]))


def _past(told: Explained, last: Decision | None, before: tuple[Entry, ...]) -> Explained:
    state = "as recorded" if before or last else "no record of that time is left, or there was none"
    if last is None:
        return fields_of(told, state=state, before=before)
    no = next((a for a in last.answers if a.ok is False), None)
    until, reason = (no.until, reason_of(no.check)) if no else (None, None)
    answers = last.answers
    return fields_of(told, state=state, ok=last.ok, until=until, reason=reason, answers=answers, decision=last, before=before)


def _with(told: Explained, verdict: Verdict, state: str) -> Explained:
    until = record(Answer("", False, verdict.until)).until
    return fields_of(told, state=state, ok=verdict.ok, until=until, reason=verdict.reason, answers=verdict.records())


def _told(one: Dossier, row: EnrollmentRow, state: str) -> Explained:
    return Explained(row.campaign, row.entry, row.version, row.step, state, _zones(one, row))


def _zones(one: Dossier, row: EnrollmentRow) -> tuple[str, ...]:
    own = one.profile.zones if one.profile else ()
    try:
        return one.plans.plan(row.campaign, row.version).zones(own)
    except OutdialError:
        return own


def _standing(row: EnrollmentRow) -> str:
    match row.state:
        case State.AWAITING_CONTACT:
            return "waits for the person's details"
        case State.ISSUED:
            return "a command for it is under way"
        case State.EXITING | State.EXITED if row.exit:
            return f"has left: {row.exit.reason.replace('_', ' ')}"
    return "waits"
