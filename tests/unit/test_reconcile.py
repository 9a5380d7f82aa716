from collections.abc import Callable
from dataclasses import replace as replace_plan

import pytest
from msgspec.structs import replace

from cli.checks import Check, Difference, persisting
from cli.read import Snapshot
from cli.reconcile import CHECKS, reconcile
from cli.verify import sentence, totals
from cli.world import Entered, Logged, Mark, World
from engine.actions import of_outcome
from engine.caps import Cap
from engine.plan import Action
from engine.resources import ResourceIndex
from engine.time import DAY, HOUR, MINUTE, Instant
from providers.port import CLIENT_TIMEOUT_MS
from schemas.command import Dial
from schemas.deadletter import DeadLetter
from schemas.event import EventKind
from schemas.receipt import ReceiptKind
from schemas.rows import EnrollmentRow, Exit, State
from tests.unit.towns import NOW, Town, plan, snapshot, town


def row_of(world: World, contact: str) -> EnrollmentRow:
    return world.rows[f"{contact}/spring/1"]


def put(world: World, contact: str, **changes: object) -> None:
    row = row_of(world, contact)
    world.rows[row.key] = replace(row, **changes)


def dial_of(world: World, contact: str) -> str:
    """The only command of somebody."""
    (found,) = (dial_id for dial_id, dials in world.commands.items() if dials[0].contact_id == contact)
    return found


def events_of(world: World, contact: str) -> list:  # type: ignore[type-arg]
    return next(events for events in world.events.values() if events[0].contact_id == contact)


def again(world: World, contact: str, kind: EventKind, **changes: object) -> None:
    event = next(e for e in events_of(world, contact) if e.kind == kind)
    world.add_event(replace(event, event_id="another", **changes))


def outcome(world: World, contact: str, **changes: object) -> None:
    """A further closing of somebody's command."""
    known = world.outcomes[dial_of(world, contact)]
    known.append(replace(known[0], **changes))


def renamed(world: World, contact: str, **changes: object) -> None:
    dial_id = dial_of(world, contact)
    world.commands[dial_id].append(replace(world.commands[dial_id][0], **changes))


def letter(world: World, topic: str) -> None:
    found = DeadLetter(topic=topic, partition=0, offset=7, reason="it is no record", error="RecordError")
    world.dead_letters[found.key] = found


def call_of(world: World, contact: str, **changes: object) -> None:
    """Changes the ledger's entry of somebody's command."""
    dial_id = dial_of(world, contact)
    ledger = next(row for row in world.ledger.values() if dial_id in row.calls)
    world.ledger[ledger.address] = replace(ledger, calls=ledger.calls | {dial_id: replace(ledger.calls[dial_id], **changes)})


def closing(world: World, contact: str, **changes: object) -> None:
    dial_id = dial_of(world, contact)
    call = next(row.calls[dial_id] for row in world.ledger.values() if dial_id in row.calls)
    assert call.closing is not None
    call_of(world, contact, closing=replace(call.closing, **changes))


def suppress(world: World, contact: str, before: int) -> None:
    """The address was suppressed so many real ms before the request."""
    dial = world.commands[dial_of(world, contact)][0]
    world.suppressed[dial.address].append(Mark(dial.slot.start // 1000 - before, True))


def later(world: World, ms: int) -> None:
    world.now, world.real_ms = Instant(world.now + ms), world.real_ms + ms


def logged(world: World) -> list[Logged]:
    assert world.simulator is not None
    return world.simulator


def answered_twice(world: World) -> None:
    said = world.receipts[dial_of(world, "ann")]
    said.append(replace(said[0], event_id="another", provider_call_id="another"))


def refused_then_requested(world: World) -> None:
    asked = world.decisions[dial_of(world, "ann")]
    asked.append(replace(asked[0], event_id="another", point="request", ok=False))


def neither_open_nor_closed(world: World) -> None:
    put(world, "dan", open=None)
    world.ledger.clear()


def lost(world: World) -> None:
    later(world, 10 * MINUTE)
    world.ledger.clear()


def limited(world: World, *caps: Cap) -> None:
    """The campaign has had these limits all the time; of another nothing is limited."""
    unlimited = replace_plan(plan(), campaign="free")
    world.plans = snapshot(replace_plan(plan(), caps=caps), unlimited)


def attempted(world: World, contact: str, ms: int, campaign: str = "spring", number: str | None = None) -> None:
    """Another attempt for somebody, so many ms after the first."""
    first = next(told[0] for told in world.outcomes.values() if told[0].contact_id == contact)
    dial = world.commands[first.dial_id][0]
    assert first.attempt_at is not None
    named, about = f"{contact}{ms}", {"campaign": campaign, "address": number or first.address}
    world.outcomes[named].append(replace(first, dial_id=named, attempt_at=first.attempt_at + ms, **about))
    world.commands[named].append(replace(dial, dial_id=named, at=dial.at + ms - 1, **about))


def one_too_many(world: World) -> None:
    limited(world, Cap(1, HOUR))
    attempted(world, "ann", HOUR - 1)


def one_too_many_for_the_person(world: World) -> None:
    limited(world, Cap(1, HOUR, everywhere=True))
    attempted(world, "ann", -MINUTE, "free", number="+12125550188")


def acting(world: World) -> None:
    """The campaign has had two actions all the time, which nobody has heard of."""
    one, two = Action("tell", frozenset({"answered"}), "webhook"), Action("left", frozenset({"exited:answered"}), "event", name="x")
    world.plans = snapshot(replace_plan(plan(), actions=(one, two)))


Break = Callable[[World], object]

BREAKS: list[tuple[str, str, Break]] = [
    ("entered", "lost on the way", lambda w: w.entered.update(lost=Entered("kim/spring/1", "enrollments/0/5"))),
    ("enrolled", "no row", lambda w: w.rows.pop("bob/spring/1")),
    ("enrolled", "no event", lambda w: events_of(w, "bob").clear()),
    ("enrolled", "enrolled twice", lambda w: again(w, "bob", EventKind.ENROLLED)),
    ("enrolled", "totals lost", lambda w: w.totals.clear()),
    ("exited", "no event", lambda w: events_of(w, "ann").pop()),
    ("exited", "exited twice", lambda w: again(w, "ann", EventKind.EXITED)),
    ("exited", "other reason", lambda w: put(w, "ann", exit=Exit("completed", "x", NOW))),
    ("exited", "alive again", lambda w: put(w, "ann", state=State.WAITING, exit=None, due=NOW + DAY)),
    ("exited", "called after", lambda w: again(w, "ann", EventKind.CALL_ENDED)),
    ("exited", "other reason in the totals", lambda w: w.totals[0].exits.update(spring={"completed": 1})),
    ("attempts", "one too many", lambda w: put(w, "bob", attempts=2)),
    ("attempts", "one lost", lambda w: put(w, "ann", attempts=0)),
    ("attempts", "totals", lambda w: w.totals[0].attempts.update(spring=4)),
    ("commands", "no closing", lambda w: w.outcomes.pop(dial_of(w, "ann"))),
    ("commands", "neither open nor closed", neither_open_nor_closed),
    ("commands", "sent again, changed", lambda w: renamed(w, "bob", address="+12125550188")),
    ("closings", "no command", lambda w: w.commands.pop(dial_of(w, "ann"))),
    ("closings", "closed twice", lambda w: outcome(w, "ann", event_id="another")),
    ("closings", "repeat says otherwise", lambda w: outcome(w, "ann", disposition="busy")),
    ("ledger", "settled otherwise", lambda w: closing(w, "ann", disposition="busy")),
    ("ledger", "closing never told", lambda w: w.outcomes.pop(dial_of(w, "ann"))),
    ("ledger", "reserved and closed", lambda w: w.outcomes[dial_of(w, "dan")].extend(w.outcomes[dial_of(w, "ann")])),
    ("ledger", "not in it", lambda w: w.ledger.clear()),
    ("requests", "answered twice", answered_twice),
    ("requests", "nobody commanded it", lambda w: w.commands.pop(dial_of(w, "ann"))),
    ("decisions", "never asked", lambda w: w.decisions.pop(dial_of(w, "ann"))),
    ("decisions", "refused", refused_then_requested),
    ("opt-outs", "suppressed before", lambda w: suppress(w, "ann", before=1_500)),
    ("opt-outs", "person opted out before", lambda w: w.opted_out.update(ann=NOW - DAY)),
    ("dead letters", "a record of our own", lambda w: letter(w, "call-outcomes")),
    ("simulator", "requested twice", lambda w: logged(w).append(logged(w)[0])),
    ("simulator", "nobody commanded it", lambda w: logged(w).append(Logged("stranger", "+12125550111"))),
    ("simulator", "another number", lambda w: logged(w).append(Logged(logged(w).pop().dial_id, "+12125550111"))),
    ("simulator", "not in the log", lambda w: logged(w).pop()),
    ("limits", "one too many at a number", one_too_many),
    ("limits", "one too many for a person", one_too_many_for_the_person),
    ("actions", "nobody knows of it", acting),
    ("forgotten", "no report has counted it", lambda w: w.demands.clear()),
    ("forgotten", "no such line", lambda w: setattr(w, "lines", frozenset())),
    ("forgotten", "contact is there", lambda w: w.profiles.update(gus=replace(w.profiles["ann"], contact_id="gus"))),
    ("forgotten", "exit never told", lambda w: put(w, "bob", state=State.EXITING, exit=Exit("goal", "x", NOW - HOUR))),
    ("forgotten", "a wait that is over", lambda w: put(w, "bob", due=NOW - HOUR)),
    ("forgotten", "nobody asks after its command", lambda w: later(w, 3 * HOUR)),
    ("forgotten", "command lost", lost),
    ("forgotten", "no version", lambda w: setattr(w, "plans", Snapshot({}, {}, ResourceIndex(), {}))),
]


def named(checks: tuple[Check, ...], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_a_world_that_the_engine_made_reconciles() -> None:
    checks = reconcile(town().world)
    assert [d.text for check in checks for d in check.differences] == []
    assert sentence(checks) == "0 unreconciled, 0 forgotten"
    counted = {check.name: check.counted for check in checks}
    assert counted["entered"] == counted["enrolled"] == 9
    assert counted["commands"] == 7
    assert counted["closings"] == 5
    assert counted["simulator"] == 5
    assert counted["forgotten"] == 5  # bob, cid, gus, dan, eve


def test_an_action_that_waits_or_is_settled_is_not_missing() -> None:
    world = town().world
    acting(world)
    missing = [d.subject for d in named(reconcile(world), "actions").differences]
    assert len(missing) == 4  # two people answered, and left
    kept = of_outcome(world.plans.plan("spring", 1).actions[0], world.outcomes[dial_of(world, "ann")][0], None)
    world.actions[kept.action_id] = kept
    for action_id in missing:
        if action_id != kept.action_id:
            exited = events_of(world, "ann")[-1]
            world.add_event(replace(exited, event_id=action_id, kind=EventKind.ACTION_FAILED, data={"action_id": action_id}))
    check = named(reconcile(world), "actions")
    assert (check.counted, check.differences, check.note) == (4, (), "1 wait")
    assert not named(reconcile(world), "exited").differences  # it may come after the exit


def test_a_message_that_was_an_action_is_no_attempt_of_the_flow() -> None:
    world = town().world
    told = world.outcomes[dial_of(world, "ann")][0]
    world.outcomes["thanks"].append(replace(told, dial_id="thanks", disposition="sent", action="a1", seq=0))
    assert not named(reconcile(world), "attempts").differences


def test_an_enrollment_that_was_refused_is_not_missing() -> None:
    world = town().world
    world.entered["lost"] = Entered("kim/nowhere/1", "enrollments/0/7")
    letter(world, "enrollments")
    assert not named(reconcile(world), "entered").differences


@pytest.mark.parametrize(("name", "how", "break_"), BREAKS, ids=[f"{name}: {how}" for name, how, _ in BREAKS])
def test_each_check_can_fail(name: str, how: str, break_: Break) -> None:
    world = town().world
    break_(world)
    assert named(reconcile(world), name).differences, how


def test_every_check_is_broken_above() -> None:
    assert {check(town().world).name for check in CHECKS} == {name for name, _, _ in BREAKS}


def test_a_repeat_with_the_same_id_is_no_difference() -> None:
    world = town().world
    for events in list(world.events.values()):
        for event in list(events):
            world.add_event(event)
    for dial_id in list(world.outcomes):
        first = world.outcomes[dial_id][0]
        world.outcomes[dial_id].append(replace(first, ended_at=first.ended_at + 5))  # the repeat of a crash reads the clock anew
        world.commands[dial_id] *= 2
    assert totals(reconcile(world)) == (0, 0)


def test_a_closing_under_way_is_no_difference() -> None:
    made = town()
    dial = made.world.commands[dial_of(made.world, "dan")][0]
    made._told(dial, ReceiptKind.ENDED, "webhook", "answered")
    assert row_of(made.world, "dan").state is State.ISSUED
    assert totals(reconcile(made.world)) == (0, 0)


def missing(made: Town, dial: Dial) -> list[str]:
    """What is said when the ledger has dropped a command."""
    row = made.world.ledger[dial.address]
    made.world.ledger[dial.address] = replace(row, calls={k: c for k, c in row.calls.items() if k != dial.dial_id})
    return list(named(reconcile(made.world), "ledger").differences)


def test_a_refused_command_stays_in_the_ledger_for_an_hour() -> None:
    for later, found in ((HOUR, 1), (HOUR + 3_000, 0)):
        made = town()
        row = made.person("zoe")
        made.refuse(row)
        made.world.real_ms += later
        dial = made.world.commands[next(d for d, o in made.world.outcomes.items() if o[0].contact_id == "zoe")][0]
        assert len(missing(made, dial)) == found


def test_what_a_crowded_number_has_dropped_is_not_missed() -> None:
    made = town()
    dial = made.world.commands[dial_of(made.world, "ann")][0]
    row = made.world.ledger[dial.address]
    for closed_until, found in ((dial.slot.end // 1000 + CLIENT_TIMEOUT_MS - 1, 1), (dial.slot.end // 1000 + CLIENT_TIMEOUT_MS, 0)):
        made.world.ledger[dial.address] = replace(row, closed_until=closed_until)
        assert len(missing(made, dial)) == found


def test_what_has_expired_is_not_missed() -> None:
    world = town().world
    world.events.clear()
    world.expired = frozenset({"campaign-events"})
    checks = reconcile(world)
    assert totals(checks) == (0, 0)
    assert "expired" in (named(checks, "enrolled").note or "")


def test_without_a_worker_nobody_is_forgotten_but_it_is_said() -> None:
    world = town().world
    world.workers = 0
    world.demands.clear()
    found = named(reconcile(world), "forgotten")
    assert not found.differences
    assert "3 no worker" in (found.note or "")


def test_a_suppression_may_take_a_moment_and_end() -> None:
    world = town().world
    suppress(world, "ann", before=500)
    assert not named(reconcile(world), "opt-outs").differences
    suppress(world, "bob", before=HOUR)
    address = world.commands[dial_of(world, "bob")][0].address
    world.suppressed[address].append(Mark(world.suppressed[address][-1].at + MINUTE, False))
    assert not named(reconcile(world), "opt-outs").differences


def test_refused_data_of_others_is_counted_only() -> None:
    world = town().world
    letter(world, "contacts")
    found = named(reconcile(world), "dead letters")
    assert found.counted == 1
    assert not found.differences
    assert found.note == "1 from contacts"


def test_what_a_limit_allows_and_what_overtakes_it_are_no_differences() -> None:
    world = town().world
    limited(world, Cap(1, HOUR, everywhere=True))
    attempted(world, "ann", HOUR)
    attempted(world, "ann", HOUR + MINUTE, "free")  # what is not limited may follow
    last = world.outcomes[f"ann{HOUR}"][0]
    world.outcomes["late"].append(replace(last, dial_id="late", campaign="free", attempt_at=last.attempt_at))  # and overtake
    found = named(reconcile(world), "limits")
    assert (found.differences, found.counted) == ((), 5)


def test_a_limit_that_does_not_hold_yet_is_not_recounted() -> None:
    world = town().world
    one_too_many(world)
    limited(world, Cap(1, HOUR, since=NOW + DAY))
    assert not named(reconcile(world), "limits").differences


def test_an_old_report_counts_nobody() -> None:
    made: Town = town()
    made.world.demands.clear()
    made.demand(ready=1, at=NOW - 2 * MINUTE)
    assert named(reconcile(made.world), "forgotten").differences


def test_only_what_persists_is_reported() -> None:
    def check(*subjects: str) -> tuple[Check, ...]:
        return (Check("commands", 5, tuple(Difference(s, s) for s in subjects)),)

    assert [d.subject for d in persisting(check("a", "b"), check("b", "c"))[0].differences] == ["b"]
