"""Daily caps and rest of caller IDs on a real broker, with two workers of which one is killed: in the provider's own log.

Two numbers that may make three calls a day are too few for all these people: it takes days until everybody was called. A day takes
twelve seconds.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cli.status import read_summary
from engine.days import day_of
from outdial.settings import Settings
from tests.acceptance.world import CLEAN, OPEN, Done, World, people_of
from tests.wait import until

EAST, WEST, RESTING, FOREIGN = "+12125550101", "+14155550102", "+13125550103", "+16175550104"
ZONES = {EAST: "America/New_York", WEST: "America/Los_Angeles"}
CAP = 3
#: Campaign seconds in a real one: a day in twelve.
RATE = 7_200
PEOPLE = 14


def declared(resting: str) -> str:
    """Two numbers with a cap, which rest or do not, one that always rests, and one of another campaign."""
    return f"""\
agents: [{{id: drill-agent}}]
numbers:
  - {{number: "{EAST}", tags: [spring], daily_cap: {CAP}, resting: {resting}}}
  - {{number: "{WEST}", tags: [spring], daily_cap: {CAP}, resting: {resting}}}
  - {{number: "{RESTING}", tags: [spring], resting: true}}
  - {{number: "{FOREIGN}", tags: [autumn]}}
lines: [{{id: drill}}]
"""


@dataclass(frozen=True)
class Ran:
    """What a run has to show."""

    waited: dict[str, int]  # why people waited while all numbers rested
    told: str  # what `explain` said of one of them
    requests: list[dict[str, object]]
    later: dict[str, int]  # why people waited once the calls of a day were made
    verified: Done


def waiting(world: World) -> dict[str, int]:
    """Why people wait, counted as `status` does."""
    (one,) = read_summary(world.settings).campaigns
    return {reason: waits.count for reason, waits in one.waiting.items()}


def apply(world: World, resting: str) -> None:
    file = world.settings.home / "resources.yaml"
    file.write_text(declared(resting))
    world.run("resources", "apply", str(file))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[Ran]:
    home = tmp_path_factory.mktemp("numbers") / "home"
    with World(home, RATE, broker) as world:
        world.up("one", "two", provider=("--mix", "no-answer"))
        apply(world, "true")
        campaign = OPEN.format(name="spring", more="", steps="  - {id: call, call: {}}")
        file = world.settings.home / "spring.yaml"
        file.write_text(campaign.replace('{list: ["+12125550101"]}', "{tag: spring, presence: local}"))
        world.run("campaign", "apply", str(file))
        world.run("campaign", "start", "spring")
        people = people_of(0, 10 * PEOPLE)[::10]
        world.enroll(people, "spring")
        until(lambda: waiting(world) == {"no number": PEOPLE}, every=0.3)
        waited, told = waiting(world), world.run("explain", people[0])
        apply(world, "false")  # they are looked at again by themselves
        until(lambda: world.requested() >= CAP, every=0.02)
        world.kill("two")
        until(lambda: world.requested() >= 2 * CAP, every=0.02)
        later = waiting(world)
        world.start_worker("two")
        world.everyone_exited(PEOPLE)
        yield Ran(waited, told, world.requests(), later, world.verify())


def test_no_number_calls_more_often_in_a_day_of_its_own_zone_than_it_may(ran: Ran) -> None:
    """And some days are all but full: it was the caps that held people back."""
    days = Counter((r["caller"], day_of(ZONES[str(r["caller"])], int(str(r["received_campaign_ms"]))).number) for r in ran.requests)
    assert CAP - 1 <= max(days.values()) <= CAP, days  # a partition does not lend its share
    assert len(ran.requests) == PEOPLE


def test_a_number_that_rests_or_is_not_the_campaigns_is_never_used(ran: Ran) -> None:
    assert {r["caller"] for r in ran.requests} == {EAST, WEST}


def test_whoever_waits_for_a_number_is_told_so(ran: Ran) -> None:
    assert ran.waited == {"no number": PEOPLE}
    assert "all 3 numbers of the campaign are resting" in ran.told
    # leaving: who was called just before, and whose worker was killed
    assert set(ran.later) <= {"no number", "pacing", "command open", "leaving"}
    assert ran.later["no number"] > 0


def test_nobody_is_forgotten(ran: Ran) -> None:
    assert ran.verified.lines[-1] == CLEAN, ran.verified.said
