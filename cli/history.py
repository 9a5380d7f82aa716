"""One person's history, in order and in words, from what the topics hold (cli/dossier.py). Pure.

Entries that no record holds (`due`, `waited`, `now`) are worked out again: when a step fell due by
cli/replay.py, why somebody waits by cli/reasons.py, the very functions that the workers act on.
"""

from collections.abc import Callable, Iterator
from typing import Any

from cli import words
from cli.attempts import local
from cli.dossier import Dossier, Found
from cli.entries import FIRST, LAST, TOGETHER_MS, Entry, in_order
from cli.reasons import View, why
from cli.replay import Asked, Spell, Stand, closed_spells, replay
from engine import flow
from engine.errors import OutdialError
from engine.hours import closing
from engine.pauses import consequential
from engine.plan import Contacting, Plan
from engine.time import SECOND, Instant
from schemas.campaign import CampaignState, Pause
from schemas.command import Dial, Revoke
from schemas.event import Event, EventKind
from schemas.outcome import Outcome
from schemas.receipt import ReceiptKind

_KINDS = {
    EventKind.ENROLLED: "enrolled",
    EventKind.STEP_SKIPPED: "skipped",
    EventKind.RETRY_SCHEDULED: "retry",
    EventKind.EXITED: "exited",
    EventKind.CALLBACK_SCHEDULED: "callback",
    EventKind.ENROLLMENT_REFUSED: "refused",
}
#: What receipts and due steps tell as well, in more words.
_TOLD_BY_OTHERS = frozenset({EventKind.STEP_DUE, EventKind.CALL_PLACED})
#: Real ms in which a slot comes to somebody whom nothing holds up: no waiting worth telling.
PROMPT_MS = 2 * SECOND


def history(one: Dossier) -> list[Entry]:
    """Everything that happened to a person, and why nothing happens at the moment."""
    teller = _Teller(one)
    return in_order([entry for tell in teller.tellers for entry in tell()], one.rate)


class _Teller:
    """Tells one kind of record after the other; cli/entries.py puts them in order."""

    def __init__(self, one: Dossier) -> None:
        self.one = one
        self.dials = {found.record.dial_id: found.record for found in one.commands if isinstance(found.record, Dial)}
        self.closings = {found.record.dial_id: found.record for found in one.outcomes}
        self.seqs = {closing.event_id: closing.seq for closing in self.closings.values()}
        self.tellers: tuple[Callable[[], Iterator[Entry]], ...] = (
            self.people,
            self.events,
            self.commands,
            self.decisions,
            self.receipts,
            self.outcomes,
            self.suppressions,
            self.stands,
            self.present,
        )

    def people(self) -> Iterator[Entry]:
        for found in self.one.contacts:
            yield self._entry(found, found.appended, "imported", words.imported(found.record, self.one.profile))
        for found in self.one.requests:
            asked = found.record
            opted_out = asked.kind == "opt_out"
            at = asked.at if opted_out and asked.at is not None else found.appended
            about = {} if opted_out else {"campaign": asked.campaign, "entry": getattr(asked, "entry", None)}  # a goal is of none
            yield self._entry(found, at, "opt_out" if opted_out else "requested", words.requested(asked), **about)

    def events(self) -> Iterator[Entry]:
        """All but the ends of attempts, which their closings tell better, as long as there are any."""
        for found in self.one.events:
            told = found.record
            if told.kind in _TOLD_BY_OTHERS:
                continue
            if told.kind in (EventKind.CALL_ENDED, EventKind.MESSAGE_SENT) and told.data.get("dial_id") in self.closings:
                continue
            about = {"campaign": told.campaign, "entry": told.entry, "step": told.step, "dial_id": told.data.get("dial_id")}
            kind = _KINDS.get(told.kind, "event")
            about["seq"] = {"enrolled": FIRST, "exited": LAST, "retry": self.seqs.get(told.cause)}.get(kind)
            yield self._entry(found, told.at, kind, words.event(told, self._clocked(told.campaign)), **about)

    def commands(self) -> Iterator[Entry]:
        for found in self.one.commands:
            match found.record:
                case Dial() as dial:
                    yield self._entry(found, dial.at, "issued", words.issued(dial), **self._about(dial.dial_id))
                case Revoke() as revoke:
                    text = f"The command was withdrawn, if it had not been requested yet: {revoke.reason.replace('_', ' ')}."
                    yield self._entry(found, found.appended, "revoked", text, **self._about(revoke.dial_id) | {"seq": None})

    def decisions(self) -> Iterator[Entry]:
        for found in self.one.decisions:
            made = found.record
            text = words.decided(made, self._clocked(made.campaign))
            about = self._about(made.dial_id) if made.dial_id else {"campaign": made.campaign, "step": made.step}
            yield self._entry(found, made.at, "decided", text, **about)

    def receipts(self) -> Iterator[Entry]:
        """What a provider said, but for how it ended: the closing tells that, and later news are events."""
        for found in self.one.receipts:
            told = found.record
            ended = told.kind in (ReceiptKind.ENDED, ReceiptKind.REJECTED) and told.dial_id in self.closings
            if ended or told.kind == ReceiptKind.STATUS:
                continue
            kind = "placed" if told.kind == ReceiptKind.ACCEPTED else "provider"
            yield self._entry(found, found.appended, kind, words.said(told), **self._about(told.dial_id))

    def outcomes(self) -> Iterator[Entry]:
        for found in self.one.outcomes:
            closing = found.record
            text = words.closed(closing, self._clocked(closing.campaign))
            yield self._entry(found, closing.ended_at, "ended", text, **self._about(closing.dial_id))

    def suppressions(self) -> Iterator[Entry]:
        for found in self.one.suppressions:
            at = found.appended if found.record.at is None else found.record.at
            yield self._entry(found, at, "suppressed", words.suppressed(found.record))

    def stands(self) -> Iterator[Entry]:
        """When steps fell due, and why they waited."""
        for found in self.one.events:
            if found.record.kind == EventKind.ENROLLED:
                plan = self._plan(found.record.campaign, found.record.version)
                if plan is not None:
                    yield from self._stands_of(found, plan)

    def present(self) -> Iterator[Entry]:
        """Why those who have not left are where they are."""
        one = self.one
        profiles = {one.contact_id: one.profile} if one.profile else {}
        view = View.of(one.rows, profiles, one.plans, one.now, one.rate, one.used, one.usage)
        for row in one.rows.values():
            reason = why(row, view)
            if reason is not None:
                text = f"At step {row.step or 'none yet'}: {words.waiting(reason, self._clocked(row.campaign))}."
                yield self._made(one.now, "now", text, row.campaign, row.entry, row.step or None)

        for action in one.actions:
            yield self._made(one.now, "now", words.pending(action), action.campaign, action.entry, None)

    # --- one enrollment ---

    def _stands_of(self, found: Found, plan: Plan) -> Iterator[Entry]:
        told, one = found.record, self.one
        mine = {d.seq: d for d in self.dials.values() if d.enrollment_id == told.enrollment_id}
        closed: dict[int, Outcome] = {o.seq: o for o in self.closings.values() if o.enrollment_id == told.enrollment_id}
        first = one.contacts[0].appended if one.contacts else Instant(0)
        waited = first - told.at > TOGETHER_MS * one.rate and not any(dial.at < first for dial in mine.values())
        late = first if waited else None  # else the details came with the enrollment, or came again later
        pauses = self._pauses(plan.campaign)
        for stand in replay(told, late, mine, closed, plan, one.profile, one.now, pauses, self._asked(told)):
            end = Instant(stand.issued.at) if stand.issued else stand.until or self._left_from(told, stand)
            if stand.passed or (end is not None and stand.due <= end):
                yield from self._stood(stand, plan, told.entry, end or stand.due)

    def _asked(self, told: Event) -> list[Asked]:
        """The calls that were asked for by topic. What came before the enrollment was refused, and after the exit too late."""
        mine = [f for f in self.one.requests if f.record.kind in ("enroll", "callback") and f.record.campaign == told.campaign]
        mine = [f for f in mine if f.record.entry == told.entry]
        begun = next((f.appended for f in mine if f.record.kind == "enroll"), Instant(told.at))
        gone = self._gone_at(told) or self.one.now
        calls = [f for f in mine if f.record.kind == "callback" and begun <= f.appended <= gone]
        return [Asked(f.appended, flow.Callback(f.record.callback_at, f.record.event_id or f.place)) for f in calls]

    def _left_from(self, told: Event, stand: Stand) -> Instant | None:
        """Until when the enrollment stood there without a command: its exit, or now. None: the records that would tell are gone."""
        row = self.one.rows.get(f"{told.contact_id}/{told.campaign}/{told.entry}")
        if row is not None and (row.step, row.seq) != (stand.step.id, stand.seq):
            return None
        if row is not None and row.exit is None:
            return self.one.now
        return self._gone_at(told)

    def _gone_at(self, told: Event) -> Instant | None:
        """When the enrollment ended, as far as the feed tells."""
        exits = (f.record for f in self.one.events if f.record.kind == EventKind.EXITED)
        return next((Instant(gone.at) for gone in exits if gone.enrollment_id == told.enrollment_id), None)

    def _stood(self, stand: Stand, plan: Plan, entry: int, end: Instant) -> Iterator[Entry]:
        """A step's due instant, and what it waited for until `end`."""
        name, due, clocked = stand.step.id, stand.due, self._clocked(plan.campaign)
        if not isinstance(stand.step, Contacting):
            if stand.passed:
                yield self._made(due, "due", f"The wait {name} is over.", plan.campaign, entry, name, stand.seq)
            return
        if stand.passed:
            return  # it was skipped: the feed says so
        again = " again" if stand.retry else ""
        later = f", {words.length(stand.later)} later because of a pause" if stand.later else ""
        yield self._made(due, "due", f"Step {name} fell due{again}{later}.", plan.campaign, entry, name, stand.seq)
        profile, at = self.one.profile, due
        zones = plan.zones(profile.zones if profile else ())
        window = plan.terms(stand.step, profile.jurisdictions if profile else ()).window
        over = stand.issued is not None or end < self.one.now
        for spell in (*closed_spells(window, zones, due, end), Spell(end, end)):
            if spell.end < end or over:  # else `now` says why
                yield from self._held_up(stand, plan, entry, at, spell.start)
            if spell.start < spell.end:
                until = f"until {clocked(spell.end)}" if spell.end < end else "until then" if over else "still"
                text = f"Step {name} waited: {words.shut(closing(window, zones, spell.start))} {until}."
                yield self._made(spell.start, "waited", text, plan.campaign, entry, name, stand.seq)
            at = spell.end

    def _held_up(self, stand: Stand, plan: Plan, entry: int, begin: Instant, end: Instant) -> Iterator[Entry]:
        """What kept somebody whom the window did not, in [begin, end): as far as records tell."""
        head, name = self.one.plans.heads.get(plan.campaign), stand.step.id
        for pause in head.pauses if head else ():
            over = Instant(min(end, end if pause.end is None else pause.end))
            if pause.begin < end and begin < over:
                why = "had not been started" if pause.policy == "draft" else "was paused"
                ramp = f", and let out over {words.length(pause.ramp)}" if pause.ramp else ""
                text = f"Step {name} waited {words.length(over - max(begin, pause.begin))}: the campaign {why}{ramp}."
                yield self._made(begin, "waited", text, plan.campaign, entry, name, stand.seq)
                begin = Instant(min(end, over + pause.ramp))
        if head is not None and head.state is CampaignState.RUNNING and begin < head.at <= end:
            text = f"Step {name} waited {words.length(head.at - begin)}: the campaign was started, or resumed, only then."
            yield self._made(begin, "waited", text, plan.campaign, entry, name, stand.seq)
            begin = Instant(head.at)
        if end - begin <= PROMPT_MS * self.one.rate:
            return
        others = [o for o in self.closings.values() if stand.issued is None or o.dial_id != stand.issued.dial_id]
        busy = any(o.ended_at > begin and self.dials[o.dial_id].at < end for o in others if o.dial_id in self.dials)
        meanwhile = "; for a part of it another call to the same person was under way" if busy else ""
        text = f"Step {name} waited {words.length(end - begin)}: no slot on line {plan.line} came earlier{meanwhile}."
        yield self._made(begin, "waited", text, plan.campaign, entry, name, stand.seq)

    # --- what entries share ---

    def _pauses(self, campaign: str) -> tuple[Pause, ...]:
        head = self.one.plans.heads.get(campaign)
        return consequential(head.pauses) if head else ()

    def _plan(self, campaign: str, version: int) -> Plan | None:
        try:
            return self.one.plans.plan(campaign, version)
        except OutdialError:
            return None

    def _about(self, dial_id: str) -> dict[str, Any]:
        known = self.dials.get(dial_id) or self.closings.get(dial_id)
        if known is None:
            return {"dial_id": dial_id}
        return {"campaign": known.campaign, "entry": known.entry, "step": known.step, "dial_id": dial_id, "seq": known.seq}

    def _zone(self, campaign: str | None) -> str | None:
        """The zone whose wall clock counts: the campaign's for this person, else the person's own first."""
        own = self.one.profile.zones if self.one.profile else ()
        head = self.one.plans.heads.get(campaign or "")
        plan = self._plan(head.id, head.version) if head else None
        zones = plan.zones(own) if plan else own
        return zones[0] if zones else None

    def _clocked(self, campaign: str | None) -> words.Clocked:
        zone = self._zone(campaign)
        return lambda at: local(at, zone or "UTC").strftime("%a %Y-%m-%d %H:%M:%S %Z")

    def _entry(self, found: Found, at: int, kind: str, text: str, **about: Any) -> Entry:
        return Entry(at, kind, text, evidence=found.place, zone=self._zone(about.get("campaign")), **about)

    def _made(self, at: int, kind: str, text: str, campaign: str, entry: int, step: str | None, seq: int | None = None) -> Entry:
        return Entry(at, kind, text, campaign, entry, step, zone=self._zone(campaign), seq=seq)
