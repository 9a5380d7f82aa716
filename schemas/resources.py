"""What campaigns refer to by name: agents, caller IDs, lines. Topic `resources` (one partition, compact), key kind/id."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from schemas.campaign import Id, Part


class Agent(Part):
    """A voice agent of the provider."""

    kind: Literal["agent"] = Field(default="agent", description="what it is; the file needs no such key")
    id: Id = Field(description="the agent's name in campaign files", examples=["renewals-agent"])
    name: str | None = Field(default=None, description="what people call the agent", examples=["Robin"])
    provider_ref: str | None = Field(default=None, description="the provider's own id, if it differs")


def _rest(value: Any) -> Any:
    """One complaint, where a union's kinds would each have their own."""
    if not isinstance(value, bool | str):
        raise PydanticCustomError("rest", "must be true, false or a date such as 2026-12-01, not {value}", {"value": repr(value)})
    return value


class Number(Part):
    """A caller ID."""

    kind: Literal["number"] = Field(default="number", description="what it is; the file needs no such key")
    number: str = Field(pattern=r"^\+[1-9]\d{6,14}$", description="the caller ID, in E.164", examples=['"+12125550101"'])
    tags: list[str] = Field(default=[], description="names by which campaigns choose numbers", examples=[["sales-us"]])
    country: str | None = Field(
        default=None, description="where people take it for being from (ISO 3166); left out, as the number tells", examples=["US"]
    )
    state: str | None = Field(
        default=None, description="state or province of that country; left out, as the number tells", examples=["NY"]
    )
    daily_cap: int | None = Field(
        default=None,
        ge=1,
        description="calls per calendar day of its own zone, over all campaigns; left out, any number",
        examples=[300],
    )
    resting: Annotated[bool | str, BeforeValidator(_rest)] = Field(
        default=False,
        description='true: not used; a date: not used before it, such as "2026-12-01"',
        examples=['"2026-12-01"'],
    )

    @property
    def id(self) -> str:
        return self.number


class Line(Part):
    """A trunk. No calls_per_second: not limited in rate. No concurrency: not limited in calls at a time."""

    kind: Literal["line"] = Field(default="line", description="what it is; the file needs no such key")
    id: Id = Field(description="the line's name in campaign files", examples=["main"])
    calls_per_second: float | None = Field(
        default=None, gt=0, le=1000, description="calls begun in any second; left out, any number"
    )
    concurrency: int | None = Field(default=None, ge=1, description="calls at a time; left out, any number")
    inbound: int = Field(
        default=0, ge=0, description="calls of the concurrency that stay free for people who call in", examples=[5]
    )

    @property
    def outbound(self) -> int | None:
        """Calls at a time that campaigns may have; None: any number."""
        return None if self.concurrency is None else self.concurrency - self.inbound


class Resources(Part):
    """The file `resources.yaml`."""

    agents: list[Agent] = Field(default=[], description="who may call")
    numbers: list[Number] = Field(default=[], description="caller IDs")
    lines: list[Line] = Field(default=[], description="trunks, with their rate and concurrency")


class Halt(Part):
    """Nothing is sent while it stands: to anybody, or by this line, to this country, to this state. `outdial halt` writes it."""

    kind: Literal["halt"] = Field(default="halt", description="what it is")
    id: str = Field(
        description="all, line/<id>, country/<code> or state/<code>; with both a line and a place: line/<id>+state/<code>"
    )
    line: str | None = Field(default=None, description="only what goes by this line")
    country: str | None = Field(default=None, description="only people of this country (ISO 3166)")
    state: str | None = Field(default=None, description="only people of this state (ISO 3166-2: US-TX)")
    reason: str | None = Field(default=None, description="why, in words")
    at: int = Field(description="UTC ms on the campaign's clock, since when")


class SuppressionList(Part):
    """A list of addresses that was imported whole, such as a national one. `outdial suppress import` writes it."""

    kind: Literal["list"] = Field(default="list", description="what it is")
    id: Id = Field(description="the list's name: the source of its entries")
    as_of: int = Field(description="UTC ms on the campaign's clock, of when the list is")
    entries: int = Field(description="addresses on it")
    at: int = Field(description="UTC ms on the campaign's clock, when it was imported")


#: What `outdial resources apply` writes.
Resource = Agent | Number | Line
#: All that the topic holds.
Held = Resource | Halt | SuppressionList


def resource_key(resource: Held) -> str:
    """The record's key on the topic `resources`."""
    return f"{resource.kind}/{resource.id}"
