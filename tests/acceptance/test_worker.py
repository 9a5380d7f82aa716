"""Workers that share, drain, die, and one that would take another's name."""

import signal
from collections.abc import Iterator
from time import monotonic

import pytest

from cli.group import GROUP, group_state
from outdial.kafka import admin
from outdial.settings import Settings
from schemas.topics import CONTACTS
from streams.fence import SESSION_S
from tests.acceptance.world import CLEAN, PARTITIONS, World, drills, people_of
from tests.wait import until

PEOPLE = 200


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("worker") / "home", broker, "one", "two") as world:
        yield world


def shares(world: World) -> dict[str, set[int]]:
    """Worker -> its partitions, as the broker tells."""
    client = admin(world.settings)  # kept: without it the answer never comes
    described = client.describe_consumer_groups([GROUP], request_timeout=10)[GROUP].result()
    found: dict[str, set[int]] = {}
    for member in described.members:
        places = member.assignment.topic_partitions if member.assignment else []
        found[member.group_instance_id] = {place.partition for place in places if place.topic == CONTACTS.name}
    return found


def sizes(world: World) -> list[int]:
    return sorted(map(len, shares(world).values()))


def everything_adds_up(world: World, people: list[str]) -> None:
    world.everyone_exited(len(people))
    assert not (found := world.examine(people)), str(found)
    done = world.verify()
    assert (done.lines[-1], done.status) == (CLEAN, 0), done.said


def test_two_workers_share_and_one_that_drains_leaves_at_once(world: World) -> None:
    until(lambda: sizes(world) == [PARTITIONS // 2, PARTITIONS // 2])
    assert set.union(*shares(world).values()) == set(range(PARTITIONS))
    people = people_of(0, PEOPLE)
    world.enroll(people)
    until(lambda: world.requested() >= PEOPLE // 4, every=0.002)
    began = monotonic()
    world.terminate("two")
    until(lambda: set(shares(world)) == {"one"}, every=0.01)
    assert monotonic() - began < SESSION_S
    assert world.ended("two") == 0
    until(lambda: sizes(world) == [PARTITIONS])
    everything_adds_up(world, people)


def test_one_that_dies_is_replaced_by_the_other_when_its_session_ends(world: World) -> None:
    world.start_worker("three")
    until(lambda: sizes(world) == [PARTITIONS // 2, PARTITIONS // 2])
    people = people_of(1, PEOPLE)
    before = world.requested()
    world.enroll(people)
    until(lambda: world.requested() >= before + PEOPLE // 4, every=0.002)
    world.kill("three")
    assert world.ended("three") == -signal.SIGKILL
    until(lambda: shares(world) == {"one": set(range(PARTITIONS))})
    everything_adds_up(world, people_of(0, PEOPLE) + people)


def test_a_name_that_is_in_use_is_refused_in_one_sentence(world: World) -> None:
    done = world.command("worker", "--name", "one")
    assert done.status == 1
    assert done.lines == ["error: The worker name 'one' is in use: end that worker, or give this one another OUTDIAL_WORKER_NAME"]
    assert group_state(world.settings).workers == 1
