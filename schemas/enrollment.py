"""Who enters, leaves, asked to be left alone or called back, reached a goal. Topic `enrollments`, keyed by contact id."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Wire


class _About(Wire):
    contact_id: str = Field(min_length=1, max_length=256, description="who")
    at: int | None = Field(default=None, description="UTC ms on the campaign's clock, when it happened")
    source: str | None = Field(default=None, description="who or what asked: import:<id>, cli, crm, dialer ...")

    @property
    def key(self) -> str:
        return self.contact_id


class Enroll(_About):
    """A person enters a campaign. Idempotent by (contact_id, campaign, entry)."""

    kind: Literal["enroll"] = Field(default="enroll", description="what is asked for")
    campaign: str = Field(min_length=1, description="id of the campaign")
    entry: int = Field(default=1, ge=1, description="which passage through the campaign; a second one needs another number")


class Unenroll(_About):
    """A person leaves a campaign, at once."""

    kind: Literal["unenroll"] = Field(default="unenroll", description="what is asked for")
    campaign: str = Field(min_length=1, description="id of the campaign")
    entry: int = Field(default=1, ge=1, description="which passage through the campaign")


class OptOut(_About):
    """A person asked not to be contacted again. Ends every enrollment of the person and suppresses all addresses.

    `spoke` is true when `address` is the one the request came from: only such a suppression is handed to other contacts who
    share the address (design rule 14).
    """

    kind: Literal["opt_out"] = Field(default="opt_out", description="what is asked for")
    address: str | None = Field(default=None, description="the number or email address that the request is about")
    spoke: bool = Field(default=True, description="the request came from `address`: contacts who share it are opted out too")
    scope: str = Field(default="all", description="all, campaign:<id>, or channel:<call, sms or email>")


class Callback(_About):
    """A person asked to be called at a time. Honoured within window, law and limits, else at the next instant within them."""

    kind: Literal["callback"] = Field(default="callback", description="what is asked for")
    campaign: str = Field(min_length=1, description="id of the campaign")
    entry: int = Field(default=1, ge=1, description="which passage through the campaign")
    callback_at: str = Field(description="ISO 8601; without a zone, by the person's own clock", examples=["2026-11-26T17:30"])


class Goal(_About):
    """Something happened that campaigns may have for a goal: it ends the person's enrollments in those that list it."""

    kind: Literal["goal"] = Field(default="goal", description="what is asked for")
    goal: str = Field(min_length=1, max_length=64, description="its name, as in `goals` of campaign files", examples=["paid"])
    campaign: str | None = Field(default=None, description="only in this campaign; left out, in all")


class Act(_About):
    """A post-call action is to be run again: what a dead letter of one holds. It keeps its action_id."""

    kind: Literal["act"] = Field(default="act", description="what is asked for")
    campaign: str = Field(min_length=1, description="id of the campaign")
    entry: int = Field(default=1, ge=1, description="which passage through the campaign")
    action_id: str = Field(min_length=1, max_length=64, description="the action's id on every repeat")
    row: dict[str, Any] = Field(description="the action, as it was on the topic post-call-actions")


EnrollmentRecord = Annotated[Enroll | Unenroll | OptOut | Callback | Goal | Act, Field(discriminator="kind")]
ENROLLMENT: TypeAdapter[Enroll | Unenroll | OptOut | Callback | Goal | Act] = TypeAdapter(EnrollmentRecord)
