"""The list of the examples, through the three campaigns of the examples, by two workers: everybody is accounted for."""

from collections import Counter
from collections.abc import Iterator

import pytest

from outdial.settings import Settings
from tests.acceptance.campaigns import CAMPAIGNS, EXAMPLES, RATE, Outcome, people, run
from tests.acceptance.world import CLEAN, World

CONTACTS = EXAMPLES / "contacts.csv"

# Four campaign days at twenty seconds, and the first test has the run in its setup.
pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[Outcome]:
    with World(tmp_path_factory.mktemp("three") / "home", RATE, broker) as world:
        yield run(world, CONTACTS, {})


def test_every_row_is_accounted_for(outcome: Outcome) -> None:
    said = outcome.imported
    assert said["rows"] == len(people(CONTACTS, {})) == said["accepted"] + said["merged"] + said["rejected"]
    assert len(said["rejects"]) == said["rejected"]


def test_every_person_left_every_campaign_once(outcome: Outcome) -> None:
    assert {one.campaign for one in outcome.summary.campaigns} == set(CAMPAIGNS)
    for one in outcome.summary.campaigns:
        assert one.people == one.states["exited"] == sum(one.exits.values()) == outcome.imported["accepted"]


def test_the_provider_and_outdial_agree_call_by_call(outcome: Outcome) -> None:
    assert len(outcome.log) > outcome.imported["accepted"] * len(CAMPAIGNS) * 0.9
    assert Counter(outcome.log) == Counter(outcome.calls)
    assert max(Counter(dial_id for dial_id, _, _ in outcome.log).values()) == 1


def test_nobody_was_called_outside_their_window_or_after_they_asked_not_to_be(outcome: Outcome) -> None:
    assert outcome.report.requests == len(outcome.log)
    assert not outcome.report.problems, outcome.report.summary()
    assert outcome.report.opt_outs


def test_verify_finds_nothing(outcome: Outcome) -> None:
    assert outcome.verified.lines[-1] == CLEAN, outcome.verified.said
    assert outcome.verified.status == 0
