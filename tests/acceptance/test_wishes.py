"""What people and the world outside ask for, during a wait or a call: a call at a time, to leave for a goal, to enter again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cli.gather import read_each
from cli.publish import Publisher
from cli.read import read_rows
from cli.summary import iso
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.event import Event
from schemas.rows import EnrollmentRow, Profile, State, TimerRow
from schemas.topics import CAMPAIGN_EVENTS, CONTACT_PROFILES, CONTACTS, STEP_TIMERS
from tests.acceptance.world import CLEAN, OPEN, RESOURCES, World, number_of, people_of

#: Campaign seconds in a real one: a minute passes in a second.
RATE = 60
WAITS = "  - {id: pause, wait: 48h}\n  - {id: call, call: {}}"
CALLS = "  - {id: call, call: {}}"
FLOWS = {
    "waits": (WAITS, "goals: [paid]\nreentry: {max: 2}"),
    "calls": (CALLS, "goals: [paid]\nreentry: {max: 3, after: 400 days}"),
    "others": (WAITS, ""),
}
#: Everybody is reached, and talks for ten minutes.
MIX = "calls: {voicemail: 1}\nmessages: {delivered: 1}\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    home = tmp_path_factory.mktemp("wishes")
    (home / "mix.yaml").write_text(MIX)
    (home / "resources.yaml").write_text(RESOURCES)
    with World(home / "home", RATE, broker) as made:
        made.up("one", provider=("--mix", str(home / "mix.yaml")))
        made.run("resources", "apply", str(home / "resources.yaml"))
        for name, (steps, more) in FLOWS.items():
            (home / f"{name}.yaml").write_text(OPEN.format(name=name, more=more, steps=steps))
            made.run("campaign", "apply", str(home / f"{name}.yaml"))
            made.run("campaign", "start", name)
        yield made


def row(world: World, person: str, campaign: str, entry: int = 1) -> EnrollmentRow | None:
    return world.rows().get(f"{person}/{campaign}/{entry}")


def left(world: World, person: str, campaign: str, entry: int = 1) -> str | None:
    """Why the person has left; None: not yet."""
    found = row(world, person, campaign, entry)
    return found.exit.reason if found is not None and found.state is State.EXITED and found.exit else None


def events(world: World, person: str) -> list[Event]:
    return [event for _, event in read_each(world.settings, CAMPAIGN_EVENTS, Event) if event.contact_id == person]


def waits(world: World, person: str, campaign: str) -> bool:
    found = row(world, person, campaign)
    return found is not None and found.state is State.WAITING and found.step == "pause"


def test_a_goal_ends_a_wait_at_once_in_the_campaigns_that_list_it(world: World) -> None:
    (person,) = people_of(1, 1)
    for campaign in ("waits", "others"):
        world.enroll([person], campaign)
        world.wait_for(f"{campaign} to wait", lambda campaign=campaign: waits(world, person, campaign))
    world.run("contacts", "goal", "paid", person)
    world.wait_for("the goal", lambda: left(world, person, "waits") == "goal")
    assert waits(world, person, "others")
    (exited,) = [event for event in events(world, person) if event.kind == "exited"]
    assert (exited.campaign, exited.data["reason"], exited.data["attempts"]) == ("waits", "goal", 0)
    assert not [line for line in world.requests() if line["number"] == number_of(person)]


def test_a_call_that_is_asked_for_during_a_wait_is_placed_then(world: World) -> None:
    (person,) = people_of(1, 1, first=1)
    world.enroll([person], "waits")
    world.wait_for("the wait", lambda: waits(world, person, "waits"))
    found = row(world, person, "waits")
    assert found is not None
    asked = datetime.fromtimestamp((found.due - 47 * 3_600_000 - 3_000_000) / 1000, UTC)  # in about ten minutes
    world.run("contacts", "callback", person, "--campaign", "waits", "--at", asked.isoformat())
    world.wait_for("the call", lambda: left(world, person, "waits"), 90.0)
    (scheduled,) = [event for event in events(world, person) if event.kind == "callback_scheduled"]
    assert scheduled.data["due"] == int(asked.timestamp() * 1000)
    (request,) = [line for line in world.requests() if line["number"] == number_of(person)]
    assert request["received_campaign_ms"] >= scheduled.data["due"]
    kinds = [event.kind for event in events(world, person)]
    assert kinds == ["enrolled", "callback_scheduled", "step_due", "call_placed", "call_ended", "exited"]
    told = [json.loads(line) for line in world.run("timeline", person, "--json").splitlines()]
    assert [one["at"] for one in told if one["kind"] == "due"] == [iso(scheduled.data["due"])]


def test_who_has_left_enters_again_as_far_as_the_campaign_lets_them(world: World) -> None:
    (person,) = people_of(1, 1, first=2)
    world.enroll([person], "waits")
    world.wait_for("the wait", lambda: waits(world, person, "waits"))
    world.run("contacts", "enroll", person, "--campaign", "waits", "--entry", "2")  # still in
    world.run("contacts", "unenroll", person, "--campaign", "waits")
    world.wait_for("leaving", lambda: left(world, person, "waits") == "unenrolled")
    world.run("contacts", "enroll", person, "--campaign", "waits", "--entry", "3")  # too often
    refused = ["still_in", "max_entries"]
    world.wait_for("the refusals", lambda: reasons(world, person) == refused)
    assert [key for key in world.rows() if key.startswith(person)] == [f"{person}/waits/1"]


def test_who_comes_again_too_soon_is_told_so(world: World) -> None:
    (person,) = people_of(1, 1, first=3)
    world.enroll([person], "calls")
    world.wait_for("the call", lambda: left(world, person, "calls"), 90.0)
    world.run("contacts", "enroll", person, "--campaign", "calls", "--entry", "2")
    world.wait_for("the refusal", lambda: reasons(world, person) == ["too_soon"])


def reasons(world: World, person: str) -> list[str]:
    return [event.data["reason"] for event in events(world, person) if event.kind == "enrollment_refused"]


def test_complaint_5_who_is_enrolled_four_times_is_in_once_and_may_come_back_later(world: World) -> None:
    (person,) = people_of(1, 1, first=4)
    for _ in range(4):
        world.enroll([person], "waits")
    world.wait_for("the wait", lambda: waits(world, person, "waits"))
    world.run("contacts", "unenroll", person, "--campaign", "waits")
    world.wait_for("leaving", lambda: left(world, person, "waits"))
    world.run("contacts", "enroll", person, "--campaign", "waits", "--entry", "2")
    world.wait_for("the second entry", lambda: row(world, person, "waits", 2))
    kinds = [event.kind for event in events(world, person)]
    assert kinds == ["enrolled", "exited", "enrolled"]


def test_complaints_11_and_14_whoever_waits_costs_nothing_and_a_changed_contact_stays_where_it_is(world: World) -> None:
    (person,) = people_of(1, 1, first=5)
    world.enroll([person], "waits")
    world.wait_for("the wait", lambda: waits(world, person, "waits"))
    before = row(world, person, "waits")
    with Publisher(world.settings, CONTACTS) as publisher:
        publisher.send(CONTACTS, person, Contact(id=person, phone=number_of(person), first_name="Gerda", state="TX"))
    world.wait_for("the change", lambda: named(world, person) == "Gerda")
    assert row(world, person, "waits") == before
    written = [r for _, r in read_each(world.settings, STEP_TIMERS, TimerRow) if getattr(r, "contact_id", None) == person]
    assert len(written) <= 2  # entered, before or after the details came, and never touched since


def named(world: World, person: str) -> str | None:
    profile = read_rows(world.settings, CONTACT_PROFILES, Profile).get(person)
    return profile.variables.get("first_name") if profile else None


def test_complaint_16_the_figures_add_up_and_count_nobody_twice(world: World) -> None:
    told = [event for _, event in read_each(world.settings, CAMPAIGN_EVENTS, Event)]
    for one in json.loads(world.run("status", "--json"))["campaigns"]:
        entered = {e.enrollment_id for e in told if e.kind == "enrolled" and e.campaign == one["campaign"]}
        gone = {e.enrollment_id for e in told if e.kind == "exited" and e.campaign == one["campaign"]}
        assert one["people"] == len(entered) == sum(one["states"].values())
        assert sum(one["exits"].values()) == len(gone) == one["states"].get("exited", 0) <= one["people"]


def test_verify_counts_refusals_and_callbacks(world: World) -> None:
    said = world.verify()
    assert said.lines[-1] == CLEAN, said.said
    assert json.loads(world.run("status", "--json"))["campaigns"]
