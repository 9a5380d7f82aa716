"""What a campaign tells a CRM. Topic `crm-updates`, keyed by contact id: for a connector that writes them where people look."""

from typing import Any

from schemas.base import Record
from schemas.outcome import Outcome


class CrmUpdate(Record, kw_only=True, frozen=True):
    """An action `event` of a campaign file: something worth knowing of a person. Repeats have the same event_id."""

    name: str  #: what the campaign file calls it
    contact_id: str  #: who
    enrollment_id: str  #: hash of contact, campaign and entry
    campaign: str  #: id of the campaign
    version: int  #: version of the campaign file the person entered with
    entry: int  #: which passage of the person through the campaign, from 1
    at: int  #: campaign ms, when it happened
    action: str  #: the action's id in the campaign file
    outcome: Outcome | None = None  #: the outcome that led to it
    exit: str | None = None  #: or the reason of the exit that did
    attempts: int | None = None  #: of an exit: attempts that counted, over the whole passage
    reached: bool | None = None  #: of an exit: a human or a machine was reached at least once
    variables: dict[str, Any] = {}  #: the person's, as they were then

    @property
    def key(self) -> str:
        return self.contact_id
