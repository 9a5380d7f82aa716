"""The examples have no faults; faulty files report all of theirs, each with file and line."""

from pathlib import Path

import pytest

from cli.campaign import faults_of, moved, next_version
from cli.documents import Document, load
from cli.read import Snapshot
from cli.resources import broken, difference, resources_of
from engine.compile import compile_plan, faults
from engine.errors import OutdialError
from engine.plan import Channel, Contacting, Waiting
from engine.resources import ResourceIndex
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
CAMPAIGNS = ("simple-call", "multi-step", "call-and-message")


@pytest.fixture
def index() -> ResourceIndex:
    declared, found = resources_of(load(EXAMPLES / "resources.yaml"))
    assert found == []
    return ResourceIndex.of(declared.values())


@pytest.fixture
def empty(index: ResourceIndex) -> Snapshot:
    """Resources, and no campaigns yet."""
    return Snapshot({}, {}, index, {})


def applied(document: Document, snapshot: Snapshot, state: CampaignState = CampaignState.DRAFT, version: int = 1) -> Snapshot:
    """The snapshot after an apply of this file."""
    name = document.data["id"]
    new = CampaignVersion(id=name, version=version, file=document.data, at=0)
    head = CampaignHead(id=name, version=version, state=state, at=0)
    return Snapshot(snapshot.heads | {name: head}, snapshot.versions | {(name, version): new}, snapshot.resources, {})


def written(folder: Path, text: str, name: str = "campaign.yaml") -> Document:
    (folder / name).write_text(text, encoding="utf-8")
    return load(folder / name)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_examples_have_no_faults(name: str, index: ResourceIndex) -> None:
    document = load(EXAMPLES / f"{name}.yaml")
    assert faults(document.data, index, document.lines) == []
    assert compile_plan(document.data, 1, index).campaign == name


def test_the_examples_are_the_three_patterns() -> None:
    simple, multi, message = (compile_plan(load(EXAMPLES / f"{name}.yaml").data, 1) for name in CAMPAIGNS)
    assert [type(step) for step in simple.steps] == [Contacting]
    assert [type(step) for step in multi.steps] == [Contacting, Waiting, Contacting]
    assert [step.agent for step in multi.steps if isinstance(step, Contacting)] == ["renewals-agent", "second-touch-agent"]
    assert [step.channel for step in message.steps if isinstance(step, Contacting)] == [Channel.CALL, Channel.SMS]
    when = message.steps[1].when
    assert when is not None
    assert [when({"last": {"disposition": d}}) for d in ("voicemail", "no_answer", "answered")] == [True, True, False]


FAULTY = """\
id: Spring!
agent: nobody
numbers: {tag: sales-us}
line: main
window:
  weekly: {mon-fri: ["9:00-12:00"]}
  timezone: {use: contact, fallback: America/Gotham}
holidays: [us-federal]
flow:
  - {id: call, call: {}, retry: {answred: {after: 15 minutes, max: 2}}}
  - {id: call, wait: 1 week}
"""


def test_every_fault_is_told_with_its_line(tmp_path: Path, empty: Snapshot) -> None:
    found = faults_of([written(tmp_path, FAULTY)], empty)
    told = sorted(int(fault.removeprefix(str(tmp_path / "campaign.yaml")).split(":")[1]) for fault in found)
    assert told == [1, 2, 6, 7, 8, 10, 10, 11, 11], "\n".join(found)
    assert any("America/Gotham" in fault for fault in found)
    assert any("is not enforced yet, so it is refused" in fault for fault in found)


def test_faults_of_all_files_are_told_at_once(tmp_path: Path, empty: Snapshot) -> None:
    good = (EXAMPLES / "simple-call.yaml").read_text()
    first = written(tmp_path, good, "first.yaml")
    second = written(tmp_path, good.replace("line: main", "line: mian"), "second.yaml")
    found = faults_of([first, second], empty)
    assert len(found) == 2
    assert "second.yaml:8: line: no line 'mian' in the resources" in found[0]
    assert "first.yaml has the id 'simple-call' too" in found[1]


def test_an_unchanged_file_changes_nothing_and_comments_are_no_change(tmp_path: Path, empty: Snapshot) -> None:
    document = load(EXAMPLES / "simple-call.yaml")
    snapshot = applied(document, empty)
    assert next_version(document, snapshot, 1) is None
    commented = "# For the spring.\n" + (EXAMPLES / "simple-call.yaml").read_text().replace(
        "{tag: sales-us}", '{"tag": "sales-us"}'
    )
    assert next_version(written(tmp_path, commented), snapshot, 1) is None


def test_a_changed_file_takes_the_number_behind_all_versions_even_those_without_a_head(empty: Snapshot) -> None:
    document = load(EXAMPLES / "simple-call.yaml")
    snapshot = applied(document, empty)
    orphan = CampaignVersion(id="simple-call", version=2, file={}, at=0)
    crashed = Snapshot(snapshot.heads, snapshot.versions | {("simple-call", 2): orphan}, snapshot.resources, {})
    changed = Document(document.file, document.data | {"name": "Another"}, document.lines)
    after, first = next_version(changed, crashed, 5), next_version(document, empty, 5)
    assert after is not None
    assert first is not None
    assert (after.version, after.key, first.version) == (3, "simple-call@3", 1)


def test_a_campaign_that_has_ended_is_not_applied_again(empty: Snapshot) -> None:
    document = load(EXAMPLES / "simple-call.yaml")
    (fault,) = faults_of([document], applied(document, empty, CampaignState.ENDED))
    assert "has ended for ever: apply it under another id" in fault


@pytest.mark.parametrize(
    ("command", "state", "target"),
    [
        ("start", "draft", "running"),
        ("pause", "running", "paused"),
        ("resume", "paused", "running"),
        ("stop", "draft", "ended"),
        ("stop", "running", "ended"),
        ("stop", "paused", "ended"),
    ],
)
def test_transitions(command: str, state: str, target: str) -> None:
    head = CampaignHead(id="spring", version=4, state=CampaignState(state), at=1)
    after = moved(command, head, 2)
    assert (after.state.value, after.version, after.at) == (target, 4, 2)


@pytest.mark.parametrize(
    ("command", "state", "sentence"),
    [
        ("start", "running", "is running, so it cannot start: it can be told to pause or stop"),
        ("start", "paused", "is paused, so it cannot start: it can be told to resume or stop"),
        ("resume", "draft", "is draft, so it cannot resume: it can be told to start or stop"),
        ("pause", "draft", "is draft, so it cannot pause"),
        ("stop", "ended", "is ended, so it cannot stop: that is final"),
        ("start", "ended", "that is final, apply its file under another id"),
    ],
)
def test_wrong_transitions_are_refused_with_what_is_possible(command: str, state: str, sentence: str) -> None:
    with pytest.raises(OutdialError, match=sentence):
        moved(command, CampaignHead(id="spring", version=1, state=CampaignState(state), at=1), 2)


def test_every_fault_of_resources_is_told_with_its_line(tmp_path: Path) -> None:
    text = """\
agents:
  - {id: robin}
  - {id: robin, name: Two}
numbers:
  - {number: "+1 212 555 0101"}
  - {number: "+12125550101", tag: sales}
lines:
  - {id: main, calls_per_second: 0}
trunks: []
"""
    document = written(tmp_path, text)
    _, found = resources_of(document)
    short = sorted(fault.removeprefix(f"{document.file}:") for fault in found)
    assert len(short) == 4, short
    assert short[0].startswith("5: numbers[0].number: '+1 212 555 0101' is no number in E.164")
    assert short[1].startswith("6: numbers[1].tag: is not a key here: there are number or tags. Did you mean tags?")
    assert short[2] == "8: lines[0].calls_per_second: must be above 0.0, not 0"
    assert short[3].startswith("9: trunks: is not a key here: there are agents, numbers or lines")
    _, twice = resources_of(written(tmp_path, text.split("numbers:")[0]))
    assert "3: agents[1]: agent 'robin' stands here a second time" in twice[0]


def test_resources_that_a_live_campaign_needs_are_not_taken_away(tmp_path: Path, empty: Snapshot, index: ResourceIndex) -> None:
    campaign = load(EXAMPLES / "call-and-message.yaml")
    document = written(tmp_path, "agents: [{id: reminders-agent}]\n", "resources.yaml")
    after = ResourceIndex(index.agents, {}, index.lines)
    (fault,) = broken(after, applied(campaign, empty, CampaignState.RUNNING), document)
    assert "campaign 'call-and-message' needs what this takes away, numbers.tag: " in fault
    assert broken(after, applied(campaign, empty, CampaignState.ENDED), document) == []


def test_what_a_file_leaves_out_stays_unless_it_is_pruned() -> None:
    declared, _ = resources_of(load(EXAMPLES / "resources.yaml"))
    fewer = {key: resource for key, resource in declared.items() if not key.startswith("agent/")}
    change = difference(declared, fewer)
    assert len(change.absent) == 3
    assert set(change.after(False, declared).agents) == {"renewals-agent", "second-touch-agent", "reminders-agent"}
    assert change.after(True, declared).agents == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id: [", r"campaign.yaml:1: is no valid YAML"),
        ("id: a\nid: b\n", r"campaign.yaml:2: 'id' stands here a second time"),
        ("- a\n", r"campaign.yaml:1: holds no keys"),
        ("", r"campaign.yaml:1: holds no keys"),
        ("a: &x {b: *x}\n", r"contains itself"),
        ("? [a]\n: b\n", r"a key must be plain text"),
    ],
)
def test_files_that_are_no_documents(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(OutdialError, match=sentence):
        written(tmp_path, text)


def test_hours_dates_and_words_stay_what_they_look_like(tmp_path: Path) -> None:
    document = written(tmp_path, "a: 9:00\nb: 2026-12-24\non: yes\nc: 12\nd: 1.5\ne: true\nf: '12'\ng:\nh: 012\n")
    expected = {"a": "9:00", "b": "2026-12-24", "on": "yes", "c": 12, "d": 1.5, "e": True, "f": "12", "g": None, "h": "012"}
    assert document.data == expected
    assert document.lines[("on",)] == 3
