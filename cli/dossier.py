"""All that the topics hold of one person. The impure half of `timeline`; cli/history.py puts it in order.

Contact and address are keys, so only the partitions that can hold something of the person are read. Each record comes with its
place, `topic/partition/offset`: the evidence for what a timeline says.
"""

from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from pydantic import TypeAdapter, ValidationError

from cli.budgets import budgets, used_up
from cli.packed import Packed
from cli.read import Raw, Snapshot, read_heads, read_records
from cli.reasons import Used
from cli.summary import Closings
from cli.usage import Usage
from engine.errors import OutdialError, RecordError
from engine.phone import canonical_address, parse_phone
from engine.time import Instant
from outdial.clock import clock_from
from outdial.kafka import require_broker
from outdial.settings import Settings
from schemas.base import decoder
from schemas.command import Dial, DialCommand, Revoke
from schemas.contact import Contact
from schemas.decision import Decision
from schemas.enrollment import ENROLLMENT
from schemas.event import Event
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import ActionRow, EnrollmentRow, Profile, TimerRow
from schemas.suppression import Suppression
from schemas.topics import (
    CALL_OUTCOMES,
    CAMPAIGN_EVENTS,
    CONTACT_PROFILES,
    CONTACTS,
    DECISIONS,
    DIAL_COMMANDS,
    DIAL_RECEIPTS,
    ENROLLMENTS,
    OPT_OUTS,
    POST_CALL_ACTIONS,
    STEP_TIMERS,
    SUPPRESSIONS,
    TopicSpec,
)
from streams.partitions import partition_of

_CONTACT: TypeAdapter[Contact] = TypeAdapter(Contact)
_OUTCOME = decoder(Outcome)
_SUPPRESSION: TypeAdapter[Suppression] = TypeAdapter(Suppression)


class Found(NamedTuple):
    """A record, where it lies, and when (campaign ms) the broker took it."""

    record: Any
    place: str
    appended: Instant


@dataclass(slots=True)
class Dossier:
    """One person. Records in the order of their partition, each event_id once."""

    contact_id: str
    plans: Snapshot
    now: Instant
    rate: float
    profile: Profile | None = None
    rows: dict[str, EnrollmentRow] = field(default_factory=dict)
    actions: list[ActionRow] = field(default_factory=list)  # that are not done yet
    contacts: list[Found] = field(default_factory=list)
    requests: list[Found] = field(default_factory=list)  # Enroll, Unenroll, OptOut
    events: list[Found] = field(default_factory=list)
    commands: list[Found] = field(default_factory=list)  # Dial, Revoke
    decisions: list[Found] = field(default_factory=list)
    receipts: list[Found] = field(default_factory=list)
    outcomes: list[Found] = field(default_factory=list)
    suppressions: list[Found] = field(default_factory=list)
    used: Used = field(default_factory=dict)  # of the person's campaigns, those whose budget of the day is used up
    usage: Usage | None = None  # of numbers, by the people of the same partition; None: none has a daily cap

    @property
    def empty(self) -> bool:
        """Whether nobody by this id has ever been heard of."""
        return self.profile is None and not (self.rows or self.contacts or self.requests or self.events)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the person is reached, and was."""
        own = self.profile.addresses if self.profile else ()
        used = (found.record.address for found in self.outcomes)
        out = (row.open.address for row in self.rows.values() if row.open is not None)
        return tuple(dict.fromkeys((*own, *used, *out)))


class Archive:
    """The topics, asked about one person after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._clock = settings, clock_from(settings)
        self._plans = read_heads(settings)
        self._closings: Closings | None = None
        known = require_broker(settings).topics
        self._partitions = len(known[STEP_TIMERS.name].partitions)

    def named(self, who: str) -> list[Dossier]:
        """The person with this contact id; else all who are, or were, reached at this phone number or email address.

        Raises OutdialError if there is nobody.
        """
        one = self.dossier(who)
        if not one.empty:
            return [one]
        found = [self.dossier(contact) for contact in self._reached_at(_address(who))]
        if not found:
            raise OutdialError(f"nobody has the contact id, number or address {who!r}: `outdial calls` shows contact ids")
        return found

    def dossier(self, contact: str) -> Dossier:
        """All there is of a contact id; empty if there is nothing."""
        now = self._clock.now()
        one = Dossier(contact, self._plans, now, self._clock.rate)
        self._read_own(one)
        self._read_addresses(one)
        one.now = self._clock.now()
        one.used = self._used_up(one)
        return one

    def _used_up(self, one: Dossier) -> Used:
        """Everybody's closings are read for it, if a campaign that the person is in has a budget."""
        limited = budgets(self._plans).keys() & {row.campaign for row in one.rows.values() if row.exit is None}
        if not limited:
            return {}
        if self._closings is None:
            self._closings = Closings()
            for raw in read_records(self._settings, CALL_OUTCOMES):
                with suppress(msgspec.DecodeError):
                    self._closings.add(_OUTCOME.decode(raw.value or b""))
        return used_up(self._plans, self._closings.spending, one.now)

    def _read_own(self, one: Dossier) -> None:
        """What is keyed by the contact."""
        own = {partition_of(one.contact_id, self._partitions)}
        capped = self._plans.resources.capped  # then it matters what everybody else there has used
        profiles: Packed[Profile] = Packed(Profile)
        for raw in read_records(self._settings, CONTACT_PROFILES, partitions=own):
            if capped or raw.key == one.contact_id:
                profiles.put(raw.key or "", raw.value)
        one.profile = profiles.get(one.contact_id)
        rows: Packed[TimerRow] = Packed(TimerRow)
        for raw in read_records(self._settings, STEP_TIMERS, partitions=own):
            if capped or _contact(raw.key) == one.contact_id:
                rows.put(raw.key or "", raw.value)
        found = {key: row for key, row in rows.items() if isinstance(row, EnrollmentRow)}
        one.rows = {key: row for key, row in found.items() if _contact(key) == one.contact_id}
        one.usage = Usage.of(found, profiles, self._partitions, one.rate) if capped else None
        actions: Packed[ActionRow] = Packed(ActionRow)
        for raw in read_records(self._settings, POST_CALL_ACTIONS, partitions=own):
            actions.put(raw.key or "", raw.value)
        one.actions = [row for row in actions.values() if row.contact_id == one.contact_id]
        keys = {one.contact_id}
        one.contacts = self._found(CONTACTS, own, keys, _CONTACT.validate_json)
        asked = (self._found(spec, own, keys, ENROLLMENT.validate_json) for spec in (ENROLLMENTS, OPT_OUTS))
        one.requests = [found for some in asked for found in some]
        one.events = self._found(CAMPAIGN_EVENTS, own, keys, decoder(Event).decode)
        one.outcomes = self._found(CALL_OUTCOMES, own, keys, decoder(Outcome).decode)

    def _read_addresses(self, one: Dossier) -> None:
        """What is keyed by the addresses: of those who share one, only the suppressions count for this person too."""
        addresses = set(one.addresses)
        if not addresses:
            return
        places = {partition_of(address, self._partitions) for address in addresses}
        commands = self._found(DIAL_COMMANDS, places, addresses, decoder(DialCommand).decode)
        dials = {f.record.dial_id for f in commands if isinstance(f.record, Dial) and f.record.contact_id == one.contact_id}
        one.commands = [f for f in commands if isinstance(f.record, Dial | Revoke) and f.record.dial_id in dials]
        dials |= {f.record.dial_id for f in one.outcomes}
        decisions = self._found(DECISIONS, places, addresses, decoder(Decision).decode)
        one.decisions = [f for f in decisions if f.record.contact_id == one.contact_id]
        receipts = self._found(DIAL_RECEIPTS, places, addresses, decoder(Receipt).decode)
        one.receipts = [f for f in receipts if f.record.dial_id in dials]
        one.suppressions = self._found(SUPPRESSIONS, places, addresses, _SUPPRESSION.validate_json)

    def _reached_at(self, address: str) -> list[str]:
        """Contacts with this address now, or who were called there."""
        text, people = address.encode(), dict[str, None]()
        profiles: Packed[Profile] = Packed(Profile)
        for raw in read_records(self._settings, CONTACT_PROFILES):
            if raw.value is None or text in raw.value or (raw.key or "") in profiles:
                profiles.put(raw.key or "", raw.value)
        people.update(dict.fromkeys(contact for contact, profile in profiles.items() if address in profile.addresses))
        place = {partition_of(address, self._partitions)}
        for found in self._found(DIAL_COMMANDS, place, {address}, decoder(DialCommand).decode):
            if isinstance(found.record, Dial):
                people[found.record.contact_id] = None
        return list(people)

    def _raws(self, spec: TopicSpec, partitions: Container[int], keys: Container[str]) -> Iterator[Raw]:
        return (raw for raw in read_records(self._settings, spec, partitions=partitions) if (raw.key or "") in keys)

    def _found(self, spec: TopicSpec, partitions: Container[int], keys: Container[str], decode: Any) -> list[Found]:
        """Records of these keys that can be read; of repeats the first."""
        found: dict[str, Found] = {}
        for raw in self._raws(spec, partitions, keys):
            place = f"{raw.topic}/{raw.partition}/{raw.offset}"
            try:
                record = decode(raw.value or b"")
            except (msgspec.DecodeError, ValidationError):
                continue  # the workers put it in the dead letters
            found.setdefault(record.event_id or place, Found(record, place, self._campaign(raw.timestamp)))
        return list(found.values())

    def _campaign(self, real_ms: int) -> Instant:
        """Campaign ms at a real instant."""
        return Instant(int(self._clock.now() - (self._clock.real_ms() - real_ms) * self._clock.rate))


def _contact(key: str | None) -> str:
    """Whose row it is."""
    return (key or "").rsplit("/", 2)[0]


def _address(who: str) -> str:
    """A phone number or an email address as the topics have it; anything else as it is written."""
    try:
        return canonical_address("email", who) if "@" in who else parse_phone(who, "US").e164
    except RecordError:
        return who
