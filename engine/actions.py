"""What is done after outcomes and exits, beside the flow: which actions, with what, when again, and when no more.

An action is named by what led to it: `action_id = H(event_id of the outcome or exit, id of the action)`. So a repeat, of the
outcome or of the action, has the same id, and whoever receives it can tell. What is only a record (event, suppress) leaves with the
step that led to it. A webhook or a message is kept as a row until it is done, or given up.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.feed import told_of
from engine.plan import Action, Channel, Plan
from engine.retries import DISPOSITIONS, Disposition
from engine.time import HOUR, MINUTE, SECOND, Instant
from schemas import ids
from schemas.base import encode
from schemas.crm import CrmUpdate
from schemas.deadletter import DeadLetter
from schemas.enrollment import Act
from schemas.event import Event, EventKind
from schemas.outcome import Outcome
from schemas.rows import ActionRow, EnrollmentRow, Profile
from schemas.suppression import Suppression
from schemas.topics import ENROLLMENTS

#: Real ms between one try and the next: twelve tries, the last about a day after the first.
PAUSES = (
    *(5 * SECOND, 15 * SECOND, MINUTE, 3 * MINUTE, 10 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 10 * HOUR),
)
#: The longest pause that a server may ask for.
LONGEST_PAUSE = 24 * HOUR
#: Actions that are records: they leave at once, and cannot fail.
RECORDS = frozenset({"event", "suppress"})

_NOT_DIALED = Disposition.NOT_DIALED


# --- which ------------------------------------------------------------------------------------------------------------------------


def on_outcome(plan: Plan, outcome: Outcome) -> Iterator[Action]:
    """The actions that follow an outcome: by how it ended, as the provider says or as it is taken, and by what was asked for.

    A command that was not dialed is no outcome; nor does a message that is an action itself lead to another.
    """
    if outcome.action is not None or outcome.disposition == _NOT_DIALED:
        return
    meaning = plan.meaning(outcome.disposition)
    said = {outcome.disposition, meaning if meaning in DISPOSITIONS else Disposition.UNKNOWN}
    if outcome.opt_out is not None:
        said.add("opt_out")
    if outcome.callback_at is not None:
        said.add("callback")
    yield from (action for action in plan.actions if not said.isdisjoint(action.on))


def on_exit(plan: Plan, reason: str) -> Iterator[Action]:
    """The actions that follow an exit."""
    word = f"exited:{reason}"
    return (action for action in plan.actions if word in action.on)


# --- with what --------------------------------------------------------------------------------------------------------------------


def of_outcome(action: Action, outcome: Outcome, profile: Profile | None) -> ActionRow:
    """An action that follows an outcome."""
    return ActionRow(
        action_id=ids.digest("action", outcome.event_id, action.id),
        action=action.id,
        enrollment_id=outcome.enrollment_id,
        contact_id=outcome.contact_id,
        campaign=outcome.campaign,
        version=outcome.version,
        entry=outcome.entry,
        cause=outcome.event_id,
        at=outcome.ended_at,
        outcome=outcome,
        variables=profile.variables if profile else {},
    )


def of_exit(action: Action, row: EnrollmentRow, profile: Profile | None) -> ActionRow:
    """An action that follows an exit, which the row has decided."""
    assert row.exit is not None
    cause = ids.event_id(row.exit.cause, EventKind.EXITED, row.enrollment_id)
    return ActionRow(
        action_id=ids.digest("action", cause, action.id),
        action=action.id,
        enrollment_id=row.enrollment_id,
        contact_id=row.contact_id,
        campaign=row.campaign,
        version=row.version,
        entry=row.entry,
        cause=cause,
        at=row.exit.at,
        exit=row.exit.reason,
        attempts=row.attempts,
        reached=row.reached,
        variables=profile.variables if profile else {},
    )


def records(action: Action, row: ActionRow, profile: Profile | None, now: Instant) -> list[CrmUpdate | Suppression | Event]:
    """What an action writes that is only records, and that it is done."""
    written: list[CrmUpdate | Suppression | Event] = (
        [_update(action, row)] if action.does == "event" else [*_suppressions(action, row, profile)]
    )
    return [*written, told(row, EventKind.ACTION_DONE, action.does, now)]


def _update(action: Action, row: ActionRow) -> CrmUpdate:
    return CrmUpdate(
        event_id=row.action_id,
        cause=row.cause,
        name=action.name,
        contact_id=row.contact_id,
        enrollment_id=row.enrollment_id,
        campaign=row.campaign,
        version=row.version,
        entry=row.entry,
        at=row.at,
        action=row.action,
        outcome=row.outcome,
        exit=row.exit,
        attempts=row.attempts,
        reached=row.reached,
        variables=row.variables,
    )


def _suppressions(action: Action, row: ActionRow, profile: Profile | None) -> Iterator[Suppression]:
    """Of the address that was contacted; after an exit, of all that the person has."""
    addresses = (row.outcome.address,) if row.outcome else profile.addresses if profile else ()
    for address in addresses:
        yield Suppression(
            event_id=ids.event_id(row.action_id, "suppress", address),
            cause=row.action_id,
            address=address,
            scope=action.scope,
            reason=f"{row.campaign}: {row.action}",
            source="action",
            contact_id=None if row.outcome else row.contact_id,
            at=row.at,
        )


def body(row: ActionRow) -> str:
    """The body of a webhook: the same on every repeat. `outcome` is the record of call-outcomes."""
    data: dict[str, Any] = {
        "action_id": row.action_id,
        "action": row.action,
        "campaign": row.campaign,
        "version": row.version,
        "contact_id": row.contact_id,
        "enrollment_id": row.enrollment_id,
        "entry": row.entry,
        "variables": row.variables,
    }
    if row.outcome is not None:
        kind = "call.ended" if row.outcome.channel == Channel.CALL else "message.sent"
        data["outcome"] = row.outcome
    else:
        kind, data["exit"] = "enrollment.exited", {"reason": row.exit, "attempts": row.attempts, "reached": row.reached}
    at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data}).decode()


# --- when again, and what is told -------------------------------------------------------------------------------------------------


def again(row: ActionRow, error: str, real_ms: int, asked: int = 0) -> ActionRow | None:
    """The row after a try that failed, due after a pause (real ms), at least as long as was `asked` for; None: it is given up.

    Pauses differ by up to a tenth from one action to the next: what failed together need not come again together.
    """
    if row.tries >= len(PAUSES):
        return None
    share = int(row.action_id[:4], 16) / 0xFFFF if row.action_id else 0.5
    pause = max(int(PAUSES[row.tries] * (0.9 + share / 5)), min(asked, LONGEST_PAUSE))
    return replace(row, tries=row.tries + 1, error=error, due=real_ms + pause)


def told(row: ActionRow, kind: EventKind, does: str, now: Instant, **more: Any) -> Event:
    """What became of an action, for the feed."""
    data = {"action": row.action, "action_id": row.action_id, "does": does, "tries": row.tries, **more}
    return replace(told_of(row, kind, row.action_id, now, data), cause=row.cause)


def letter(row: ActionRow, reason: str, partition: int, real_ms: int) -> DeadLetter:
    """The dead letter of an action that is given up. Published again as it is, to where it says it lay, it starts afresh."""
    fresh = msgspec.to_builtins(replace(row, stamp=(0, 0), tries=0, due=0, error=None, open=None))
    again = Act(
        event_id=ids.event_id(row.action_id, "act", str(real_ms)),
        cause=row.action_id,
        contact_id=row.contact_id,
        campaign=row.campaign,
        entry=row.entry,
        action_id=row.action_id,
        row=fresh,
    )
    return DeadLetter(
        event_id=ids.event_id(row.action_id, "dead_letter", row.enrollment_id),
        cause=row.action_id,
        topic=ENROLLMENTS.name,
        partition=partition,
        offset=-1,
        name=row.action_id,
        reason=f"action {row.action} of {row.campaign} was given up after {row.tries} tries: {reason}",
        error="ActionFailed",
        key_base64=b64encode(row.contact_id.encode()).decode(),
        value_base64=b64encode(encode(again)).decode(),
        at=real_ms,
    )
