"""Rows of the three tables. Their changelogs are the topics `contact-profiles`, `step-timers` and `dial-ledger`.

Rows are replaced, never changed, but for `stamp`: (epoch, seq), set by the lane alone when the row is written. Recovery keeps the
greatest stamp of a key, whatever the order in which two writers' rows reached the topic (design rule 18).
"""

from enum import StrEnum
from sys import intern
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from schemas.line import Slot
from schemas.outcome import Outcome

Stamp = tuple[int, int]


class Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """Base of all rows."""

    stamp: Stamp = (0, 0)  #: (epoch, seq) of the write: of two rows with one key the greater one holds


class OptOutEntry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A person asked to be left alone: scope, who recorded it, when (campaign ms), the id of the cause."""

    scope: str  #: what was opted out of
    source: str  #: who recorded it
    at: int  #: campaign ms
    cause: str  #: event_id of the record that said so


class Consent(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """One record of what a person has agreed to. Times are campaign ms."""

    kind: str  #: none, express or express_written
    channel: str = "all"  #: call, sms, email or all
    scope: str = "all"  #: all, a purpose (marketing, informational, collections), or campaign:<id>
    at: int | None = None  #: when it was given; left out: before anything else
    source: str | None = None  #: where the proof is: a form, a recording
    expires_at: int | None = None  #: from when it does not hold any more
    revoked_at: int | None = None  #: from when the person has taken it back


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A contact that reached the network, as limits count it."""

    at: int  #: campaign ms, when the provider had the request at the latest
    campaign: str  #: id of the campaign
    channel: str  #: call, sms or email
    dial_id: str  #: the command
    caller: str | None = None  #: caller ID, E.164
    cost: int | None = None  #: millionths of the provider's unit of currency


class Profile(Row, kw_only=True, tag_field="row", tag="profile"):
    """A person's normalised facts. Key: contact_id."""

    contact_id: str  #: the person
    phone: str | None = None  #: E.164
    alt_phones: tuple[str, ...] = ()  #: E.164, called in turn once those before are known to be none
    email: str | None = None  #: canonical
    zones: tuple[str, ...] = ()  #: sorted IANA names; empty: nothing speaks, the campaign's fallback counts
    zone_sources: dict[str, tuple[str, ...]] = {}  #: who spoke (timezone, postal_code, state, country, phone) -> zones
    jurisdictions: tuple[str, ...] = ()  #: sorted ISO 3166 codes of all places whose law may hold: US-FL, US, GB; empty: not known
    jurisdiction_sources: dict[str, tuple[str, ...]] = {}  #: who spoke (postal_code, state, country, phone) -> jurisdictions
    variables: dict[str, Any] = {}  #: what templates and agents may use
    consents: tuple[Consent, ...] = ()  #: what the person has agreed to
    attempts: tuple[Attempt, ...] = ()  #: of the last 31 days, over all campaigns and addresses, by time
    opt_outs: tuple[OptOutEntry, ...] = ()  #: each request not to be contacted
    known: bool = True  #: false: an opt-out came before the contact did
    problems: tuple[str, ...] = ()  #: what could not be read, in words

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address the person can be reached at, the first one first."""
        if self.phone and not self.alt_phones and not self.email:  # nearly everybody
            return (self.phone,)
        return tuple(dict.fromkeys([a for a in (self.phone, *self.alt_phones, self.email) if a]))


class State(StrEnum):
    """States of an enrollment. *Ready* is derived (engine/ready.py), not a state."""

    AWAITING_CONTACT = "awaiting_contact"  # enrolled before the contact is known
    WAITING = "waiting"  # its step falls due at `due`; later only for a reason the gate names
    ISSUED = "issued"  # `open` is with the dialer
    EXITING = "exiting"  # the exit is decided; `open`, if any, has yet to close
    EXITED = "exited"


class Open(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The dial command that is out: all that is needed to send the very same command again."""

    dial_id: str  #: the command
    channel: str  #: call, sms or email
    address: str  #: number or email address
    caller: str | None  #: caller ID
    slot: Slot  #: when it may be sent
    at: int  #: campaign ms, when it was issued


class Last(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The last closed attempt, what `when` may look at."""

    step: str  #: id of the step
    channel: str  #: call or sms
    disposition: str  #: how it ended
    at: int  #: campaign ms, end of the call
    dial_id: str  #: the command


class Exit(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why and because of which record the enrollment ends."""

    reason: str  #: exit reason
    cause: str  #: event_id of the record that led to it
    at: int  #: campaign ms


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A call that the person has asked for."""

    asked: str  #: when, as it was written
    cause: str  #: event_id of the record that said so


class EnrollmentRow(Row, kw_only=True, tag_field="row", tag="enrollment"):
    """The enrollment's state. The row *is* the timer. Key: contact_id/campaign/entry, partitioned by contact_id."""

    enrollment_id: str  #: hash of contact, campaign and entry
    contact_id: str  #: who
    campaign: str  #: id of the campaign
    entry: int  #: which passage of the person through the campaign, from 1
    version: int  #: version of the campaign file the person entered with
    state: State  #: where it stands
    step: str = ""  #: id of the current step
    seq: int = 1  #: number of the next or open attempt; with `step` it names a timer, so a moved-on timer is void
    due: int = 0  #: campaign ms, when the step falls due
    open: Open | None = None  #: the command that is out
    last: Last | None = None  #: the last closed attempt
    attempts: int = 0  #: attempts that count, over the whole passage
    fell_due: int = 0  #: campaign ms, when the step fell due first, if a refusal has moved `due` since
    visits: dict[str, int] = {}  #: times the person has come to steps that limit them
    taken: int = 0  #: attempts that count, in this step
    failed: tuple[int, ...] = ()  #: campaign ms, ends of this step's attempts, if their times of day matter
    tries: dict[str, int] = {}  #: retries taken in this step, by disposition
    bad: tuple[str, ...] = ()  #: numbers of the person that were found to be none
    wanted: Wanted | None = None  #: a call that was asked for while another was out
    promised: bool = False  #: the person has asked for the call that it waits for
    callbacks: int = 0  #: calls that were asked for, over the whole passage
    unrung: int = 0  #: provider failures in a row in this step, which use up no attempt but must end
    reached: bool = False  #: a human or a machine was reached at least once
    exit: Exit | None = None  #: the exit, once it is decided

    @property
    def key(self) -> str:
        return f"{self.contact_id}/{self.campaign}/{self.entry}"

    @property
    def timer(self) -> tuple[str, int, int]:
        """What a wheel entry stands for; if the row's differs by then, the entry is void."""
        return (self.step, self.seq, self.due)


class ActionRow(Row, kw_only=True, tag_field="row", tag="action"):
    """A post-call action that is not done yet. Key: action_id, partitioned by contact_id."""

    action_id: str  #: hash of what led to it and of the action's id: every repeat has the same
    action: str  #: the action's id in the campaign file
    enrollment_id: str  #: hash of contact, campaign and entry
    contact_id: str  #: who
    campaign: str  #: id of the campaign
    version: int  #: version of the campaign file the person entered with
    entry: int  #: which passage of the person through the campaign, from 1
    cause: str  #: event_id of the outcome, or of the exited event
    at: int  #: campaign ms, when that was
    outcome: Outcome | None = None  #: the outcome that led to it
    exit: str | None = None  #: or the reason of the exit that did
    attempts: int | None = None  #: of an exit: attempts that counted, over the whole passage
    reached: bool | None = None  #: of an exit: a human or a machine was reached at least once
    variables: dict[str, Any] = {}  #: the person's, as they were then
    tries: int = 0  #: how often it was tried, and failed
    error: str | None = None  #: what went wrong last
    due: int = 0  #: real ms, not tried again before this
    commands: int = 0  #: of a message: commands that have closed
    open: Open | None = None  #: of a message: the command that is out

    @property
    def key(self) -> str:
        return self.action_id


class TotalsRow(Row, kw_only=True, tag_field="row", tag="totals"):
    """People of one partition and campaign whose rows were tombstoned: campaign -> exit reason -> count.

    Key: `totals/<partition>/<campaign>/all`, which is no enrollment's. Rows without a campaign, `totals/<partition>`, are older:
    they count all campaigns until then, and stay.
    """

    partition: int  #: whose people these were
    campaign: str = ""  #: the campaign; left out: several, as `exits` says
    exits: dict[str, dict[str, int]] = {}  #: campaign -> exit reason -> people
    attempts: dict[str, int] = {}  #: campaign -> attempts of those people

    @property
    def key(self) -> str:
        return f"totals/{self.partition}/{self.campaign}/all" if self.campaign else f"totals/{self.partition}"


TimerRow = EnrollmentRow | TotalsRow


class CallState(StrEnum):
    """States of a command in the ledger."""

    RESERVED = "reserved"
    SETTLED = "settled"


class Call(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """One command against an address."""

    dial_id: str  #: the command
    state: CallState  #: reserved: it may be under way; settled: it is closed
    channel: str  #: call or sms
    contact_id: str  #: for whom
    not_after: int = 0  #: real ms: no request is sent after this
    deadline: int = 0  #: real ms: what has not ended by then is looked up
    accepted: bool = False  #: the provider took the request
    provider_call_id: str | None = None  #: the provider's own id
    revoked: str | None = None  #: a revoke that came: the reason
    closing: Outcome | None = None  #: settled: the one closing record
    template: Outcome | None = None  #: reserved: the closing's fixed facts (disposition still `unknown`)
    at: int = 0  #: campaign ms of the reservation
    requested_by: int | None = None  #: campaign ms, by when the provider had the request, if it had it at all
    lookups: int = 0  #: times the provider was asked what became of it


class SuppressionEntry(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """One reason not to contact an address; identified by (scope, source, contact_id)."""

    scope: str  #: what is suppressed
    reason: str  #: why
    source: str  #: who recorded it
    spoke: bool = False  #: the request came from this address
    contact_id: str | None = None  #: the person on whose behalf this further address is suppressed
    at: int = 0  #: campaign ms
    cause: str = ""  #: event_id of the record that said so
    expires_at: int | None = None  #: campaign ms, from when it does not hold any more

    def __post_init__(self) -> None:
        """A list brings a million of these which have their words in common: they are kept once."""
        for name in ("scope", "reason", "source"):
            force_setattr(self, name, intern(getattr(self, name)))


class LedgerRow(Row, kw_only=True, tag_field="row", tag="ledger"):
    """All that limits one address: its commands, its suppressions. Key: address."""

    address: str  #: number, E.164, or email address
    calls: dict[str, Call] = {}  #: dial_id -> command
    attempts: tuple[Attempt, ...] = ()  #: contacts that reached the network in the last 31 days, by time
    suppressions: tuple[SuppressionEntry, ...] = ()  #: why it must not be contacted
    revoked: dict[str, tuple[str, int]] = {}  #: revokes for unknown dial_ids: (reason, slot end in real µs)
    closed_until: int = 0  #: real ms: commands that may be requested until then or earlier, and are not in `calls`, are closed

    @property
    def key(self) -> str:
        return self.address


class LinkRow(Row, kw_only=True, tag_field="row", tag="link"):
    """A contact who can be reached at this address. Key: address|contact_id, partitioned by address."""

    address: str  #: number or email address
    contact_id: str  #: the person

    @property
    def key(self) -> str:
        return f"{self.address}|{self.contact_id}"


DialerRow = LedgerRow | LinkRow
