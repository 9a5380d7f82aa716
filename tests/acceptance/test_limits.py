"""Limits of attempts on a real broker, measured where they count: in the provider's own log of what it got, and when.

Two campaigns with retries and messages would contact everybody within minutes. Their limits spread that over hours. Each number is
shared by two people, and one of the two is in both campaigns.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from cli.publish import Publisher
from engine.time import HOUR, MINUTE
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.enrollment import Enroll
from schemas.outcome import Outcome
from schemas.topics import CONTACTS, ENROLLMENTS
from tests.acceptance.world import CLEAN, OPEN, RESOURCES, Done, World, number_of, people_of

STEPS = """\
  - {id: first, call: {}, retry: {no_answer: {after: 1m, max: 1}}}
  - {id: text, sms: {template: "Hi {{first_name}}"}}"""
CAPS = {
    "spring": "[{max: 2, per: 40m}, {gap: 15m, channel: call}]",
    "autumn": "[{max: 3, per: 60m, scope: all}, {gap: 8m, scope: all}]",
}
#: Campaign seconds in a real one: an hour in three.
RATE = 1_200
NUMBERS = 12
#: Nobody ever answers: a call, its retry and a message for each of three enrollments at a number.
ATTEMPTS = 3 * 3


@dataclass(frozen=True)
class Request:
    """What the provider got (campaign ms), and whose it was."""

    at: int
    number: str
    channel: str
    contact: str
    campaign: str


@dataclass(frozen=True)
class Ran:
    """What a run has to show."""

    requests: tuple[Request, ...]
    refused: tuple[Outcome, ...]  # by a limit, at the dialer
    verified: Done


def alike(number: int) -> tuple[str, str]:
    """Two people with one number."""
    (person,) = people_of(3, 1, number)
    return person, f"{person}-too"


def enroll(world: World) -> None:
    with Publisher(world.settings, CONTACTS, ENROLLMENTS) as publisher:
        for number in range(NUMBERS):
            first, second = alike(number)
            for person, campaigns in ((first, CAPS), (second, ["spring"])):
                publisher.send(CONTACTS, person, Contact(id=person, phone=number_of(person), first_name="Fern"))
                for campaign in campaigns:
                    publisher.send(ENROLLMENTS, person, Enroll(contact_id=person, campaign=campaign))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[Ran]:
    with World(tmp_path_factory.mktemp("caps") / "home", RATE, broker) as world:
        world.up("one", provider=("--mix", "no-answer"))
        files = {"resources": RESOURCES} | {
            name: OPEN.format(name=name, more=f"caps: {caps}", steps=STEPS) for name, caps in CAPS.items()
        }
        for name, text in files.items():
            (world.settings.home / f"{name}.yaml").write_text(text)
        world.run("resources", "apply", str(world.settings.home / "resources.yaml"))
        world.run("campaign", "apply", *(str(world.settings.home / f"{name}.yaml") for name in CAPS))
        for name in CAPS:
            world.run("campaign", "start", name)
        enroll(world)
        world.everyone_exited(3 * NUMBERS)
        closings = world.closings()
        yield Ran(
            tuple(request(line, closings[line["dial_id"]]) for line in world.requests()),
            tuple(o for o in closings.values() if o.reason == "number_caps"),
            world.verify(),
        )


def request(line: dict[str, object], closing: Outcome) -> Request:
    at, number, channel = int(str(line["received_campaign_ms"])), str(line["number"]), str(line["channel"])
    return Request(at, number, channel, closing.contact_id, closing.campaign)


def fullest(requests: list[Request], per: int) -> int:
    """The most that any half-open window of this length holds."""
    at = sorted(request.at for request in requests)
    return max(sum(one <= other < one + per for other in at) for one in at)


def groups(ran: Ran, campaign: str | None, channel: str | None = None) -> list[list[Request]]:
    """The requests that a limit counts, by number and by person."""
    counted = [r for r in ran.requests if campaign in (None, r.campaign) and channel in (None, r.channel)]
    numbers = [[r for r in counted if r.number == number] for number in {r.number for r in counted}]
    return numbers + [[r for r in counted if r.contact == contact] for contact in {r.contact for r in counted}]


def test_everybody_was_contacted_as_often_as_the_campaigns_say(ran: Ran) -> None:
    assert Counter(r.number for r in ran.requests) == dict.fromkeys({number_of(alike(n)[0]) for n in range(NUMBERS)}, ATTEMPTS)
    assert ran.verified.lines[-1] == CLEAN, ran.verified.said


def test_no_window_of_a_campaigns_own_holds_more_than_it_may(ran: Ran) -> None:
    """And some are full: it was the limits that spread them."""
    most = [fullest(requests, 40 * MINUTE) for requests in groups(ran, "spring")]
    assert max(most) == 2, most
    gaps = [fullest(requests, 15 * MINUTE) for requests in groups(ran, "spring", "call")]
    assert max(gaps) == 1, gaps


def test_a_limit_over_all_campaigns_counts_what_others_have_done(ran: Ran) -> None:
    """Of each of autumn's attempts: those before it, of whichever campaign, were fewer than its limits."""
    for requests in groups(ran, None):
        for one in (r for r in requests if r.campaign == "autumn"):
            assert sum(one.at - HOUR < other.at <= one.at for other in requests) <= 3
            assert sum(one.at - 8 * MINUTE < other.at <= one.at for other in requests) <= 1


def test_complaint_17_whoever_is_refused_comes_again_at_the_instant_and_not_before(ran: Ran) -> None:
    """A number that is full makes a command for each contact who waits for it and each time that somebody else goes first: two, and
    one more where a request took minutes of this clock, so that the number was full for longer than it had seemed."""
    assert ran.refused
    assert all(o.retry_at is not None for o in ran.refused)
    assert len(ran.refused) <= 2 * ATTEMPTS * NUMBERS
    assert max(Counter(o.address for o in ran.refused).values()) <= 3 * ATTEMPTS
    by_enrollment: dict[str, list[Outcome]] = {}
    for outcome in ran.refused:
        by_enrollment.setdefault(outcome.enrollment_id, []).append(outcome)
    for refused in by_enrollment.values():
        for one, following in pairwise(sorted(refused, key=lambda o: o.seq)):
            assert following.ended_at >= (one.retry_at or 0)
