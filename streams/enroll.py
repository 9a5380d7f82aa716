"""ENROLL: contacts become profiles, enrollments become rows, opt-outs end what there is.

Neither topic is ahead of the other for certain: an enrollment before its contact waits as AWAITING_CONTACT, and an opt-out before
its contact is kept in a profile that says so. A record about a campaign that nobody knows waits until the campaigns topic has been
read past its end at that moment; then it goes to the dead letters.
"""

from msgspec.structs import replace
from pydantic import ValidationError

from engine import flow
from engine.errors import RecordError
from engine.intake import profile_of
from engine.reentry import refusal
from engine.suppression import leaves, parse_scope
from engine.time import Instant
from schemas import ids
from schemas.command import Link, Unlink
from schemas.contact import Contact
from schemas.enrollment import ENROLLMENT, Act, Callback, Enroll, Goal, OptOut, Unenroll
from schemas.rows import EnrollmentRow, OptOutEntry, Profile, State
from schemas.suppression import Suppression
from streams.actions import Actions
from streams.flows import Flows
from streams.lane import Record
from streams.parking import Parking


class Enrolling:
    """One object for all partitions of the worker."""

    def __init__(self, flows: Flows, parking: Parking, actions: Actions) -> None:
        self.flows, self.lane, self.parking, self.actions = flows, flows.lane, parking, actions

    def on_contact(self, p: int, record: Record, now: Instant) -> None:
        """A person, whole, as an import or a CRM publishes it."""
        if record.value is None:
            raise RecordError("deleting a contact is not supported yet: unenroll the person, or publish an opt_out")
        try:
            contact = Contact.model_validate_json(record.value)
        except ValidationError as error:
            raise RecordError(_sentence("contact", error)) from error
        before = self.flows.profiles.get(p, contact.id)
        profile = profile_of(contact, before)
        cause = contact.event_id or ids.record_id("contact", record.topic, p, record.offset)
        self.lane.put(self.flows.profiles, p, contact.id, profile)
        self._addresses_changed(p, before, profile, cause)
        for key in tuple(self.flows.index[p].by_contact.get(contact.id, ())):
            row = self.flows.row(p, key)
            if row is not None and row.state is State.AWAITING_CONTACT:
                self.flows.feed(p, row, flow.ContactChanged(cause), now)
            else:
                self.flows.index[p].todo.append(key)  # its zones may have changed: the gate is asked afresh
        self.flows.wake(p)

    def on_enrollment(self, p: int, record: Record, now: Instant) -> None:
        """Enroll, unenroll, opt_out, callback, goal, act."""
        try:
            asked = ENROLLMENT.validate_json(record.value or b"")
        except ValidationError as error:
            raise RecordError(_sentence("enrollment record", error)) from error
        cause = asked.event_id or ids.record_id("enrollment", record.topic, p, record.offset)
        match asked:
            case Enroll():
                self._enroll(p, record, asked, cause, now)
            case Unenroll():
                self.flows.feed(p, self._enrolled(p, asked), flow.Leave("unenrolled", cause), now)
            case OptOut():
                self._opt_out(p, asked, cause, now)
            case Callback():
                self.flows.feed(p, self._enrolled(p, asked), flow.Callback(asked.callback_at, cause), now)
            case Goal():
                self._reached(p, asked, cause, now)
            case Act():
                self.actions.once_more(p, asked)

    def _enroll(self, p: int, record: Record, asked: Enroll, cause: str, now: Instant) -> None:
        head = self.flows.heads.head(asked.campaign)
        plan = self.flows.heads.plan(asked.campaign, head.version) if head else None
        if head is None or plan is None:
            reason = f"campaign {asked.campaign!r} does not exist: outdial campaign apply FILE, then publish the record again"
            self.parking.park(p, record, reason, self.on_enrollment)
            return
        if self.flows.row(p, f"{asked.contact_id}/{asked.campaign}/{asked.entry}") is not None:
            return  # a repeat
        profile = self.flows.profiles.get(p, asked.contact_id)
        inp = flow.Enroll(asked.contact_id, asked.campaign, asked.entry, cause)
        before = self.flows.row(p, f"{asked.contact_id}/{asked.campaign}/{asked.entry - 1}")
        if asked.entry > 1 and (refused := refusal(inp, plan, before, now)) is not None:
            self.lane.emit(refused)
            return
        result = flow.enroll(inp, now, plan, profile)
        self.flows.apply(p, None, result)
        if head.draining:  # nobody new is admitted: they enter and leave at once, so that whoever enrolled them hears of it
            self.flows.feed(p, result.row, flow.CampaignEnded(cause), now)
        if profile is not None:
            self._link(profile, profile.addresses, cause)

    def _enrolled(self, p: int, asked: Unenroll | Callback) -> EnrollmentRow:
        row = self.flows.row(p, f"{asked.contact_id}/{asked.campaign}/{asked.entry}")
        if row is None:
            raise RecordError(f"{asked.contact_id} is not enrolled in {asked.campaign} (entry {asked.entry})")
        return row

    def _reached(self, p: int, asked: Goal, cause: str, now: Instant) -> None:
        """Ends the enrollments whose campaigns have this goal; who is in none of them has nothing to reach."""
        for key in tuple(self.flows.index[p].by_contact.get(asked.contact_id, ())):
            row = self.flows.row(p, key)
            if row is not None and asked.campaign in (None, row.campaign):
                self.flows.feed(p, row, flow.Reached(asked.goal, cause), now)

    def _opt_out(self, p: int, asked: OptOut, cause: str, now: Instant) -> None:
        """Ends the enrollments that the scope covers, and suppresses the person's other addresses, now and whenever they change."""
        parse_scope(asked.scope)
        found = self.flows.profiles.get(p, asked.contact_id)
        profile = found or Profile(contact_id=asked.contact_id, known=False)
        entry = OptOutEntry(scope=asked.scope, source=asked.source or "enrollments", at=asked.at or now, cause=cause)
        if not any(e.scope == entry.scope for e in profile.opt_outs):
            profile = replace(profile, opt_outs=(*profile.opt_outs, entry))
            self.lane.put(self.flows.profiles, p, asked.contact_id, profile)
        spoke = asked.address if asked.spoke else None
        self._suppress(profile, [a for a in profile.addresses if a != spoke], entry)
        for key in tuple(self.flows.index[p].by_contact.get(asked.contact_id, ())):
            row = self.flows.row(p, key)
            if row is None or _leaving(row):
                continue
            if leaves(asked.scope, row.campaign, self.flows.plan(row).channels):
                self.flows.feed(p, row, flow.Leave("opted_out", cause), now)
            else:
                self.flows.index[p].todo.append(key)  # a step of its channel is passed over
        self.flows.wake(p)

    def _addresses_changed(self, p: int, before: Profile | None, after: Profile, cause: str) -> None:
        """Links follow the addresses of enrolled people; new addresses of people who opted out are suppressed."""
        old, new = before.addresses if before else (), after.addresses
        if old:
            new = tuple([a for a in new if a not in old])
        for entry in after.opt_outs:
            self._suppress(after, list(new), entry)
        if not self.flows.index[p].by_contact.get(after.contact_id):
            return
        self._link(after, new, cause)
        for address in [a for a in old if a not in after.addresses]:
            self.lane.emit(
                Unlink(event_id=ids.event_id(cause, "unlink", address), cause=cause, address=address, contact_id=after.contact_id)
            )

    def _link(self, profile: Profile, addresses: tuple[str, ...], cause: str) -> None:
        for address in addresses:
            event = ids.event_id(cause, "link", f"{address}|{profile.contact_id}")
            self.lane.emit(Link(event_id=event, cause=cause, address=address, contact_id=profile.contact_id))

    def _suppress(self, profile: Profile, addresses: list[str], entry: OptOutEntry) -> None:
        for address in addresses:
            self.lane.emit(
                Suppression(
                    event_id=ids.event_id(entry.cause, "suppress", address),
                    cause=entry.cause,
                    address=address,
                    scope=entry.scope,
                    reason="opted_out",
                    source="opt_out",
                    spoke=False,
                    contact_id=profile.contact_id,
                    at=entry.at,
                )
            )


def _leaving(row: EnrollmentRow) -> bool:
    return row.state is State.EXITED or (row.exit is not None and row.exit.reason == "opted_out")


def _sentence(what: str, error: ValidationError) -> str:
    """All that pydantic has to say, in one line."""
    parts = (f"{'.'.join(str(x) for x in e['loc']) or 'the record'}: {e['msg']}" for e in error.errors(include_url=False))
    return f"not a {what}: " + "; ".join(parts)
