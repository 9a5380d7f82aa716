"""The composition root: the one place that makes real adapters, and wires stages to topics."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine import postal
from engine.errors import OutdialError
from outdial.clock import Clock, clock_from
from outdial.settings import Settings
from providers.inprocess import InProcess
from providers.outhooks import OutHooks
from providers.port import Provider
from providers.simulator import SimulatorProvider
from schemas import topics
from schemas.campaign import CampaignHead
from schemas.receipt import Receipt
from schemas.rows import ActionRow, DialerRow, Profile, TimerRow
from streams.actions import Actions
from streams.alarms import Alarms
from streams.circuit import ProviderCircuit
from streams.dialer import Dialer
from streams.enroll import Enrolling
from streams.fence import Fence
from streams.flows import Flows
from streams.heads import Heads
from streams.lane import Lane
from streams.lead import Lead
from streams.outcomes import Outcomes
from streams.pacer import PacerStage
from streams.parking import Parking
from streams.partitions import partition_of
from streams.runner import run
from streams.scheduler import Scheduler
from streams.transport import make_app

#: Real seconds that people who enter wait for calls that are under way (streams/turns.py). Contacts come before enrollments: one
#: that waits for its contact costs a row more.
CONTACTS_S, INTAKE_S = 0.05, 0.1
#: Names that a home has for its workers, if none is given.
MOST_WORKERS = 64


@dataclass(slots=True)
class Worker:
    """One worker, wired, not started."""

    app: Any
    lane: Lane
    heads: Heads
    provider: Provider
    dialer: Dialer
    actions: Actions

    async def start(self) -> None:
        """Before records flow."""
        postal.load()  # here, and not at the first contact with a postal code: all partitions would wait for it
        await self.heads.start()
        await self.provider.start()

    async def stop(self) -> None:
        """When records do not flow any more."""
        await self.dialer.sender.drained()
        await self.actions.close()
        await self.provider.close()
        await self.heads.stop()

    def run(self) -> int:
        """Until SIGTERM or a failure; the exit status."""
        return run(self.app, before=self.start, after=self.stop)


def build(settings: Settings, name: str) -> Worker:
    """A worker with all stages. Raises OutdialError for a provider that does not fit the clock."""
    clock = clock_from(settings)
    provider = _provider(settings, clock)
    if provider.real and not clock.is_real:
        raise OutdialError(f"{provider.name} calls real people, and OUTDIAL_CLOCK is not real: unset it, or use the simulator")
    app = make_app(settings, name)
    ablate = frozenset(filter(None, settings.test_ablate.split(",")))
    lane = Lane(app, clock, partitions=settings.partitions, fence=Fence(), ablate=ablate)
    heads = Heads(settings.bootstrap_servers())
    dialer, actions = wire(lane, clock, heads, provider)
    return Worker(app, lane, heads, provider, dialer, actions)


def wire(lane: Lane, clock: Clock, heads: Heads, provider: Provider) -> tuple[Dialer, Actions]:
    """Tables, stages and hooks onto the lane, before it starts."""
    profiles = lane.table(topics.CONTACT_PROFILES, Profile)
    rows = lane.table(topics.STEP_TIMERS, TimerRow)
    ledger = lane.table(topics.DIAL_LEDGER, DialerRow)
    parking, lead, circuit = Parking(lane, heads), Lead(), ProviderCircuit(provider.name)
    flows = Flows(lane, clock, heads, profiles, rows)
    actions = Actions(flows, lane.table(topics.POST_CALL_ACTIONS, ActionRow), OutHooks(os.environ))
    enrolling, outcomes = Enrolling(flows, parking, actions), Outcomes(flows, actions)
    outcomes.watching.append(Alarms(lane, heads).count)
    scheduler = Scheduler(flows, lead, circuit)
    dialer = Dialer(lane, clock, heads, ledger, provider, parking, lead, circuit)
    if isinstance(provider, InProcess):
        provider.on_receipt = lambda receipt: _receive(lane, receipt)
    lane.stage(topics.CONTACTS, enrolling.on_contact, CONTACTS_S)
    lane.stage(topics.ENROLLMENTS, enrolling.on_enrollment, INTAKE_S)
    lane.stage(topics.OPT_OUTS, enrolling.on_enrollment)
    lane.stage(topics.LINE_SLOTS, scheduler.on_slots)
    lane.stage(topics.DIAL_COMMANDS, dialer.on_command)
    lane.stage(topics.DIAL_RECEIPTS, dialer.on_receipt)
    lane.stage(topics.SUPPRESSIONS, dialer.on_suppression)
    lane.stage(topics.CALL_OUTCOMES, outcomes.on_outcome)
    heads.repair = lambda head: _write(lane, head)
    lane.before_assigned.append(heads.caught_up)  # a row may run on a version that is newer than this worker's start
    lane.on_assigned += [flows.rebuild, dialer.assigned, scheduler.assigned, actions.assigned]
    lane.on_revoked += [dialer.revoked, flows.drop, dialer.drop, actions.drop]
    PacerStage(lane, heads, clock, lane.partitions)
    return dialer, actions


def _provider(settings: Settings, clock: Clock) -> Provider:
    if settings.provider == "inprocess":
        return InProcess(clock, instant=True)
    return SimulatorProvider(settings.provider_url, clock)


def _receive(lane: Lane, receipt: Receipt) -> None:
    """What a webhook would have brought, if the worker still has the partition."""
    p = partition_of(receipt.address, lane.partitions)
    lane.step(p, lambda: lane.emit(receipt))


def _write(lane: Lane, head: CampaignHead) -> None:
    """A head, if the worker has a partition in whose step it can be written."""
    if lane.active:
        lane.step(min(lane.active), lambda: lane.emit(head))


class Name:
    """A worker's name: its instance id in the group, held by a lock for as long as the process lives."""

    def __init__(self, home: Path, name: str | None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._lock: IO[str] | None = None
        for candidate in [name] if name else [f"worker-{i}" for i in range(1, MOST_WORKERS + 1)]:
            lock = (home / f"{candidate}.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            lock.write(str(os.getpid()))
            lock.flush()
            self._lock, self.name = lock, candidate
            return
        taken = f"The worker name {name!r} is" if name else f"All {MOST_WORKERS} worker names of {home} are"
        raise OutdialError(f"{taken} in use: end that worker, or give this one another OUTDIAL_WORKER_NAME")
