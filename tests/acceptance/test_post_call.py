"""What is done after calls, on a real broker: told to a real web server, signed, again with the same id after a kill."""

import json
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from cli.gather import read_each
from cli.read import read_rows
from outdial.settings import Settings
from schemas.crm import CrmUpdate
from schemas.event import Event
from schemas.rows import ActionRow
from schemas.topics import CAMPAIGN_EVENTS, CRM_UPDATES, POST_CALL_ACTIONS
from tests.acceptance.world import CLEAN, OPEN, RESOURCES, World, number_of, people_of
from tests.streams.servers import SECRET, Collector
from tests.wait import until

#: Campaign seconds in a real one.
RATE = 600
STEPS = "  - {id: call, call: {}}"
HOOK = "- {{id: {id}, on: [{on}], webhook: {{url: {url}, secret_env: HOOK_SECRET}}}}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    """Everybody answers."""
    with World(tmp_path_factory.mktemp("actions") / "home", RATE, broker, HOOK_SECRET=SECRET) as made:
        made.up("one", provider=("--mix", "answered"))
        file = made.settings.home / "resources.yaml"
        file.write_text(RESOURCES)
        made.run("resources", "apply", str(file))
        yield made


def start(world: World, name: str, *actions: str) -> None:
    """A campaign with these actions, which runs."""
    file = world.settings.home / f"{name}.yaml"
    more = "actions:\n" + "\n".join(f"  {action}" for action in actions)
    file.write_text(OPEN.format(name=name, more=more, steps=STEPS))
    world.run("campaign", "apply", str(file))
    world.run("campaign", "start", name)


def told(world: World, campaign: str) -> Counter[tuple[str, str]]:
    """How often the feed says of an action what became of it."""
    events = (event for _, event in read_each(world.settings, CAMPAIGN_EVENTS, Event) if event.campaign == campaign)
    first = {event.event_id: event for event in events if event.kind.startswith("action_")}
    return Counter((event.kind, event.data["action"]) for event in first.values())


def rows(world: World, campaign: str) -> list[ActionRow]:
    """The actions of a campaign that are not done."""
    return [row for row in read_rows(world.settings, POST_CALL_ACTIONS, ActionRow).values() if row.campaign == campaign]


def everything_adds_up(world: World) -> None:
    done = world.verify()
    assert (done.lines[-1], done.status) == (CLEAN, 0), done.said


def test_each_action_is_done_once_for_each_person_and_moves_no_enrollment(world: World) -> None:
    people = people_of(31, 20)
    with Collector(lambda _: 204) as server:
        start(
            world,
            "all",
            HOOK.format(id="tell", on="answered", url=server.url),
            HOOK.format(id="left", on='"exited:answered"', url=server.url),
            "- {id: reached, on: [answered], event: {name: renewal-reached}}",
            '- {id: thanks, on: [answered], sms: {template: "Thank you, {{first_name}}"}}',
            "- {id: bad, on: [invalid_number], suppress: {scope: all}}",
        )
        world.enroll(people, "all")
        names = ("tell", "left", "reached", "thanks")
        until(lambda: told(world, "all") == {("action_done", name): len(people) for name in names})
    assert rows(world, "all") == []
    assert len(set(server.ids())) == 2 * len(people)
    calls = [taken.news for taken in server.taken if taken.news["type"] == "call.ended"]
    assert sorted(news["data"]["contact_id"] for news in calls) == sorted(people)
    assert {news["data"]["outcome"]["disposition"] for news in calls} == {"answered"}
    assert {news["data"]["variables"]["first_name"] for news in calls} == {"Fern"}
    listed = {one["contact_id"]: one for one in world.calls() if one["campaign"] == "all" and one["channel"] == "call"}
    for news in calls:
        outcome, shown = news["data"]["outcome"], listed[news["data"]["contact_id"]]
        assert outcome["recording_url"] == shown["recording_url"]
        assert outcome["recording_url"].endswith(".wav")
        assert outcome["summary"] == shown["summary"]
        assert outcome["summary"].startswith("A person answered")
    assert {taken.news["data"]["exit"]["reason"] for taken in server.taken if taken.news["type"] != "call.ended"} == {"answered"}
    updates = [update for _, update in read_each(world.settings, CRM_UPDATES, CrmUpdate)]
    assert sorted(update.contact_id for update in updates) == sorted(people)
    messages = Counter(line["number"] for line in world.requests() if line["channel"] == "sms")
    assert messages == {number_of(person): 1 for person in people}
    assert {row.attempts for row in world.rows().values() if row.campaign == "all"} == {1}


def test_what_was_cut_off_by_a_kill_comes_again_with_the_same_id(world: World) -> None:
    """The worker is killed while the server has its request, and has not answered: nobody knows that it was taken."""
    (person,) = people_of(32, 1)

    def answer(n: int) -> int:
        if n == 0:
            world.kill("one")
        return 204

    with Collector(answer) as server:
        start(world, "cut", HOOK.format(id="tell", on="answered", url=server.url))
        world.enroll([person], "cut")
        until(lambda: server.taken)
        assert len(rows(world, "cut")) == 1
        world.start_worker("one")
        until(lambda: told(world, "cut") == {("action_done", "tell"): 1})
    first, again = server.taken[:2]
    assert first.id == again.id
    assert first.news == again.news
    assert len(set(server.ids())) == 1
    everything_adds_up(world)


def test_a_server_that_does_not_answer_holds_up_nobody_else(world: World) -> None:
    people, gate = people_of(33, 40), threading.Event()

    def stuck(_: int) -> int:
        gate.wait(60)
        return 204

    with Collector(stuck) as slow, Collector(lambda _: 204) as quick:
        start(
            world,
            "stuck",
            HOOK.format(id="slow", on="answered", url=slow.url),
            HOOK.format(id="quick", on="answered", url=quick.url),
        )
        world.enroll(people, "stuck")
        until(lambda: told(world, "stuck")["action_done", "quick"] == len(people))
        assert told(world, "stuck")["action_done", "slow"] == 0
        assert all(row.contact_id in people for row in rows(world, "stuck"))
        shown = json.loads(world.run("status", "--campaign", "stuck", "--json"))["campaigns"][0]
        assert shown["actions"] == {"waiting": len(people), "failing": 0, "again": None}
        gate.set()
        until(lambda: told(world, "stuck")["action_done", "slow"] == len(people))


def test_what_is_given_up_lies_in_the_dead_letters_and_comes_again_from_there(world: World) -> None:
    (person,), gone = people_of(32, 1, first=1), [410, 204]
    with Collector(lambda n: gone[min(n, 1)]) as server:
        start(world, "gone", HOOK.format(id="tell", on="answered", url=server.url))
        world.enroll([person], "gone")
        until(lambda: told(world, "gone") == {("action_failed", "tell"): 1})
        assert rows(world, "gone") == []
        letters = [json.loads(line) for line in world.run("dead-letters", "list", "--json").splitlines()]
        (letter,) = (one for one in letters if "action tell of gone was given up" in one["reason"])
        assert "1 record" in world.run("dead-letters", "replay", letter["newest"])
        until(lambda: told(world, "gone")["action_done", "tell"] == 1)
    assert len(set(server.ids())) == 1
    everything_adds_up(world)


def test_kills_lose_no_action_and_send_no_message_twice(world: World) -> None:
    """The worker is killed again and again while actions are kept, asked, commanded and closed; once another takes its place."""
    people = people_of(31, 60, first=200)
    with Collector(lambda _: 204) as server:
        start(
            world,
            "killed",
            HOOK.format(id="tell", on="answered", url=server.url),
            HOOK.format(id="left", on='"exited:answered"', url=server.url),
            '- {id: thanks, on: [answered], sms: {template: "Thank you, {{first_name}}"}}',
        )
        world.enroll(people, "killed")
        worker = "one"
        for step, successor in ((10, "one"), (40, "two"), (75, "one")):  # actions that were done by then
            until(lambda step=step: sum(told(world, "killed").values()) >= step)  # type: ignore[misc]
            world.kill(worker)
            world.start_worker(worker := successor)
        wanted = {("action_done", name): len(people) for name in ("tell", "left", "thanks")}
        until(lambda: told(world, "killed") == wanted, timeout=90)
    assert len(set(server.ids())) == 2 * len(people)
    numbers = {number_of(person) for person in people}
    messages = Counter(line["number"] for line in world.requests() if line["channel"] == "sms" and line["number"] in numbers)
    assert messages == dict.fromkeys(numbers, 1)
    everything_adds_up(world)
