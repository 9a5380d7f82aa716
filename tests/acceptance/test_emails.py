"""People whom only emails reach: a list of addresses, a campaign without a phone, bounces and replies. On a real broker."""

import json
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.time import HOUR
from outdial.settings import Settings
from schemas.rows import State
from tests.acceptance.world import CLEAN, World, number_of, people_of

#: Campaign seconds in a real one: a day, in which bounces and answers arrive, in sixteen.
RATE = 5_400
MIX = "emails: {delivered: 3, undelivered: 1}\npermanent: 1.0\n"
RESOURCES = "lines: [{id: mail, calls_per_second: 100}]\n"
CAMPAIGN = """\
id: news
purpose: informational
countries: [US]
line: mail
window:
  weekly: {mon-sun: ["00:00-24:00"]}
  timezone: {use: contact, fallback: America/New_York}
rules: none
caps: [{max: 1, per: 8h, channel: email}]
flow:
  - id: first
    email: {from: "Acme <news@acme.example>", subject: "{{first_name|Your}} news", template: "Hi {{first_name|there}}, read this."}
  - {id: pause, wait: 24h}
  - {id: second, email: {subject: More, template: "Hi {{first_name|there}}, read that."}}
  - {id: third, email: {subject: Still more, template: "Hi again"}}
"""
PEOPLE = 40


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    """A quarter of all emails bounce for good. The list has no phone column, every other person no name."""
    home = tmp_path_factory.mktemp("emails")
    people = [f"p{n}@example.com,{'Ana' if n % 2 else ''},CA,94103" for n in range(PEOPLE)]
    files = {"mix": MIX, "resources": RESOURCES, "news": CAMPAIGN, "list": "\n".join(["email,first name,state,zip", *people])}
    with World(home / "home", RATE, broker) as made:
        for name, text in files.items():
            (home / name).write_text(text)
        made.up("one", provider=("--mix", str(home / "mix")))
        made.run("resources", "apply", str(home / "resources"))
        made.run("campaign", "apply", str(home / "news"))
        made.run("campaign", "start", "news")
        yield made


@pytest.fixture(scope="module")
def emails(world: World) -> list[dict[str, Any]]:
    """The provider's log, once all have left. One person answered the first email with STOP."""
    folder = world.settings.home.parent
    imported = json.loads(world.run("contacts", "import", str(folder / "list"), "--campaign", "news", "--json"))
    assert (imported["accepted"], imported["enrolled"]) == (PEOPLE, PEOPLE)
    world.wait_for("everybody has been written to", lambda: len(world.requests()) >= PEOPLE)
    stops(world, delivered(world.requests())[0])
    world.everyone_exited(PEOPLE)
    return world.requests()


def stops(world: World, address: str) -> None:
    """Somebody answers an email."""
    says(world, {"from": address.upper(), "subject": "Re: news", "text": "Stop.\n\n> Hi there, read this."})


def says(world: World, body: dict[str, str]) -> None:
    """A person writes or calls."""
    request = urllib.request.Request(f"{world.settings.provider_url}/v1/inbound", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


def delivered(log: list[dict[str, Any]]) -> list[str]:
    return [line["number"] for line in log if line["disposition"] == "delivered"]


def exits(world: World, campaign: str) -> dict[str, str]:
    """Contact -> exit reason."""
    found = {}
    for line in world.run("events", "--campaign", campaign, "--kind", "exited", "--json").splitlines():
        event = json.loads(line)
        found[event["contact_id"]] = event["data"]["reason"]
    return found


def test_everybody_gets_the_first_email_with_their_name_or_what_stands_for_it(emails: list[dict[str, Any]]) -> None:
    first = {line["number"]: line for line in emails if line["attempt"] == 1}
    assert len(first) == PEOPLE
    assert {line["channel"] for line in emails} == {"email"}
    assert first["p1@example.com"]["subject"] == "Ana news"
    assert (first["p0@example.com"]["subject"], first["p0@example.com"]["text"]) == ("Your news", "Hi there, read this.")
    assert {line["caller"] for line in first.values()} == {"Acme <news@acme.example>"}


def test_whose_email_bounces_for_good_gets_no_other_nor_does_who_stops(world: World, emails: list[dict[str, Any]]) -> None:
    first = {line["number"]: line["disposition"] for line in emails if line["attempt"] == 1}
    second = {line["number"] for line in emails if line["attempt"] == 2}
    bounced = {number for number, how in first.items() if how == "undelivered"}
    stopped = next(line["number"] for line in emails if line["disposition"] == "delivered")
    assert bounced
    assert second == set(first) - bounced - {stopped}
    (checked,) = [json.loads(world.run("suppress", "check", min(bounced), "--json"))]
    assert [(entry["scope"], entry["reason"]) for entry in checked["entries"]] == [("channel:email", "bounced")]
    assert "channel:email: bounced" in world.run("suppress", "check", min(bounced))


def test_a_limit_of_emails_holds(emails: list[dict[str, Any]]) -> None:
    """The third falls due at once behind the second, and waits until that is eight hours old."""
    times = defaultdict(list)
    for line in emails:
        times[line["number"]].append(line["received_campaign_ms"])
    assert max(map(len, times.values())) == 3
    assert all(at[2] - at[1] >= 8 * HOUR for at in times.values() if len(at) == 3)


def test_everybody_leaves_for_a_reason(world: World, emails: list[dict[str, Any]]) -> None:
    reasons = sorted(exits(world, "news").values())
    bounced_first = sum(line["disposition"] == "undelivered" and line["attempt"] == 1 for line in emails)
    assert reasons.count("opted_out") == 1
    assert reasons.count("suppressed") >= bounced_first
    assert set(reasons) == {"completed", "opted_out", "suppressed"}
    assert all(row.state is State.EXITED for row in world.rows().values())


def test_deliveries_are_events_and_cost_is_kept(world: World, emails: list[dict[str, Any]]) -> None:
    told = [json.loads(line) for line in world.run("events", "--kind", "message_status", "--json").splitlines()]
    assert len(told) == len(emails)
    assert {event["data"]["disposition"] for event in told} == {"delivered", "undelivered"}
    assert all(event["data"].get("permanent", False) == (event["data"]["disposition"] == "undelivered") for event in told)
    assert {outcome.cost for outcome in world.closings().values() if outcome.disposition == "sent"} == {400}


@pytest.mark.usefixtures("emails")
def test_an_address_explains_itself_and_all_adds_up(world: World) -> None:
    assert "p1@example.com" in world.run("explain", "p1@example.com")
    calls = [json.loads(line) for line in world.run("calls", "--phone", "P1@example.com", "--json").splitlines()]
    assert {(call["address"], call["channel"]) for call in calls} == {("p1@example.com", "email")}
    done = world.verify()
    assert (done.lines[-1], done.status) == (CLEAN, 0), done.said


def test_a_campaign_that_calls_takes_nobody_without_a_number(world: World, tmp_path: Path) -> None:
    text = CAMPAIGN.replace("id: news", "id: calls").replace(
        "line: mail", "line: mail\nnumbers: {list: ['+12125550101']}\nagent: ann"
    )
    text = text[: text.index("flow:")] + "flow: [{id: call, call: {}}]\n"
    (tmp_path / "resources").write_text(RESOURCES + 'agents: [{id: ann, name: Ann}]\nnumbers: [{number: "+12125550101"}]\n')
    (tmp_path / "calls").write_text(text)
    (tmp_path / "list").write_text("email\nnobody@example.com\n")
    world.run("resources", "apply", str(tmp_path / "resources"))
    world.run("campaign", "apply", str(tmp_path / "calls"))
    done = world.command("contacts", "import", str(tmp_path / "list"), "--campaign", "calls")
    assert done.status == 1
    assert "no column holds phone numbers: add --map phone=COLUMN" in done.said


def test_who_calls_us_has_reached_the_goal(world: World, tmp_path: Path) -> None:
    (person,) = people_of(20, 1)
    text = CAMPAIGN.replace("id: news", "id: back").replace("line: mail", "line: mail\ngoals: [called_us]")
    (tmp_path / "back").write_text(text[: text.index("flow:")] + "flow: [{id: pause, wait: 900h}]\n")
    world.run("campaign", "apply", str(tmp_path / "back"))
    world.run("campaign", "start", "back")
    world.enroll([person], "back")
    world.wait_for("the person waits", lambda: f"{person}/back/1" in world.rows())
    world.wait_for("the address is linked", lambda: person in world.run("suppress", "check", number_of(person), "--json"))
    says(world, {"from": number_of(person)})
    world.wait_for("the person has left", lambda: world.rows()[f"{person}/back/1"].state is State.EXITED)
    assert exits(world, "back") == {person: "goal"}
