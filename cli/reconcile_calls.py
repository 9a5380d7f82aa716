"""The checks on commands and calls: each closes once, each is requested at most once, none after a no or an opt-out."""

from collections import Counter
from itertools import pairwise

from cli.checks import Check, Checking, Finding, expired_note
from cli.world import Mark, World
from engine.ledger import KEEP_REFUSED, KEEP_SETTLED
from engine.retries import Disposition, effect
from providers.port import CLIENT_TIMEOUT_MS
from schemas.command import Dial
from schemas.outcome import Outcome
from schemas.rows import CallState
from schemas.topics import (
    CALL_OUTCOMES,
    CONTACTS,
    CONTACTS_CDC,
    DECISIONS,
    DIAL_COMMANDS,
    ENROLLMENTS,
    SUPPRESSIONS,
)

#: Real ms within which a suppression reaches the dialer; a request that leaves meanwhile could not know of it.
UNDER_WAY = 1_000

#: Topics that others write: what is refused there is data. A refusal anywhere else is Outdial's own record.
OUTSIDE = {topic.name for topic in (CONTACTS, CONTACTS_CDC, ENROLLMENTS, SUPPRESSIONS)}


def commands(world: World) -> Check:
    """Each dial_id is one command, and has its closing or is open: named by its row, or reserved in the ledger."""
    found, open_, reserved = Finding(), world.open_commands(), _reserved(world)
    expired = CALL_OUTCOMES.name in world.expired
    for dial_id, copies in world.commands.items():
        if len({_essence(dial) for dial in copies}) > 1:
            found.add(dial_id, f"{_what(copies[0])} was sent again, but not unchanged")
        if dial_id not in world.outcomes and dial_id not in open_ and dial_id not in reserved and not expired:
            found.add(dial_id, f"{_what(copies[0])} has no closing, and is not open either")
    return found.check("commands", len(world.commands), expired_note(world, CALL_OUTCOMES.name))


def _essence(dial: Dial) -> tuple[object, ...]:
    """What must not differ between two copies of a command. A contact's variables may have changed: by then it can only close."""
    return (dial.enrollment_id, dial.seq, dial.step, dial.channel, dial.address, dial.caller, dial.slot, dial.at)


def _reserved(world: World) -> set[str]:
    return {c.dial_id for row in world.ledger.values() for c in row.calls.values() if c.state is CallState.RESERVED}


def closings(world: World) -> Check:
    """Each closing has a command; a dial_id has one closing, and its repeats say the same."""
    found, expired = Finding(), DIAL_COMMANDS.name in world.expired
    for dial_id, outcomes in world.outcomes.items():
        first = outcomes[0]
        if dial_id not in world.commands and not expired:
            found.add(dial_id, f"{_closed(first)} has no command")
        if len({o.event_id for o in outcomes}) > 1:
            found.add(dial_id, f"{_closed(first)} was closed {len({o.event_id for o in outcomes})} times")
        elif len({_said(o) for o in outcomes}) > 1:
            found.add(dial_id, f"{_closed(first)} was closed as {' and as '.join(sorted({o.disposition for o in outcomes}))}")
    return found.check("closings", len(world.outcomes), expired_note(world, DIAL_COMMANDS.name))


def _said(outcome: Outcome) -> tuple[object, ...]:
    """What a repeat must say again; its instants are those of the repeat if the first was lost before its row was durable."""
    return (outcome.disposition, outcome.enrollment_id, outcome.seq, outcome.ends, outcome.opt_out)


def ledger(world: World) -> Check:
    """What the ledger has settled is what the closings say, what it has reserved has none, and nothing recent is missing in it."""
    found, counted, known = Finding(), 0, set[str]()
    for row in world.ledger.values():
        for call in row.calls.values():
            counted += 1
            known.add(call.dial_id)
            told = world.outcomes.get(call.dial_id)
            where = f"{row.address}, command {call.dial_id}"
            if call.state is CallState.RESERVED and told:
                found.add(call.dial_id, f"{where} is reserved, but was closed as {told[0].disposition}")
            elif call.closing is not None and not told and CALL_OUTCOMES.name not in world.expired:
                found.add(call.dial_id, f"{where} is settled as {call.closing.disposition}, but no closing was told")
            elif call.closing is not None and told and _said(call.closing) != _said(told[0]):
                found.add(call.dial_id, f"{where} is settled as {call.closing.disposition}, told as {told[0].disposition}")
    for dial_id, outcomes in world.outcomes.items():
        sent = world.commands.get(dial_id)
        if sent and dial_id not in known and _kept(world, sent[0], outcomes[0]):
            found.add(dial_id, f"{_closed(outcomes[0])} is not in the ledger")
    return found.check("ledger", counted, expired_note(world, CALL_OUTCOMES.name))


def _kept(world: World, dial: Dial, closing: Outcome) -> bool:
    """Whether the ledger has not dropped the command yet (docs/decisions/0003)."""
    not_after, row = dial.slot.end // 1000 + CLIENT_TIMEOUT_MS, world.ledger.get(dial.address)
    if row is not None and not_after <= row.closed_until:
        return False  # there were too many at the number
    if closing.disposition == Disposition.NOT_DIALED:
        return not_after + KEEP_REFUSED > world.real_ms
    return dial.at > world.now - KEEP_SETTLED


def requests(world: World) -> Check:
    """At most one request for a dial_id: one answer to a request, one call at the provider. And none that nobody commanded."""
    found = Finding()
    for dial_id, said in world.receipts.items():
        answers = {r.event_id or r.kind for r in said if r.source == "request"}
        calls = {r.provider_call_id for r in said if r.provider_call_id}
        if len(answers) > 1 or len(calls) > 1:
            found.add(dial_id, f"{said[0].address}, command {dial_id}: {max(len(answers), len(calls))} requests were answered")
        if dial_id not in world.commands and DIAL_COMMANDS.name not in world.expired:
            found.add(dial_id, f"{said[0].address}: the provider knows {dial_id}, which nobody commanded")
    return found.check("requests", len(world.receipts), expired_note(world, DIAL_COMMANDS.name))


def decided(world: World) -> Check:
    """Each request that a provider took had the gate's yes, and no no."""
    found, requested = Finding(), world.requested()
    expired = DECISIONS.name in world.expired
    for dial_id, dial in requested.items():
        asked = world.decisions.get(dial_id, [])
        refused = next((d for d in asked if not d.ok), None)
        if refused is not None:
            found.add(dial_id, f"{_what(dial)} was requested although the gate said no ({refused.point})")
        elif not asked and not expired:
            found.add(dial_id, f"{_what(dial)} was requested without a decision")
    return found.check("decisions", len(requested), expired_note(world, DECISIONS.name))


def opt_outs(world: World) -> Check:
    """No request to an address while it is suppressed, nor to a person who has opted out."""
    found, requested = Finding(), world.requested()
    marks = {address: sorted(marks) for address, marks in world.suppressed.items()}
    for dial_id, dial in requested.items():
        at = dial.slot.start // 1000
        if _suppressed(marks.get(dial.address, []), at):
            found.add(dial_id, f"{_what(dial)} was requested although {dial.address} is suppressed")
        elif dial.contact_id in world.opted_out and world.opted_out[dial.contact_id] + UNDER_WAY < at:
            found.add(dial_id, f"{_what(dial)} was requested after {dial.contact_id} had opted out")
    return found.check("opt-outs", len(marks) + len(world.opted_out), expired_note(world, SUPPRESSIONS.name, ENROLLMENTS.name))


def _suppressed(marks: list[Mark], at: int) -> bool:
    """Whether the address was suppressed at `at` and for a while before, so that the dialer had to know."""
    ends = [*marks, Mark(2**62, False)]
    return any(mark.on and mark.at + UNDER_WAY < at < following.at for mark, following in pairwise(ends))


def dead_letters(world: World) -> Check:
    """Records that were refused. Only one that Outdial itself wrote is a difference."""
    found, by_topic = Finding(), Counter(letter.topic for letter in world.dead_letters.values())
    for place, letter in world.dead_letters.items():
        if letter.topic not in OUTSIDE:
            found.add(place, f"{place} was refused: {letter.reason}")
    note = ", ".join(f"{n} from {topic}" for topic, n in sorted(by_topic.items())) or None
    return found.check("dead letters", len(world.dead_letters), note)


def simulator(world: World) -> Check:
    """What the provider's own log says: each request it took was commanded, once, to that number; none is missing in it."""
    found = Finding()
    if world.simulator is None:
        return found.check("simulator", 0, "no log was given: --simulator-log FILE")
    lines = Counter(line.dial_id for line in world.simulator)
    for line in world.simulator:
        sent = world.commands.get(line.dial_id)
        if lines[line.dial_id] > 1:
            found.add(line.dial_id, f"{line.number}: {line.dial_id} was requested {lines[line.dial_id]} times")
        elif sent is None and DIAL_COMMANDS.name not in world.expired:
            found.add(line.dial_id, f"{line.number}: {line.dial_id} was requested, but nobody commanded it")
        elif sent is not None and sent[0].address != line.number:
            found.add(line.dial_id, f"{line.dial_id} was requested for {line.number}, its command says {sent[0].address}")
    for dial_id, text in _reached(world).items():
        if dial_id not in lines:
            found.add(dial_id, f"{text}, but the simulator's log does not have it")
    return found.check("simulator", len(world.simulator))


def _reached(world: World) -> dict[str, str]:
    """The commands that must have left a trace at the provider: accepted, or closed by something only the network can say."""
    reached = {dial_id: f"{_what(dial)} was accepted" for dial_id, dial in world.requested().items()}
    for dial_id, outcomes in world.outcomes.items():
        name = outcomes[0].disposition
        if effect(name).rang and name != Disposition.UNKNOWN and outcomes[0].provider_call_id is not None:
            reached.setdefault(dial_id, f"{_closed(outcomes[0])} was closed as {name}")
    return reached


def _what(dial: Dial) -> str:
    return f"command {dial.dial_id} ({dial.contact_id}/{dial.campaign}/{dial.entry}, {dial.step})"


def _closed(outcome: Outcome) -> str:
    return f"command {outcome.dial_id} ({outcome.contact_id}/{outcome.campaign}/{outcome.entry}, {outcome.step})"


CALL_CHECKS: tuple[Checking, ...] = (commands, closings, ledger, requests, decided, opt_outs, dead_letters, simulator)
