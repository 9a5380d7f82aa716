"""Who enters, who leaves and who asked to be left alone. Topic `enrollments`, keyed by contact id."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Wire


class _About(Wire):
    contact_id: str = Field(min_length=1, max_length=256)
    at: int | None = Field(None, description="UTC ms on the campaign's clock, when it happened")
    source: str | None = Field(None, description="who or what asked: import:<id>, cli, crm, dialer ...")

    @property
    def key(self) -> str:
        return self.contact_id


class Enroll(_About):
    """A person enters a campaign. Idempotent by (contact_id, campaign, entry)."""

    kind: Literal["enroll"] = "enroll"
    campaign: str = Field(min_length=1)
    entry: int = Field(1, ge=1)


class Unenroll(_About):
    """A person leaves a campaign, at once."""

    kind: Literal["unenroll"] = "unenroll"
    campaign: str = Field(min_length=1)
    entry: int = Field(1, ge=1)


class OptOut(_About):
    """A person asked not to be contacted again. Ends every enrollment of the person and suppresses all addresses.

    `spoke` is true when `address` is the one the request came from: only such a suppression is handed to other contacts who
    share the address (design rule 14).
    """

    kind: Literal["opt_out"] = "opt_out"
    address: str | None = None
    spoke: bool = True
    scope: str = Field("all", description="all; narrower scopes are not enforced yet")


EnrollmentRecord = Annotated[Enroll | Unenroll | OptOut, Field(discriminator="kind")]
ENROLLMENT: TypeAdapter[Enroll | Unenroll | OptOut] = TypeAdapter(EnrollmentRecord)
