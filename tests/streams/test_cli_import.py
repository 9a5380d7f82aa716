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
from cli.publish import Publisher
from cli.read import Raw, read_records
from engine.errors import OutdialError, UsageError
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.enrollment import ENROLLMENT, Enroll, Unenroll
from schemas.rows import Profile
from schemas.topics import CONTACT_PROFILES, CONTACTS, ENROLLMENTS

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


def told_lines(*arguments: str) -> list[dict[str, Any]]:
    """The objects that a command prints, one a line."""
    return [json.loads(line) for line in CliRunner().invoke(app, arguments).stdout.splitlines()]


def count(broker: Settings) -> int:
    return sum(1 for spec in (CONTACTS, ENROLLMENTS) for _ in read_records(broker, spec))


def test_everybody_is_published_and_enrolled_once(broker: Settings, outdial: Run, campaign: str, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    told = outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign, "--rejects", rejects)
    assert (told["rows"], told["accepted"] + told["merged"], told["rejected"], told["enrolled"]) == (325, 322, 3, 320)
    people = {raw.key: (raw, Contact.model_validate_json(raw.value or b"")) for raw in read_records(broker, CONTACTS)}
    assert {f"c-{i:04}" for i in range(1, 321)} <= people.keys()
    assert people["c-0041"][1].variables["plan"] == "family"  # the later of its two rows
    enrolled = enrollments_of(broker, campaign)
    assert Counter(record.contact_id for _, record in enrolled) == Counter({f"c-{i:04}": 1 for i in range(1, 321)})
    # One person's records lie on one partition, whatever the topic.
    assert all(people[record.contact_id][0].partition == raw.partition for raw, record in enrolled)
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rejected_row"], row["id"]) for row in rows] == [("322", "c-0321"), ("323", "c-0322"), ("324", "c-0323")]
    assert not list(tmp_path.glob(".*.part*"))


def test_the_same_file_twice_changes_nothing(broker: Settings, outdial: Run, campaign: str) -> None:
    first = outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign)
    before = count(broker)
    again = outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign)
    assert (again["import"], again["unchanged"], again["written"]) == (first["import"], True, False)
    assert again["enrolled"] == 320
    assert count(broker) == before


def test_rejects_are_mended_and_imported_again(broker: Settings, outdial: Run, campaign: str, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign, "--rejects", rejects)
    text = rejects.read_text(encoding="utf-8-sig").replace(",12345,", ",970-555-0121,")
    rejects.write_text(text, encoding="utf-8-sig")
    told = outdial("contacts", "import", rejects, "--campaign", campaign)
    assert (told["accepted"], told["rejected"], told["enrolled"]) == (1, 2, 1)
    people = {raw.key: Contact.model_validate_json(raw.value or b"") for raw in read_records(broker, CONTACTS)}
    assert people["c-0321"].phone == "+19705550121"
    assert "rejected_reason" not in people["c-0321"].variables


def test_undo_unenrolls_whom_the_import_enrolled_and_nobody_else(
    outdial: Run, broker: Settings, campaign: str, tmp_path: Path
) -> None:
    file, more = tmp_path / "list.csv", tmp_path / "more.csv"
    file.write_text("id,phone\nu-1,212-555-0131\nu-2,212-555-0132\n")
    more.write_text("id,phone\nu-2,212-555-0132\nu-3,212-555-0133\n")
    outdial("contacts", "import", file, "--campaign", campaign)
    second = outdial("contacts", "import", more, "--campaign", campaign)
    assert (second["accepted"], second["merged"], second["enrolled"]) == (1, 1, 1)
    assert outdial("contacts", "import", "--undo", second["import"])["unenrolled"] == 1
    assert outdial("contacts", "import", "--undo", second["import"])["unenrolled"] == 0
    left = [record for _, record in enrollments_of(broker, campaign) if isinstance(record, Unenroll)]
    assert [(record.contact_id, record.entry) for record in left] == [("u-3", 1)]
    again = outdial("contacts", "import", more, "--campaign", campaign)
    assert (again["import"], again["enrolled"]) == (second["import"], 1)
    entries = [
        record.entry for _, record in enrollments_of(broker, campaign) if record.contact_id == "u-3" and record.kind == "enroll"
    ]
    assert entries == [1, 2]
    assert [each["state"] for each in told_lines("contacts", "imports", "--json") if each["import"] == second["import"]] == ["done"]


def test_a_number_that_somebody_else_has_in_the_campaign_is_refused(outdial: Run, campaign: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,phone\nd-1,212-555-0141\nd-2,212-555-0142\n")
    outdial("contacts", "import", file, "--campaign", campaign)
    outdial("contacts", "unenroll", "d-2", "--campaign", campaign)
    file.write_text("id,phone\nd-3,212-555-0141\nd-4,212-555-0142\n")
    told = outdial("contacts", "import", file, "--campaign", campaign)
    assert [(each["row"], each["code"]) for each in told["rejects"]] == [(2, "duplicate_number")]
    assert told["enrolled"] == 1


def test_a_campaign_says_which_countries_may_enter(broker: Settings, outdial: Run, campaign: str, tmp_path: Path) -> None:
    definition = tmp_path / "campaign.yaml"
    definition.write_text(definition.read_text() + "countries: [CA]\n")
    outdial("campaign", "apply", definition)
    file = tmp_path / "list.csv"
    file.write_text("phone\n212-555-0151\n416-555-0152\n")
    told = outdial("contacts", "import", file, "--campaign", campaign)
    assert (told["accepted"], told["reasons"]) == (1, {"country_not_allowed": 1})
    outdial("contacts", "enroll", "nobody-yet", "--campaign", campaign)  # the gate asks once the contact is there
    with Publisher(broker, CONTACT_PROFILES) as publisher:
        for name, phone in (("at-home", "+14165550152"), ("abroad", "+12125550151")):
            publisher.send(CONTACT_PROFILES, name, Profile(contact_id=name, phone=phone))
    with pytest.raises(OutdialError, match="contact 'abroad' has a number of US: the campaign allows CA"):
        outdial("contacts", "enroll", "at-home", "abroad", "--campaign", campaign)
    outdial("contacts", "enroll", "at-home", "--campaign", campaign)


def test_a_full_disk_for_the_rejects_loses_nothing(broker: Settings, outdial: Run, campaign: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("phone\n212-555-0161\n123\n")
    with pytest.raises(
        OutdialError, match=r"--rejects /dev/full: cannot be written \(No space left on device\): the import itself is done"
    ):
        outdial("contacts", "import", file, "--campaign", campaign, "--rejects", "/dev/full")
    before = count(broker)
    rejects = tmp_path / "rejects.csv"
    assert outdial("contacts", "import", file, "--campaign", campaign, "--rejects", rejects)["unchanged"] is True
    assert "too short" in rejects.read_text(encoding="utf-8-sig")
    assert count(broker) == before


def test_bad_input_is_refused_in_one_sentence_before_anything_is_written(
    broker: Settings, outdial: Run, campaign: str, tmp_path: Path
) -> None:
    file, before = tmp_path / "list.csv", count(broker)
    cases: list[tuple[bytes, list[str], str, int]] = [
        (b"", [], "is empty and holds no rows", 1),
        (bytes(range(256)) * 8, [], "is binary and not a list of people", 1),
        (
            b"phone,note\n212-555-0101," + b"x" * 10_000_000 + b"\n",
            [],
            "has a line of more than 1,048,576 characters after row 1",
            1,
        ),
        (b"phone\n123\n", [], "none of its 1 rows can be used", 1),
        (b"phone\n212-555-0101\n", ["--map", "phone=fone"], "the file has no column 'fone'", 2),
        (b"phone\n212-555-0101\n", ["--map", "fone=phone"], "there is no field 'fone'", 2),
        (b"phone,city\nphone,city\n212-555-0101,x\n", [], "rows 1 and 2 are both headers", 1),
        (b"phone\n212-555-0101\n", ["--encoding", "klingon"], "--encoding 'klingon' is not known", 2),
        (b"phone\n212-555-0101\n", ["--rejects", "/nowhere/rejects.csv"], "--rejects /nowhere/rejects.csv: cannot be written", 1),
        (b"phone\n212-555-0101\n", ["--rejects", str(tmp_path)], "it is a folder", 1),
    ]
    for content, options, sentence, status in cases:
        file.write_bytes(content)
        with pytest.raises(OutdialError) as refused:
            outdial("contacts", "import", file, "--campaign", campaign, *options)
        assert sentence in str(refused.value)
        assert "\n" not in str(refused.value)
        assert refused.value.exit_status == status
    with pytest.raises(UsageError, match="name a FILE to import"):
        outdial("contacts", "import")
    with pytest.raises(OutdialError, match="no import 'nothing' on this broker"):
        outdial("contacts", "import", "--undo", "nothing")
    assert count(broker) == before


def test_a_dry_run_counts_and_writes_nothing(broker: Settings, outdial: Run, campaign: str) -> None:
    before = count(broker)
    told = outdial("contacts", "import", CONTACT_LIST, "--campaign", campaign, "--dry-run")
    assert (told["enrolled"], told["written"]) == (320, False)
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
