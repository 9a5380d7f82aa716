"""Garbage on every topic that a worker reads is put aside with its reason, and the stream goes on."""

import base64
from collections import Counter
from collections.abc import Iterator

import pytest

from cli.publish import Publisher
from cli.read import read_heads, read_records
from outdial.kafka import producer
from schemas import topics
from schemas.base import decode
from schemas.deadletter import DeadLetter
from tests.acceptance.world import World, drills, people_of
from tests.wait import until

STAGES = (
    topics.CONTACTS,
    topics.ENROLLMENTS,
    topics.SUPPRESSIONS,
    topics.DIAL_COMMANDS,
    topics.DIAL_RECEIPTS,
    topics.LINE_EVENTS,
    topics.LINE_SLOTS,
    topics.CALL_OUTCOMES,
)
HEADS = (topics.CAMPAIGNS, topics.RESOURCES)

#: Values that no topic can have, under a key that is none either.
KEY = b"\xff\xfe"
GARBAGE = (b"{not json", b'{"quite": "another thing"}', b"[]", b"\xff\xfe\x00", b"{}", b'{"kind": "dial"}', b"")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("garbage") / "home", "one") as world:
        yield world


def litter(world: World, *names: str) -> None:
    sender, refused = producer(world.settings), []
    for name in names:
        for value in GARBAGE:
            sender.produce(name, key=KEY, value=value, partition=0, on_delivery=lambda error, _: refused.append(error))
    assert sender.flush(20) == 0
    assert set(refused) == {None}


def dead_letters(world: World) -> list[DeadLetter]:
    return [decode(raw.value or b"", DeadLetter) for raw in read_records(world.settings, topics.DEAD_LETTERS)]


def test_garbage_is_put_aside_with_its_reason_and_people_are_called_all_the_same(world: World) -> None:
    litter(world, *(spec.name for spec in STAGES))
    until(lambda: len(dead_letters(world)) >= len(GARBAGE) * len(STAGES))
    letters = dead_letters(world)
    assert Counter(letter.topic for letter in letters) == {spec.name: len(GARBAGE) for spec in STAGES}
    for letter in letters:
        assert letter.reason
        assert letter.partition == 0
        assert base64.b64decode(letter.key_base64 or "") == KEY
        assert base64.b64decode(letter.value_base64 or "") in GARBAGE
    everybody_is_called(world, batch=0)


def test_garbage_among_the_campaigns_is_told_and_ignored(world: World) -> None:
    snapshot = read_heads(world.settings)
    litter(world, *(spec.name for spec in HEADS))
    until(lambda: world.log_of("one").count("head_refused") >= len(GARBAGE) * len(HEADS))
    copy = snapshot.version("drill", 1).model_copy(update={"id": "later"})
    copy = copy.model_copy(update={"file": copy.file | {"id": "later"}})
    with Publisher(world.settings, topics.CAMPAIGNS) as publisher:
        publisher.send(topics.CAMPAIGNS, copy.key, copy)
        publisher.send(topics.CAMPAIGNS, "later", snapshot.head("drill").model_copy(update={"id": "later"}))
    everybody_is_called(world, batch=1, campaign="later")


def everybody_is_called(world: World, batch: int, campaign: str = "drill") -> None:
    """People who are enrolled now are called, and leave."""
    people = people_of(batch, 40)
    world.enroll(people, campaign)
    world.everyone_exited(len(people) * (batch + 1))
    assert not world.examine(people)
