"""The kill switch on a real broker: how soon requests stop after `outdial halt`, and that they go on after `outdial resume`."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from cli.read import read_records
from cli.status import read_summary
from outdial.kafka import reader
from outdial.settings import Settings
from schemas.resources import Halt
from schemas.rows import State
from schemas.topics import DIAL_COMMANDS, RESOURCES
from tests.acceptance.world import CLEAN, World, drills, number_of, people_of, within
from tests.acceptance.world import RESOURCES as LINES
from tests.wait import until

#: Calls a second: enough to see within a few ms that they have stopped. People: seconds more than a busy machine takes to halt.
RATE = 100
PEOPLE = 800


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("halt") / "home", broker, "one") as world:
        file = world.settings.home / "limited.yaml"
        file.write_text(LINES.replace("{id: drill}", f"{{id: drill, calls_per_second: {RATE}}}"))
        world.run("resources", "apply", str(file))
        yield world


def published(world: World, key: str) -> int:
    """Real ms at which the broker took the last record of this key."""
    return max(raw.timestamp for raw in read_records(world.settings, RESOURCES) if raw.key == key)


def commands(world: World) -> int:
    """How many records dial-commands has."""
    consumer = reader(world.settings)
    places = [TopicPartition(DIAL_COMMANDS.name, p) for p in range(world.settings.partitions)]
    try:
        return sum(consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)
    finally:
        consumer.close()


def waiting(world: World) -> dict[str, int]:
    """Why people wait, counted as `status` does."""
    (one,) = read_summary(world.settings).campaigns
    return {reason: waits.count for reason, waits in one.waiting.items()}


def test_every_request_stops_within_a_second_and_goes_on_after(world: World) -> None:
    people = people_of(0, PEOPLE)
    world.enroll(people)
    until(lambda: world.requested() >= RATE // 2, every=0.002)
    assert world.run("halt", "--reason", "storm").startswith("contacts are halted since ")
    # Later than a second after the record nothing comes: not while three seconds' worth of calls would have been made.
    at = published(world, "halt/all")
    assert not within(3.0, lambda: world.requests()[-1]["received_real_us"] / 1000 > at + 1_000, every=0.1)
    stopped, asked = world.requested(), commands(world)
    assert stopped < PEOPLE
    until(lambda: set(waiting(world)) <= {"halted", "due later"}, every=0.1)
    shown = world.run("status")
    assert "contacts are halted since " in shown
    assert ": storm" in shown
    assert (world.requested(), commands(world)) == (stopped, asked)  # nor is anything tried again and again meanwhile

    world.run("resume")
    until(lambda: world.requested() > stopped, every=0.005)
    assert world.requests()[stopped]["received_real_us"] / 1000 < published(world, "halt/all") + 1_000
    everything_adds_up(world, people, PEOPLE)


def everything_adds_up(world: World, people: list[str], all_people: int) -> None:
    world.everyone_exited(all_people)
    assert not (found := world.examine(people)), str(found)
    done = world.verify()
    assert (done.lines[-1], done.status) == (CLEAN, 0), done.said


def test_a_state_of_emergency_stops_those_who_may_be_there_and_nobody_else(world: World) -> None:
    """The ten area codes of these people are of several states. Declaring the resources anew lifts nothing."""
    people = people_of(1, 1_000)[::10]
    with (Path(__file__).parent / "area_codes.csv").open(newline="") as file:
        states = {row["area_code"]: row["state"] for row in csv.DictReader(file)}
    halted = states[number_of(people[0])[2:5]]
    stopped = {person for person in people if states[number_of(person)[2:5]] == halted}
    assert 0 < len(stopped) < len(people)
    world.run("halt", "--state", halted, "--reason", "state of emergency")
    world.run("resources", "apply", str(world.settings.home / "limited.yaml"), "--prune")
    world.enroll(people)

    def others_have_left() -> bool:
        left = {row.contact_id for row in world.rows().values() if row.state is State.EXITED}
        return left & set(people) == set(people) - stopped

    until(others_have_left, every=0.3)
    called = {line["number"] for line in world.requests()}
    assert not called & {number_of(person) for person in stopped}
    assert waiting(world) == {"halted": len(stopped)}
    done = world.command("resume", "--line", "drill")
    assert (done.status, done.lines) == (1, [f"error: this is not halted (halted: --state US-{halted})"])
    (listed,) = [Halt.model_validate_json(line) for line in world.run("halt", "--list", "--json").splitlines()]
    assert (listed.state, listed.reason) == (f"US-{halted}", "state of emergency")
    world.run("resume", "--state", halted)
    everything_adds_up(world, people, PEOPLE + len(people))
