"""Nobody on a list is contacted, nor whoever was taken out of a campaign; a campaign waits for its list. On a real broker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.settings import Settings
from schemas.rows import State
from tests.acceptance.world import CLEAN, OPEN, RESOURCES, World, number_of, people_of

RATE = 60
STEPS = "  - {id: pause, wait: 2m}\n  - {id: call, call: {}}\nexit: [answered]"
CAMPAIGNS = {"open": "", "careful": "lists: [{id: us-national, max_age: 31 days}]"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    """It is June 1st. Whoever is called answers."""
    home = tmp_path_factory.mktemp("lists")
    mix = home / "mix.yaml"
    mix.write_text("calls: {answered: 1}\nmessages: {delivered: 1}\n")
    with World(home / "home", RATE, broker) as made:
        made.up("one", provider=("--mix", str(mix)))
        files = {name: home / f"{name}.yaml" for name in ("resources", *CAMPAIGNS)}
        files["resources"].write_text(RESOURCES)
        for name, more in CAMPAIGNS.items():
            files[name].write_text(OPEN.format(name=name, more=more, steps=STEPS))
        made.run("resources", "apply", str(files["resources"]))
        made.run("campaign", "apply", *(str(files[name]) for name in CAMPAIGNS))
        for name in CAMPAIGNS:
            made.run("campaign", "start", name)
        yield made


def listed(world: World, as_of: str, *numbers: str) -> dict[str, object]:
    """Imports a list of these numbers."""
    file = world.settings.home / "dnc.csv"
    file.write_text("phone\n" + "\n".join(numbers) + "\n")
    told: dict[str, object] = json.loads(
        world.run("suppress", "import", str(file), "--list", "us-national", "--as-of", as_of, "--json").splitlines()[-1]
    )
    return told


def reason(world: World, person: str, campaign: str) -> str | None:
    """Why the person has left, if so."""
    row = world.rows().get(f"{person}/{campaign}/1")
    return row.exit.reason if row and row.state is State.EXITED and row.exit else None


def asked_for(world: World, *people: str) -> set[str]:
    numbers = {number_of(person): person for person in people}
    return {numbers[line["number"]] for line in world.requests() if line["number"] in numbers}


def explained(world: World, person: str) -> str:
    return world.run("explain", number_of(person), "--campaign", "careful")


def test_a_campaign_waits_for_its_list_and_goes_on_when_there_is_a_current_one(world: World) -> None:
    on, *others = people = people_of(12, 4)
    world.enroll(people, "careful")
    world.enroll(others[:1], "open")  # they fall due at the same time
    world.wait_for("the other campaign has called", lambda: reason(world, others[0], "open") == "answered")
    assert "list us-national has not been imported" in explained(world, others[1])
    listed(world, "2026-04-01", number_of(on))
    world.wait_for("the old edition is seen", lambda: "is of 2026-04-01" in explained(world, others[1]))
    assert asked_for(world, *people) == {others[0]}
    listed(world, "2026-05-20", number_of(on), number_of(people_of(12, 1, first=20)[0]))
    world.wait_for("the others were called", lambda: all(reason(world, each, "careful") == "answered" for each in others))
    world.wait_for("the one on the list has left", lambda: reason(world, on, "careful") == "suppressed")
    assert asked_for(world, on) == set()


def test_lists_show_their_age_and_an_older_edition_is_refused(world: World) -> None:
    assert "us-national: of 2026-05-20T00:00" in world.run("suppress", "lists")
    file = str(world.settings.home / "dnc.csv")
    done = world.command("suppress", "import", file, "--list", "us-national", "--as-of", "2026-05-19")
    assert done.status == 2
    assert "import the newest edition" in done.said


def test_complaint_15_whoever_is_on_a_list_is_imported_and_never_contacted(world: World, tmp_path: Path) -> None:
    """They are a contact like others, so that whoever asks finds them and the reason."""
    on, off = people_of(12, 2, first=20)
    file = tmp_path / "people.csv"
    file.write_text(f"id,phone\n{on},{number_of(on)}\n{off},{number_of(off)}\nno-number,\n")
    done = json.loads(world.run("contacts", "import", str(file), "--campaign", "open", "--json"))
    assert (done["rows"], done["accepted"]) == (3, 2)
    world.wait_for("one was called", lambda: reason(world, off, "open") == "answered")
    world.wait_for("the other has left", lambda: reason(world, on, "open") == "suppressed")
    assert asked_for(world, on, off) == {off}
    assert "us-national" in world.run("explain", number_of(on))


def test_complaint_4_whoever_is_taken_out_gets_no_further_step(world: World) -> None:
    out, stays = people_of(12, 2, first=30)
    world.run("campaign", "pause", "open")  # however slow the machine is, the call must not come first
    world.enroll([out, stays], "open")
    world.wait_for("both wait", lambda: {f"{each}/open/1" for each in (out, stays)} <= set(world.rows()))
    world.run("contacts", "unenroll", out, "--campaign", "open")
    world.wait_for("one has left", lambda: reason(world, out, "open") == "unenrolled")
    world.run("campaign", "resume", "open")
    world.wait_for("one was called", lambda: reason(world, stays, "open") == "answered")
    assert asked_for(world, out, stays) == {stays}


def test_complaint_4_whoever_is_not_there_to_be_taken_out_is_named(world: World) -> None:
    done = world.command("contacts", "unenroll", "nobody", "--campaign", "opne")
    assert done.status != 0
    assert "opne" in done.said


def test_all_of_it_adds_up(world: World) -> None:
    done = world.verify()
    assert CLEAN in done.said, done.said
    assert done.status == 0
