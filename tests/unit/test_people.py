"""Counting as rows change and time passes must come to the same as counting everybody afresh."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cli.packed import Packed
from cli.people import People
from cli.read import Snapshot
from cli.summary import Closings, Summary, Waits
from engine.time import HOUR, MINUTE, Instant
from engine.weekly import parse_weekly
from engine.windows import weekly_window
from schemas.base import encode
from schemas.campaign import CampaignState
from schemas.line import Slot
from schemas.rows import Attempt, EnrollmentRow, Exit, Open, OptOutEntry, Profile, State, TimerRow, TotalsRow
from tests.unit.towns import NOW, NUMBER, people_of, plan, snapshot, town

WORKDAY = weekly_window(parse_weekly({"mon-fri": ["09:00-17:00"]}), 30_000)  # NOW is 08:33 in New York
PLANS = tuple(plan(name, WORKDAY) for name in ("autumn", "spring"))


def row_of(contact: str = "ann", campaign: str = "spring", stamp: int = 1, **fields: object) -> EnrollmentRow:
    row = EnrollmentRow(
        enrollment_id=f"{contact}-{campaign}",
        contact_id=contact,
        campaign=campaign,
        entry=1,
        version=1,
        state=State.WAITING,
        step="first",
        due=NOW - HOUR,
        stamp=(1, stamp),
    )
    return replace(row, **fields)


def profile_of(contact: str = "ann", stamp: int = 1, **fields: object) -> Profile:
    return replace(
        Profile(contact_id=contact, phone="+12125550101", zones=("America/New_York",), stamp=(1, stamp)),
        **fields,
    )


def out_at(at: int) -> Open:
    return Open("d", "call", "+12125550101", None, Slot("main", 1, at * 1000, at * 1000 + 5_000), at)


def waiting(people: People, now: int, campaign: str = "spring") -> dict[str, Waits]:
    people.refresh(Instant(now))
    return {c.campaign: c.waiting for c in people.summary(Instant(now), Closings()).campaigns}[campaign]


def one(row: EnrollmentRow, state: CampaignState = CampaignState.RUNNING) -> People:
    people = People(snapshot(*PLANS, state=state), 1.0)
    people.take_profile("ann", encode(profile_of()))
    people.take_row(row.key, encode(row))
    people.refresh(NOW)
    return people


def test_a_budget_that_is_used_up_is_the_reason_until_midnight() -> None:
    people, noon, midnight = one(row_of()), NOW + 4 * HOUR, NOW + 15 * HOUR
    assert list(waiting(people, noon)) == ["pacing"]
    people.spend({"spring": ("500 of 500 calls of today", Instant(midnight))})
    assert waiting(people, noon) == {"daily budget": Waits(1, Instant(midnight))}
    assert list(waiting(people, midnight)) == ["window"]
    people.spend({})
    assert list(waiting(people, NOW + 28 * HOUR)) == ["pacing"]


def test_a_budget_that_is_raised_lets_people_go_on() -> None:
    people, noon = one(row_of()), NOW + 4 * HOUR
    people.spend({"spring": ("500 of 500 calls of today", Instant(NOW + 15 * HOUR))})
    assert list(waiting(people, noon)) == ["daily budget"]
    people.spend({})
    assert list(waiting(people, noon)) == ["pacing"]


# --- reasons turn by themselves ---------------------------------------------------------------------------------------------------


def test_a_reason_turns_when_its_time_has_come() -> None:
    opens, closes = NOW + 26 * MINUTE + 40_000, NOW + 506 * MINUTE + 10_000
    people = one(row_of(due=NOW + MINUTE))
    assert waiting(people, NOW) == {"due later": Waits(1, Instant(NOW + MINUTE))}
    assert waiting(people, NOW + MINUTE) == {"window": Waits(1, Instant(opens))}
    assert waiting(people, opens) == {"pacing": Waits(1, None, Instant(opens))}
    assert set(waiting(people, closes)) == {"window"}


def test_a_campaign_that_is_paused_is_the_reason_until_it_is_resumed() -> None:
    people = one(row_of())
    people.replan(snapshot(*PLANS, state=CampaignState.PAUSED))
    assert waiting(people, NOW) == {"paused": Waits(1)}
    people.replan(snapshot(*PLANS))
    assert set(waiting(people, NOW)) == {"window"}


def test_a_profile_that_changes_changes_the_reason() -> None:
    people = one(row_of())
    people.take_profile("ann", encode(profile_of(stamp=2, zones=("Europe/London",))))
    assert waiting(people, NOW) == {"pacing": Waits(1, None, Instant(NOW - HOUR))}
    people.take_profile("ann", encode(profile_of(stamp=3, opt_outs=(OptOutEntry("all", "cli", NOW, "x"),))))
    assert set(waiting(people, NOW)) == {"leaving"}


def test_another_command_of_the_person_is_the_reason_until_it_closes() -> None:
    now, other = NOW + HOUR, row_of(campaign="autumn")
    people = one(row_of())
    people.take_row(other.key, encode(replace(other, state=State.ISSUED, open=out_at(now), stamp=(1, 2))))
    assert waiting(people, now) == {"contact busy": Waits(1)}
    people.take_row(other.key, encode(replace(other, stamp=(1, 3))))
    assert set(waiting(people, now)) == {"pacing"}


CAPPED = (NUMBER.model_copy(update={"daily_cap": 1}),)
MIDNIGHT = Instant(NOW + 15 * HOUR + 26 * MINUTE + 40_000)  # in New York, where the number is


def test_numbers_that_have_had_their_calls_are_the_reason_until_midnight() -> None:
    """One partition: somebody else's call was the last of the day."""
    now, bob = NOW + HOUR, profile_of("bob")
    people = People(snapshot(*PLANS, numbers=CAPPED), 1.0)
    people.take_profile("ann", encode(profile_of()))
    people.take_row(row_of().key, encode(row_of()))
    assert set(waiting(people, now)) == {"pacing"}
    made = Attempt(now, "autumn", "call", "d1", NUMBER.number)
    people.take_profile("bob", encode(replace(bob, attempts=(made,))))
    assert waiting(people, now) == {"no number": Waits(1, MIDNIGHT)}
    assert set(waiting(people, MIDNIGHT)) == {"window"}


def test_a_cap_that_is_declared_or_lifted_while_one_watches_counts_what_was_called_before() -> None:
    now = NOW + HOUR
    people = one(row_of())
    people.take_profile("ann", encode(profile_of(stamp=2, attempts=(Attempt(NOW, "autumn", "call", "d1", NUMBER.number),))))
    assert set(waiting(people, now)) == {"pacing"}
    people.replan(snapshot(*PLANS, numbers=CAPPED))
    assert set(waiting(people, now)) == {"no number"}
    people.replan(snapshot(*PLANS))
    assert set(waiting(people, now)) == {"pacing"}
    people.replan(snapshot(*PLANS, numbers=(NUMBER.model_copy(update={"resting": True}),)))
    assert waiting(people, now) == {"no number": Waits(1)}


def test_at_most_so_many_reasons_are_asked_at_a_time() -> None:
    people = People(snapshot(*PLANS), 1.0)
    for contact in ("ann", "bob", "cid"):
        people.take_row(row_of(contact).key, encode(row_of(contact, due=NOW + MINUTE)))
    assert [people.refresh(NOW, limit=2) for _ in range(2)] == [1, 0]
    assert waiting(people, NOW)["due later"].count == 3


def test_how_late_a_command_was_counts_from_the_opening_of_the_window() -> None:
    issued = NOW + HOUR  # 33 min 20 s behind nine o'clock
    people = one(row_of())
    row = row_of(stamp=2, state=State.ISSUED, open=out_at(issued))
    people.take_row(row.key, encode(row))
    people.take_row(row.key, encode(row))  # written again by another worker: the same command
    assert people.late == [(issued, 33 * MINUTE + 20_000)]


def test_what_lay_there_before_is_not_late() -> None:
    assert one(row_of(state=State.ISSUED, open=out_at(NOW))).late == []


# --- rows -------------------------------------------------------------------------------------------------------------------------


def test_the_greatest_stamp_counts() -> None:
    rows: Packed[TimerRow] = Packed(TimerRow)
    first, second = row_of(stamp=1), row_of(stamp=2, attempts=1)
    assert rows.put(first.key, encode(second))
    assert not rows.put(first.key, encode(first))
    assert rows[first.key] == second
    assert not rows.put("x", b"no row")
    assert rows.put(first.key, None)
    assert not rows.put(first.key, None)
    assert len(rows) == 0


def test_a_row_that_is_retired_moves_to_the_totals() -> None:
    people = people_of(town().world)
    people.refresh(NOW)
    before = people.summary(NOW, Closings())
    row = next(row for row in people.enrolled() if row.exit is not None and row.exit.reason == "unenrolled")
    totals = TotalsRow(partition=7, exits={"spring": {"unenrolled": 1}}, attempts={"spring": row.attempts})
    people.take_row(totals.key, encode(totals))
    people.take_row(row.key, None)
    people.refresh(NOW)
    assert people.summary(NOW, Closings()) == before


# --- whatever happens, in whatever order ------------------------------------------------------------------------------------------


@dataclass
class Both:
    """The same records for one who counts on and for others who count afresh each time."""

    plans: Snapshot = field(default_factory=lambda: snapshot(*PLANS))
    rows: dict[str, EnrollmentRow] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    stamp: int = 1

    def __post_init__(self) -> None:
        self.people = People(self.plans, 1.0)

    def row(self, contact: str, campaign: str, state: State, due: int) -> None:
        self.stamp += 1
        # One command a person at a time, as the index of the workers sees to: who has another open still waits.
        busy = any(r.open for r in self.rows.values() if r.contact_id == contact and r.campaign != campaign)
        state = State.WAITING if state is State.ISSUED and busy else state
        row = row_of(contact, campaign, self.stamp, state=state, due=NOW + due * MINUTE)
        if state is State.ISSUED:
            row = replace(row, open=out_at(NOW))
        if state in (State.EXITING, State.EXITED):
            row = replace(row, exit=Exit("completed", "x", NOW))
        self.rows[row.key] = row
        self.people.take_row(row.key, encode(row))

    def retire(self, contact: str, campaign: str) -> None:
        self.rows.pop(f"{contact}/{campaign}/1", None)
        self.people.take_row(f"{contact}/{campaign}/1", None)

    def profile(self, contact: str, zone: str) -> None:
        self.stamp += 1
        self.profiles[contact] = profile_of(contact, self.stamp, zones=(zone,))
        self.people.take_profile(contact, encode(self.profiles[contact]))

    def state(self, state: CampaignState) -> None:
        self.plans = snapshot(*PLANS, state=state)
        self.people.replan(self.plans)

    def afresh(self, now: Instant) -> Summary:
        people = People(self.plans, 1.0)
        for contact, profile in self.profiles.items():
            people.take_profile(contact, encode(profile))
        for key, row in self.rows.items():
            people.take_row(key, encode(row))
        people.refresh(now)
        return people.summary(now, Closings())


contacts, campaigns = st.sampled_from(["ann", "bob"]), st.sampled_from(["autumn", "spring"])
zones = st.sampled_from(["America/New_York", "Europe/London", "Asia/Tokyo"])
changes = st.one_of(
    st.tuples(st.just("row"), contacts, campaigns, st.sampled_from(State), st.integers(-90, 1_000)),
    st.tuples(st.just("retire"), contacts, campaigns),
    st.tuples(st.just("profile"), contacts, zones),
    st.tuples(st.just("state"), st.sampled_from(CampaignState)),
)


@given(st.lists(st.tuples(changes, st.integers(0, 600)), max_size=12))
def test_counting_on_is_counting_afresh(steps: list[tuple[tuple[object, ...], int]]) -> None:
    both, now = Both(), NOW
    for (name, *arguments), minutes in steps:
        getattr(both, str(name))(*arguments)
        now = Instant(now + minutes * MINUTE)
        both.people.refresh(now)
        assert both.people.summary(now, Closings()) == both.afresh(now)


@pytest.mark.parametrize("key", ["totals/0", "totals/0/spring/all", "ann/spring/1", "a/b/spring/1"])
def test_a_tombstone_of_somebody_nobody_knows_changes_nothing(key: str) -> None:
    people = one(row_of("bob"))
    before = people.summary(NOW, Closings())
    people.take_row(key, None)
    people.refresh(NOW)
    assert people.summary(NOW, Closings()) == before
