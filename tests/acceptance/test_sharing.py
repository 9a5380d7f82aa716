"""Campaigns on one line of a real pipeline: their parts of it, their calls at a time, and their budgets of a day, two workers."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import accumulate

import pytest

from cli.gather import read_each
from engine.time import DAY
from outdial.settings import Settings
from schemas.line import Grant
from schemas.rows import State
from schemas.topics import LINE_SLOTS
from tests.acceptance.world import CLEAN, OPEN, World, number_of, people_of
from tests.wait import until

STEPS = "  - {id: first, call: {}}"
#: Campaign seconds in a real one: a day in 24 seconds.
RATE = 3_600


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("sharing") / "home", RATE, broker) as world:
        yield world


def start(world: World, line: str, campaigns: Mapping[str, str], people: Mapping[str, list[str]]) -> None:
    """Everybody is enrolled when the campaigns start. `line` and `campaigns`: further keys of the file."""
    resources = f"agents: [{{id: drill-agent}}]\nnumbers: [{{number: '+12125550101'}}]\nlines: [{{id: drill{line}}}]\n"
    (world.settings.home / "resources.yaml").write_text(resources)
    world.run("resources", "apply", str(world.settings.home / "resources.yaml"))
    for name, more in campaigns.items():
        file = world.settings.home / f"{name}.yaml"
        file.write_text(OPEN.format(name=name, more=more, steps=STEPS))
        world.run("campaign", "apply", str(file))
        world.enroll(people[name], name)
    until(lambda: len(world.rows()) == sum(map(len, people.values())), every=0.3)
    world.everyone_is_here(2)
    for name in campaigns:
        world.run("campaign", "start", name)


def campaigns_of(people: Mapping[str, list[str]]) -> dict[str, str]:
    """Number -> campaign."""
    return {number_of(person): name for name, them in people.items() for person in them}


def granted(world: World) -> list[str]:
    """The campaign of each slot, in the order in which the owner of the line granted them."""
    grants = sorted((grant for _, grant in read_each(world.settings, LINE_SLOTS, Grant) if grant.n), key=lambda g: g.t0)
    return [grant.campaign or "" for grant in grants for _ in range(grant.n)]


def while_both_wait(slots: list[str]) -> list[str]:
    """The slots of `big` and `small`, from when each has had its first until whoever is through first has had seven in ten.

    Towards the end there are partitions where only the other one has people left: the earlier where a machine cannot keep up, and
    partitions get one slot at a time, whoever waits there.
    """
    two = [name for name in slots if name in ("big", "small")]
    ends = [len(two) - two[::-1].index(name) for name in ("big", "small")]
    return two[max(two.index("big"), two.index("small")) : min(ends) * 7 // 10]


def at_a_time(calls: list[tuple[int, int]]) -> int:
    """The most that go on at once, of calls from one instant to another."""
    changes = sorted([(end, -1) for _, end in calls] + [(begin, 1) for begin, _ in calls])
    return max(accumulate(change for _, change in changes), default=0)


def test_three_to_one_and_never_more_calls_at_a_time_than_a_campaign_may_have(world: World) -> None:
    people = {"big": people_of(1, 700), "small": people_of(2, 500), "few": people_of(3, 60)}
    world.up("one", "two", provider=("--mix", "no-answer"))
    more = {"big": "weight: 3", "small": "", "few": "weight: 20\nconcurrency: 3"}
    start(world, ", calls_per_second: 60", more, people)
    world.everyone_exited(1_260)
    slots = Counter(while_both_wait(granted(world)))
    assert slots.total() > 250  # commands take seconds on a busy machine: `big` may have called many before `small` began
    assert slots["big"] == pytest.approx(0.75 * slots.total(), rel=0.02)
    whose = campaigns_of(people)
    calls = [
        (entry["received_campaign_ms"], entry["received_campaign_ms"] + entry["ring_ms"] + entry["talk_ms"])
        for entry in world.requests()
        if whose[entry["number"]] == "few"
    ]
    assert len(calls) == 60
    assert at_a_time(calls) <= 3
    assert world.verify().lines[-1] == CLEAN


def test_a_daily_budget_holds_whoever_dies_and_is_told_of(world: World) -> None:
    people = {"thrifty": people_of(1, 70)}
    world.up("one", "two", provider=("--mix", "no-answer"))
    start(world, "", {"thrifty": "budget: {calls: 30}"}, people)
    until(lambda: world.requested() >= 10)
    world.kill("two")
    until(lambda: "daily budget" in waiting(world), every=0.3)
    waits = next(row.contact_id for row in world.rows().values() if row.state is State.WAITING)
    told = json.loads(world.run("explain", waits, "--json"))["people"][0]["enrollments"][0]
    assert told["ok"]
    assert told["held"]["budget"] == "30 of 30 calls of today"
    world.everyone_exited(70)
    days = Counter(entry["received_campaign_ms"] // DAY for entry in world.requests())
    assert sum(days.values()) == 70
    assert max(days.values()) == 30, {str(datetime.fromtimestamp(day * DAY / 1000, UTC)): n for day, n in days.items()}
    assert world.verify().lines[-1] == CLEAN


def waiting(world: World) -> dict[str, object]:
    """Why people wait, as `status` tells it."""
    (one,) = json.loads(world.run("status", "--json"))["campaigns"]
    found: dict[str, object] = one["waiting"]
    return found
