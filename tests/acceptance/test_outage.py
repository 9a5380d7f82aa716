"""The provider fails for a while: hardly anybody is sent to it meanwhile, and afterwards everybody is called. On a real broker."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from outdial.settings import Settings
from tests.acceptance.world import CLEAN, World, drills, people_of, within
from tests.acceptance.world import RESOURCES as LINES

#: Calls a second: in the time of the outage some hundred would be made.
RATE = 100
PEOPLE = 200
#: Real seconds for which the provider fails.
OUTAGE = 4.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("outage") / "home", broker, "one", "two") as world:
        file = world.settings.home / "limited.yaml"
        file.write_text(LINES.replace("{id: drill}", f"{{id: drill, calls_per_second: {RATE}}}"))
        world.run("resources", "apply", str(file))
        world.everyone_is_here(2)
        yield world


def asked(world: World, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the simulator answers."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(world.settings.provider_url + path, data), timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


def refused(world: World) -> int:
    return int(asked(world, "/v1/health")["refused"])


@pytest.mark.parametrize(("status", "batch"), [(503, 20), (429, 21)])
def test_a_provider_that_fails_is_left_alone_and_nobody_is_lost(world: World, status: int, batch: int) -> None:
    people, before = people_of(batch, PEOPLE), refused(world)
    asked(world, "/v1/outage", {"status": status})
    world.enroll(people)
    world.wait_for("both workers' breakers have opened", lambda: refused(world) - before >= 20)
    requested = world.requested()
    # 10 open each; a few are under way by then; behind them each tries it after 1, 3 and 7 seconds.
    assert not within(OUTAGE, lambda: refused(world) - before > 20 + RATE // 4, every=0.1), refused(world) - before
    assert "is left alone" in world.log_of("one")
    assert "the provider fails and is left alone: tried again at " in " ".join(world.run("status").split())
    assert world.requested() == requested

    asked(world, "/v1/outage", {})
    world.everyone_exited(PEOPLE * (1 if batch == 20 else 2))
    assert not (found := world.examine(people)), str(found)
    done = world.verify()
    assert (done.lines[-1], done.status) == (CLEAN, 0), done.said
