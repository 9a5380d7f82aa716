"""A campaign's life on a real broker: scheduled, paused, resumed each way, drained, ended, pausing itself.

What users of other systems complain of is named where it is shown not to be so.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cli.gather import read_each
from cli.publish import Publisher
from cli.read import read_heads, read_records
from cli.status import read_summary
from cli.summary import iso
from engine.pauses import let_out
from engine.time import HOUR, MINUTE
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.campaign import CampaignHead, CampaignState
from schemas.event import Event
from schemas.rows import EnrollmentRow, State
from schemas.topics import CAMPAIGN_EVENTS, CAMPAIGNS
from tests.acceptance.test_halt import commands
from tests.acceptance.world import CLEAN, OPEN, World, drills, number_of, people_of, within
from tests.acceptance.world import RESOURCES as LINES
from tests.wait import until

#: Calls a second.
RATE = 100
CALL = "  - {id: call, call: {}}"
#: A command takes some seconds on a busy machine, of which each is ten campaign minutes.
WAIT_AND_CALL = "  - {id: pause, wait: 2h}\n" + CALL


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("lifecycle") / "home", broker, "one", "two") as world:
        file = world.settings.home / "limited.yaml"
        file.write_text(LINES.replace("{id: drill}", f"{{id: drill, calls_per_second: {RATE}}}"))
        world.run("resources", "apply", str(file))
        world.everyone_is_here(2)
        yield world


# --- what tests ask ---------------------------------------------------------------------------------------------------------------


def draft(world: World, name: str, steps: str = CALL, more: str = "") -> None:
    """A campaign that is applied, and not started."""
    file = world.settings.home / f"{name}.yaml"
    file.write_text(OPEN.format(name=name, more=more, steps=steps))
    world.run("campaign", "apply", str(file))


def head_of(world: World, name: str) -> CampaignHead:
    return read_heads(world.settings).head(name)


def rows_of(world: World, name: str) -> list[EnrollmentRow]:
    return [row for row in world.rows().values() if row.campaign == name]


def left(world: World, name: str) -> Counter[str]:
    """How people left."""
    return Counter(row.exit.reason for row in rows_of(world, name) if row.state is State.EXITED and row.exit)


def everybody_has_left(world: World, name: str, count: int) -> None:
    until(lambda: left(world, name).total() == count, timeout=150, every=0.3)


def requested(world: World, people: list[str]) -> list[dict[str, Any]]:
    """The requests for these people, oldest first."""
    numbers = {number_of(person) for person in people}
    return [line for line in world.requests() if line["number"] in numbers]


def events_of(world: World, name: str, *kinds: str) -> list[Event]:
    found = {event.event_id: event for _, event in read_each(world.settings, CAMPAIGN_EVENTS, Event) if event.campaign == name}
    return [event for event in found.values() if event.kind in kinds]


def published(world: World, name: str) -> int:
    """Real ms at which the broker took the newest head of a campaign."""
    return max(raw.timestamp for raw in read_records(world.settings, CAMPAIGNS) if raw.key == name)


def waits(world: World, name: str) -> dict[str, int]:
    """Why people wait, as `status` counts it."""
    (one,) = read_summary(world.settings, name).campaigns
    return {reason: each.count for reason, each in one.waiting.items()}


def everything_adds_up(world: World) -> None:
    done = world.verify()
    assert (done.lines[-1], done.status) == (CLEAN, 0), done.said


# --- pause and resume -------------------------------------------------------------------------------------------------------------


def test_complaints_2_and_3_a_pause_acts_within_a_second_and_nobody_is_called_again_or_left_out(world: World) -> None:
    """At 100 calls a second. Everybody keeps their place: after the resume each is called once for each attempt, and has left."""
    people = people_of(0, 600)  # more than can be called until a command is through, on a busy machine
    world.enroll(people)
    until(lambda: world.requested() >= RATE // 2, every=0.02)
    world.run("campaign", "pause", "drill", "--reason", "wrong script")
    at = published(world, "drill")
    assert not within(3.0, lambda: world.requests()[-1]["received_real_us"] / 1000 > at + 1_000, every=0.1)
    stopped, asked = world.requested(), commands(world)
    until(lambda: waits(world, "drill").keys() <= {"paused", "due later"}, every=0.3)
    assert (world.requested(), commands(world)) == (stopped, asked)  # nor is anything tried again and again meanwhile
    assert ": wrong script" in world.run("campaign", "list")

    world.run("campaign", "resume", "drill")
    until(lambda: world.requested() > stopped, every=0.005)
    everybody_has_left(world, "drill", len(people))
    assert not (found := world.examine(people)), str(found)
    assert head_of(world, "drill").state is CampaignState.RUNNING  # it does not end by itself while there may be somebody left
    paused, resumed = events_of(world, "drill", "paused", "resumed")
    assert (paused.contact_id, paused.data["reason"]) == ("", "wrong script")
    assert (resumed.data["policy"], resumed.data["paused_at"]) == ("hold", paused.at)
    everything_adds_up(world)


def test_complaints_1_and_20_after_more_than_an_hour_nobody_is_dropped_and_all_are_let_out_on_a_ramp_not_at_once(
    world: World,
) -> None:
    """The campaign is edited meanwhile, too: that changes nothing for those inside, nor since when it is paused."""
    people = people_of(1, 200)
    draft(world, "ramp", more="ramp: 1h")
    world.run("campaign", "start", "ramp")
    world.run("campaign", "pause", "ramp")
    world.enroll(people, "ramp")
    until(lambda: waits(world, "ramp") == {"paused": len(people)}, every=0.3)
    draft(world, "ramp", CALL + "\n  - {id: text, sms: {template: Hello}}", more="ramp: 1h")
    clock, begun = clock_from(world.settings), head_of(world, "ramp").at
    until(lambda: clock.now() > begun + HOUR, every=0.05)
    preview = json.loads(world.run("campaign", "resume", "ramp", "--preview", "--json"))
    assert (preview["overdue"], preview["ramp"]) == (len(people), HOUR)
    assert preview["first_hour"] == pytest.approx(len(people), abs=2)  # the last may come to the line behind it
    assert sum(preview["by_minute"][:30]) == pytest.approx(len(people) / 4, abs=30)
    assert "calls and messages in the first hour" in world.run("campaign", "resume", "ramp", "--preview")

    rows = rows_of(world, "ramp")
    world.run("campaign", "resume", "ramp")
    everybody_has_left(world, "ramp", len(people))
    pause = head_of(world, "ramp").pauses[-1]
    begin = pause.end or 0
    assert (pause.begin, begin - pause.begin > HOUR) == (begun, True)
    turns = {number_of(row.contact_id): let_out(row, [pause]) for row in rows}
    assert sum(turn - begin < HOUR / 2 for turn in turns.values()) == pytest.approx(len(people) / 4, abs=30)
    called = {line["number"]: clock.at(line["received_real_us"]) for line in requested(world, people)}
    assert called.keys() == turns.keys()
    assert not [number for number, at in called.items() if at < turns[number]]
    assert not (found := world.examine(people)), str(found)


def test_with_shift_steps_move_by_the_length_of_the_pause_a_worker_killed_in_the_middle_or_not(world: World) -> None:
    people = people_of(2, 40)
    draft(world, "shift", WAIT_AND_CALL, "resume: shift")
    world.run("campaign", "start", "shift")
    world.enroll(people, "shift")
    until(lambda: len(rows_of(world, "shift")) == len(people))
    due = {row.contact_id: row.due for row in rows_of(world, "shift")}
    world.run("campaign", "pause", "shift")
    clock = clock_from(world.settings)
    until(lambda: clock.now() > max(due.values()) + 10 * MINUTE, every=0.05)
    world.run("campaign", "resume", "shift")
    world.kill("two")
    world.start_worker("two")
    pause = head_of(world, "shift").pauses[-1]
    assert pause.end is not None
    assert pause.begin <= min(due.values())
    everybody_has_left(world, "shift", len(people))
    length = pause.end - pause.begin
    for line in requested(world, people):
        (person,) = [person for person in people if number_of(person) == line["number"]]
        assert clock.at(line["received_real_us"]) >= due[person] + length
    assert not (found := world.examine(people)), str(found)
    everything_adds_up(world)


def test_with_expire_what_was_held_up_for_too_long_is_skipped(world: World) -> None:
    people = people_of(3, 40)
    draft(world, "expire", CALL + "\n  - {id: pause, wait: 2h}\n  - {id: text, sms: {template: Hello}}")
    world.run("campaign", "start", "expire")
    world.run("campaign", "pause", "expire")
    world.enroll(people, "expire")
    until(lambda: len(rows_of(world, "expire")) == len(people))
    clock, now = clock_from(world.settings), clock_from(world.settings).now()
    until(lambda: clock.now() > now + 15 * MINUTE, every=0.05)
    preview = json.loads(world.run("campaign", "resume", "expire", "--policy", "expire:10m", "--preview", "--json"))
    assert (preview["overdue"], preview["skipped"]) == (len(people), len(people))
    world.run("campaign", "resume", "expire", "--policy", "expire:10m")
    everybody_has_left(world, "expire", len(people))
    skipped = events_of(world, "expire", "step_skipped")
    assert Counter((event.step, event.data["reason"]) for event in skipped) == {("call", "expired"): len(people)}
    assert {line["channel"] for line in requested(world, people)} == {"sms"}


# --- scheduled, drained, ended ----------------------------------------------------------------------------------------------------


def test_complaints_13_and_18_a_clone_that_is_scheduled_starts_at_its_time_and_says_why_it_waits(world: World) -> None:
    people = people_of(4, 20)
    text = (world.settings.home / "campaign.yaml").read_text().replace("id: drill\n", "id: clone\n")
    (world.settings.home / "clone.yaml").write_text(text)
    world.run("campaign", "apply", str(world.settings.home / "clone.yaml"))
    at = clock_from(world.settings).now() + 3 * HOUR
    world.run("campaign", "start", "clone", "--at", str(iso(at)))
    assert head_of(world, "clone").starts_at == at
    world.enroll(people, "clone")
    until(lambda: waits(world, "clone") == {"not started": len(people)}, every=0.2)
    everybody_has_left(world, "clone", len(people))
    clock = clock_from(world.settings)
    assert all(clock.at(line["received_real_us"]) >= at for line in requested(world, people))
    assert json.loads(world.run("status", "--campaign", "clone", "--json"))["campaigns"][0]["state"] == "running"


def test_who_is_inside_a_draining_campaign_goes_on_and_nobody_else_is_let_in(world: World) -> None:
    inside, late = people_of(5, 40), people_of(5, 20, first=40)
    draft(world, "drain", WAIT_AND_CALL)
    world.run("campaign", "start", "drain")
    world.enroll(inside, "drain")
    until(lambda: len(rows_of(world, "drain")) == len(inside))
    assert world.run("campaign", "stop", "drain", "--drain") == "drain@1 admits nobody new, 40 still in it: draining\n"
    refused = world.command("contacts", "enroll", late[0], "--campaign", "drain")
    assert (refused.status, "admits nobody new" in refused.said) == (1, True)
    world.enroll(late, "drain")
    everybody_has_left(world, "drain", len(inside) + len(late))
    assert left(world, "drain")["campaign_ended"] == len(late)
    assert not requested(world, late)
    (listed,) = [one for one in map(json.loads, world.run("campaign", "list", "--json").splitlines()) if one["id"] == "drain"]
    assert (listed["state"], listed["left"]) == ("draining", 0)
    everything_adds_up(world)


def test_the_end_is_final_whatever_is_written_behind_it(world: World) -> None:
    """A command that crossed `stop` on its way: its head counts for nobody, and a worker puts the topic right."""
    draft(world, "final")
    world.run("campaign", "start", "final")
    running = head_of(world, "final")
    world.run("campaign", "stop", "final")
    with Publisher(world.settings, CAMPAIGNS) as publisher:
        publisher.send(CAMPAIGNS, "final", running)

    def put_right() -> bool:
        newest = [raw.value for raw in read_records(world.settings, CAMPAIGNS) if raw.key == "final"][-1]
        return CampaignHead.model_validate_json(newest or b"").state is CampaignState.ENDED

    until(put_right, every=0.1)
    assert head_of(world, "final").state is CampaignState.ENDED
    people = people_of(6, 5)
    world.enroll(people, "final")
    everybody_has_left(world, "final", len(people))
    assert left(world, "final") == {"campaign_ended": len(people)}


# --- versions ---------------------------------------------------------------------------------------------------------------------


def test_complaint_7_people_inside_keep_their_version_new_ones_get_the_new_and_diff_says_who_is_on_which(world: World) -> None:
    before, after = people_of(7, 10), people_of(7, 15, first=10)
    draft(world, "edit")
    world.enroll(before, "edit")
    until(lambda: len(rows_of(world, "edit")) == len(before))
    draft(world, "edit", CALL + "\n  - {id: text, sms: {template: Hello}}")
    world.enroll(after, "edit")
    until(lambda: len(rows_of(world, "edit")) == len(before) + len(after))
    told = world.run("campaign", "diff", "edit")
    assert "flow[text]: added" in told
    assert "10 people in version 1" in told
    assert "15 people in version 2, the current one" in told
    assert json.loads(world.run("campaign", "diff", "edit", "1", "2", "--json"))["people"] == {"1": 10, "2": 15}
    world.run("campaign", "start", "edit")
    everybody_has_left(world, "edit", len(before) + len(after))
    texted = {line["number"] for line in requested(world, before + after) if line["channel"] == "sms"}
    assert texted
    assert texted <= {number_of(person) for person in after}


# --- it pauses itself -------------------------------------------------------------------------------------------------------------


def test_a_campaign_that_goes_wrong_pauses_itself_and_raises_an_alert(world: World) -> None:
    people = people_of(8, 400)
    draft(world, "alarm", more='pause_when: {answer_rate_below: "95%", over: 20 calls}')
    world.run("campaign", "start", "alarm")
    world.enroll(people, "alarm")
    until(lambda: head_of(world, "alarm").state is CampaignState.PAUSED, every=0.2)
    until(lambda: waits(world, "alarm").keys() == {"paused"}, every=0.3)
    assert 20 <= len(requested(world, people)) < len(people)
    (alert, *_), (paused, *_) = events_of(world, "alarm", "alert"), events_of(world, "alarm", "paused")
    assert (alert.data["what"], alert.data["limit"], alert.data["over"]) == ("answer_rate_below", 0.95, 20)
    assert paused.data["by"] == "worker"
    assert "of the last 20 calls were answered by a person" in world.run("campaign", "list")
    world.run("campaign", "stop", "alarm")
    everybody_has_left(world, "alarm", len(people))
    everything_adds_up(world)
