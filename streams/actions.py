"""ACTIONS: what is done after outcomes and exits, beside the flow: kept as rows, run here, repeated until done or given up.

The stage that has the outcome, or says the exit, puts one row per action into a table of its own, in the same step, or before
`exited` is said: a crash loses none. When the row is durable the action is run: webhooks by a courier (streams/courier.py), so
that no server that is slow holds up the pipeline or another server; messages (streams/action_messages.py) through gate, slots and
ledger. A row goes when its action is done or given up, and `action_done` or `action_failed` says so.
"""

import logging
from collections import defaultdict
from functools import partial
from urllib.parse import urlsplit

import msgspec

from engine import actions
from engine.errors import RecordError
from engine.plan import Action
from engine.time import Instant
from engine.timers import Wheel
from providers.outhooks import Answer, OutHooks
from schemas.enrollment import Act
from schemas.event import EventKind
from schemas.outcome import Outcome
from schemas.rows import ActionRow, EnrollmentRow, Profile
from streams.action_messages import Messages
from streams.courier import Courier
from streams.flows import Flows
from streams.store import Table

log = logging.getLogger(__name__)

#: Rows looked at in one tick of a partition; the lane yields to the loop in between.
BATCH = 64
#: Real ms after which a worker that had lost touch with its group looks again whether it may send.
FENCED_MS = 1_000
#: Real seconds that a worker which ends gives to what it has just asked.
LAST_S = 3.0

#: What the courier carries: a partition and the id of an action.
Name = tuple[int, str]


class Actions:
    """One object for all partitions of the worker."""

    def __init__(self, flows: Flows, rows: Table[ActionRow], hooks: OutHooks) -> None:
        self.flows, self.lane, self.rows, self._hooks = flows, flows.lane, rows, hooks
        self.wheels: dict[int, Wheel[str, None]] = defaultdict(Wheel)  # real ms: when each is run, or asked after
        self._messages = Messages(self)
        self._courier = Courier(self._deliver)
        self._wake = self.lane.tick(self.tick)
        flows.leaving = self.on_exit

    # --- what leads to actions ---

    def on_outcome(self, p: int, outcome: Outcome, now: Instant) -> None:
        """In the step of the outcome. What a repeat leads to is there already; or it was done, and is again, with the same id."""
        plan = self.flows.heads.plan(outcome.campaign, outcome.version)
        if plan is None or not plan.actions:
            return
        profile = self.flows.profiles.get(p, outcome.contact_id)
        for action in actions.on_outcome(plan, outcome):
            self._begin(p, action, actions.of_outcome(action, outcome, profile), profile, now)

    def on_exit(self, p: int, row: EnrollmentRow, now: Instant) -> bool:
        """Before `exited` is said: whether there are rows that must be durable first."""
        plan = self.flows.plan(row)
        if not plan.actions or row.exit is None:
            return False
        profile = self.flows.profiles.get(p, row.contact_id)
        found = list(actions.on_exit(plan, row.exit.reason))
        kept = [self._begin(p, action, actions.of_exit(action, row, profile), profile, now) for action in found]
        return any(kept)

    def on_closing(self, p: int, outcome: Outcome, now: Instant) -> None:
        """The closing of a message that is an action."""
        row = self.rows.get(p, outcome.action or "")
        if row is not None:
            self._messages.closed(p, row, outcome, now)

    def once_more(self, p: int, asked: Act) -> None:
        """A dead letter comes again. Raises RecordError for one that is no action, or of a campaign that has none of that id."""
        try:
            row = msgspec.convert(asked.row, ActionRow)
        except msgspec.ValidationError as error:
            raise RecordError(f"this is no action: {error}") from error
        if row.action_id != asked.action_id or row.contact_id != asked.contact_id:
            raise RecordError(
                f"the action in it is {row.action_id} of {row.contact_id}, not {asked.action_id} of {asked.contact_id}"
            )
        if self.action(row) is None:
            raise RecordError(f"campaign {row.campaign}@{row.version} has no action {row.action!r}")
        if self.rows.get(p, row.action_id) is None:
            self.keep(p, row)

    def _begin(self, p: int, action: Action, row: ActionRow, profile: Profile | None, now: Instant) -> bool:
        """Writes what is only a record; keeps what takes longer, and says so."""
        if action.does in actions.RECORDS:
            for record in actions.records(action, row, profile, now):
                self.lane.emit(record)
            return False
        if self.rows.get(p, row.action_id) is None:
            self.keep(p, row)
        return True

    # --- rows ---

    def action(self, row: ActionRow) -> Action | None:
        """What the row's version of the campaign says of it."""
        plan = self.flows.heads.plan(row.campaign, row.version)
        return plan.action(row.action) if plan is not None else None

    def keep(self, p: int, row: ActionRow) -> None:
        """The row as it is now; once it is durable, what it says is done when it is due."""
        self.lane.put(self.rows, p, row.action_id, row)
        self.lane.then(partial(self._durable, p, row))

    def done(self, p: int, row: ActionRow, kind: EventKind, now: Instant, **more: object) -> None:
        """The row goes, and the feed says why."""
        action = self.action(row)
        self.lane.emit(actions.told(row, kind, action.does if action else "", now, **more))
        self.lane.put(self.rows, p, row.action_id, None)
        self.wheels[p].discard(row.action_id)

    def failed(self, p: int, row: ActionRow, why: str, now: Instant, *, final: bool = False, pause: int = 0) -> None:
        """Tried again after a pause, or given up: into the dead letters."""
        again = None if final else actions.again(row, why, self.lane.real_ms, pause)
        if again is not None:
            self.keep(p, again)
            return
        where = {"action": "action_given_up", "action_id": row.action_id, "campaign": row.campaign}
        log.warning("Action %s of %s is given up: %s.", row.action, row.campaign, why, extra=where)
        self.lane.emit(actions.letter(row, why, p, self.lane.real_ms), partition=p)
        self.done(p, row, EventKind.ACTION_FAILED, now, reason=why)

    def set_timer(self, p: int, action_id: str, real_ms: int) -> None:
        """The row is looked at then."""
        wheel = self.wheels[p]
        following = wheel.next()
        wheel.put(Instant(real_ms), action_id, None)
        if following is None or real_ms < following:
            self._wake(p)

    def _durable(self, p: int, row: ActionRow) -> None:
        if self.rows.get(p, row.action_id) is row:
            self._arm(p, row)

    def _arm(self, p: int, row: ActionRow) -> None:
        self.set_timer(p, row.action_id, self._messages.probe_at(row) if row.open else row.due)

    # --- when they are due ---

    def tick(self, p: int, now: Instant) -> float | None:
        """Runs what is due; real seconds until the next."""
        wheel = self.wheels[p]
        for action_id, _ in wheel.drain(Instant(self.lane.real_ms), BATCH):
            row = self.rows.get(p, action_id)
            if row is not None:
                self._run(p, row, now)
        following = wheel.next()
        return None if following is None else max(0.0, (following - self.lane.real_ms) / 1000)

    def _run(self, p: int, row: ActionRow, now: Instant) -> None:
        action = self.action(row)
        if action is None:  # the version is gone from the topic, by somebody's hand
            self.failed(p, row, f"campaign {row.campaign}@{row.version} has no action {row.action!r}", now, final=True)
        elif action.step is None:
            self._courier.add(urlsplit(action.url).netloc, (p, row.action_id))
        else:
            self._messages.look(p, row, action.step, now)

    async def _deliver(self, name: Name) -> None:
        """One webhook, once."""
        p, action_id = name
        row = self.rows.get(p, action_id)
        action = self.action(row) if row is not None else None
        if p not in self.lane.active or row is None or action is None:
            return
        if not self.lane.fence.ok():
            self.set_timer(p, action_id, self.lane.clock.real_ms() + FENCED_MS)
            return
        answer = await self._hooks.post(action.url, action.secret_env, action_id, actions.body(row))
        if p in self.lane.active:
            self.lane.step(p, partial(self._answered, p, action_id, answer))

    def _answered(self, p: int, action_id: str, answer: Answer) -> None:
        row = self.rows.get(p, action_id)
        if row is None:
            return
        now = self.lane.now()
        if answer.why is None:
            self.done(p, row, EventKind.ACTION_DONE, now)
        else:
            self.failed(p, row, answer.why, now, final=answer.final, pause=answer.pause)

    # --- partitions ---

    def assigned(self, p: int) -> None:
        """Timers, from the rows."""
        self.wheels[p] = Wheel()
        for row in self.rows.rows(p).values():
            if row.open is not None:
                self.set_timer(p, row.action_id, self._messages.probe_at(row, recovered=True))
            else:
                self._arm(p, row)

    def drop(self, p: int) -> None:
        self.wheels.pop(p, None)
        self._messages.drop(p)
        self._courier.forget(lambda name: name[0] != p)

    async def close(self) -> None:
        """When records do not flow any more."""
        await self._courier.close(LAST_S)
        await self._hooks.close()
