"""The public feed. Topic `campaign-events`, keyed by contact id: what happened to each enrollment, from enrolled to exited."""

from enum import StrEnum
from typing import Any

from schemas.base import Record


class EventKind(StrEnum):
    """Kinds now in the feed; consumers must expect further ones."""

    ENROLLED = "enrolled"
    ENROLLMENT_REFUSED = "enrollment_refused"
    STEP_DUE = "step_due"
    STEP_SKIPPED = "step_skipped"
    CALL_PLACED = "call_placed"
    CALL_ENDED = "call_ended"
    MESSAGE_SENT = "message_sent"
    MESSAGE_STATUS = "message_status"
    RETRY_SCHEDULED = "retry_scheduled"
    CALLBACK_SCHEDULED = "callback_scheduled"
    EXITED = "exited"
    PAUSED = "paused"
    RESUMED = "resumed"
    ALERT = "alert"
    ACTION_DONE = "action_done"
    ACTION_FAILED = "action_failed"
    ACTION_SKIPPED = "action_skipped"


_DIAL_ID = {"dial_id": "the command"}
_DISPOSITION = {"disposition": "how it ended"}
_ACTION = {
    "action": "the action's id in the campaign file",
    "action_id": "the same on every repeat, and the webhook-id of a webhook",
    "does": "webhook, sms, email, event or suppress",
    "tries": "times it failed",
}

#: What each kind tells, and what it adds as `data`. What has nothing to say is left out of a record.
CATALOGUE: dict[EventKind, tuple[str, dict[str, str]]] = {
    EventKind.ENROLLED: ("The person entered the campaign, on its version of then.", {}),
    EventKind.ENROLLMENT_REFUSED: (
        "The person was not let in again. The enrollment_id is that of the passage that was asked for.",
        {"reason": "still_in: an earlier passage goes on; max_entries; too_soon: less than `reentry.after` since the last exit"},
    ),
    EventKind.STEP_DUE: (
        "A call or message step fell due, also as a retry or a callback; it is taken once the gate and the line allow it.",
        {"due": "campaign ms, when"},
    ),
    EventKind.STEP_SKIPPED: (
        "A call or message step was not taken.",
        {
            "reason": "condition: its `when` is not true; no_address: the person has no number, or no email address; "
            "template: ... lacks a variable; visits: its `max_visits` are used up; late; "
            "expired: a pause has held it up for too long"
        },
    ),
    EventKind.CALL_PLACED: ("The provider took the request for a call.", _DIAL_ID | {"address": "number, E.164"}),
    EventKind.CALL_ENDED: (
        "A call ended, or is taken as ended (`unknown`).",
        _DIAL_ID | _DISPOSITION | {"opt_out": "scope in which the person asked not to be contacted again"},
    ),
    EventKind.MESSAGE_SENT: (
        "The provider took a message, or refused it.",
        _DIAL_ID | _DISPOSITION | {"opt_out": "scope in which the person asked not to be contacted again"},
    ),
    EventKind.MESSAGE_STATUS: (
        "Later news of a message: delivered, undelivered. It moves no flow, and may come after `exited`.",
        _DIAL_ID
        | _DISPOSITION
        | {"address": "number (E.164) or email address that it was sent to"}
        | {"permanent": "true: nothing will ever arrive there, so the address is suppressed for the channel; left out: false"},
    ),
    EventKind.RETRY_SCHEDULED: (
        "The same step will be tried again.",
        {"due": "campaign ms, not before this", "disposition": "how the attempt before ended"}
        | {"why": "next_number: by another number; another_time: at another time of day; left out: as its retry rule says"},
    ),
    EventKind.CALLBACK_SCHEDULED: (
        "The person asked to be called at a time.",
        {"asked": "when, as it was written", "due": "campaign ms, when it falls due"}
        | {"moved": "why it falls due later than asked: what is closed then; left out: it does not"},
    ),
    EventKind.EXITED: (
        "The person left the campaign. Once for each enrollment, and the last but for `message_status` and what actions tell.",
        {"reason": "exit reason", "attempts": "attempts that count", "reached": "a human or a machine was reached at least once"},
    ),
    EventKind.PAUSED: (
        "The campaign was paused. Not of a person: it has no contact and no enrollment, and is keyed by the campaign.",
        {"by": "cli or worker", "reason": "why, if it was said"},
    ),
    EventKind.RESUMED: (
        "The campaign was resumed. Not of a person, like `paused`.",
        {
            "by": "cli",
            "policy": "hold, shift or expire",
            "older": "with expire: campaign ms",
            "ramp": "campaign ms over which what is overdue is let out",
            "paused_at": "campaign ms, begin of the pause",
        },
    ),
    EventKind.ALERT: (
        "A worker has paused the campaign, because it goes wrong. Not of a person, like `paused`.",
        {
            "what": "config_errors, opt_out_rate or answer_rate_below",
            "value": "what the worker has counted: errors in a row, or a share",
            "limit": "the campaign's `pause_when`",
            "over": "calls that the share is of",
        },
    ),
    EventKind.ACTION_DONE: (
        "A post-call action was done: the webhook was taken, the message sent, the record written.",
        _ACTION | {"dial_id": "of a message: the command", "disposition": "of a message: how it ended"},
    ),
    EventKind.ACTION_FAILED: (
        "A post-call action was given up. It lies in the dead letters, and can be replayed from there.",
        _ACTION | {"reason": "what went wrong last"},
    ),
    EventKind.ACTION_SKIPPED: (
        "A message that was to follow a call is not sent: a rule forbids it for good, or the person cannot be reached so.",
        _ACTION | {"reason": "as exit reasons; no_address; template: ... lacks a variable"},
    ),
}


class Event(Record, kw_only=True, frozen=True):
    """One thing that happened to one enrollment, or (without contact_id) to a campaign. `data` holds what its kind adds."""

    kind: str  #: what happened: an EventKind, or one that came later
    contact_id: str  #: who; empty: the whole campaign
    enrollment_id: str  #: hash of contact, campaign and entry
    campaign: str  #: id of the campaign
    version: int  #: version of the campaign file the person entered with
    entry: int  #: which passage of the person through the campaign, from 1
    at: int  #: UTC ms on the campaign's clock, when it happened
    step: str | None = None  #: id of the step, where one is meant
    data: dict[str, Any] = {}  #: what the kind adds

    @property
    def key(self) -> str:
        return self.contact_id or self.campaign
