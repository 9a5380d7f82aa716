"""Commands to the dialer. Topic `dial-commands`, keyed by address, because the address is what limits."""

from typing import Any

from schemas.base import Record
from schemas.line import Slot


class Dial(Record, kw_only=True, frozen=True, tag_field="kind", tag="dial"):
    """Contact this address once, within `slot`, if every rule still allows it. One dial_id is one command, for ever.

    Carries the contact's facts, so that the gate can ask everything again where the address's facts are.
    """

    dial_id: str
    enrollment_id: str
    contact_id: str
    campaign: str
    version: int
    entry: int
    step: str
    seq: int
    channel: str  # call | sms
    address: str
    caller: str | None  # E.164 caller ID
    zones: tuple[str, ...]
    slot: Slot
    agent: str | None = None
    text: str | None = None
    variables: dict[str, Any] = {}
    at: int  # campaign ms

    @property
    def key(self) -> str:
        return self.address


class Revoke(Record, kw_only=True, frozen=True, tag_field="kind", tag="revoke"):
    """The enrollment is exiting: close the command if it still waits for its slot, else note it."""

    dial_id: str
    address: str
    reason: str
    slot_end: int  # real µs: a revoke for an unknown dial_id is remembered until then

    @property
    def key(self) -> str:
        return self.address


class Link(Record, kw_only=True, frozen=True, tag_field="kind", tag="link"):
    """This contact can be reached at this address: who speaks there speaks for the contact."""

    address: str
    contact_id: str

    @property
    def key(self) -> str:
        return self.address


class Unlink(Record, kw_only=True, frozen=True, tag_field="kind", tag="unlink"):
    """The contact has no active enrollment any more, or another address."""

    address: str
    contact_id: str

    @property
    def key(self) -> str:
        return self.address


DialCommand = Dial | Revoke | Link | Unlink
