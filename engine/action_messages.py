"""Messages that follow calls: to where, what they say, and what their closing means.

They are commands like those of a flow's steps: through the same gate, slots and ledger, counted by the same limits. But they are of
no step: their closing moves no enrollment. A command is named by the action and the number of commands before it, so that one that
was not sent (`not_dialed`) can be followed by another, and one that was sent by none.
"""

from dataclasses import dataclass

from engine.commands import dial
from engine.errors import RecordError
from engine.plan import Channel, Contacting, Plan
from engine.reach import address_for, message
from engine.retries import Disposition, effect
from engine.time import Instant
from schemas import ids
from schemas.command import Dial
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.rows import ActionRow, Open, Profile

_EMAIL = Channel.EMAIL


def address(row: ActionRow, step: Contacting, profile: Profile) -> str | None:
    """A text message goes to the number that was called; an email, and what follows an exit, to the person's first address."""
    contacted = row.outcome
    if contacted is not None and step.channel != _EMAIL and contacted.channel != _EMAIL:
        return contacted.address
    return address_for(profile, step.channel)


def lacking(row: ActionRow, step: Contacting, profile: Profile | None) -> str | None:
    """What the message needs and the person has not; None: nothing."""
    if profile is None or address(row, step, profile) is None:
        return "no_address"
    try:
        message(step, row.variables)
    except RecordError as error:
        return f"template: {error}"
    return None


def issued(row: ActionRow, step: Contacting, profile: Profile, slot: Slot, caller: str | None, now: Instant) -> Open:
    """The command that the row is to name."""
    return Open(
        dial_id=ids.digest("action-dial", row.action_id, row.commands),
        channel=step.channel,
        address=address(row, step, profile) or "",
        caller=caller,
        slot=slot,
        at=now,
    )


def command(row: ActionRow, step: Contacting, plan: Plan, profile: Profile) -> Dial:
    """The dial command that the row names: it says what was so when the call ended."""
    texts, action = message(step, row.variables), row.action_id
    return dial(row, step, plan, profile, cause=action, seq=0, texts=texts, variables=row.variables, action=action)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a closing means: `sent`; `never` (a rule forbids it: the reason); `failed` (why; `again`: it may be tried again);
    or none of them: not now, not before `due` (campaign ms; None: when what was in the way has passed)."""

    sent: bool = False
    never: str | None = None
    failed: str | None = None
    again: bool = False
    due: Instant | None = None


def closed(outcome: Outcome) -> Closed:
    """A message that may have been sent is never sent again."""
    what = effect(outcome.disposition)
    if outcome.disposition == Disposition.NOT_DIALED:
        never = outcome.ends or outcome.skips
        return Closed(never=never, due=None if outcome.retry_at is None else Instant(outcome.retry_at))
    if not what.rang:
        return Closed(failed=outcome.disposition, again=True)
    if outcome.disposition in (Disposition.INVALID_NUMBER, Disposition.REJECTED, Disposition.UNDELIVERED, Disposition.SPAM_BLOCKED):
        return Closed(failed=outcome.disposition)
    return Closed(sent=True)
