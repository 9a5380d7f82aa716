"""Addresses that must not be contacted. Topic `suppressions`, keyed by address; the dialer folds them into its ledger."""

from typing import Literal

from pydantic import Field

from schemas.base import Wire


class Suppression(Wire):
    """One entry to add to or remove from an address. Entries are identified by (scope, source, contact_id)."""

    kind: Literal["add", "remove"] = Field(default="add", description="suppress the address, or lift that again")
    address: str = Field(min_length=1, description="E.164 phone number or canonical email address")
    scope: str = Field(default="all", description="all, campaign:<id>, or channel:<call, sms or email>")
    reason: str = Field(default="opted_out", description="why; kept with the entry")
    source: str = Field(default="cli", description="who recorded it")
    of_source: str | None = Field(default=None, description="of remove: only entries of this source; left out, of any")
    spoke: bool = Field(default=False, description="the request came from this address: contacts who share it are opted out too")
    contact_id: str | None = Field(default=None, description="the person on whose behalf a further address is suppressed")
    expires_at: int | None = Field(default=None, description="UTC ms on the campaign's clock: from then on it does not hold")
    at: int | None = Field(default=None, description="UTC ms on the campaign's clock")

    @property
    def key(self) -> str:
        return self.address
