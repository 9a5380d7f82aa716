"""The checks on people: whoever entered is there, whoever left has said so once, and attempts are what the closings say.

Each check is a pure function of a World; cli/reconcile_calls.py has those on commands and calls, cli/forgotten.py the last one.
A record that is under way (written, not yet read by the next stage) is recognised as such where the rows tell; what remains is
settled by reading twice (cli/verify.py).
"""

from collections import Counter, defaultdict

from cli.checks import Check, Checking, Finding, expired_note
from cli.forgotten import forgotten
from cli.reconcile_actions import actions
from cli.reconcile_calls import CALL_CHECKS
from cli.reconcile_limits import limits
from cli.world import World
from engine.retries import effect
from schemas.event import Event, EventKind
from schemas.rows import EnrollmentRow, State
from schemas.topics import CALL_OUTCOMES, CAMPAIGN_EVENTS

#: What may follow an exit: news of a message that was sent before it, that a call was placed, which the dialer tells, and what
#: became of actions.
_LATE = {
    EventKind.MESSAGE_STATUS.value,
    EventKind.CALL_PLACED.value,
    EventKind.ACTION_DONE.value,
    EventKind.ACTION_FAILED.value,
    EventKind.ACTION_SKIPPED.value,
}


def _of_kind(world: World, kind: EventKind) -> dict[str, list[Event]]:
    """enrollment_id -> its distinct events of a kind; enrollments without one are left out."""
    kept = {e: [event for event in events if event.kind == kind] for e, events in world.events.items()}
    return {e: events for e, events in kept.items() if events}


def _gone(world: World) -> dict[str, Event]:
    """Enrollments that exited and have no row any more, with their exited event: the totals count them."""
    rows = world.by_enrollment()
    return {e: events[0] for e, events in _of_kind(world, EventKind.EXITED).items() if e not in rows}


def _totals(world: World) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for total in world.totals:
        for campaign, exits in total.exits.items():
            counted.update({(campaign, reason): n for reason, n in exits.items()})
    return counted


def entered(world: World) -> Check:
    """Everybody whose enrollment the workers have read has a row, has exited, was refused, or is among the dead letters."""
    found, known = Finding(), world.by_enrollment().keys() | _gone(world).keys()
    known |= _of_kind(world, EventKind.ENROLLED).keys() | _of_kind(world, EventKind.ENROLLMENT_REFUSED).keys()
    if CAMPAIGN_EVENTS.name not in world.expired:
        for enrollment, asked in world.entered.items():
            if enrollment not in known and asked.place not in world.dead_letters:
                found.add(enrollment, f"{asked.who} was to enter ({asked.place}), but has no row and no dead letter")
    return found.check("entered", len(world.entered), expired_note(world, CAMPAIGN_EVENTS.name))


def enrolled(world: World) -> Check:
    """Distinct `enrolled` events = active rows + exited rows + people in the totals."""
    told, rows, gone, found = _of_kind(world, EventKind.ENROLLED), world.by_enrollment(), _gone(world), Finding()
    expired = CAMPAIGN_EVENTS.name in world.expired
    for enrollment, events in told.items():
        if len(events) > 1:
            found.add(enrollment, f"{_who(events[0])} was enrolled {len(events)} times")
        if enrollment not in rows and enrollment not in gone:
            found.add(enrollment, f"{_who(events[0])} was enrolled, but has no row and never exited")
    for enrollment, row in rows.items():
        if enrollment not in told and not expired:
            found.add(enrollment, f"{row.key} has a row, but no enrolled event")
    left, counted = Counter(event.campaign for event in gone.values()), Counter[str]()
    for (campaign, _), n in _totals(world).items():
        counted[campaign] += n
    for campaign in left.keys() | counted.keys():
        if left[campaign] > counted[campaign] or (left[campaign] < counted[campaign] and not expired):
            found.add(campaign, f"{campaign}: {left[campaign]} people have no row any more, the totals say {counted[campaign]}")
    return found.check("enrolled", len(told.keys() | rows.keys()), expired_note(world, CAMPAIGN_EVENTS.name))


def exited(world: World) -> Check:
    """Exactly one `exited` event for each exited row, with its reason, and nothing after it; the totals' reasons likewise."""
    told, rows, found = _of_kind(world, EventKind.EXITED), world.by_enrollment(), Finding()
    for enrollment, events in told.items():
        if len(events) > 1:
            found.add(enrollment, f"{_who(events[0])} exited {len(events)} times")
        if after := _after_exit(world.events[enrollment]):
            found.add(enrollment, f"{_who(after)}: {after.kind} follows exited")
    for enrollment, row in rows.items():
        problem = _exit_problem(row, told.get(enrollment, []), CAMPAIGN_EVENTS.name in world.expired)
        if problem:
            found.add(enrollment, f"{row.key} {problem}")
    _compare_totals(world, found)
    return found.check("exited", len(told), expired_note(world, CAMPAIGN_EVENTS.name))


def _exit_problem(row: EnrollmentRow, told: list[Event], expired: bool) -> str | None:
    reason = row.exit.reason if row.exit else None
    said = told[0].data.get("reason") if told else None
    if row.state is State.EXITED and not told:
        return None if expired else "has exited, but no event says so"
    if told and row.state is not State.EXITED and not (row.state is State.EXITING and row.open is None):
        return f"is {row.state}, but exited was told"
    if told and said != reason:
        return f"exited as {said}, its row says {reason}"
    return None


def _after_exit(events: list[Event]) -> Event | None:
    """The first event behind `exited` that has no business there."""
    kinds = [event.kind for event in events]
    start = kinds.index(EventKind.EXITED) + 1
    return next((e for e in events[start:] if e.kind not in _LATE and e.kind != EventKind.EXITED), None)


def _compare_totals(world: World, found: Finding) -> None:
    left = Counter((event.campaign, str(event.data.get("reason"))) for event in _gone(world).values())
    counted, expired = _totals(world), CAMPAIGN_EVENTS.name in world.expired
    for campaign, reason in left.keys() | counted.keys():
        told, kept = left[campaign, reason], counted[campaign, reason]
        if told > kept or (told < kept and not expired):
            found.add(f"{campaign}/{reason}", f"{campaign}: {told} exited events as {reason} without a row, the totals say {kept}")


def attempts(world: World) -> Check:
    """Each row's attempts = its closings that count; of people in the totals, per campaign."""
    counting, found = _counting(world), Finding()
    expired = CALL_OUTCOMES.name in world.expired
    rows = world.by_enrollment()
    for enrollment, row in rows.items():
        open_ = {row.open.dial_id} if row.open else set()  # a closing that the row has yet to take
        closed = len(counting[enrollment] - open_)
        if row.attempts < closed or (row.attempts > closed and not expired):
            found.add(enrollment, f"{row.key} has {row.attempts} attempts, its closings make {closed}")
    closed_of, kept = Counter[str](), Counter[str]()
    for enrollment, event in _gone(world).items():
        closed_of[event.campaign] += len(counting[enrollment])
    for total in world.totals:
        kept.update(total.attempts)
    expired = expired or CAMPAIGN_EVENTS.name in world.expired  # who is gone is known by the exited events
    for campaign in closed_of.keys() | kept.keys():
        if kept[campaign] < closed_of[campaign] or (kept[campaign] > closed_of[campaign] and not expired):
            found.add(campaign, f"{campaign}: the totals have {kept[campaign]} attempts, closings make {closed_of[campaign]}")
    return found.check("attempts", sum(len(ids) for ids in counting.values()), expired_note(world, CALL_OUTCOMES.name))


def _counting(world: World) -> dict[str, set[str]]:
    """enrollment_id -> dial_ids whose closing uses up an attempt of the flow."""
    counting: dict[str, set[str]] = defaultdict(set)
    for dial_id, outcomes in world.outcomes.items():
        if effect(outcomes[0].disposition).counts and outcomes[0].action is None:
            counting[outcomes[0].enrollment_id].add(dial_id)
    return counting


def _who(event: Event) -> str:
    return f"{event.contact_id}/{event.campaign}/{event.entry}"


CHECKS: tuple[Checking, ...] = (entered, enrolled, exited, attempts, *CALL_CHECKS, limits, actions, forgotten)


def reconcile(world: World) -> tuple[Check, ...]:
    """Every check, in the order in which they are printed."""
    return tuple(check(world) for check in CHECKS)
