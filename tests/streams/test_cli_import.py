"""`outdial contacts` on a real broker: everybody of a list is published once and enrolled, or nothing is written."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import topics
from cli.main import app
from cli.read import Raw, read_records
from engine.errors import OutdialError, UsageError
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.enrollment import ENROLLMENT, Enroll, Unenroll
from schemas.topics import CONTACTS, ENROLLMENTS

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
CONTACT_LIST = EXAMPLES / "contacts.csv"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def outdial(broker: Settings, environment: Callable[[Settings], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with --json, where it has that, and gives what it printed; a user's error is raised."""
    topics.apply(broker)
    for name, value in environment(broker).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str | Path) -> dict[str, Any]:
        prints = arguments[1] not in ("enroll", "unenroll")
        result = CliRunner().invoke(app, [*map(str, arguments), *(["--json"] if prints else [])])
        if result.exception is not None and result.exit_code != 0:
            raise result.exception
        found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1]) if prints else {"said": result.stdout}
        return found

    return run


@pytest.fixture
def campaign(outdial: Run, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A campaign of the test's own."""
    outdial("resources", "apply", EXAMPLES / "resources.yaml")
    name = f"import-{request.node.name.replace('_', '-')}"[:60]
    file = tmp_path / "campaign.yaml"
    file.write_text((EXAMPLES / "simple-call.yaml").read_text().replace("id: simple-call", f"id: {name}"))
    outdial("campaign", "apply", file)
    return name


def enrollments_of(broker: Settings, campaign: str) -> list[tuple[Raw, Enroll | Unenroll]]:
    found = []
    for raw in read_records(broker, ENROLLMENTS):
        record = ENROLLMENT.validate_json(raw.value or b"")
        if isinstance(record, Enroll | Unenroll) and record.campaign == campaign:
            found.append((raw, record))
    return found


def count(broker: Settings) -> int:
    return sum(1 for spec in (CONTACTS, ENROLLMENTS) for _ in read_records(broker, spec))


def test_everybody_is_published_and_enrolled_once(broker: Settings, outdial: Run, campaign: str, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    told = outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign, "--rejects", rejects)
    assert (told["rows"], told["accepted"], told["merged"], told["rejected"]) == (325, 320, 2, 3)
    people = {raw.key: (raw, Contact.model_validate_json(raw.value or b"")) for raw in read_records(broker, CONTACTS)}
    assert {f"c-{i:04}" for i in range(1, 321)} <= people.keys()
    assert people["c-0041"][1].variables["plan"] == "family"  # the later of its two rows
    enrolled = enrollments_of(broker, campaign)
    assert Counter(record.contact_id for _, record in enrolled) == Counter({f"c-{i:04}": 1 for i in range(1, 321)})
    # One person's records lie on one partition, whatever the topic.
    assert all(people[record.contact_id][0].partition == raw.partition for raw, record in enrolled)
    with rejects.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["id"]) for row in rows] == [("322", "c-0321"), ("323", "c-0322"), ("324", "c-0323")]
    assert not list(tmp_path.glob("*.part"))


def test_a_second_import_repeats_the_same_ids(broker: Settings, outdial: Run, campaign: str) -> None:
    for _ in range(2):
        outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign)
    ids = Counter(record.event_id for _, record in enrollments_of(broker, campaign))
    assert len(ids) == 320
    assert set(ids.values()) == {2}


def test_a_dry_run_counts_and_writes_nothing(broker: Settings, outdial: Run, campaign: str) -> None:
    before = count(broker)
    told = outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign, "--dry-run")
    assert (told["accepted"], told["written"]) == (320, False)
    assert count(broker) == before


def test_unknown_and_ended_campaigns_are_refused_before_anything_is_written(
    broker: Settings, outdial: Run, campaign: str, tmp_path: Path
) -> None:
    outdial("campaign", "stop", campaign)
    before = count(broker)
    rejects = tmp_path / "rejects.csv"
    with pytest.raises(OutdialError, match="has ended and nobody can enter it"):
        outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign, "--rejects", rejects)
    with pytest.raises(OutdialError, match="no campaign 'nobody'"):
        outdial("contacts", "import", CONTACT_LIST, "--campaign", "nobody")
    with pytest.raises(OutdialError, match="no campaign 'nobody'"):
        outdial("contacts", "enroll", "c-0001", "--campaign", "nobody")
    assert count(broker) == before
    assert not rejects.exists()


def test_a_list_of_which_nothing_can_be_used_fails(outdial: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("phone\n123\n")
    with pytest.raises(OutdialError, match="none of its 1 rows can be used"):
        outdial("contacts", "import", file)


def test_a_country_that_is_none_is_a_usage_error(outdial: Run) -> None:
    with pytest.raises(UsageError, match="--country 'USA' is not a code of two letters"):
        outdial("contacts", "import", CONTACT_LIST, "--country", "USA")


def test_people_are_enrolled_and_taken_out_by_id(broker: Settings, outdial: Run, campaign: str) -> None:
    assert outdial("contacts", "enroll", "x-1", "x-2", "--campaign", campaign)["said"] == f"enrolled 2 people in {campaign}\n"
    outdial("contacts", "unenroll", "x-2", "--campaign", campaign)
    kinds = sorted((record.contact_id, record.kind) for _, record in enrollments_of(broker, campaign))
    assert kinds == [("x-1", "enroll"), ("x-2", "enroll"), ("x-2", "unenroll")]


def test_an_import_without_a_broker_is_one_sentence(
    settings: Settings, environment: Callable[[Settings], dict[str, str]], outdial: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OutdialError, match=r"No Kafka broker answers at .* `outdial broker up`"):
        outdial("contacts", "import", CONTACT_LIST)
