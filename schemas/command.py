"""Commands to the dialer. Topic `dial-commands`, keyed by address, because the address is what limits."""

from typing import Any

from schemas.base import Record
from schemas.line import Slot
from schemas.rows import Consent


class Dial(Record, kw_only=True, frozen=True, tag_field="kind", tag="dial"):
    """Contact this address once, within `slot`, if every rule still allows it. One dial_id is one command, for ever.

    Carries the contact's facts, so that the gate can ask everything again where the address's facts are.
    """

    dial_id: str  #: the command: hash of enrollment_id and seq
    enrollment_id: str  #: hash of contact, campaign and entry
    contact_id: str  #: who
    campaign: str  #: id of the campaign
    version: int  #: version of the campaign file the person entered with
    entry: int  #: which passage of the person through the campaign, from 1
    step: str  #: id of the step
    seq: int  #: number of the command within the enrollment, from 1
    channel: str  #: call, sms or email
    address: str  #: number to dial (E.164), or email address
    caller: str | None  #: caller ID, E.164
    zones: tuple[str, ...]  #: the contact's zones: all of them must be inside the window
    jurisdictions: tuple[str, ...] = ()  #: all places whose law may hold for the contact, ISO 3166
    consents: tuple[Consent, ...] = ()  #: what the contact has agreed to
    slot: Slot  #: when it may be sent
    agent: str | None = None  #: of a call: who speaks
    sender: str | None = None  #: of an email: who it is from; left out, as the provider has it
    subject: str | None = None  #: of an email
    text: str | None = None  #: of a message: what it says
    variables: dict[str, Any] = {}  #: what the agent may know of the person
    at: int  #: campaign ms, when it was issued
    action: str | None = None  #: of a message that is a post-call action: its action_id; it is of no step of the flow

    @property
    def key(self) -> str:
        return self.address


class Revoke(Record, kw_only=True, frozen=True, tag_field="kind", tag="revoke"):
    """The enrollment is exiting: close the command if it still waits for its slot, else note it."""

    dial_id: str  #: the command
    address: str  #: its number
    reason: str  #: the exit reason
    slot_end: int  #: real UTC µs: a revoke for an unknown dial_id is remembered until then

    @property
    def key(self) -> str:
        return self.address


class Link(Record, kw_only=True, frozen=True, tag_field="kind", tag="link"):
    """This contact can be reached at this address: who speaks there speaks for the contact."""

    address: str  #: a number or email address of the person
    contact_id: str  #: the person

    @property
    def key(self) -> str:
        return self.address


class Unlink(Record, kw_only=True, frozen=True, tag_field="kind", tag="unlink"):
    """The contact has no active enrollment any more, or another address."""

    address: str  #: a number or email address
    contact_id: str  #: the person

    @property
    def key(self) -> str:
        return self.address


DialCommand = Dial | Revoke | Link | Unlink
