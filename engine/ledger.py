"""The address's ledger: at most one call per attempt, one call in flight per number, nobody after an opt-out.

Theory of operation
-------------------
One row an address holds its commands, its suppressions and the revokes that came early. `apply(row, input, moment)` is pure; the
dialer writes the row it returns and sends what it emits.

A command (`schemas.rows.Call`) has two states. RESERVED: written and acknowledged before the sender may touch it, with `not_after`,
the instant from which no request can leave any more. SETTLED: it carries its one closing record. There is no way back, and no way
from "we do not know" to a second request (design rule 9):

    Dial --gate yes--> RESERVED --ended, rejected, refused, revoked, given up--> SETTLED
    Dial --gate no---------------------------------------------------------------> SETTLED (not_dialed)

Whatever arrives for a SETTLED command is answered with the closing it has (a repeated Dial) or adds an opt-out (a late receipt).
A RESERVED command whose end nobody reports is looked up at its `deadline`; a provider whose look-up is not authoritative, or that
does not answer either, leaves `unknown`: counted as made, the number free again, the flow goes on.
"""

from collections.abc import Callable, Collection
from typing import Any

import msgspec
from msgspec.structs import replace

from engine import decisions
from engine.answers import BUSY_AGAIN, At
from engine.caps import attempt_of, recent, with_attempt
from engine.feed import told_of
from engine.gate import Verdict
from engine.plan import Channel
from engine.retries import Disposition, effect
from engine.suppression import known_scope
from engine.time import DAY, HOUR, SECOND, Instant
from schemas import ids
from schemas.command import Dial
from schemas.decision import Decision
from schemas.enrollment import Goal, OptOut
from schemas.event import Event, EventKind
from schemas.outcome import Outcome
from schemas.receipt import Receipt, ReceiptKind
from schemas.rows import Attempt, Call, CallState, LedgerRow, SuppressionEntry
from schemas.suppression import Suppression

#: Real ms behind `not_after` before a command without any receipt is looked up: the provider's own log must have settled.
LOOKUP_MARGIN = 2 * SECOND

#: Real ms between look-ups, and how many there are before a command is given up as unknown.
LOOKUP_AGAIN = 5 * SECOND
MAX_LOOKUPS = 5

#: The goal that a person reaches who calls us.
CALLED_US = "called_us"

#: Campaign ms for which a settled command stays in its row, to answer repeats with the very same closing.
KEEP_SETTLED = 7 * DAY
#: Real ms behind `not_after` for which one that was not dialed stays: a number that is refused again and again must not grow.
KEEP_REFUSED = HOUR
#: The most settled commands of either kind that stay: a number that many people share would outgrow a record (a megabyte).
MOST_DIALED, MOST_REFUSED = 256, 16


#: Members by name, which is faster (see engine/gate.py).
_RESERVED, _SETTLED = CallState.RESERVED, CallState.SETTLED
_ACCEPTED, _ENDED, _CALLED, _CALL = ReceiptKind.ACCEPTED, ReceiptKind.ENDED, ReceiptKind.CALLED, Channel.CALL
_UNKNOWN, _NOT_DIALED = Disposition.UNKNOWN, Disposition.NOT_DIALED


class Reserve(msgspec.Struct, frozen=True, gc=False):
    """A dial command and what the gate says of it. Real ms: no request after `not_after`, look up at `deadline`.

    requested_by: `not_after` on the campaign's clock.
    """

    dial: Dial
    verdict: Verdict
    not_after: int
    deadline: int
    requested_by: Instant


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """The sender's own asking, right before the request, was a no; or the command is handed over (`reason`)."""

    dial_id: str
    verdict: Verdict | None = None
    reason: str | None = None


class Withdraw(msgspec.Struct, frozen=True, gc=False):
    """A revoke. `waiting`: the command is still in the sender's heap, nothing was requested."""

    dial_id: str
    reason: str
    slot_end: int  # real µs
    cause: str
    waiting: bool


class Told(msgspec.Struct, frozen=True, gc=False):
    """A receipt. `deadline` (real ms): when a call that was accepted now must have ended."""

    receipt: Receipt
    deadline: int


class Overdue(msgspec.Struct, frozen=True, gc=False):
    """The deadline of a command has passed (real ms)."""

    dial_id: str


class Suppress(msgspec.Struct, frozen=True, gc=False):
    """An entry to add or remove."""

    entry: Suppression
    cause: str


class Linked(msgspec.Struct, frozen=True, gc=False):
    """A contact can now be reached here."""

    contact_id: str


Input = Reserve | Refuse | Withdraw | Told | Overdue | Suppress | Linked
Sent = Outcome | Event | OptOut | Goal | Decision


class Result(msgspec.Struct, frozen=True, gc=False):
    """The row after (None: unchanged), what to emit, whether to request or look up, and when to look again (real ms)."""

    row: LedgerRow | None = None
    emit: tuple[Sent, ...] = ()
    request: bool = False
    lookup: bool = False
    wake: int | None = None


class Moment(msgspec.Struct, frozen=True, gc=False):
    """The instant of an input on both clocks, and who is linked to the address.

    now: of a receipt, when it came to its topic, so that one which is read again after a crash makes the very same closing.
    """

    now: Instant
    real_ms: int
    contacts: Collection[str] = ()


def apply(row: LedgerRow, inp: Input, ctx: Moment) -> Result:
    """The row after `inp`, and its effects."""
    return _HANDLERS[type(inp)](row, inp, ctx)


# --- commands ---------------------------------------------------------------------------------------------------------------------


def _reserve(row: LedgerRow, inp: Reserve, ctx: Moment) -> Result:
    dial, known = inp.dial, row.calls.get(inp.dial.dial_id)
    if known is not None:
        return Result(emit=(known.closing,) if known.closing else ())
    call = Call(
        dial_id=dial.dial_id,
        state=_RESERVED,
        channel=dial.channel,
        contact_id=dial.contact_id,
        not_after=inp.not_after,
        deadline=inp.deadline,
        template=_template(dial),
        at=ctx.now,
        requested_by=inp.requested_by,
    )
    revoked = row.revoked.get(dial.dial_id)
    if revoked is not None:
        early = {k: v for k, v in row.revoked.items() if k != dial.dial_id}
        return _settle(replace(row, revoked=early), call, ctx, Disposition.NOT_DIALED, reason="revoked", cause=dial.event_id)
    decided = decisions.of_command(dial, "reserve", dial.event_id, inp.verdict, ctx.now)
    if not inp.verdict.ok:
        return _deny(row, call, inp.verdict, ctx, decided)
    if inp.not_after <= row.closed_until:  # it may be one of those that were closed, and are not kept any more
        again, why = int(ctx.now + BUSY_AGAIN), "number_busy"
        return _settle(row, call, ctx, Disposition.NOT_DIALED, reason=why, cause=dial.event_id, retry_at=again)
    return Result(_with(row, call, ctx), emit=(decided,), request=True, wake=inp.deadline)


def _refuse(row: LedgerRow, inp: Refuse, ctx: Moment) -> Result:
    call = row.calls.get(inp.dial_id)
    if call is None or call.state is _SETTLED:
        return Result()
    if inp.verdict is None:
        return _settle(row, call, ctx, Disposition.NOT_DIALED, reason=inp.reason, cause=call.dial_id)
    assert call.template is not None
    told = decisions.of_command(call.template, "request", call.dial_id, inp.verdict, ctx.now)
    return _deny(row, call, inp.verdict, ctx, told)


def _withdraw(row: LedgerRow, inp: Withdraw, ctx: Moment) -> Result:
    """Closes a command that waits for its slot, notes it on one that was requested, remembers it for one that has yet to come."""
    call = row.calls.get(inp.dial_id)
    if call is None:
        if inp.slot_end // 1000 < ctx.real_ms:
            return Result()
        early = {k: v for k, v in row.revoked.items() if v[1] // 1000 >= ctx.real_ms}
        return Result(replace(row, revoked=early | {inp.dial_id: (inp.reason, inp.slot_end)}))
    if call.state is _SETTLED:
        return Result()
    if inp.waiting:
        return _settle(row, call, ctx, Disposition.NOT_DIALED, reason="revoked", cause=inp.cause)
    return Result(_with(row, replace(call, revoked=inp.reason), ctx))


def _overdue(row: LedgerRow, inp: Overdue, ctx: Moment) -> Result:
    """Nobody has said how it ended: ask, and after MAX_LOOKUPS count it as made and go on."""
    call = row.calls.get(inp.dial_id)
    if call is None or call.state is _SETTLED:
        return Result()
    if ctx.real_ms < call.deadline:
        return Result(wake=call.deadline)
    if call.lookups >= MAX_LOOKUPS:
        return _settle(row, call, ctx, Disposition.UNKNOWN, reason="no_outcome", cause=call.dial_id)
    again = ctx.real_ms + LOOKUP_AGAIN
    return Result(_with(row, replace(call, lookups=call.lookups + 1, deadline=again), ctx), lookup=True, wake=again)


# --- receipts ---------------------------------------------------------------------------------------------------------------------


def _told(row: LedgerRow, inp: Told, ctx: Moment) -> Result:
    """What the provider said. An opt-out counts whatever became of the command."""
    receipt = inp.receipt
    if receipt.kind == _CALLED:
        return Result(emit=_called_us(receipt, ctx))
    call = row.calls.get(receipt.dial_id)
    if call is None or call.state is _SETTLED:
        result = Result(emit=_status(row, call, receipt, ctx))
    else:
        result = _told_open(row, call, inp, ctx)
    if receipt.permanent and call is not None:
        result = _bounced(row, result, call, receipt, ctx)
    if receipt.opt_out:
        return _opted_out(result.row or row, result, call, receipt, ctx)
    return result


def _told_open(row: LedgerRow, call: Call, inp: Told, ctx: Moment) -> Result:
    receipt, kind = inp.receipt, inp.receipt.kind
    if kind == _ACCEPTED:
        if call.channel != _CALL:
            return _settle(row, call, ctx, Disposition.SENT, receipt=receipt)
        accepted = replace(
            call,
            accepted=True,
            provider_call_id=receipt.provider_call_id,
            deadline=inp.deadline,
            requested_by=receipt.requested_by or call.requested_by,
        )
        return Result(_with(row, accepted, ctx), _placed(row, call, ctx), wake=inp.deadline)
    if kind == _ENDED or kind == ReceiptKind.REJECTED:
        settled = _settle(row, call, ctx, _disposition(receipt), receipt=receipt)
        told = _placed(row, call, ctx) if kind == _ENDED else ()  # its end may be told before it is said to be taken
        return Result(settled.row, (*told, *settled.emit))
    if kind == ReceiptKind.NOT_FOUND and not call.accepted:
        return _settle(row, call, ctx, _NOT_DIALED, reason="not_requested", cause=receipt.event_id)
    if kind == ReceiptKind.NOT_FOUND:
        return _settle(row, call, ctx, _UNKNOWN, reason="lost_by_provider", receipt=receipt)
    if kind == ReceiptKind.STATUS and call.channel != _CALL:  # it has overtaken the answer to the request
        sent = _settle(row, call, ctx, Disposition.SENT, receipt=receipt)
        assert sent.row is not None, "what settles changes the row"
        return replace(sent, emit=(*sent.emit, *_status(row, sent.row.calls[call.dial_id], receipt, ctx)))
    return Result(wake=call.deadline)  # unknown: the deadline that was set at the reservation stands


def _disposition(receipt: Receipt) -> str:
    """As the provider says; but that nobody was dialed, and may be dialed again, is not for a provider to say."""
    said = receipt.disposition
    return _UNKNOWN if said is None or said == _NOT_DIALED else said


def _status(row: LedgerRow, call: Call | None, receipt: Receipt, ctx: Moment) -> tuple[Sent, ...]:
    """Later news of a message, as an event; they move no flow (design rule 15)."""
    closing = call.closing if call else None
    if closing is None or receipt.kind != ReceiptKind.STATUS or receipt.disposition is None:
        return ()
    data: dict[str, Any] = {"dial_id": closing.dial_id, "disposition": receipt.disposition, "address": row.address}
    data |= {"permanent": True} if receipt.permanent else {}
    return (told_of(closing, EventKind.MESSAGE_STATUS, receipt.event_id, ctx.now, data, closing.step),)


def _bounced(row: LedgerRow, result: Result, call: Call, receipt: Receipt, ctx: Moment) -> Result:
    """Nothing arrives here by this channel: steps of it are passed over from now on, whoever they are for. The person stays."""
    entry = SuppressionEntry(
        scope=f"channel:{call.channel}", reason="bounced", source="provider", at=ctx.now, cause=receipt.event_id or receipt.dial_id
    )
    before = result.row or row
    after = _added(before, entry)
    return result if after is before else replace(result, row=after)


def _called_us(receipt: Receipt, ctx: Moment) -> tuple[Sent, ...]:
    """The person called us, which campaigns may have for a goal: told of each contact who is enrolled and reached here."""
    cause = receipt.event_id or receipt.provider_call_id or receipt.address
    return tuple(
        Goal(
            event_id=ids.event_id(cause, "goal", contact),
            cause=cause,
            contact_id=contact,
            at=ctx.now,
            source="call",
            goal=CALLED_US,
        )
        for contact in sorted(ctx.contacts)
    )


def _placed(row: LedgerRow, call: Call, ctx: Moment) -> tuple[Sent, ...]:
    """That the provider took the call: said once, by the first receipt that shows it."""
    if call.accepted or call.template is None or call.channel != _CALL:
        return ()
    data = {"dial_id": call.dial_id, "address": row.address}
    return (told_of(call.template, EventKind.CALL_PLACED, call.dial_id, ctx.now, data, call.template.step),)


def _opted_out(row: LedgerRow, result: Result, call: Call | None, receipt: Receipt, ctx: Moment) -> Result:
    entry = SuppressionEntry(
        scope=known_scope(receipt.opt_out or "all"),
        reason="opted_out",
        source="message" if receipt.kind == ReceiptKind.INBOUND or (call and call.channel != _CALL) else "call",
        spoke=True,
        at=ctx.now,
        cause=receipt.event_id or receipt.dial_id,
    )
    suppressed = _added(row, entry)
    # A message is about no command: whoever was called here may have sent it.
    reached = [each.contact_id for each in ([call] if call else row.calls.values())]
    contacts = dict.fromkeys((*reached, *sorted(ctx.contacts)))
    return Result(suppressed, (*result.emit, *_opt_outs(suppressed, contacts, ctx, entry.scope)), wake=result.wake)


def _linked(row: LedgerRow, inp: Linked, ctx: Moment) -> Result:
    """A contact who comes to an address where somebody has spoken is opted out like those who were there."""
    return Result(emit=_opt_outs(row, (inp.contact_id,), ctx))


# --- suppressions -----------------------------------------------------------------------------------------------------------------


def _suppress(row: LedgerRow, inp: Suppress, ctx: Moment) -> Result:
    """Adds or removes one entry. Only an entry that spoke is handed to the contacts who share the address."""
    asked = inp.entry
    if asked.kind == "remove":
        kept = tuple(e for e in row.suppressions if e.scope != asked.scope or asked.of_source not in (None, e.source))
        return Result(replace(row, suppressions=kept)) if kept != row.suppressions else Result()
    entry = SuppressionEntry(
        scope=asked.scope,
        reason=asked.reason,
        source=asked.source,
        spoke=asked.spoke,
        contact_id=asked.contact_id,
        at=asked.at or ctx.now,
        cause=inp.cause,
        expires_at=asked.expires_at,
    )
    after = _added(row, entry)
    if after is row:
        return Result()
    return Result(after, _opt_outs(after, sorted(ctx.contacts), ctx, entry.scope) if entry.spoke else ())


def _added(row: LedgerRow, entry: SuppressionEntry) -> LedgerRow:
    """The entry joined. One of the same (scope, source, contact) gives way to it, unless nothing would change."""
    same = next((e for e in row.suppressions if _name(e) == _name(entry)), None)
    if same is None:
        return replace(row, suppressions=(*row.suppressions, entry))
    if (same.spoke or not entry.spoke) and same.expires_at == entry.expires_at:
        return row
    newer = entry if entry.spoke or not same.spoke else replace(entry, spoke=True, cause=same.cause)
    return replace(row, suppressions=(*(e for e in row.suppressions if e is not same), newer))


def _name(entry: SuppressionEntry) -> tuple[str, str, str | None]:
    return (entry.scope, entry.source, entry.contact_id)


def _opt_outs(row: LedgerRow, contacts: Collection[str], ctx: Moment, scope: str | None = None) -> tuple[OptOut, ...]:
    """One record per contact for each scope that somebody spoke of here, or for that scope; none for entries with an end."""
    spoke = {e.scope: e for e in reversed(row.suppressions) if e.spoke and e.expires_at is None and scope in (None, e.scope)}
    return tuple(
        OptOut(
            event_id=ids.event_id(entry.cause, "opt_out", contact),
            cause=entry.cause,
            contact_id=contact,
            at=entry.at or ctx.now,
            source=entry.source,
            address=row.address,
            spoke=True,
            scope=entry.scope,
        )
        for entry in spoke.values()
        for contact in contacts
    )


# --- what inputs share ------------------------------------------------------------------------------------------------------------


def _deny(row: LedgerRow, call: Call, verdict: Verdict, ctx: Moment, told: Decision) -> Result:
    until = verdict.until
    settled = _settle(
        row,
        call,
        ctx,
        Disposition.NOT_DIALED,
        reason=verdict.reason,
        cause=told.event_id,
        retry_at=int(until.instant) if isinstance(until, At) else None,
        ends=verdict.ends,
        skips=verdict.skips,
    )
    return Result(settled.row, (told, *settled.emit))


def _settle(row: LedgerRow, call: Call, ctx: Moment, disposition: str, receipt: Receipt | None = None, **facts: Any) -> Result:
    """Closes a command: the one closing record, kept in the row, so that a repeat is answered with the very same."""
    assert call.template is not None
    if receipt is not None:
        facts = {
            "cause": receipt.event_id,
            "provider_call_id": receipt.provider_call_id,
            "opt_out": receipt.opt_out,
            "callback_at": receipt.callback_at,
            "talk_ms": receipt.talk_ms,
            "recording_url": receipt.recording_url,
            "summary": receipt.summary,
            "cost": receipt.cost,
            "requested_at": receipt.started_at,
            **facts,
        }
    said = None if receipt is None or receipt.ended_at is None else _between(call.at, receipt.ended_at, ctx.now)
    closing = replace(
        call.template,
        event_id=ids.event_id(call.dial_id, "outcome", call.dial_id),
        disposition=disposition,
        attempt_at=_counts_from(call, receipt, ctx) if effect(disposition).rang else None,
        ended_at=int(ctx.now) if said is None else said,
        **facts,
    )
    settled = replace(call, state=_SETTLED, closing=closing, template=None, requested_by=None)
    return Result(_with(row, settled, ctx, closing), emit=(closing,))


def _counts_from(call: Call, receipt: Receipt | None, ctx: Moment) -> int:
    """The latest instant at which the provider can have had the request: not later than now, for it has just said how it ended."""
    by = receipt.requested_by if receipt is not None else None
    return min(by or call.requested_by or ctx.now, ctx.now)


def _between(earliest: int, said: int, latest: int) -> int:
    """When a call ended, by the provider's clock, which may be wrong: waits count from it, so it is kept within what can be."""
    return max(earliest, min(said, latest))


def _with(row: LedgerRow, call: Call, ctx: Moment, closing: Outcome | None = None) -> LedgerRow:
    """The row with this command in it, its attempt if it closes, and without what is too old to be repeated or counted."""
    kept = {k: c for k, c in row.calls.items() if c.state is _RESERVED or _repeatable(c, ctx)}
    kept[call.dial_id] = call
    gone = _beyond(kept) if len(kept) > MOST_REFUSED else ()
    for each in gone:
        del kept[each.dial_id]
    closed = max((each.not_after for each in gone), default=0)
    return replace(row, calls=kept, attempts=_attempts(row, closing, ctx), closed_until=max(row.closed_until, closed))


def _beyond(calls: dict[str, Call]) -> list[Call]:
    """Of the settled commands those that are too many of their kind, the oldest."""
    room, gone = {False: MOST_DIALED, True: MOST_REFUSED}, list[Call]()
    for call in reversed(calls.values()):
        if call.state is _SETTLED:
            room[refused := _refused(call)] -= 1
            if room[refused] < 0:
                gone.append(call)
    return gone


def _refused(call: Call) -> bool:
    return call.closing is not None and call.closing.disposition == _NOT_DIALED


def _attempts(row: LedgerRow, closing: Outcome | None, ctx: Moment) -> tuple[Attempt, ...]:
    if closing is None or closing.attempt_at is None:
        return recent(row.attempts, ctx.now)
    return with_attempt(row.attempts, attempt_of(closing, closing.attempt_at), ctx.now)


def _repeatable(call: Call, ctx: Moment) -> bool:
    """Whether a settled command may still be asked for."""
    if _refused(call):
        return call.not_after + KEEP_REFUSED > ctx.real_ms
    return call.at > ctx.now - KEEP_SETTLED or call.not_after > ctx.real_ms


def _template(dial: Dial) -> Outcome:
    return Outcome(
        dial_id=dial.dial_id,
        enrollment_id=dial.enrollment_id,
        contact_id=dial.contact_id,
        campaign=dial.campaign,
        version=dial.version,
        entry=dial.entry,
        step=dial.step,
        seq=dial.seq,
        channel=dial.channel,
        address=dial.address,
        caller=dial.caller,
        action=dial.action,
        disposition=_UNKNOWN,
        ended_at=0,
    )


_HANDLERS: dict[type[Any], Callable[[LedgerRow, Any, Moment], Result]] = {
    Reserve: _reserve,
    Refuse: _refuse,
    Withdraw: _withdraw,
    Told: _told,
    Overdue: _overdue,
    Suppress: _suppress,
    Linked: _linked,
}
