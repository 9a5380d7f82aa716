"""SCHEDULER: due timers become ready, granted slots become dial commands.

A tick drains the wheel, a slice at a time. What the gate allows goes into the ready queue, with a timer for the end of its open
range; what it refuses until an instant gets a timer for that; what waits for an event (resumed, contact free) is looked at again
when the event comes, through `todo`. None of this writes anything: the row is the timer, the rest is derived.

A grant takes the oldest ready entries of its campaign, and issues one command for each slot: the row first, the command once it is
durable. A slot nobody can use lapses. What could be used, the owners of lines are told by streams/reports.py.
"""

from engine import decisions, flow
from engine.answers import At, Never
from engine.gate import Verdict, decide, holds, lifecycle
from engine.halts import halted
from engine.numbers import NextFree
from engine.pauses import expired, let_out
from engine.plan import Plan
from engine.reach import address_for
from engine.time import NEVER, Instant
from schemas.base import decode
from schemas.campaign import CampaignHead, CampaignState
from schemas.line import Grant, Slot
from schemas.rows import EnrollmentRow, Profile, State
from streams.circuit import ProviderCircuit
from streams.flows import PROBE_AGAIN, Flows
from streams.lane import Record
from streams.lead import Lead
from streams.reports import Reports
from streams.ticks import drained

#: Rows looked at in one tick of a partition; the lane yields to the loop in between.
BATCH = 64
#: Real seconds after which a partition with nothing to do is looked at again: for rows whose week is over.
IDLE = 60.0


_WAITING = State.WAITING


class Scheduler:
    """One object for all partitions of the worker."""

    def __init__(self, flows: Flows, lead: Lead, circuit: ProviderCircuit | None = None) -> None:
        self.flows, self.lane, self.clock = flows, flows.lane, flows.clock
        self._circuit = circuit or ProviderCircuit()
        self._reports = Reports(flows, lead, self._circuit)
        flows.heads.subscribe(self.on_head)
        flows.heads.subscribe_held(self.on_held)
        flows.wake = self.lane.tick(self.tick)

    # --- inputs ---

    def on_slots(self, p: int, record: Record, now: Instant) -> None:
        """A grant: one command for each slot that somebody ready can use."""
        grant = decode(record.value or b"", Grant)
        if not self._reports.heard(p, grant):
            return  # of an owner that was followed by another
        taken: list[str] = []
        try:
            for slot in grant.slots():
                if not self.lane.roomy:
                    break  # people with much data each: the other slots lapse, and they are granted new ones
                if slot.end > self.lane.real_us and not self._issue(p, slot, grant.campaign, now, taken):
                    break
        except Exception:
            self.flows.index[p].todo.extend(taken)  # their rows are as they were: nobody may be left out of the queue
            raise
        finally:
            self.flows.wake(p)

    def assigned(self, p: int) -> None:
        """Nothing has been said to, or heard from, the owner of any line."""
        self._reports.assigned(p)

    def on_head(self, head: CampaignHead) -> None:
        """A campaign was started, paused, resumed, ended or changed: its rows are looked at again, in slices."""
        for p in self.lane.active:
            self.flows.index[p].todo.extend(self.flows.index[p].by_campaign.get(head.id, ()))
            self.flows.wake(p)

    def on_held(self) -> None:
        """A halt came or was lifted, a list was imported: everybody is looked at again, in slices."""
        for p in self.lane.active:
            index = self.flows.index[p]
            for keys in index.by_campaign.values():
                index.todo.extend(keys)
            self.flows.wake(p)

    def tick(self, p: int, now: Instant) -> float | None:
        """Due timers, rows to look at again, commands to ask after, reports; real seconds until the next time."""
        index = self.flows.index[p]
        for key, timer in index.wheel.drain(now, BATCH):
            row = self.flows.row(p, key)
            if row is not None and row.timer == timer:
                self.look(p, key, row, now)
        for _ in range(min(BATCH, len(index.todo))):
            row = self.flows.row(p, key := index.todo.popleft())
            if row is not None:
                self.look(p, key, row, now)
            else:
                self.flows.other_again(p, key)
        self._probe(p)
        self.flows.retire(p)
        again = self._reports.report(p, now)
        if index.todo or (index.retirees.next() or NEVER) <= self.lane.real_ms:
            return 0.0
        due, probe = index.wheel.next(), index.probes.next()
        waits = [again, None if due is None else max(0.0, self.clock.real_delay(due - now))]
        waits.append(None if probe is None else max(0.0, (probe - self.lane.real_ms) / 1000))
        return min((w for w in waits if w is not None), default=IDLE)

    # --- one row ---

    def look(self, p: int, key: str, row: EnrollmentRow, now: Instant) -> None:
        """Asks flow and gate what the row may do now."""
        index = self.flows.index[p]
        index.ready.discard(key)
        head = self.flows.heads.head(row.campaign)
        if head is not None and head.state is CampaignState.ENDED and row.exit is None:
            self.flows.feed(p, row, flow.CampaignEnded(head.event_id or f"{head.id} ended"), now)
        elif row.state is State.EXITING and row.open is None:
            self.flows.finish(p, row, now)  # a crash came between the row and what follows it
        elif row.state is not _WAITING:
            pass
        elif row.due > now:
            index.wheel.put(Instant(row.due), key, row.timer)
        else:
            self._due(p, key, row, now)

    def _due(self, p: int, key: str, row: EnrollmentRow, now: Instant) -> None:
        index, plan, profile = self.flows.index[p], self.flows.plan(row), self.flows.profiles.get(p, row.contact_id)
        heads = self.flows.heads
        # In a pause, and before the start, nothing moves: then on_head comes, and its policy says how it goes on.
        going = lifecycle(heads.state(row.campaign), heads.starts_at(row.campaign), now)
        if flow.moves_when_due(row, plan, profile, now):
            if going.ok:
                self.flows.feed(p, row, flow.Due(), now)
            elif isinstance(going.until, At):
                index.wheel.put(going.until.instant, key, row.timer)
            return
        if heads.pauses and going.ok and self._held_up(p, key, row, now):
            return
        if going.ok and index.told.get(key) != row.timer:
            index.told[key] = row.timer
            self.lane.emit(flow.step_due(row))
        verdict, too_late = decide(self.flows.facts(p, key, row, plan, profile), now), flow.too_late_from(row, plan)
        if verdict.ok:
            until = min(verdict.open_until or now, too_late)
            index.ready.add(key, plan.line, row.campaign, Instant(row.due), until, (row.timer, until))
            if until < NEVER:
                index.wheel.put(until, key, row.timer)
            return
        self._tell_refusal(p, key, row, plan, verdict, profile, now)
        match verdict.until:
            case Never(reason, skips):
                self.flows.feed(p, row, flow.Refused(reason, skips), now)
            case At(instant):
                index.wheel.put(min(instant, too_late), key, row.timer)
            case _ if going.ok and too_late < NEVER:
                index.wheel.put(too_late, key, row.timer)  # or an event that comes before: on_head, or the index's todo
            case _:
                pass  # an event

    def _held_up(self, p: int, key: str, row: EnrollmentRow, now: Instant) -> bool:
        """Whether a pause that is over decides: the step is skipped, or waits for its turn on the ramp."""
        pauses = self.flows.heads.pauses.get(row.campaign)
        if pauses is None:
            return False
        if expired(Instant(row.due), pauses):
            self.flows.feed(p, row, flow.Refused("expired", skips=True), now)
            return True
        at = let_out(row, pauses)
        if at > now:
            self.flows.index[p].wheel.put(at, key, row.timer)
        return at > now

    def _tell_refusal(
        self, p: int, key: str, row: EnrollmentRow, plan: Plan, verdict: Verdict, profile: Profile | None, now: Instant
    ) -> None:
        """A refusal is written, if it is not the one that was written last for this step."""
        address = address_for(profile, flow.contacting(row, plan).channel, row.bad) if profile else None
        reasons = decisions.reasons(verdict)
        denied, name = self.flows.index[p].denied, hash((row.step, row.seq, reasons))
        if address is not None and reasons and denied.get(key) != name:
            denied[key] = name
            self.lane.emit(decisions.of_due(row, address, verdict, now))

    def _issue(self, p: int, slot: Slot, campaign: str | None, now: Instant, taken: list[str]) -> bool:
        """A command for the slot, which is the campaign's (None: anybody's); False if nobody is found for it.

        Notes in `taken` who left the ready queue for it.
        """
        flows, index = self.flows, self.flows.index[p]
        if not self._circuit.closed and self._circuit.not_before(self.lane.real_ms) is not None:
            return False
        for _ in range(BATCH):  # all may have been halted or paused just now: the loop must go on meanwhile
            if (entry := index.ready.take(slot.line, campaign)) is None:
                break
            key, (timer, until) = entry
            taken.append(key)
            row = flows.row(p, key)
            if row is None and flows.others(p, key, slot, now):
                self._circuit.issued(self.lane.real_ms)
                return True
            if row is None or row.timer != timer or row.state is not _WAITING:
                continue
            result = self._granted(p, key, row, until, slot, now)
            if result is None or result.row is row:
                index.todo.append(key)  # the facts have changed since it became ready
                continue
            flows.apply(p, row, result)
            self._circuit.issued(self.lane.real_ms)
            return True
        return False

    def _granted(self, p: int, key: str, row: EnrollmentRow, until: Instant, slot: Slot, now: Instant) -> flow.Result | None:
        """What becomes of a row that gets the slot; None: it may not be contacted any more, or from no number."""
        flows, index = self.flows, self.flows.index[p]
        plan, profile = flows.plan(row), flows.profiles.get(p, row.contact_id)
        state, busy, stopped = flows.heads.state(row.campaign), index.busy(row.contact_id, key), self._halted(plan, profile)
        if not holds(state, busy, until, now, stopped):
            return None
        caller = flows.callers.choose(p, plan, row, profile, now)
        if isinstance(caller, NextFree):
            index.todo.extend(index.ready.discard_campaign(row.campaign))  # what holds for one of them holds for all
            return None
        return flow.transition(row, flow.Granted(slot, caller), now, plan, profile)

    def _halted(self, plan: Plan, profile: Profile | None) -> bool:
        halts = self.flows.heads.halts
        return bool(halts) and not halted(halts, plan.line, profile.jurisdictions if profile else ()).ok

    def _probe(self, p: int) -> None:
        """Sends an open command again whose slot is long over: the dialer answers with its closing, if there is one."""
        index = self.flows.index[p]
        for key, dial_id in drained(index.probes, Instant(self.lane.real_ms), BATCH, self.lane):
            row = self.flows.row(p, key)
            if row is None or row.open is None or row.open.dial_id != dial_id:
                continue
            profile = self.flows.profiles.get(p, row.contact_id)
            if profile is not None:
                self.lane.emit(flow.command(row, self.flows.plan(row), profile))
            index.probes.put(Instant(self.lane.real_ms + PROBE_AGAIN), key, dial_id)
