"""`outdial resources`, `campaign` and `suppress` on a real broker: what lies on the topics afterwards, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from cli import topics
from cli.main import app
from cli.publish import Publisher
from cli.read import read_heads, read_records, read_resources, read_rows
from cli.suppress import ledger_of
from engine.errors import OutdialError
from outdial.kafka import producer_config
from outdial.settings import Settings
from schemas.base import encode
from schemas.campaign import CampaignState
from schemas.rows import DialerRow, EnrollmentRow, LedgerRow, LinkRow, State, SuppressionEntry, TimerRow
from schemas.suppression import Suppression
from schemas.topics import CAMPAIGNS, DIAL_LEDGER, RESOURCES, STEP_TIMERS, SUPPRESSIONS, TopicSpec
from streams.partitions import partition_of

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
Run = Callable[..., list[Any]]


@pytest.fixture
def outdial(broker: Settings, environment: Callable[[Settings], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with --json and gives what it printed; a user's error is raised."""
    topics.apply(broker)
    for name, value in environment(broker).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str | Path) -> list[Any]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        if result.exception is not None:
            raise result.exception
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


@pytest.fixture
def campaign(outdial: Run, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A campaign file of the test's own, and the resources it needs."""
    outdial("resources", "apply", EXAMPLES / "resources.yaml")
    name = request.node.name.replace("_", "-")[:60]
    file = tmp_path / "campaign.yaml"
    file.write_text((EXAMPLES / "simple-call.yaml").read_text().replace("id: simple-call", f"id: {name}"))
    return file


def name_of(campaign: Path) -> str:
    return next(line for line in campaign.read_text().splitlines() if line.startswith("id: "))[4:]


def keys_of(broker: Settings, name: str, spec: TopicSpec = CAMPAIGNS) -> list[str]:
    """Keys about one campaign, in the order of the topic."""
    return [raw.key for raw in read_records(broker, spec) if raw.key and raw.key.partition("@")[0] == name]


def test_resources_are_declared_once(broker: Settings, outdial: Run) -> None:
    outdial("resources", "apply", EXAMPLES / "resources.yaml")
    before = len(list(read_records(broker, RESOURCES)))
    (again,) = outdial("resources", "apply", EXAMPLES / "resources.yaml")
    assert len(again["unchanged"]) == 11
    assert again["added"] == again["changed"] == again["removed"] == []
    assert len(list(read_records(broker, RESOURCES))) == before
    assert {"id": "main", "kind": "line", "calls_per_second": 50.0, "concurrency": 60, "inbound": 0} in outdial("resources", "list")


def test_resources_left_out_stay_until_they_are_pruned(broker: Settings, outdial: Run, tmp_path: Path) -> None:
    file = tmp_path / "resources.yaml"
    all_of_it = (EXAMPLES / "resources.yaml").read_text()
    file.write_text(all_of_it.replace("agents:\n", "agents:\n  - {id: passing-agent}\n"))
    outdial("resources", "apply", file)
    (kept,) = outdial("resources", "apply", EXAMPLES / "resources.yaml")
    assert kept["kept"] == ["agent/passing-agent"]
    assert "agent/passing-agent" in read_resources(broker)
    (pruned,) = outdial("resources", "apply", EXAMPLES / "resources.yaml", "--prune")
    assert pruned["removed"] == ["agent/passing-agent"]
    assert "agent/passing-agent" not in read_resources(broker)


def test_a_campaign_is_drafted_changed_and_left_alone(broker: Settings, outdial: Run, campaign: Path) -> None:
    name = name_of(campaign)
    assert outdial("campaign", "apply", campaign) == [
        {"id": name, "version": 1, "state": "draft", "action": "created", "written": True, "changes": []}
    ]
    assert outdial("campaign", "apply", campaign)[0]["action"] == "unchanged"
    outdial("campaign", "start", name)
    campaign.write_text(campaign.read_text().replace("09:00-12:00", "10:00-12:00"))
    hours = {"old": ["09:00-12:00", "13:00-17:00"], "new": ["10:00-12:00", "13:00-17:00"]}
    updated = {"id": name, "version": 2, "state": "running", "action": "updated", "written": True}
    assert outdial("campaign", "apply", campaign) == [
        updated | {"changes": [{"path": "window.weekly.mon-fri", "kind": "changed"} | hours]}
    ]
    # Each version lies before the head that names it.
    assert keys_of(broker, name) == [f"{name}@1", name, name, f"{name}@2", name]
    snapshot = read_heads(broker)
    assert snapshot.head(name).version == 2
    assert snapshot.plan(name, 1).window != snapshot.plan(name, 2).window
    (shown,) = outdial("campaign", "show", name, "--version", "1")
    assert (shown["shown"], shown["file"]["window"]["weekly"]["mon-fri"][0]) == (1, "09:00-12:00")


def test_a_dry_run_tells_what_would_change_and_writes_nothing(
    broker: Settings, outdial: Run, campaign: Path, tmp_path: Path
) -> None:
    name = name_of(campaign)
    (would,) = outdial("campaign", "apply", campaign, "--dry-run")
    assert (would["action"], would["version"], would["written"], keys_of(broker, name)) == ("created", 1, False, [])
    outdial("campaign", "apply", campaign)
    campaign.write_text(campaign.read_text().replace("agent: renewals-agent", "agent: second-touch-agent"))
    result = CliRunner().invoke(app, ["campaign", "apply", str(campaign), "--dry-run"], catch_exceptions=False)
    assert result.stdout.splitlines() == [
        f"{name}: what changes from version 1, which is draft, to version 2",
        "  agent: renewals-agent -> second-touch-agent",
        f"{name}@2 would be updated: draft",
        "dry run: nothing was written",
    ]
    assert read_heads(broker).head(name).version == 1
    file = tmp_path / "resources.yaml"
    file.write_text("agents: [{id: dry-agent, name: Dee}]\n")
    before = len(list(read_records(broker, RESOURCES)))
    (change,) = outdial("resources", "apply", file, "--dry-run")
    assert (change["added"], change["written"]) == (["agent/dry-agent"], False)
    assert change["changes"] == [{"path": "agent/dry-agent", "kind": "added", "new": {"name": "Dee"}}]
    assert len(list(read_records(broker, RESOURCES))) == before


def test_a_life_from_draft_to_ended(outdial: Run, campaign: Path) -> None:
    name = name_of(campaign)
    outdial("campaign", "apply", campaign)
    states = [outdial("campaign", command, name)[0]["state"] for command in ("start", "pause", "resume", "stop")]
    assert states == ["running", "paused", "running", "ended"]
    with pytest.raises(OutdialError, match="is ended, so it cannot start"):
        outdial("campaign", "start", name)
    with pytest.raises(OutdialError, match="has ended for ever"):
        outdial("campaign", "apply", campaign)
    assert next(c for c in outdial("campaign", "list") if c["id"] == name)["state"] == "ended"


def test_one_faulty_file_keeps_all_from_being_applied(broker: Settings, outdial: Run, campaign: Path, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(campaign.read_text().replace("id: ", "id: other-", 1).replace("line: main", "line: mian\ncaps: []"))
    with pytest.raises(OutdialError, match=r"mend a fault first:\n(.*\n)?.*faulty\.yaml:\d+: "):
        outdial("campaign", "apply", campaign, faulty)
    assert keys_of(broker, name_of(campaign)) == []


def test_a_campaign_that_lost_its_numbers_does_not_start(broker: Settings, outdial: Run, campaign: Path) -> None:
    name = name_of(campaign)
    outdial("campaign", "apply", campaign)
    without = [line for line in (EXAMPLES / "resources.yaml").read_text().splitlines() if "sales-us" not in line]
    fewer = campaign.with_name("resources.yaml")
    fewer.write_text("\n".join(without))
    with pytest.raises(OutdialError, match=f"campaign '{name}' needs what this takes away"):
        outdial("resources", "apply", fewer, "--prune")
    outdial("campaign", "start", name)
    assert read_heads(broker).head(name).state is CampaignState.RUNNING


def test_unknown_campaigns_are_named(outdial: Run) -> None:
    for command in ("show", "start", "pause", "resume", "stop"):
        with pytest.raises(OutdialError, match="no campaign 'nobody'"):
            outdial("campaign", command, "nobody")


def test_a_topic_that_is_not_there_is_named(broker: Settings) -> None:
    with pytest.raises(OutdialError, match="topic `nowhere` does not exist on this broker: run `outdial topics apply`"):
        list(read_records(broker, TopicSpec("nowhere", "any", ())))


def test_suppress_publishes_and_check_reads_the_ledger(broker: Settings, outdial: Run) -> None:
    address, contact = "+12125550142", "suppressed-person"
    outdial("suppress", "add", "212-555-0142")
    last = [raw for raw in read_records(broker, SUPPRESSIONS) if raw.key == address][-1]
    record = Suppression.model_validate_json(last.value or b"")
    assert (record.kind, record.spoke, record.scope) == ("add", True, "all")
    (waiting,) = outdial("suppress", "check", address)
    assert waiting == {"address": address, "suppressed": False, "entries": [], "contacts": [], "pending": "add"}
    entry = SuppressionEntry(scope="all", reason="opted_out", source="cli", spoke=True, at=5)
    with Publisher(broker, DIAL_LEDGER) as publisher:
        publisher.send(DIAL_LEDGER, address, LedgerRow(stamp=(1, 2), address=address, suppressions=(entry,)))
        publisher.send(DIAL_LEDGER, address, LedgerRow(stamp=(1, 1), address=address))  # a late row of an earlier writer
    link = LinkRow(stamp=(1, 3), address=address, contact_id=contact)
    producer, place = Producer(producer_config(broker)), partition_of(address, broker.partitions)  # where a worker puts it
    producer.produce(DIAL_LEDGER.name, key=link.key.encode(), value=encode(link), partition=place)
    producer.flush()
    row, linked = ledger_of(broker, address)
    assert (row.suppressions, linked) == ((entry,), [contact])
    (known,) = outdial("suppress", "check", address)
    assert (known["suppressed"], known["pending"], known["contacts"]) == (True, None, [contact])
    assert read_rows(broker, DIAL_LEDGER, DialerRow)[address].suppressions == (entry,)


@pytest.mark.usefixtures("outdial")
def test_rows_are_folded_by_stamp_and_tombstones_remove(broker: Settings) -> None:
    def row(name: str, seq: int, step: str) -> EnrollmentRow:
        return EnrollmentRow(
            stamp=(1, seq), enrollment_id=name, contact_id=name, campaign="c", entry=1, version=1, state=State.WAITING, step=step
        )

    with Publisher(broker, STEP_TIMERS) as publisher:
        for made in (row("fold-a", 2, "newer"), row("fold-a", 1, "older"), row("fold-b", 1, "gone")):
            publisher.send(STEP_TIMERS, made.key, made)
        publisher.send(STEP_TIMERS, "fold-b/c/1", None)
    rows = read_rows(broker, STEP_TIMERS, TimerRow)
    assert rows["fold-a/c/1"].step == "newer"
    assert "fold-b/c/1" not in rows
