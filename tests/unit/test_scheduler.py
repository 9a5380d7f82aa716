"""When a partition's scheduler wants to be called again."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from engine import flow
from engine.gate import Facts
from engine.numbers import NextFree
from engine.pauses import let_out
from engine.plan import Late
from engine.quotas import Budget
from engine.spending import Spending
from engine.time import HOUR, NEVER, Instant
from outdial.clock import AcceleratedClock, Anchor
from schemas.campaign import CampaignState, Pause
from schemas.decision import Decision
from schemas.event import Event
from schemas.line import Demand, Spent
from schemas.resources import Halt
from schemas.rows import Attempt, EnrollmentRow, State
from streams.index import ContactIndex
from streams.lead import Lead
from streams.scheduler import IDLE, Scheduler
from tests.unit.samples import FIRST, NY, PHONE, PLAN, PROFILE, SLOT, WORKDAY, open_of, plan_of, row_of
from tests.unit.samples import NOW as TUESDAY

NOW = Instant(1_000_000)
RATE = 600


@pytest.fixture
def index() -> ContactIndex:
    return ContactIndex()


@pytest.fixture
def scheduler(index: ContactIndex) -> Scheduler:
    """On a clock that stands still; nobody has a row."""
    clock = AcceleratedClock(Anchor(NOW, 5_000_000, RATE), lambda: 5_000_000)
    heads = SimpleNamespace(subscribe=lambda _changed: None, subscribe_held=lambda _changed: None)
    lane = SimpleNamespace(tick=lambda _fn: None, roomy=True, real_us=clock.real_us(), real_ms=clock.real_ms())
    flows: Any = SimpleNamespace(lane=lane, clock=clock, heads=heads, index={0: index}, retire=lambda _p: None)
    return Scheduler(flows, Lead())


def test_with_nothing_to_do_it_is_called_now_and_then(scheduler: Scheduler) -> None:
    assert scheduler.tick(0, NOW) == IDLE


def test_it_is_called_when_the_next_timer_is_due(scheduler: Scheduler, index: ContactIndex) -> None:
    index.wheel.put(Instant(NOW + 2_000 * RATE), "row", ("step", 1, 0))
    assert scheduler.tick(0, NOW) == pytest.approx(2.0)


def test_it_is_called_when_an_open_command_is_to_be_asked_after(scheduler: Scheduler, index: ContactIndex) -> None:
    """A text message takes no place on its line, so nothing else would call it before a minute has passed."""
    index.probes.put(Instant(5_000 + 1_500), "row", "dial")
    assert scheduler.tick(0, NOW) == pytest.approx(1.5)


# --- refusals of due steps are told once ------------------------------------------------------------------------------------------


class Desk:
    """A scheduler with one row, over a gate whose facts are given; `told` are the decisions that were emitted."""

    def __init__(self, index: ContactIndex) -> None:
        self.told: list[Any] = []
        self.pauses: dict[str, tuple[Pause, ...]] = {}
        self.fed: list[Any] = []
        self.facts = Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST)
        clock = AcceleratedClock(Anchor(NOW, 5_000_000, RATE), lambda: 5_000_000)
        heads = SimpleNamespace(
            subscribe=lambda _: None,
            subscribe_held=lambda _: None,
            head=lambda _: None,
            state=lambda _: self.facts.campaign_state,
            starts_at=lambda _: self.facts.starts_at,
            pauses=self.pauses,
        )
        lane = SimpleNamespace(tick=lambda _fn: None, roomy=True, emit=self.told.append, real_us=0, real_ms=0)
        flows: Any = SimpleNamespace(
            lane=lane,
            clock=clock,
            heads=heads,
            index={0: index},
            plan=lambda _row: self.facts.plan,
            profiles=SimpleNamespace(get=lambda _p, _contact: PROFILE),
            facts=lambda *_: self.facts,
            feed=lambda _p, _row, inp, _now: self.fed.append(inp),
        )
        self.scheduler = Scheduler(flows, Lead())

    def look(self, row: EnrollmentRow, at: int = TUESDAY) -> int:
        """How many decisions that look has told."""
        before = len(self.decisions)
        self.scheduler.look(0, row.key, row, Instant(at))
        return len(self.decisions) - before

    @property
    def decisions(self) -> list[Decision]:
        return [record for record in self.told if isinstance(record, Decision)]

    @property
    def due(self) -> list[Event]:
        return [record for record in self.told if isinstance(record, Event) and record.kind == "step_due"]


@pytest.fixture
def desk(index: ContactIndex) -> Desk:
    return Desk(index)


ROW = row_of(State.WAITING)
SHUT = plan_of(window=WORKDAY)
TOKYO = ("Asia/Tokyo",)
CLOSED = Facts(SHUT, CampaignState.RUNNING, TOKYO, FIRST)


def test_a_refusal_is_told_when_it_comes_and_when_it_is_another_one(desk: Desk) -> None:
    desk.facts = CLOSED
    assert [desk.look(ROW), desk.look(ROW, TUESDAY + 1), desk.look(ROW, TUESDAY + HOUR)] == [1, 0, 0]
    (told,) = desk.decisions
    assert (told.point, told.ok, told.address, told.dial_id) == ("due", False, PHONE, "")
    assert (told.enrollment_id, told.step) == (ROW.enrollment_id, "first")
    assert desk.look(ROW, TUESDAY + 18 * HOUR) == 1  # the window has closed again meanwhile: another instant
    assert desk.look(replace(ROW, seq=ROW.seq + 1), TUESDAY + 18 * HOUR) == 1  # another attempt


def test_that_a_step_fell_due_is_told_once_for_each_attempt_and_under_one_id(desk: Desk, index: ContactIndex) -> None:
    later = replace(ROW, seq=ROW.seq + 1, due=ROW.due + HOUR)
    for row in (ROW, ROW, later):
        desk.look(row, TUESDAY + HOUR)
    assert [event.at for event in desk.due] == [ROW.due, later.due]
    index.told.clear()  # derived: dropped with the partition
    desk.look(later, TUESDAY + 2 * HOUR)
    assert desk.due[-1] == desk.due[-2]


def test_the_same_refusal_after_a_crash_has_the_same_id(desk: Desk, index: ContactIndex) -> None:
    desk.facts = CLOSED
    desk.look(ROW)
    index.denied.clear()  # derived: dropped with the partition
    desk.look(ROW, TUESDAY + 5_000)
    first, again = desk.decisions
    assert first.event_id == again.event_id


def test_what_holds_for_a_whole_campaign_is_not_told_of_each_person(desk: Desk) -> None:
    """Pauses and halts stand on their own topics; a million records would say the same."""
    halts = (Halt(id="all", at=TUESDAY),)
    for facts in (
        Facts(PLAN, CampaignState.PAUSED, (NY,), FIRST),
        Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST, halts=halts),
        Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST, contact_busy=True),
    ):
        desk.facts = facts
        assert desk.look(ROW) == 0


def test_a_yes_is_not_told_here(desk: Desk, index: ContactIndex) -> None:
    assert desk.look(ROW) == 0
    assert not index.denied


def test_when_the_numbers_run_out_everybody_of_the_campaign_is_looked_at_again(index: ContactIndex) -> None:
    """Else each slot would be tried with one after another, in vain."""
    desk, people = Desk(index), [replace(ROW, contact_id=f"c{n}") for n in range(5)]
    for row in people:
        index.ready.add(row.key, "main", row.campaign, Instant(row.due), NEVER, (row.timer, NEVER))
    index.ready.add("other", "main", "autumn", Instant(0), NEVER, (ROW.timer, NEVER))
    flows: Any = desk.scheduler.flows
    flows.others = lambda *_: False
    flows.row = lambda _p, key: next((row for row in people if row.key == key), None)
    flows.heads.state, flows.heads.halts = (lambda _campaign: CampaignState.RUNNING), ()
    flows.callers = SimpleNamespace(choose=lambda *_: NextFree(Instant(TUESDAY + HOUR), "all have had their calls"))
    assert not desk.scheduler._issue(0, SLOT, None, Instant(TUESDAY), taken := [])
    assert sorted(index.todo) == sorted(row.key for row in people)
    assert set(taken) <= {*index.todo, "other"}
    assert len(index.ready) == 0


def test_a_halt_that_comes_or_goes_has_everybody_looked_at_again(index: ContactIndex) -> None:
    desk = Desk(index)
    desk.scheduler.lane.active = frozenset({0})
    desk.scheduler.flows.wake = lambda _p: None
    index.watch(ROW.key, None, ROW)
    desk.scheduler.on_held()
    assert list(index.todo) == [ROW.key]


# --- pauses -----------------------------------------------------------------------------------------------------------------------

WAIT = row_of(State.WAITING, step="pause")
PAUSED = Facts(PLAN, CampaignState.PAUSED, (NY,), FIRST)


def test_a_pause_keeps_everybody_where_they_are(desk: Desk, index: ContactIndex) -> None:
    """Waits do not end in it, so that it makes no difference to any policy whether a worker ran meanwhile."""
    desk.facts = PAUSED
    assert [desk.look(row) for row in (ROW, WAIT)] == [0, 0]
    assert (desk.fed, len(index.ready), index.wheel.next()) == ([], 0, None)
    desk.facts = replace(PAUSED, campaign_state=CampaignState.RUNNING)
    desk.look(WAIT)
    assert desk.fed == [flow.Due()]


def test_what_a_pause_has_held_up_for_too_long_is_skipped_once_it_runs_again(desk: Desk) -> None:
    desk.pauses["spring"] = (Pause(begin=TUESDAY - 3 * HOUR, end=TUESDAY, policy="expire", older=HOUR),)
    held = replace(ROW, due=TUESDAY - 2 * HOUR)
    desk.facts = PAUSED
    desk.look(held)
    assert desk.fed == []
    desk.facts = replace(PAUSED, campaign_state=CampaignState.RUNNING)
    desk.look(replace(held, due=TUESDAY - HOUR))  # not longer than that
    assert desk.fed == []
    desk.look(held)
    assert desk.fed == [flow.Refused("expired", skips=True)]


def test_on_a_ramp_the_overdue_wait_for_their_turn(desk: Desk, index: ContactIndex) -> None:
    pause = Pause(begin=TUESDAY - 3 * HOUR, end=TUESDAY, ramp=HOUR)
    desk.pauses["spring"] = (pause,)
    turn = let_out(ROW, (pause,))
    assert TUESDAY < turn < TUESDAY + HOUR
    desk.look(ROW)
    assert (len(index.ready), index.wheel.next()) == (0, turn)
    desk.look(ROW, turn)
    assert len(index.ready) == 1


# --- before the start, and too late ---------------------------------------------------------------------------------------------

BY_TEN = plan_of(dataclasses.replace(FIRST, late=Late(4 * HOUR, "skip")), *PLAN.steps[1:])
TOO_LATE = ROW.due + 4 * HOUR + 1


@pytest.mark.parametrize(
    ("state", "starts_at", "looked_at_again"),
    [(CampaignState.DRAFT, None, None), (CampaignState.SCHEDULED, TUESDAY + 10 * HOUR, TUESDAY + 10 * HOUR)],
)
def test_before_its_start_a_campaign_passes_nothing_over(
    desk: Desk, index: ContactIndex, state: CampaignState, starts_at: int | None, looked_at_again: int | None
) -> None:
    desk.facts = Facts(BY_TEN, state, (NY,), FIRST, starts_at=starts_at)
    for row in (ROW, WAIT):
        desk.look(row, TOO_LATE)
    assert (desk.fed, desk.due, index.wheel.next()) == ([], [], looked_at_again)
    desk.facts = replace(desk.facts, campaign_state=CampaignState.RUNNING)
    desk.look(ROW, TOO_LATE)
    assert desk.fed == [flow.Due()]


@pytest.mark.parametrize(
    "facts",
    [
        Facts(
            BY_TEN,
            CampaignState.RUNNING,
            (NY,),
            FIRST,
            no_number=NextFree(Instant(TUESDAY + 24 * HOUR), "all have had their calls"),
        ),
        Facts(BY_TEN, CampaignState.RUNNING, (NY,), FIRST, contact_busy=True),
        Facts(BY_TEN, CampaignState.RUNNING, (NY,), FIRST),
    ],
    ids=["refused until tomorrow", "refused until something happens", "ready, and no slot comes"],
)
def test_a_step_that_comes_too_late_is_passed_over_when_that_is_so_and_not_when_it_could_be_taken(
    desk: Desk, index: ContactIndex, facts: Facts
) -> None:
    desk.facts = facts
    desk.look(ROW)
    assert (desk.fed, index.wheel.next()) == ([], TOO_LATE)
    desk.look(ROW, TOO_LATE)
    assert desk.fed == [flow.Due()]
    assert len(index.ready) == 0


# --- reports ----------------------------------------------------------------------------------------------------------------------


def report_of(index: ContactIndex, spending: Spending, *budgets: tuple[str, Budget]) -> Demand:
    """What a partition tells the owner of the line."""
    told: list[Any] = []
    real = TUESDAY * 1000
    heads = SimpleNamespace(subscribe=lambda _: None, subscribe_held=lambda _: None, budgets=lambda _line: budgets)
    lane = SimpleNamespace(
        tick=lambda _fn: None, roomy=True, emit=told.append, real_us=real, real_ms=TUESDAY, skew_us=0, epoch=lambda _p: 1
    )
    clock = AcceleratedClock(Anchor(TUESDAY, real, 1), lambda: real)
    flows: Any = SimpleNamespace(
        lane=lane, clock=clock, heads=heads, index={0: index}, spending={0: spending}, retire=lambda _p: None
    )
    Scheduler(flows, Lead()).tick(0, TUESDAY)
    (demand,) = told
    assert isinstance(demand, Demand)
    return demand


def test_calls_in_flight_are_told_by_campaign(index: ContactIndex) -> None:
    issued = row_of(State.ISSUED)
    autumn = replace(row_of(State.ISSUED, contact_id="c8", campaign="autumn"))
    text = row_of(State.ISSUED, step="text", contact_id="c9", open=open_of(1, "sms"))
    for row in (issued, autumn, text):
        index.watch(row.key, None, row)
    told = report_of(index, Spending())
    assert (told.in_flight, told.open, told.spent) == (2, {"spring": 1, "autumn": 1}, {})
    index.watch(autumn.key, autumn, replace(autumn, state=State.WAITING, open=None))
    assert report_of(index, Spending()).open == {"spring": 1}


def test_what_a_day_has_used_is_told_of_campaigns_with_a_budget(index: ContactIndex) -> None:
    issued = row_of(State.ISSUED)
    index.watch(issued.key, None, issued)
    attempts = tuple(Attempt(TUESDAY - n * HOUR, "spring", "call", f"d{n}", None, 50_000) for n in range(24))
    spending = Spending([replace(PROFILE, attempts=attempts)])
    told = report_of(index, spending, ("spring", Budget(calls=100, zone=NY)))
    began = TUESDAY - 10 * HOUR  # it is ten in the morning there
    assert told.spent == {"spring": Spent(began, 11, 550_000, 24, 1_200_000)}
