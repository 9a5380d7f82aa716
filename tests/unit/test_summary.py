from dataclasses import replace as replaced
from typing import Any

import pytest
from msgspec.structs import replace

from cli import group
from cli.reasons import View, why
from cli.summary import Closings, Summary, iso
from engine import flow, lifecycle
from engine.pauses import let_out
from engine.plan import Plan
from engine.time import DAY, HOUR, MINUTE, Instant
from engine.weekly import parse_weekly
from engine.windows import weekly_window
from schemas.campaign import CampaignHead, CampaignState, Pause
from schemas.line import Slot
from schemas.rows import EnrollmentRow, OptOutEntry, Profile, State, TotalsRow
from streams import transport
from tests.unit.towns import NOW, OPEN, Town, people_of, plan, snapshot, town


def closings_of(made: Town, times: int = 1) -> Closings:
    closings = Closings()
    for outcome in (outcome for outcomes in made.world.outcomes.values() for outcome in outcomes * times):
        closings.add(outcome)
    return closings


def summary_of(made: Town) -> Summary:
    people = people_of(made.world)
    people.refresh(made.now)
    return people.summary(made.now, closings_of(made))


def test_people_by_state_reason_and_exit() -> None:
    (spring,) = summary_of(town()).campaigns
    assert (spring.campaign, spring.version, spring.state) == ("spring", 1, "running")
    assert spring.people == 9
    assert spring.states == {"awaiting_contact": 1, "waiting": 2, "issued": 2, "exited": 4}
    assert spring.exits == {"answered": 2, "opted_out": 1, "unenrolled": 1}
    assert {reason: waits.count for reason, waits in spring.waiting.items()} == {
        "awaiting contact": 1,
        "due later": 1,
        "pacing": 1,
    }
    assert spring.waiting["due later"].until == NOW - 2 * HOUR + DAY
    assert spring.calls == {"answered": 2, "voicemail": 2, "not_dialed": 1}
    assert spring.attempts == 4


def test_people_without_a_row_are_counted_by_the_totals() -> None:
    world = Town().world
    world.totals = [TotalsRow(partition=p, exits={"spring": {"answered": 2}}, attempts={"spring": 3}) for p in (0, 1)]
    people = people_of(world)
    people.refresh(NOW)
    (spring,) = people.summary(NOW, Closings()).campaigns
    assert (spring.people, spring.exits, spring.attempts) == (4, {"answered": 4}, 6)
    assert spring.states == {"exited": 4}


def test_a_campaign_that_the_topic_does_not_hold_is_counted_all_the_same() -> None:
    made = town()
    made.world.plans = snapshot()
    (spring,) = summary_of(made).campaigns
    assert (spring.state, spring.version, spring.people) == ("unknown", None, 9)
    assert spring.waiting["campaign version missing"].count == 1


def test_a_repeated_closing_counts_once() -> None:
    assert closings_of(town(), times=2).counts["spring"] == {"answered": 2, "voicemail": 2, "not_dialed": 1}


def test_json_has_instants_in_utc() -> None:
    body = summary_of(town()).as_dict()
    assert body["at"] == "2026-11-26T13:33:20.000Z"
    assert body["campaigns"][0]["waiting"]["due later"] == {"count": 1, "until": "2026-11-27T11:33:20.000Z", "since": None}
    assert iso(None) is None


# --- reasons ----------------------------------------------------------------------------------------------------------------------

#: 13:33 UTC is 08:33 in New York.
LATER = weekly_window(parse_weekly({"mon-fri": ["09:00-17:00"]}), 30_000)


def waiting(**changes: object) -> EnrollmentRow:
    row = EnrollmentRow(
        enrollment_id="e",
        contact_id="ann",
        campaign="spring",
        entry=1,
        version=1,
        state=State.WAITING,
        step="first",
        due=NOW - HOUR,
    )
    return replace(row, **changes)


def reason(
    row: EnrollmentRow, planned: Plan | None = None, state: CampaignState = CampaignState.RUNNING, **profile: object
) -> object:
    known = Profile(contact_id="ann", phone="+12125550101", zones=("America/New_York",))
    view = View.of({row.key: row}, {"ann": replace(known, **profile)}, snapshot(planned or plan(), state=state), NOW, 1.0)
    return why(row, view)


@pytest.mark.parametrize(
    ("row", "name", "until"),
    [
        (waiting(due=NOW + MINUTE), "due later", NOW + MINUTE),
        (waiting(), "pacing", None),
        (waiting(step="pause"), "moving on", None),
        (waiting(state=State.AWAITING_CONTACT), "awaiting contact", None),
        (waiting(version=2), "campaign version missing", None),
    ],
)
def test_each_reason_has_its_name(row: EnrollmentRow, name: str, until: int | None) -> None:
    found = reason(row)
    assert (found.reason, found.until) == (name, until)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("state", "name"), [(CampaignState.PAUSED, "paused"), (CampaignState.DRAFT, "not started"), (CampaignState.ENDED, "leaving")]
)
def test_a_campaign_that_does_not_run_is_the_reason(state: CampaignState, name: str) -> None:
    assert reason(waiting(), state=state).reason == name  # type: ignore[attr-defined]


def test_a_closed_window_says_when_it_opens() -> None:
    found = reason(waiting(), plan(window=LATER))
    assert (found.reason, iso(found.until)) == ("window", "2026-11-26T14:00:00.000Z")  # type: ignore[attr-defined]


def test_all_zones_of_a_person_count() -> None:
    found = reason(waiting(), plan(window=LATER), zones=("America/New_York", "America/Los_Angeles"))
    assert iso(found.until) == "2026-11-26T17:00:00.000Z"  # type: ignore[attr-defined]


def test_an_opt_out_that_the_row_has_yet_to_hear_of() -> None:
    found = reason(waiting(), opt_outs=(OptOutEntry("all", "cli", NOW, "x"),))
    assert (found.reason, found.detail) == ("leaving", "opted_out")  # type: ignore[attr-defined]


def test_one_open_command_a_person() -> None:
    made = Town()
    made.issue(made.person("ann"))
    other = waiting(campaign="autumn", enrollment_id="f")
    plans = snapshot(made.plan, plan("autumn"))
    found = why(other, View.of(made.world.rows | {other.key: other}, made.world.profiles, plans, NOW, 1.0))
    assert found is not None
    assert found.reason == "contact busy"


def test_ready_since_the_latest_of_what_it_waited_for() -> None:
    opened = weekly_window(parse_weekly({"mon-fri": ["08:00-17:00"]}), 30_000)
    assert reason(waiting(due=NOW - 10 * HOUR), plan(window=opened)).since == Instant(NOW - 33 * MINUTE - 20_000)  # type: ignore[attr-defined]
    assert reason(waiting(due=NOW - MINUTE), plan(window=OPEN)).since == NOW - MINUTE  # type: ignore[attr-defined]


def test_an_exited_row_waits_for_nothing() -> None:
    assert reason(waiting(state=State.EXITED)) is None


def test_transit_is_taken_off_the_window_at_the_clocks_rate() -> None:
    row = waiting()
    closing = weekly_window(parse_weekly({"mon-fri": ["08:00-08:34"]}), 0)  # 40 s are left: enough at x1, not at x60
    profiles = {"ann": Profile(contact_id="ann", phone="+12125550101", zones=("America/New_York",))}

    def at(rate: float) -> str:
        found = why(row, View.of({row.key: row}, profiles, snapshot(plan(window=closing)), NOW, rate))
        return found.reason if found else ""

    assert (at(1.0), at(60.0)) == ("pacing", "window")


def test_what_is_not_imported_is_the_same() -> None:
    assert group.GROUP == transport.GROUP


def test_a_row_with_a_command_out_is_not_waiting() -> None:
    made = Town()
    row = made.feed(made.person("ann"), flow.Granted(Slot("main", 1, NOW * 1000, NOW * 1000 + 5_000), None))
    found = why(row, made.world.view())
    assert found is not None
    assert found.reason == "command open"


# --- pauses -----------------------------------------------------------------------------------------------------------------------


def after_pause(row: EnrollmentRow, state: CampaignState = CampaignState.RUNNING, **pause: Any) -> Any:
    """Why a row waits in a campaign whose pause of two hours has ended half an hour ago."""
    head = CampaignHead(id="spring", version=1, state=state, at=NOW - HOUR // 2, pauses=[PAUSE.model_copy(update=pause)])
    known = Profile(contact_id="ann", phone="+12125550101", zones=("America/New_York",))
    plans = replaced(snapshot(plan()), heads={"spring": head})
    return why(row, View.of({row.key: row}, {"ann": known}, plans, NOW, 1.0))


PAUSE = Pause(begin=NOW - 5 * HOUR // 2, end=NOW - HOUR // 2)


def test_who_a_pause_has_moved_is_due_later() -> None:
    found = after_pause(waiting(), policy="shift")
    assert (found.reason, found.until) == ("due later", NOW + HOUR)


def test_who_a_pause_has_held_up_for_too_long_is_about_to_move_on() -> None:
    found = after_pause(waiting(due=NOW - 2 * HOUR), policy="expire", older=HOUR)
    assert (found.reason, found.since) == ("moving on", NOW - HOUR // 2)  # nobody could move before


def test_who_is_overdue_waits_for_a_turn_on_the_ramp() -> None:
    found = after_pause(waiting(), ramp=DAY)
    assert (found.reason, found.until) == ("let out after the pause", let_out(waiting(), [PAUSE.model_copy(update={"ramp": DAY})]))


def test_in_a_pause_nobody_is_about_to_move_on() -> None:
    for row in (waiting(), waiting(step="pause")):
        assert after_pause(row, CampaignState.PAUSED, end=None).reason == "paused"


def test_a_scheduled_campaign_says_when_it_starts() -> None:
    draft = CampaignHead(id="spring", version=1, state=CampaignState.DRAFT, at=NOW - HOUR)
    head = lifecycle.started(draft, NOW, Instant(NOW + HOUR))
    known = Profile(contact_id="ann", phone="+12125550101", zones=("America/New_York",))
    view = View.of({}, {"ann": known}, replaced(snapshot(plan()), heads={"spring": head}), NOW, 1.0)
    found, later = why(waiting(), view), why(waiting(due=NOW + 2 * HOUR), view)
    assert found is not None
    assert (found.reason, found.until) == ("not started", NOW + HOUR)
    assert later is not None
    assert (later.reason, later.until) == ("due later", NOW + 2 * HOUR)
