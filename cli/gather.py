"""Reads all topics into a World. The impure half of `verify`; counting is cli/reconcile.py's."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from cli.group import committed, group_state
from cli.read import Raw, read_heads, read_records, read_rows
from cli.tail import tail
from cli.world import Entered, Logged, Mark, World
from engine.errors import OutdialError
from outdial.clock import Clock, clock_from
from outdial.kafka import require_broker
from outdial.settings import Settings
from providers.simlog import read_log
from schemas import ids
from schemas.base import decoder
from schemas.command import Dial, DialCommand
from schemas.deadletter import DeadLetter
from schemas.decision import Decision
from schemas.event import Event
from schemas.line import Demand
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import ActionRow, DialerRow, EnrollmentRow, LedgerRow, Profile, TimerRow
from schemas.suppression import Suppression
from schemas.topics import (
    CALL_OUTCOMES,
    CAMPAIGN_EVENTS,
    CONTACT_PROFILES,
    DEAD_LETTERS,
    DECISIONS,
    DIAL_COMMANDS,
    DIAL_LEDGER,
    DIAL_RECEIPTS,
    ENROLLMENTS,
    LINE_EVENTS,
    OPT_OUTS,
    POST_CALL_ACTIONS,
    STEP_TIMERS,
    SUPPRESSIONS,
    TopicSpec,
)

#: Real ms for which reports of partitions are read back.
RECENT = 60_000

#: Told what is being read.
Telling = Callable[[str], None]


class _Asked(msgspec.Struct):
    """What is looked at of a record of `enrollments`: nearly all ask somebody in, and the whole takes a while."""

    kind: str
    contact_id: str
    campaign: str = ""
    entry: int = 1
    scope: str = "all"


_ASKED = decoder(_Asked)


def read_each(settings: Settings, spec: TopicSpec, model: Any) -> Iterator[tuple[Raw, Any]]:
    """Each record of a topic of our own, decoded. What cannot be read is left out: the workers put it in the dead letters."""
    decode = decoder(model).decode
    for raw in read_records(settings, spec):
        if raw.value is not None:
            try:
                yield raw, decode(raw.value)
            except msgspec.DecodeError:
                continue


def gather(settings: Settings, simulator_log: Path | None = None, telling: Telling = lambda _: None) -> World:
    """One reading of everything. Raises OutdialError if the broker, a topic or the log cannot be read."""
    cluster, clock = require_broker(settings), clock_from(settings)
    if STEP_TIMERS.name not in cluster.topics:
        raise OutdialError("there are no topics yet: run `outdial topics apply`")
    world = _empty(settings, clock, len(cluster.topics[STEP_TIMERS.name].partitions))
    done = committed(settings, ENROLLMENTS.name)  # before its effects are read: what is read by then has had them
    expired: set[str] = set()
    for spec, model, add in _readings(world):
        telling(spec.name)
        first: dict[int, int] = {}
        for raw, record in read_each(settings, spec, model):
            first.setdefault(raw.partition, raw.offset)
            add(raw, record)
        expired |= {spec.name} if _lost_some(spec, first) else set()
    telling(STEP_TIMERS.name)
    _read_tables(settings, world)
    _read_demands(settings, world)
    _read_outsiders(settings, world, done)
    world.expired = frozenset(expired)
    world.simulator = None if simulator_log is None else list(_simulator(simulator_log))
    # The clock is read last: a row that was written while the topics were read must not lie in the future.
    world.now, world.real_ms = clock.now(), clock.real_ms()
    return world


def _empty(settings: Settings, clock: Clock, partitions: int) -> World:
    snapshot, group = read_heads(settings), group_state(settings)
    return World(
        plans=snapshot,
        now=clock.now(),
        real_ms=clock.real_ms(),
        rate=clock.rate,
        partitions=partitions,
        workers=group.workers,
        lag=group.lag,
        lines=frozenset(snapshot.resources.lines),
    )


def _readings(world: World) -> Iterator[tuple[TopicSpec, Any, Callable[[Raw, Any], None]]]:
    """Topic, what is on it, where it goes. Effects before causes: what is written meanwhile then lacks no cause."""
    yield DIAL_RECEIPTS, Receipt, lambda raw, r: world.add_receipt(r, raw.timestamp)
    yield CAMPAIGN_EVENTS, Event, lambda _, e: world.add_event(e)
    yield CALL_OUTCOMES, Outcome, lambda _, o: world.outcomes[o.dial_id].append(o)
    yield DECISIONS, Decision, lambda _, d: world.add_decision(d)
    yield DIAL_COMMANDS, DialCommand, lambda _, c: world.commands[c.dial_id].append(c) if isinstance(c, Dial) else None
    yield DEAD_LETTERS, DeadLetter, lambda _, d: world.dead_letters.update({d.key: d})


def _lost_some(spec: TopicSpec, first: dict[int, int]) -> bool:
    """Whether a partition's first record is not its record 0: older ones went with their retention."""
    return spec.cleanup == "delete" and any(first.values())


def _read_tables(settings: Settings, world: World) -> None:
    world.profiles.update(read_rows(settings, CONTACT_PROFILES, Profile))
    ledger = read_rows(settings, DIAL_LEDGER, DialerRow)
    world.ledger.update({key: row for key, row in ledger.items() if isinstance(row, LedgerRow)})
    world.actions.update(read_rows(settings, POST_CALL_ACTIONS, ActionRow))
    for key, row in read_rows(settings, STEP_TIMERS, TimerRow).items():
        if isinstance(row, EnrollmentRow):
            world.rows[key] = row
        else:
            world.totals.append(row)


def _read_demands(settings: Settings, world: World) -> None:
    """The last minute is enough: a report lapses after seconds, and a day of them is long."""
    decode = decoder(Demand).decode
    for raw in tail(settings, LINE_EVENTS, since=world.real_ms - RECENT):
        try:
            world.add_demand(decode(raw.value or b""))
        except msgspec.DecodeError:
            continue


def _read_outsiders(settings: Settings, world: World, done: Mapping[int, int]) -> None:
    """Who entered and opted out, and suppressions, with the instants at which the broker took them."""
    for raw in read_records(settings, SUPPRESSIONS):
        try:
            entry = Suppression.model_validate_json(raw.value or b"")
        except ValidationError:
            continue
        if entry.scope != "all" or entry.expires_at is not None:
            continue  # it covers some contacts, or some time
        world.suppressed[entry.address].append(Mark(raw.timestamp, entry.kind == "add"))
    for raw in chain(read_records(settings, ENROLLMENTS), read_records(settings, OPT_OUTS)):
        try:
            asked = _ASKED.decode(raw.value or b"")
        except msgspec.DecodeError:
            continue
        if asked.kind == "opt_out" and asked.scope == "all":
            world.opted_out.setdefault(asked.contact_id, raw.timestamp)
        elif asked.kind == "enroll" and raw.offset < done.get(raw.partition, 0):
            enrollment = ids.enrollment_id(asked.contact_id, asked.campaign, asked.entry)
            who, place = f"{asked.contact_id}/{asked.campaign}/{asked.entry}", f"{raw.topic}/{raw.partition}/{raw.offset}"
            world.entered.setdefault(enrollment, Entered(who, place))


def _simulator(path: Path) -> Iterator[Logged]:
    try:
        for line in read_log(path):
            yield Logged(str(line.get("dial_id")), str(line.get("number")))
    except OSError as error:
        raise OutdialError(f"{path}: the simulator's log cannot be read ({error.strerror})") from error
