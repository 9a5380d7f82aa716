"""The campaign file, and the two records it becomes. Topic `campaigns` (one partition, compact).

Only keys that are enforced are in the model; any other key is refused, never ignored (design rule 19). `engine/plan.py` turns a
file into what the engine runs on and reports what the types alone cannot see.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Wire

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Part(BaseModel):
    """A part of the campaign file: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Numbers(Part):
    """Caller IDs: by tag, or a list of E.164 numbers. Exactly one of the two."""

    tag: str | None = None
    listed: list[str] | None = Field(None, alias="list")


class Timezone(Part):
    """`use: contact` with a fallback for those whose zone nothing tells, or `use: fixed` with one zone for all."""

    use: Literal["contact", "fixed"] = "contact"
    fallback: str | None = None
    zone: str | None = None


class WindowPart(Part):
    """When people may be contacted. weekly: days (`mon`, `mon-fri`, `sat,sun`) to intervals (`09:00-12:00`)."""

    weekly: dict[str, list[str]]
    timezone: Timezone
    ring_timeout: str = "30s"


class RetryPart(Part):
    """After this disposition: try the same step again, `after` the end of the call, at most `max` times."""

    after: str
    max: int = Field(ge=1, le=20)


class CallPart(Part):
    """A phone call by an agent."""

    agent: str | None = None


class SmsPart(Part):
    """A text message. `{{name}}` stands for a variable of the contact."""

    template: str = Field(min_length=1)


class StepPart(Part):
    """One step: exactly one of call, sms, wait."""

    id: Id
    when: str | None = None
    call: CallPart | None = None
    sms: SmsPart | None = None
    wait: str | None = None
    timing: Literal["earliest"] = "earliest"
    retry: dict[str, RetryPart] = {}


class CampaignFile(Part):
    """A campaign: who calls, when, in which steps, and when to stop."""

    id: Id
    name: str | None = None
    purpose: Literal["marketing", "informational", "collections"] | None = None
    countries: list[str] | None = Field(None, min_length=1, description="whose numbers may enter (ISO 3166), all if left out")
    agent: str | None = None
    numbers: Numbers
    line: str
    window: WindowPart
    flow: list[StepPart] = Field(min_length=1)
    exit: list[Literal["answered", "opted_out", "unreachable"]] = ["answered", "opted_out", "unreachable"]


class CampaignState(StrEnum):
    """Lifecycle of a campaign."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class CampaignVersion(Wire):
    """An immutable version of a campaign file. Key: id@version."""

    id: str
    version: int = Field(ge=1)
    file: dict[str, Any]
    at: int

    @property
    def key(self) -> str:
        return f"{self.id}@{self.version}"


class CampaignHead(Wire):
    """What a campaign is now: its state and current version. Key: id."""

    id: str
    version: int = Field(ge=1)
    state: CampaignState
    at: int

    @property
    def key(self) -> str:
        return self.id
