"""The enrollment's machine: one person's passage through one campaign. Everything that affects its state stands in this file.

Theory of operation
-------------------
A row (`schemas.rows.EnrollmentRow`) is in one of five states. It changes only by `transition(row, input, now, plan, profile)`, a
pure function over one table, `TABLE`: (state, input) -> handler. A pair that is not in the table is an error in this file, so pairs
that change nothing are in it too, as `_stay`. docs/flow.md shows the table as it runs.

*Ready* is not a state: a WAITING row whose instant has come and to whom the gate says yes is put in the ready queue
(engine/ready.py), without a write. A row that the gate refuses for now stays WAITING, and its `due` stays where it was: the reason
why it is late can be asked of the gate at any time.

What cannot be taken back follows its row (design rule 3). A dial command is named in the row (ISSUED, `open`) and sent only when
the row is acknowledged (`Result.after`). An exit is named in the row (EXITING, `exit`) and `exited` is emitted only in the step
that follows (`Result.then` = Finish). After a crash the same row leads to the same records, with the same ids.

An exit while a command is out waits for its closing (EXITING with `open`), because the closing may bring a stronger reason: a
person who answers while the campaign is being stopped has answered. Once nothing is open the reason is decided, however strong the
next one is: `exited` may have been said.

`seq` numbers the attempts, whether they rang or not, so that `dial_id = H(enrollment, seq)` names one command for ever. A closing
is taken for the open command only; whatever else arrives (a repeat, a late one) changes nothing.

A closing leads, in this order, to: the exit that it means (opted_out above all); the call that the person asked for; the exit
`answered`, or `unreachable` if no number is left; the same step once more, by the next number or as `retry` says; the way `then`.
A step that is not taken, for whatever reason, leads to `otherwise`. Ways may lead back, but not without end: that is found when
the campaign is applied (engine/faults_flow.py), so `_enter` comes to a step, or to the end, after as many steps as there are.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from engine import tries
from engine.callbacks import allowed_from, callback_instant
from engine.commands import dial
from engine.errors import RecordError
from engine.feed import told_of
from engine.plan import Channel, Contacting, Exiting, Plan, Step, Waiting
from engine.reach import address_for, lacking, message, reachable
from engine.retries import LISTED_EXITS, Disposition, effect, stronger
from engine.suppression import leaves
from engine.time import NEVER, Instant
from engine.windows import add_delay, clock_next, clock_of
from schemas import ids
from schemas.command import Dial, Revoke
from schemas.event import Event, EventKind
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Exit, Last, Open, Profile, State, Wanted

# Members by name, which is faster (see engine/gate.py).
_WAITING, _ISSUED, _EXITING, _EXITED = State.WAITING, State.ISSUED, State.EXITING, State.EXITED
_NOT_DIALED, _CALL = Disposition.NOT_DIALED, Channel.CALL

# --- inputs: all that can happen to an enrollment ---------------------------------------------------------------------------------


class Enroll(msgspec.Struct, frozen=True, gc=False):
    """A record asked for it. There is no row yet."""

    contact_id: str
    campaign: str
    entry: int
    cause: str


class ContactChanged(msgspec.Struct, frozen=True, gc=False):
    """The person's profile is known, or changed."""

    cause: str


class Leave(msgspec.Struct, frozen=True, gc=False):
    """The person, or somebody for the person, asked out: opted_out, unenrolled."""

    reason: str
    cause: str


class Reached(msgspec.Struct, frozen=True, gc=False):
    """A goal was reached, somewhere else. It ends the enrollment if the campaign lists it."""

    goal: str
    cause: str


class Callback(msgspec.Struct, frozen=True, gc=False):
    """The person asked to be called at a time, elsewhere than in a call of this enrollment."""

    asked: str
    cause: str


class CampaignEnded(msgspec.Struct, frozen=True, gc=False):
    """The head of the campaign says ended. No revoke: the gate sees it by itself (design rule 12)."""

    cause: str


class Due(msgspec.Struct, frozen=True, gc=False):
    """The timer's instant has come. Waits end here, and steps whose condition does not hold are skipped."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The gate said never: of the person, or of the step's channel alone (`skips`)."""

    reason: str
    skips: bool = False


class Granted(msgspec.Struct, frozen=True, gc=False):
    """A slot for the person's step."""

    slot: Slot
    caller: str | None


class Closing(msgspec.Struct, frozen=True, gc=False):
    """The dialer closed a command."""

    outcome: Outcome


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The row says EXITING, durably, and no command is open."""


Input = Enroll | ContactChanged | Leave | Reached | Callback | CampaignEnded | Due | Refused | Granted | Closing | Finish
Sent = Event | Dial | Revoke


class Result(msgspec.Struct, frozen=True, gc=False):
    """The row after; what is emitted before it is written; what is sent, and which input follows, once it is durable."""

    row: EnrollmentRow
    emit: tuple[Sent, ...] = ()
    after: tuple[Sent, ...] = ()
    then: Input | None = None


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a handler may look at besides row and input."""

    now: Instant
    plan: Plan
    profile: Profile | None

    @property
    def zones(self) -> tuple[str, ...]:
        return self.plan.clocks(self.profile.zones if self.profile else ())


# --- questions that a stage may ask -----------------------------------------------------------------------------------------------


def contacting(row: EnrollmentRow, plan: Plan) -> Contacting:
    """The step the row stands at. Raises TypeError at one that only waits."""
    step = plan.by_id[row.step]
    if not isinstance(step, Contacting):
        raise TypeError(f"step {step.id!r} of {plan.campaign} contacts nobody")
    return step


def moves_when_due(row: EnrollmentRow, plan: Plan, profile: Profile | None, now: Instant) -> bool:
    """Whether Due changes the row: a wait that is over, or a step that is not taken. Else the gate is asked."""
    step = plan.by_id[row.step]
    return not isinstance(step, Contacting) or _skip_reason(row, step, Context(now, plan, profile)) is not None


def too_late_from(row: EnrollmentRow, plan: Plan) -> Instant:
    """From when on the step is not taken any more; NEVER: it is, however late."""
    step = plan.by_id[row.step]
    if not isinstance(step, Contacting) or step.late is None or step.late.do == "call":
        return NEVER
    return Instant((row.fell_due or row.due) + step.late.after + 1)


def step_due(row: EnrollmentRow) -> Event:
    """That the step fell due, the very same each time."""
    return told_of(row, EventKind.STEP_DUE, tick_cause(row), Instant(row.due), {"due": row.due}, row.step)


def command(row: EnrollmentRow, plan: Plan, profile: Profile) -> Dial:
    """The dial command that the row names."""
    step = contacting(row, plan)
    texts = _message(step, profile)
    return dial(row, step, plan, profile, cause=tick_cause(row), seq=row.seq, texts=texts, variables=profile.variables)


def tick_cause(row: EnrollmentRow) -> str:
    """The cause of what a timer or a slot makes happen (design rule 1)."""
    times = row.callbacks + sum(row.visits.values())  # people may come to a step again, and at the very same instant
    return ids.tick_id(row.enrollment_id, f"{row.step} {times}" if times else row.step, row.seq, row.due)


# --- handlers ---------------------------------------------------------------------------------------------------------------------


def _stay(row: EnrollmentRow, _inp: Input, _ctx: Context) -> Result:
    """Changes nothing."""
    return Result(row)


def _contact_known(row: EnrollmentRow, inp: ContactChanged, ctx: Context) -> Result:
    """The first step, now that there is somebody to contact; or the call that the person has asked for meanwhile."""
    entered = _enter(row, ctx.plan.steps[0], ctx.now, inp.cause, ctx)
    if row.wanted is None or entered.row.state is not _WAITING:
        return entered
    wanted = replace(entered.row, wanted=None)
    return _call_back(wanted, row.wanted, ctx.now, ctx, entered.emit) or Result(wanted, entered.emit)


def _leave(row: EnrollmentRow, inp: Leave, ctx: Context) -> Result:
    """At once; a command that is out is revoked, and closes first."""
    if _decided(row):
        return Result(row)
    result = _exit(row, inp.reason, inp.cause, ctx)
    if row.open is None:
        return result
    revoke = Revoke(
        event_id=ids.event_id(inp.cause, "revoke", row.open.dial_id),
        cause=inp.cause,
        dial_id=row.open.dial_id,
        address=row.open.address,
        reason=inp.reason,
        slot_end=row.open.slot.end,
    )
    return Result(result.row, result.emit, after=(revoke,))


def _reached(row: EnrollmentRow, inp: Reached, ctx: Context) -> Result:
    """As if the person had asked out, if it is a goal of this campaign."""
    return _leave(row, Leave("goal", inp.cause), ctx) if inp.goal in ctx.plan.goals else Result(row)


def _callback(row: EnrollmentRow, inp: Callback, ctx: Context) -> Result:
    """The next call is the one that was asked for, whatever the person waits for now."""
    return _call_back(row, Wanted(inp.asked, inp.cause), ctx.now, ctx, ()) or Result(row)


def _callback_later(row: EnrollmentRow, inp: Callback, _ctx: Context) -> Result:
    """A command is out, or nobody is known yet: noted, and looked at when that has changed."""
    return Result(replace(row, wanted=Wanted(inp.asked, inp.cause)))


def _campaign_ended(row: EnrollmentRow, inp: CampaignEnded, ctx: Context) -> Result:
    """At once; a command that is out closes first."""
    if _decided(row):
        return Result(row)
    return _exit(row, "campaign_ended", inp.cause, ctx)


def _due(row: EnrollmentRow, _inp: Due, ctx: Context) -> Result:
    """The end of a wait or a step that is not taken: the next step. A step that is to be taken stays until it is granted a slot."""
    step, cause = ctx.plan.by_id[row.step], tick_cause(row)
    if not isinstance(step, Contacting):
        return _advance(row, Instant(row.due), cause, ctx)
    reason = _skip_reason(row, step, ctx)
    if reason is None:
        return Result(row)
    if reason == "no_address" and "unreachable" in ctx.plan.exits and not reachable(ctx.profile, ctx.plan.channels, row.bad):
        return _exit(row, "unreachable", cause, ctx)
    if reason == "late" and step.late is not None and step.late.do == "exit":
        return _exit(row, "expired", cause, ctx)
    return _skipped(row, reason, cause, ctx)


def _refused(row: EnrollmentRow, inp: Refused, ctx: Context) -> Result:
    """The exit that the gate named; or the next step, if only this one's channel may not be used."""
    cause = tick_cause(row)
    return _skipped(row, inp.reason, cause, ctx) if inp.skips else _exit(row, inp.reason, cause, ctx)


def _granted(row: EnrollmentRow, inp: Granted, ctx: Context) -> Result:
    """Names the command in the row. A slot that comes for a step that contacts nobody lapses."""
    if ctx.profile is None or moves_when_due(row, ctx.plan, ctx.profile, ctx.now):
        return Result(row)
    channel = contacting(row, ctx.plan).channel
    open_ = Open(
        dial_id=ids.dial_id(row.enrollment_id, row.seq),
        channel=channel,
        address=address_for(ctx.profile, channel, row.bad) or "",
        caller=inp.caller,
        slot=inp.slot,
        at=ctx.now,
    )
    issued = replace(row, state=_ISSUED, open=open_)
    return Result(issued, after=(command(issued, ctx.plan, ctx.profile),))


def _closed(row: EnrollmentRow, inp: Closing, ctx: Context) -> Result:
    """The open command's closing leads to an exit, a retry, or the next step; any other closing changes nothing."""
    outcome = inp.outcome
    if row.open is None or outcome.dial_id != row.open.dial_id:
        return Result(row)
    if outcome.disposition == _NOT_DIALED:
        return _not_dialed(row, outcome, ctx)
    closed, told = _account(row, outcome, ctx)
    reason, ended = _exit_of(closed, outcome, ctx), Instant(outcome.ended_at)
    if reason != "opted_out" and (wanted := _wanted(row, outcome)) is not None:
        back = _call_back(closed, wanted, ended, ctx, told)
        if back is not None:
            return back
    if reason:
        return _exit(closed, reason, outcome.event_id, ctx, before=told)
    return _retry(closed, outcome, ctx, told) or _advance(closed, ended, outcome.event_id, ctx, before=told)


def _closed_while_exiting(row: EnrollmentRow, inp: Closing, ctx: Context) -> Result:
    """The last command closed: the stronger of the two reasons holds."""
    outcome = inp.outcome
    if row.open is None or outcome.dial_id != row.open.dial_id:
        return Result(row)
    if outcome.disposition == _NOT_DIALED:
        return _not_dialed(row, outcome, ctx) if outcome.ends else Result(replace(row, open=None, seq=row.seq + 1), then=Finish())
    closed, told = _account(row, outcome, ctx)
    reason = _exit_of(closed, outcome, ctx)
    return _exit(closed, reason, outcome.event_id, ctx, before=told) if reason else Result(closed, emit=told, then=Finish())


def _finish(row: EnrollmentRow, _inp: Finish, _ctx: Context) -> Result:
    """Says `exited`, once per enrollment, and shrinks the row."""
    if row.open is not None or row.exit is None:
        return Result(row)
    counts = {"reason": row.exit.reason, "attempts": row.attempts, "reached": row.reached}
    exited = told_of(row, EventKind.EXITED, row.exit.cause, Instant(row.exit.at), counts)
    shrunk = EnrollmentRow(
        enrollment_id=row.enrollment_id,
        contact_id=row.contact_id,
        campaign=row.campaign,
        entry=row.entry,
        version=row.version,
        state=_EXITED,
        step=row.step,
        seq=row.seq,
        attempts=row.attempts,
        reached=row.reached,
        exit=row.exit,
    )
    return Result(shrunk, emit=(exited,))


# --- what handlers share ----------------------------------------------------------------------------------------------------------


def _enter(row: EnrollmentRow, step: Step | None, at: Instant, cause: str, ctx: Context, before: tuple[Sent, ...] = ()) -> Result:
    """Stands the row at `step`, counted from `at`, or at the first on its way that is not passed over; no step left: the end."""
    while step is not None and (passed := _passed_over(row, step, ctx)):
        if isinstance(step, Contacting):
            before = (*before, _used_up(row, step, cause, passed, ctx))
        step = ctx.plan.otherwise(step.id)
    if step is None:
        asked = "unreachable" in ctx.plan.exits and _CALL in ctx.plan.channels  # who is only written to need not be reached
        reason = "unreachable" if asked and not row.reached else "completed"
        return _exit(row, reason, cause, ctx, before=before)
    if isinstance(step, Exiting):
        return _exit(replace(row, step=step.id), step.reason, cause, ctx, before=before)
    visits = row.visits if step.max_visits is None else row.visits | {step.id: row.visits.get(step.id, 0) + 1}
    entered = replace(
        row,
        state=_WAITING,
        step=step.id,
        due=_due_from(step, at, ctx),
        fell_due=0,
        visits=visits,
        tries={},
        taken=0,
        failed=(),
        unrung=0,
        promised=False,
    )
    return Result(entered, emit=before)


def _used_up(row: EnrollmentRow, step: Step, cause: str, reason: str, ctx: Context) -> Event:
    """One input may pass over several steps: each has an event of its own."""
    told = told_of(row, EventKind.STEP_SKIPPED, cause, ctx.now, {"reason": reason}, step.id)
    return replace(told, event_id=ids.event_id(cause, EventKind.STEP_SKIPPED, f"{row.enrollment_id}/{step.id}"))


def _passed_over(row: EnrollmentRow, step: Step, ctx: Context) -> str | None:
    """Why the person does not even stop at a step; the conditions of calls and messages are asked when they fall due."""
    if step.max_visits is not None and row.visits.get(step.id, 0) >= step.max_visits:
        return "visits"
    return None if isinstance(step, Contacting) or _holds(row, step, ctx) else "condition"


def _due_from(step: Contacting | Waiting, at: Instant, ctx: Context) -> Instant:
    if isinstance(step, Waiting):
        return add_delay(step.delay, at, ctx.zones, ctx.plan.window)
    return at if step.at is None else clock_next(step.at, at, ctx.zones)


def _skipped(row: EnrollmentRow, reason: str, cause: str, ctx: Context) -> Result:
    """The step is not taken; what follows counts from when it fell due."""
    told = told_of(row, EventKind.STEP_SKIPPED, cause, ctx.now, {"reason": reason}, row.step)
    return _enter(row, ctx.plan.otherwise(row.step), Instant(row.due), cause, ctx, before=(told,))


def _advance(row: EnrollmentRow, at: Instant, cause: str, ctx: Context, before: tuple[Sent, ...] = ()) -> Result:
    return _enter(row, ctx.plan.after(row.step), at, cause, ctx, before)


def _exit(row: EnrollmentRow, reason: str, cause: str, ctx: Context, before: tuple[Sent, ...] = ()) -> Result:
    """Names the exit in the row, the stronger one if there is one already; Finish follows once nothing is open."""
    decided = Exit(reason, cause, ctx.now)
    if row.exit is not None and stronger(row.exit.reason, reason) == row.exit.reason:
        decided = row.exit
    return Result(replace(row, state=_EXITING, exit=decided), emit=before, then=Finish() if row.open is None else None)


def _decided(row: EnrollmentRow) -> bool:
    """Whether nothing can change the exit any more: before a crash `exited` may have been said already, with this very reason."""
    return row.state is _EXITING and row.open is None


def _account(row: EnrollmentRow, outcome: Outcome, ctx: Context) -> tuple[EnrollmentRow, tuple[Sent, ...]]:
    """The attempt is over: counts it, and tells of it."""
    what = effect(ctx.plan.meaning(outcome.disposition))
    kind = EventKind.CALL_ENDED if outcome.channel == _CALL else EventKind.MESSAGE_SENT
    data = {"dial_id": outcome.dial_id, "disposition": outcome.disposition}
    if outcome.opt_out is not None:
        data["opt_out"] = outcome.opt_out
    told = told_of(row, kind, outcome.event_id, Instant(outcome.ended_at), data, row.step)
    closed = replace(
        row,
        open=None,
        seq=row.seq + 1,
        fell_due=0,
        attempts=row.attempts + what.counts,
        taken=row.taken + what.counts,
        reached=row.reached or what.reached,
        bad=(*row.bad, outcome.address) if what.bad and outcome.address not in row.bad else row.bad,
        wanted=None,
        promised=False,
        last=Last(row.step, outcome.channel, outcome.disposition, outcome.ended_at, outcome.dial_id),
    )
    return closed, (told,)


def _exit_of(row: EnrollmentRow, outcome: Outcome, ctx: Context) -> str | None:
    """The exit that an outcome means: an opt-out of all or of this campaign always, others if the campaign lists them.

    A bad number means one only once the person has no other address at all.
    """
    if outcome.opt_out and leaves(outcome.opt_out, outcome.campaign, ctx.plan.channels):
        return "opted_out"
    reason = effect(ctx.plan.meaning(outcome.disposition)).exit
    if reason == "unreachable" and reachable(ctx.profile, ctx.plan.channels, row.bad):
        return None
    return reason if reason in ctx.plan.exits & LISTED_EXITS else None


def _wanted(row: EnrollmentRow, outcome: Outcome) -> Wanted | None:
    """The call that the person has asked for: in this one, or elsewhere while it was out."""
    if outcome.callback_at is not None:
        return Wanted(outcome.callback_at, outcome.event_id)
    return row.wanted


def _call_back(row: EnrollmentRow, wanted: Wanted, asked_at: Instant, ctx: Context, before: tuple[Sent, ...]) -> Result | None:
    """Waits for the call that was asked for, at the step it is nearest to; None if it cannot be: no such time, or too many."""
    step = _calling(row, ctx.plan)
    if step is None or row.callbacks >= ctx.plan.callbacks or ctx.profile is None:
        return None
    zones = ctx.plan.zones(ctx.profile.zones)
    asked = callback_instant(wanted.asked, ctx.zones, asked_at)
    if asked is None:
        return None
    due, moved = allowed_from(asked, ctx.plan.terms(step, ctx.profile.jurisdictions).window, zones)
    data: dict[str, Any] = {"asked": wanted.asked, "due": due} | ({"moved": moved} if moved else {})
    told = told_of(row, EventKind.CALLBACK_SCHEDULED, wanted.cause, ctx.now, data, step.id)
    here = row if step.id == row.step else replace(row, step=step.id, tries={}, taken=0, failed=())
    back = replace(here, state=_WAITING, due=due, fell_due=0, unrung=0, callbacks=row.callbacks + 1, promised=True)
    return Result(back, emit=(*before, told))


def _calling(row: EnrollmentRow, plan: Plan) -> Contacting | None:
    """The call step that a callback belongs to: this one, else the next in the file, else the last before; None: there is none."""
    calls = [(i, step) for i, step in enumerate(plan.steps) if isinstance(step, Contacting) and step.channel is _CALL]
    here = next((i for i, step in enumerate(plan.steps) if step.id == row.step), 0)
    behind = [step for i, step in calls if i >= here]
    return behind[0] if behind else calls[-1][1] if calls else None


def _retry(row: EnrollmentRow, outcome: Outcome, ctx: Context, before: tuple[Sent, ...]) -> Result | None:
    """The same step once more, or None (engine/tries.py)."""
    step = contacting(row, ctx.plan)
    again = tries.again(row, step, outcome, ctx.plan, ctx.profile, ctx.zones)
    if again is None:
        return None
    data: dict[str, Any] = {"due": again.row.due, "disposition": outcome.disposition} | ({"why": again.why} if again.why else {})
    told = told_of(row, EventKind.RETRY_SCHEDULED, outcome.event_id, ctx.now, data, row.step)
    return Result(replace(again.row, state=_WAITING), emit=(*before, told))


def _not_dialed(row: EnrollmentRow, outcome: Outcome, ctx: Context) -> Result:
    """Uses up no attempt. The same step again when the reason has passed; never: the exit, or the next step."""
    due = Instant(outcome.retry_at or ctx.now)
    closed = replace(row, state=_WAITING, open=None, seq=row.seq + 1, due=due, fell_due=row.fell_due or row.due)
    if outcome.skips:
        return _skipped(closed, outcome.skips, outcome.event_id, ctx)
    if outcome.ends:
        return _exit(closed, outcome.ends, outcome.event_id, ctx)
    if row.wanted is None:
        return Result(closed)
    return _call_back(replace(closed, wanted=None), row.wanted, ctx.now, ctx, ()) or Result(replace(closed, wanted=None))


def _skip_reason(row: EnrollmentRow, step: Contacting, ctx: Context) -> str | None:
    """Why a step is not taken, None if it is. A condition has its say before the first attempt, and never against a promise."""
    if step.when is not None and not row.taken and not row.unrung and not row.promised and not _holds(row, step, ctx):
        return "condition"
    if step.late is not None and ctx.now >= too_late_from(row, ctx.plan):
        return "late"
    return lacking(step, ctx.profile, row.bad)


def _message(step: Contacting, profile: Profile) -> tuple[str | None, str | None]:
    """Subject and text. None if the contact lost a variable since the command was issued: by then it can only close, not send."""
    try:
        return message(step, profile.variables)
    except RecordError:
        return None, None


def _holds(row: EnrollmentRow, step: Step, ctx: Context) -> bool:
    if step.when is None:
        return True
    last = row.last
    seen: dict[str, Any] = {
        "last": {"disposition": last.disposition, "channel": last.channel, "step": last.step, "at": last.at} if last else None,
        "attempts": row.attempts,
        "contact": ctx.profile.variables if ctx.profile else {},
    }
    if "local" in step.when.names:
        seen["local"] = _local(ctx)
    return step.when.holds(seen)


def _local(ctx: Context) -> dict[str, Any]:
    clock = clock_of(ctx.now, ctx.zones[0])
    return {"hour": clock.hour, "minute": clock.minute, "weekday": f"{clock:%a}".casefold(), "date": f"{clock:%Y-%m-%d}"}


# --- the table --------------------------------------------------------------------------------------------------------------------

Handler = Callable[[EnrollmentRow, Any, Context], Result]

TABLE: dict[tuple[State, type[Any]], Handler] = {
    (State.AWAITING_CONTACT, ContactChanged): _contact_known,
    (State.AWAITING_CONTACT, Leave): _leave,
    (State.AWAITING_CONTACT, Reached): _reached,
    (State.AWAITING_CONTACT, Callback): _callback_later,
    (State.AWAITING_CONTACT, CampaignEnded): _campaign_ended,
    (State.AWAITING_CONTACT, Due): _stay,
    (State.AWAITING_CONTACT, Refused): _refused,
    (State.AWAITING_CONTACT, Granted): _stay,
    (State.AWAITING_CONTACT, Closing): _stay,
    (State.AWAITING_CONTACT, Finish): _stay,
    (State.WAITING, ContactChanged): _stay,
    (State.WAITING, Leave): _leave,
    (State.WAITING, Reached): _reached,
    (State.WAITING, Callback): _callback,
    (State.WAITING, CampaignEnded): _campaign_ended,
    (State.WAITING, Due): _due,
    (State.WAITING, Refused): _refused,
    (State.WAITING, Granted): _granted,
    (State.WAITING, Closing): _stay,
    (State.WAITING, Finish): _stay,
    (State.ISSUED, ContactChanged): _stay,
    (State.ISSUED, Leave): _leave,
    (State.ISSUED, Reached): _reached,
    (State.ISSUED, Callback): _callback_later,
    (State.ISSUED, CampaignEnded): _campaign_ended,
    (State.ISSUED, Due): _stay,
    (State.ISSUED, Refused): _stay,
    (State.ISSUED, Granted): _stay,
    (State.ISSUED, Closing): _closed,
    (State.ISSUED, Finish): _stay,
    (State.EXITING, ContactChanged): _stay,
    (State.EXITING, Leave): _leave,
    (State.EXITING, Reached): _reached,
    (State.EXITING, Callback): _stay,
    (State.EXITING, CampaignEnded): _campaign_ended,
    (State.EXITING, Due): _stay,
    (State.EXITING, Refused): _stay,
    (State.EXITING, Granted): _stay,
    (State.EXITING, Closing): _closed_while_exiting,
    (State.EXITING, Finish): _finish,
    (State.EXITED, ContactChanged): _stay,
    (State.EXITED, Leave): _stay,
    (State.EXITED, Reached): _stay,
    (State.EXITED, Callback): _stay,
    (State.EXITED, CampaignEnded): _stay,
    (State.EXITED, Due): _stay,
    (State.EXITED, Refused): _stay,
    (State.EXITED, Granted): _stay,
    (State.EXITED, Closing): _stay,
    (State.EXITED, Finish): _stay,
}


def enroll(inp: Enroll, now: Instant, plan: Plan, profile: Profile | None) -> Result:
    """A new row, at the first step if the person is known."""
    enrollment = ids.enrollment_id(inp.contact_id, inp.campaign, inp.entry)
    row = EnrollmentRow(
        enrollment_id=enrollment,
        contact_id=inp.contact_id,
        campaign=inp.campaign,
        entry=inp.entry,
        version=plan.version,
        state=State.AWAITING_CONTACT,
    )
    told = told_of(row, EventKind.ENROLLED, inp.cause, now, {})
    known = profile if profile is not None and profile.known else None
    ctx = Context(now, plan, known)
    return _enter(row, plan.steps[0], now, inp.cause, ctx, before=(told,)) if known else Result(row, emit=(told,))


def transition(row: EnrollmentRow, inp: Input, now: Instant, plan: Plan, profile: Profile | None) -> Result:
    """The row after `inp`, and its effects. Pure; raises KeyError for a pair that the table does not have."""
    return TABLE[row.state, type(inp)](row, inp, Context(now, plan, profile))
