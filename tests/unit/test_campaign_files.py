"""The examples have no faults; faulty files report all of theirs, each with file and line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.apply import changes, faults_of, next_version
from cli.difference import Difference
from cli.documents import Document, load, load_all
from cli.main import app
from cli.read import Snapshot
from cli.resources import _about, broken, difference, resources_of, thin
from engine.compile import compile_plan, faults
from engine.errors import OutdialError
from engine.plan import Channel, Contacting, Waiting
from engine.resources import ResourceIndex
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion
from schemas.resources import Agent, Line

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PATTERNS = ("simple-call", "multi-step", "call-and-message")
CAMPAIGNS = (*PATTERNS, "with-rules")


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
    simple, multi, message = (compile_plan(load(EXAMPLES / f"{name}.yaml").data, 1) for name in PATTERNS)
    assert [type(step) for step in simple.steps] == [Contacting]
    assert [type(step) for step in multi.steps] == [Contacting, Waiting, Contacting]
    assert [step.agent for step in multi.steps if isinstance(step, Contacting)] == ["renewals-agent", "second-touch-agent"]
    assert [step.channel for step in message.steps if isinstance(step, Contacting)] == [Channel.CALL, Channel.SMS]
    when = message.steps[1].when
    assert when is not None
    assert [when.holds({"last": {"disposition": d}}) for d in ("voicemail", "no_answer", "answered")] == [True, True, False]


def test_the_example_under_rules_has_all_that_limits_a_campaign(index: ResourceIndex) -> None:
    document = load(EXAMPLES / "with-rules.yaml")
    plan = compile_plan(document.data, 1, index)
    first, _, second, _ = plan.steps
    assert isinstance(first, Contacting)
    assert isinstance(second, Contacting)
    assert {"rules", "caps", "lists", "countries", "purpose"} <= document.data.keys()
    terms = plan.terms(first, ("US-FL",))
    assert [layer.speaker for layer in terms.window.layers] == ["window", "law", "law"]
    assert [(cap.max, cap.per // 3_600_000, cap.everywhere, cap.counted) for cap in terms.caps] == [
        (2, 24, False, "call"),
        (5, 168, True, None),
        (1, 3, False, None),
        (3, 24, True, None),  # Florida's
    ]
    assert [needed.kind for needed in terms.consent] == ["express_written"]
    assert [layer.name for layer in plan.terms(second, ("US-FL",)).window.layers][1] == "the hours of step second-call"
    assert (plan.lists, plan.countries) == ((("us-national", 31 * 86_400_000),), frozenset({"US"}))


FAULTY = """\
id: Spring!
agent: nobody
numbers: {tag: sales-us}
line: main
window:
  weekly: {mon-fri: ["9:00-12:00"]}
  timezone: {use: contact, fallback: America/Gotham}
email: x
rules: none
flow:
  - {id: call, call: {}, retry: {answred: {after: 15 minutes, max: 2}}}
  - {id: call, wait: 1 week}
"""


def test_every_fault_is_told_with_its_line(tmp_path: Path, empty: Snapshot) -> None:
    found = faults_of([written(tmp_path, FAULTY)], empty)
    told = sorted(int(fault.removeprefix(str(tmp_path / "campaign.yaml")).split(":")[1]) for fault in found)
    assert told == [1, 2, 6, 7, 8, 11, 11, 12, 12], "\n".join(found)
    assert any("America/Gotham" in fault for fault in found)
    assert any("email: is not a key here: there are id, name," in fault for fault in found)


def test_faults_of_all_files_are_told_at_once(tmp_path: Path, empty: Snapshot) -> None:
    good = (EXAMPLES / "simple-call.yaml").read_text()
    first = written(tmp_path, good, "first.yaml")
    second = written(tmp_path, good.replace("line: main", "line: mian"), "second.yaml")
    found = faults_of([first, second], empty)
    assert len(found) == 2
    assert "second.yaml:9: line: no line 'mian' in the resources" in found[0]
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
  - {id: open, inbound: 2}
  - {id: small, concurrency: 4, inbound: 4}
trunks: []
"""
    document = written(tmp_path, text)
    _, found = resources_of(document)
    short = sorted((fault.removeprefix(f"{document.file}:") for fault in found), key=lambda fault: int(fault.partition(":")[0]))
    assert len(short) == 7, short
    assert short[0].startswith("3: agents[1]: agent 'robin' stands here a second time")
    assert short[1].startswith("5: numbers[0].number: '+1 212 555 0101' is no number in E.164")
    assert short[1].endswith("Did you mean +12125550101?")
    assert short[2].startswith(
        "6: numbers[1].tag: is not a key here: there are number, tags, country, state, daily_cap or resting. Did you mean tags?"
    )
    assert short[3] == "8: lines[0].calls_per_second: must be above 0, not 0"
    assert short[4].endswith("keeps calls free of a line that has any number: say how many it has, as concurrency")
    assert short[5] == "10: lines[2].inbound: keeps 4 of 4 calls free: at least one must be left for campaigns"
    assert short[6].startswith("11: trunks: is not a key here: there are agents, numbers or lines")


def test_what_is_wrong_with_a_number_is_told_with_its_remedy(tmp_path: Path) -> None:
    text = """\
numbers:
  - {number: "+12125550101", state: Ontario}
  - {number: "+12125550102", country: Atlantis}
  - {number: "+12125550103", daily_cap: 0}
  - {number: "+12125550104", resting: soon}
  - {number: "+12125550105", resting: 5}
  - {number: "+12125550106", resting: 2026-12-01, daily_cap: 300, state: NJ}
  - {number: "+12125550107", resting: true}
"""
    document = written(tmp_path, text)
    declared, found = resources_of(document)
    assert [fault.removeprefix(f"{document.file}:") for fault in sorted(found)] == [
        "2: numbers[0].state: 'Ontario' is no state of US: write its code of two letters, such as NY",
        "3: numbers[1].country: 'Atlantis' is no country with phone numbers: write its code of two letters, such as US",
        "4: numbers[2].daily_cap: must be at least 1, not 0",
        "5: numbers[3].resting: 'soon' is no date: write the day on which it may be used again, such as 2026-12-01",
        "6: numbers[4].resting: must be true, false or a date such as 2026-12-01, not 5",
    ]
    assert _about(declared["number/+12125550106"]) == "NJ; at most 300 calls a day; resting until 2026-12-01"
    assert _about(declared["number/+12125550107"]) == "resting"
    assert thin(declared, 300) == []
    assert thin(declared, 301) == [
        "+12125550106 may make 300 calls a day, which are divided among 301 partitions: "
        "each day the people of 1 of these are not called from it"
    ]


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
        ("- a\n", r"campaign.yaml:1: holds no keys"),
        ("", r"campaign.yaml:1: holds no keys"),
        ("a: &x {b: *x}\n", r"contains itself"),
    ],
)
def test_files_that_are_no_documents(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(OutdialError, match=sentence):
        written(tmp_path, text)


def test_keys_that_stand_twice_hide_no_other_fault(tmp_path: Path, empty: Snapshot) -> None:
    text = (EXAMPLES / "simple-call.yaml").read_text().replace("line: main", "line: main\nline: mian\n? [a]\n: b\nemail: []")
    found = [fault.removeprefix(f"{tmp_path / 'campaign.yaml'}:") for fault in faults_of([written(tmp_path, text)], empty)]
    assert [fault[:30] for fault in found] == [
        "10: line: stands here a second",
        "11: a key must be plain text",
        "13: email: is not a key here: ",
    ]
    _, twice = resources_of(written(tmp_path, "agents: [{id: ann}]\nagents: []\nlines: [{id: X}]\n"))
    assert [fault.split(":")[1] for fault in twice] == ["2", "3"]


def test_files_that_cannot_be_read_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "torn.yaml").write_text("id: [")
    with pytest.raises(OutdialError, match=r"(?s)mend 2 faults first:.*torn\.yaml:1: is no valid YAML.*gone\.yaml: cannot be read"):
        load_all([tmp_path / "torn.yaml", tmp_path / "gone.yaml", EXAMPLES / "simple-call.yaml"])
    with pytest.raises(OutdialError, match=r"^\S*gone\.yaml: cannot be read"):
        load_all([tmp_path / "gone.yaml"])


def test_what_a_version_changes(tmp_path: Path, empty: Snapshot) -> None:
    document = load(EXAMPLES / "simple-call.yaml")
    snapshot = applied(document, empty)
    text = (EXAMPLES / "simple-call.yaml").read_text().replace("13:00-17:00", "13:00-18:00")
    version = next_version(written(tmp_path, text), snapshot, 1)
    hours = ["09:00-12:00", "13:00-17:00"], ["09:00-12:00", "13:00-18:00"]
    assert changes(version, snapshot) == [Difference("window.weekly.mon-fri", "changed", *hours)]
    assert changes(None, snapshot) == changes(next_version(document, empty, 1), empty) == []


def test_what_a_file_changes_of_resources() -> None:
    declared, _ = resources_of(load(EXAMPLES / "resources.yaml"))
    line = Line(id="main", calls_per_second=60, concurrency=60)
    now = {key: r for key, r in declared.items() if key != "agent/renewals-agent"} | {"line/main": line}
    change = difference(declared, now | {"agent/new": Agent(id="new")})
    assert change.differences(False, declared) == [
        Difference("agent/new", "added", new={}),
        Difference("line/main.calls_per_second", "changed", 50.0, 60.0),
    ]
    assert change.differences(True, declared)[-1] == Difference("agent/renewals-agent", "removed", {"name": "Robin"})


@pytest.mark.parametrize("group", ["campaign", "resources"])
def test_the_schema_is_the_exported_one_and_takes_the_examples(group: str) -> None:
    printed = CliRunner().invoke(app, [group, "schema"], catch_exceptions=False).stdout
    exported = "campaign-file.CampaignFile.json" if group == "campaign" else "resources-file.Resources.json"
    assert printed == (EXAMPLES.parent / "schemas" / "json" / exported).read_text()
    for name in CAMPAIGNS if group == "campaign" else ("resources",):
        first = (EXAMPLES / f"{name}.yaml").read_text().splitlines()[0]
        target = first.removeprefix("# yaml-language-server: $schema=")
        assert (EXAMPLES / target).resolve().name == exported


def test_editors_are_told_what_each_key_is_for() -> None:
    schema = json.loads(CliRunner().invoke(app, ["campaign", "schema"], catch_exceptions=False).stdout)
    parts = [schema, *schema["$defs"].values()]
    assert [key for part in parts for key, said in part["properties"].items() if "description" not in said] == []
    assert schema["$defs"]["StepPart"]["allOf"][0]["oneOf"][0] == {"required": ["call"]}


def test_hours_dates_and_words_stay_what_they_look_like(tmp_path: Path) -> None:
    document = written(tmp_path, "a: 9:00\nb: 2026-12-24\non: yes\nc: 12\nd: 1.5\ne: true\nf: '12'\ng:\nh: 012\n")
    expected = {"a": "9:00", "b": "2026-12-24", "on": "yes", "c": 12, "d": 1.5, "e": True, "f": "12", "g": None, "h": "012"}
    assert document.data == expected
    assert document.lines[("on",)] == 3
