"""The public feed. Topic `campaign-events`, keyed by contact id: what happened to each enrollment, from enrolled to exited."""

from enum import StrEnum
from typing import Any

from schemas.base import Record


class EventKind(StrEnum):
    """Kinds now in the feed; consumers must expect further ones."""

    ENROLLED = "enrolled"
    STEP_SKIPPED = "step_skipped"
    CALL_ENDED = "call_ended"
    MESSAGE_SENT = "message_sent"
    MESSAGE_STATUS = "message_status"
    RETRY_SCHEDULED = "retry_scheduled"
    EXITED = "exited"


class Event(Record, kw_only=True, frozen=True):
    """One thing that happened to one enrollment. `data` holds what its kind adds (disposition, reason, counts)."""

    kind: str
    contact_id: str
    enrollment_id: str
    campaign: str
    version: int
    entry: int
    at: int  # campaign ms
    step: str | None = None
    data: dict[str, Any] = {}

    @property
    def key(self) -> str:
        return self.contact_id
