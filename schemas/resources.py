"""What campaigns refer to by name: agents, caller IDs, lines. Topic `resources` (one partition, compact), key kind/id."""

from typing import Literal

from pydantic import Field

from schemas.campaign import Id, Part


class Agent(Part):
    """A voice agent of the provider."""

    kind: Literal["agent"] = "agent"
    id: Id
    name: str | None = None
    provider_ref: str | None = Field(None, description="the provider's own id, if it differs")


class Number(Part):
    """A caller ID."""

    kind: Literal["number"] = "number"
    number: str = Field(pattern=r"^\+[1-9]\d{6,14}$")
    tags: list[str] = []

    @property
    def id(self) -> str:
        return self.number


class Line(Part):
    """A trunk. No calls_per_second: not limited in rate. No concurrency: not limited in calls at a time."""

    kind: Literal["line"] = "line"
    id: Id
    calls_per_second: float | None = Field(None, gt=0, le=1000)
    concurrency: int | None = Field(None, ge=1)


class Resources(Part):
    """The file `resources.yaml`."""

    agents: list[Agent] = []
    numbers: list[Number] = []
    lines: list[Line] = []


Resource = Agent | Number | Line


def resource_key(resource: Resource) -> str:
    """The record's key on the topic `resources`."""
    return f"{resource.kind}/{resource.id}"
