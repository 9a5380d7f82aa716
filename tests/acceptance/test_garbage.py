"""What workers refuse: garbage on every topic, which is put aside with its reason, and people whom a campaign does not call."""

import base64
from collections import Counter
from collections.abc import Iterator

import pytest

from cli.publish import Publisher
from cli.read import read_heads, read_records
from outdial.kafka import producer
from outdial.settings import Settings
from schemas import topics
from schemas.base import decode
from schemas.contact import Contact
from schemas.deadletter import DeadLetter
from schemas.enrollment import Enroll
from tests.acceptance.world import DRILL, World, drills, people_of
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

#: Calls Canada alone, an hour (six real seconds) after somebody has entered.
CANADA = DRILL.replace("id: drill\n", "id: canada\ncountries: [CA]\n").replace("flow:", "flow:\n  - {id: pause-first, wait: 1h}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("garbage") / "home", broker, "one") as world:
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


def test_numbers_of_other_countries_are_refused_whoever_enrolls_them(world: World) -> None:
    file = world.settings.home / "canada.yaml"
    file.write_text(CANADA)
    world.run("campaign", "apply", str(file))
    world.run("campaign", "start", "canada")
    people = [("at-home", "+14165550101"), ("abroad", "+12125550102"), ("moves", "+14165550103"), ("moves", "+12125550104")]
    with Publisher(world.settings, topics.CONTACTS, topics.ENROLLMENTS) as publisher:
        for name, phone in people:
            publisher.send(topics.CONTACTS, name, Contact(id=name, phone=phone))
            publisher.send(topics.ENROLLMENTS, name, Enroll(contact_id=name, campaign="canada"))
    exits: dict[str, str] = {}
    until(lambda: exits.update(exits_of(world, "canada")) or len(exits) == 3)
    assert exits.pop("at-home") != "country_not_allowed"
    assert exits == {"abroad": "country_not_allowed", "moves": "country_not_allowed"}
    assert {line["number"] for line in world.requests()} & {phone for _, phone in people} == {"+14165550101"}


def exits_of(world: World, campaign: str) -> dict[str, str]:
    """Contact id -> exit reason of those who have left a campaign."""
    return {row.contact_id: row.exit.reason for row in world.rows().values() if row.campaign == campaign and row.exit is not None}


def everybody_is_called(world: World, batch: int, campaign: str = "drill") -> None:
    """People who are enrolled now are called, and leave."""
    people = people_of(batch, 40)
    world.enroll(people, campaign)
    world.everyone_exited(len(people) * (batch + 1))
    assert not world.examine(people)
