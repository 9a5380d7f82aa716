"""Messages that follow calls, on their way: gate, slot, command, closing. Nothing of it moves an enrollment.

Whom the gate allows waits in the ready queue of the line like everybody else, under a name that no row has; the scheduler hands
over the slot (`Flows.others`). What it refuses until an instant is asked again then, and what waits for an event (resumed, halt
lifted) when that comes.
"""

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine import action_messages as messages
from engine.answers import At, Never
from engine.gate import Verdict, decide
from engine.numbers import NextFree, Person
from engine.plan import Contacting, Plan
from engine.time import MINUTE, Instant
from schemas.campaign import CampaignHead
from schemas.event import EventKind
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.rows import ActionRow, Profile
from streams.flows import PROBE_AGAIN, PROBE_RECOVERED

if TYPE_CHECKING:
    from streams.actions import Actions

#: In front of an action's id, in the ready queue: rows of enrollments have two slashes in their names.
MARK = "action/"
#: Real ms after which one that is ready, or waits for an event, is looked at again in any case.
LOOK_AGAIN = 15 * MINUTE


class Messages:
    """Of all partitions of the worker."""

    def __init__(self, actions: "Actions") -> None:
        self._actions, self._flows, self._lane = actions, actions.flows, actions.lane
        self._held: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))  # campaign -> what waits for an event
        self._flows.others, self._flows.other_again = self.issue, self._again
        self._flows.heads.subscribe(self._on_head)
        self._flows.heads.subscribe_held(self._on_held)

    # --- what is due ---

    def look(self, p: int, row: ActionRow, step: Contacting, now: Instant) -> None:
        """Asks the gate; a command that has been out for long is asked after, by sending it again."""
        if row.open is not None:
            self._probe(p, row, step)
            return
        profile, plan = self._flows.profiles.get(p, row.contact_id), self._plan(row)
        if profile is None or (lacks := messages.lacking(row, step, profile)):
            self._skip(p, row, "no_address" if profile is None else lacks or "", now)
            return
        verdict = self._verdict(p, row, step, plan, profile, now)
        self._held[p][row.campaign].discard(row.action_id)
        if verdict.ok:
            until = verdict.open_until or now
            name = ("", 0, 0)
            self._flows.index[p].ready.add(MARK + row.action_id, plan.line, row.campaign, Instant(row.at), until, (name, until))
            self._flows.wake(p)
            self._actions.set_timer(p, row.action_id, min(self._real(until, now), self._lane.real_ms + LOOK_AGAIN))
            return
        self._not_now(p, row, verdict, now)

    def _not_now(self, p: int, row: ActionRow, verdict: Verdict, now: Instant) -> None:
        self._flows.index[p].ready.discard(MARK + row.action_id)
        match verdict.until:
            case Never(reason):
                self._skip(p, row, reason, now)
            case At(instant):
                self._actions.set_timer(p, row.action_id, self._real(instant, now))
            case _:
                self._held[p][row.campaign].add(row.action_id)
                self._actions.set_timer(p, row.action_id, self._lane.real_ms + LOOK_AGAIN)

    def issue(self, p: int, name: str, slot: Slot, now: Instant) -> bool:
        """A slot for what waits under this name: the row names the command, sent once that is durable. False: it lapses."""
        row = self._actions.rows.get(p, name.removeprefix(MARK)) if name.startswith(MARK) else None
        action = self._actions.action(row) if row is not None else None
        if row is None or row.open is not None or action is None or action.step is None:
            return False
        profile, plan = self._flows.profiles.get(p, row.contact_id), self._plan(row)
        lacks = messages.lacking(row, action.step, profile)
        if profile is None or lacks or not self._verdict(p, row, action.step, plan, profile, now).ok:
            self._actions.set_timer(p, row.action_id, self._lane.real_ms)
            return False
        person = Person(row.contact_id, messages.address(row, action.step, profile) or "", profile.jurisdictions, row.commands + 1)
        caller = self._flows.callers.choose_for(p, plan, action.step.channel, person, now)
        if isinstance(caller, NextFree):
            self._actions.set_timer(p, row.action_id, self._lane.real_ms)  # the gate says until when
            return False
        issued = replace(row, open=messages.issued(row, action.step, profile, slot, caller, now))
        self._lane.put(self._actions.rows, p, row.action_id, issued)
        self._lane.emit_after(messages.command(issued, action.step, plan, profile))
        self._actions.set_timer(p, row.action_id, self.probe_at(issued))
        return True

    def closed(self, p: int, row: ActionRow, outcome: Outcome, now: Instant) -> None:
        """The command is closed: the message is sent, or never, or it is tried again."""
        if row.open is None or outcome.dial_id != row.open.dial_id:
            return
        what, after = messages.closed(outcome), replace(row, open=None, commands=row.commands + 1)
        if what.sent:
            self._actions.done(p, row, EventKind.ACTION_DONE, now, dial_id=outcome.dial_id, disposition=outcome.disposition)
        elif what.never:
            self._skip(p, row, what.never, now)
        elif what.failed:
            self._actions.failed(p, after, what.failed, now, final=not what.again)
        else:
            due = self._lane.real_ms if what.due is None else self._real(what.due, now)
            self._actions.keep(p, replace(after, due=due))

    def probe_at(self, row: ActionRow, recovered: bool = False) -> int:
        """When the open command is asked after (real ms)."""
        assert row.open is not None
        after = PROBE_RECOVERED if recovered else PROBE_AGAIN
        return max(row.open.slot.end // 1000 + after, self._lane.real_ms)

    def drop(self, p: int) -> None:
        self._held.pop(p, None)

    # --- helpers ---

    def _probe(self, p: int, row: ActionRow, step: Contacting) -> None:
        profile = self._flows.profiles.get(p, row.contact_id)
        if profile is not None:
            self._lane.emit(messages.command(row, step, self._plan(row), profile))
        self._actions.set_timer(p, row.action_id, self._lane.real_ms + PROBE_AGAIN)

    def _skip(self, p: int, row: ActionRow, reason: str, now: Instant) -> None:
        self._held[p][row.campaign].discard(row.action_id)
        self._flows.index[p].ready.discard(MARK + row.action_id)
        self._actions.done(p, row, EventKind.ACTION_SKIPPED, now, reason=reason)

    def _verdict(self, p: int, row: ActionRow, step: Contacting, plan: Plan, profile: Profile, now: Instant) -> Verdict:
        return decide(self._flows.facts_of(p, plan, step, profile, messages.address(row, step, profile)), now)

    def _plan(self, row: ActionRow) -> Plan:
        plan = self._flows.heads.plan(row.campaign, row.version)
        assert plan is not None, "the action was found in it"
        return plan

    def _real(self, instant: Instant, now: Instant) -> int:
        """Real ms of a campaign instant."""
        return self._lane.real_ms + int(self._lane.clock.real_delay(instant - now) * 1000) + 1

    def _again(self, p: int, name: str) -> None:
        if name.startswith(MARK):
            self._look_at(p, {name.removeprefix(MARK)})

    def _on_head(self, head: CampaignHead) -> None:
        for p in self._lane.active:
            self._look_at(p, self._held[p].pop(head.id, set()))

    def _on_held(self) -> None:
        for p in self._lane.active:
            for waiting in self._held.pop(p, {}).values():
                self._look_at(p, waiting)

    def _look_at(self, p: int, waiting: set[str]) -> None:
        for action_id in waiting:
            self._actions.set_timer(p, action_id, self._lane.clock.real_ms())
