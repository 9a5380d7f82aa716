"""Nobody is contacted after opting out: by any campaign, on any of their numbers, whenever it is heard of. On a real broker."""

import json
import urllib.request
from collections.abc import Iterator

import pytest

from cli.publish import Publisher
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.rows import State
from schemas.topics import CONTACTS
from tests.acceptance.world import CLEAN, OPEN, RESOURCES, World, number_of, people_of

#: Campaign seconds in a real one: a call of some minutes takes some seconds.
RATE = 60
CALL, LATER = "  - {id: call, call: {}}", "  - {id: pause, wait: 48h}\n  - {id: call, call: {}}"
MIX = "calls: {answered: 1}\nmessages: {delivered: 1}\nopt_out: 1.0\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    """Whoever is called opts out. Campaigns b and c wait for two days before they call."""
    home = tmp_path_factory.mktemp("opt-out")
    mix = home / "mix.yaml"
    mix.write_text(MIX)
    with World(home / "home", RATE, broker) as made:
        made.up("one", provider=("--mix", str(mix)))
        files = {"resources": RESOURCES} | {
            name: OPEN.format(name=name, more="", steps=CALL if name in "ad" else LATER) for name in "abcd"
        }
        for name, text in files.items():
            file = home / f"{name}.yaml"
            file.write_text(text)
            made.run("resources" if name == "resources" else "campaign", "apply", str(file))
        for name in "abcd":
            made.run("campaign", "start", name)
        yield made


def left(world: World, person: str, *campaigns: str) -> bool:
    """Whether the person has left these campaigns as opted out."""
    rows = world.rows()
    found = [rows.get(f"{person}/{campaign}/1") for campaign in campaigns]
    return all(row and row.state is State.EXITED and row.exit and row.exit.reason == "opted_out" for row in found)


def asked_for(world: World, *numbers: str) -> list[str]:
    return [line["number"] for line in world.requests() if line["number"] in numbers]


def now_at(world: World, person: str, number: str) -> None:
    """A CRM publishes the person with another number."""
    with Publisher(world.settings, CONTACTS) as publisher:
        publisher.send(CONTACTS, person, Contact(id=person, phone=number))


def suppressed(world: World, number: str) -> bool:
    return bool(json.loads(world.run("suppress", "check", number, "--json"))["suppressed"])


def test_an_outcome_of_one_campaign_ends_the_pending_steps_of_others(world: World) -> None:
    people = people_of(11, 20)
    for campaign in "bca":
        world.enroll(people, campaign)
    world.wait_for("everybody has left all three", lambda: all(left(world, person, *"abc") for person in people))
    assert sorted(asked_for(world, *map(number_of, people))) == sorted(map(number_of, people))  # one call each


def test_somebody_who_shares_the_number_is_opted_out_too(world: World) -> None:
    (person,), other = people_of(11, 1, first=40), "shares-a-number"
    with Publisher(world.settings, CONTACTS) as publisher:
        publisher.send(CONTACTS, other, Contact(id=other, phone=number_of(person)))
    world.run("contacts", "enroll", other, "--campaign", "b")
    world.wait_for("the other one is enrolled", lambda: f"{other}/b/1" in world.rows())
    world.enroll([person], "a")
    world.wait_for("both have left", lambda: left(world, person, "a") and left(world, other, "b"))


def test_a_number_that_a_crm_brings_after_the_opt_out_is_never_called(world: World) -> None:
    person, spare = people_of(11, 2, first=50)
    world.enroll([person], "a")
    world.wait_for("the person has opted out", lambda: left(world, person, "a"))
    now_at(world, person, number_of(spare))
    world.wait_for("the new number is suppressed", lambda: suppressed(world, number_of(spare)))
    world.run("contacts", "enroll", person, "--campaign", "d")
    world.wait_for("the person has left", lambda: left(world, person, "d"))
    assert asked_for(world, number_of(person), number_of(spare)) == [number_of(person)]


def test_a_number_that_a_crm_brings_before_the_opt_out_is_never_called(world: World) -> None:
    """The number changes while the call is going on in which the person opts out."""
    person, spare = people_of(11, 2, first=60)
    world.enroll([person], "a")
    world.wait_for("the call has begun", lambda: asked_for(world, number_of(person)))
    now_at(world, person, number_of(spare))
    world.wait_for("the new number is suppressed", lambda: suppressed(world, number_of(spare)))
    world.run("contacts", "enroll", person, "--campaign", "d")
    world.wait_for("the person has left", lambda: left(world, person, "a", "d"))
    assert asked_for(world, number_of(person), number_of(spare)) == [number_of(person)]


def test_a_message_that_says_stop_is_an_opt_out(world: World) -> None:
    stops, stays = people_of(11, 2, first=70)
    world.enroll([stops, stays], "b")
    world.wait_for("both wait", lambda: {f"{stops}/b/1", f"{stays}/b/1"} <= set(world.rows()))
    for person, text in ((stays, "please stop by tomorrow"), (stops, " Stop. ")):
        body = json.dumps({"from": number_of(person), "text": text}).encode()
        request = urllib.request.Request(f"{world.settings.provider_url}/v1/inbound", body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201
    world.wait_for("one has left", lambda: left(world, stops, "b"))
    assert world.rows()[f"{stays}/b/1"].state is State.WAITING


def test_all_of_it_adds_up(world: World) -> None:
    done = world.verify()
    assert CLEAN in done.said, done.said
    assert done.status == 0


def test_who_said_stop_is_explained(world: World) -> None:
    (stops,) = people_of(11, 1, first=70)
    told = json.loads(world.run("explain", number_of(stops), "--json"))
    (person,) = told["people"]
    assert person["opt_outs"][0]["source"] == "message"
    assert person["enrollments"][0]["state"] == "has left: opted out"
