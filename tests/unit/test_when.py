"""`outdial when`: the next hours of somebody, one or thousands, as JSON and for people; bad input in one sentence."""

import json
import random
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from engine.errors import OutdialError, UsageError

ROOT = Path(__file__).parent.parent.parent
CAMPAIGN = """\
id: spring
name: Spring
purpose: informational
agent: ann
numbers: {tag: sales}
line: main
rules: none
window:
  weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
  timezone: {use: contact, fallback: America/New_York}
  holidays: [us-federal]
  blackout: [2026-11-30, 2026-12-28..2026-12-30]
  overrides: {2026-11-27: ["10:00-12:00"]}
flow:
  - {id: call, call: {}}
  - {id: pause, wait: 1 day}
  - {id: late, call: {}, timing: {window: {mon-fri: ["11:00-14:00"]}}}
  - {id: text, sms: {template: "Hi {{first_name}}"}}
exit: [answered]
"""
ADA = {"phone": "+12125550101", "first_name": "Ada"}
FROM = "2026-11-25T22:00Z"  # Wednesday, 17:00 in New York


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    return written(tmp_path)


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in CAMPAIGN
    file = folder / "spring.yaml"
    file.write_text(CAMPAIGN.replace(old, new), encoding="utf-8")
    return file


def run(file: Path, *options: str, stdin: str | bytes | None = None) -> str:
    result = CliRunner().invoke(app, ["when", str(file), *options], input=stdin)
    if result.exception is not None:
        assert not isinstance(result.exception, SystemExit), result.output
        raise result.exception
    return result.stdout


def told(file: Path, contact: Any = ADA, *options: str, at: str = FROM) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(file, "--contact", json.dumps(contact), "--from", at, *options, "--json"))
    return found


def test_one_person_as_json(campaign: Path) -> None:
    """The rest of Wednesday; Thanksgiving is passed over, Friday has hours of its own, Monday is blacked out."""
    assert told(campaign, ADA, "--count", "3") == {
        "open": [
            {"start": "2026-11-25T22:00:00.000Z", "end": "2026-11-25T22:59:30.000Z"},
            {"start": "2026-11-27T15:00:00.000Z", "end": "2026-11-27T16:59:30.000Z"},
            {"start": "2026-12-01T14:00:00.000Z", "end": "2026-12-01T16:59:30.000Z"},
        ],
        "zones": ["America/New_York"],
        "closed_by": ["window", "override 2026-11-27", "window"],
    }


def test_for_people(campaign: Path) -> None:
    contact = {"phone": "+12125550101", "postal_code": "94103", "country": "US"}
    printed = run(campaign, "--contact", json.dumps(contact), "--from", FROM, "--count", "3")
    lines = [line.rstrip() for line in printed.splitlines()]
    assert lines == [
        "measured by America/Los_Angeles, America/New_York",
        "America/Los_Angeles          America/New_York             from (UTC)        closed by",
        "Wed 25 Nov 14:00 - 14:59:30  Wed 25 Nov 17:00 - 17:59:30  2026-11-25 22:00  window",
        "Tue 01 Dec 10:00 - 11:59:30  Tue 01 Dec 13:00 - 14:59:30  2026-12-01 18:00  window",
        "Tue 01 Dec 13:00 - 14:59:30  Tue 01 Dec 16:00 - 17:59:30  2026-12-01 21:00  window",
    ]


def test_what_cannot_be_read_of_the_contact_is_told(campaign: Path) -> None:
    printed = run(campaign, "--contact", '{"phone": "12", "timezone": "Mars"}', "--from", FROM)
    assert "note: phone '12' has no country" in printed
    assert "note: time zone 'Mars' is not known" in printed
    assert "measured by America/New_York\n" in printed


def test_the_first_step_that_contacts_is_asked_unless_another_is_named(campaign: Path) -> None:
    late = told(campaign, ADA, "--step", "late", "--count", "2", at="2026-12-01T00:00Z")
    assert late["open"][0] == {"start": "2026-12-01T16:00:00.000Z", "end": "2026-12-01T16:59:30.000Z"}
    assert late["closed_by"] == ["window", "step late"]
    text = told(campaign, ADA, "--step", "text", "--count", "1")
    assert text["open"][0]["end"] == "2026-11-25T23:00:00.000Z"  # a message does not ring


def test_a_fixed_zone_is_the_only_clock(tmp_path: Path) -> None:
    file = written(tmp_path, "{use: contact, fallback: America/New_York}", "{use: fixed, zone: Europe/Paris}")
    found = told(file, ADA, "--count", "1")
    assert found["zones"] == ["Europe/Paris"]
    assert found["open"][0]["start"] == "2026-11-27T09:00:00.000Z"


def test_the_law_closes_by_its_name(tmp_path: Path) -> None:
    file = written(tmp_path, "rules: none", "rules: {pack: us, version: 2026-11}")
    file.write_text(file.read_text().replace('["09:00-12:00", "13:00-18:00"]', '["06:00-23:00"]'))
    found = told(file, {"phone": "+13055550101", "state": "FL", "country": "US", "timezone": "America/New_York"}, "--count", "1")
    assert found["open"] == [{"start": "2026-11-25T22:00:00.000Z", "end": "2026-11-26T00:59:30.000Z"}]
    assert found["closed_by"][0].startswith("law US-FL (")


def test_a_window_without_a_gap_has_no_end(tmp_path: Path) -> None:
    file = tmp_path / "spring.yaml"
    lines = [line for line in CAMPAIGN.splitlines() if not line.strip().startswith(("holidays", "blackout", "overrides"))]
    file.write_text("\n".join(lines).replace('{mon-fri: ["09:00-12:00", "13:00-18:00"]}', '{mon-sun: ["00:00-24:00"]}'))
    assert told(file) == {
        "open": [{"start": "2026-11-25T22:00:00.000Z", "end": None}],
        "zones": ["America/New_York"],
        "closed_by": ["never"],
    }
    assert "Wed 25 Nov 17:00 on" in run(file, "--contact", json.dumps(ADA), "--from", FROM)


def test_hours_that_never_meet(campaign: Path) -> None:
    """Somebody who may be in New York or on Guam: nine in the one is late in the other."""
    contact = {"phone": "+16715550101", "postal_code": "10007", "country": "US"}
    found = told(campaign, contact)
    assert found["open"] == []
    assert found["zones"] == ["America/New_York", "Pacific/Guam"]
    assert found["closed_by"] == ["window"]
    printed = run(campaign, "--contact", json.dumps(contact), "--from", FROM)
    assert "never open within 400 days:\n  the campaign's hours: never open at once in America/New_York, Pacific/Guam" in printed


def test_what_the_document_prints_is_printed(tmp_path: Path) -> None:
    """docs/windows.md: its window in an example campaign, and each of its commands."""
    text = (ROOT / "docs" / "windows.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(yaml)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (window,) = (block for kind, block in blocks if kind)
    example = (ROOT / "examples" / "call-and-message.yaml").read_text(encoding="utf-8")
    file = tmp_path / "spring.yaml"
    file.write_text(re.sub(r"^window:\n(  .*\n)+", lambda _: window, example, flags=re.MULTILINE), encoding="utf-8")
    asked = [block.split("\n", 1) for kind, block in blocks if not kind and block.startswith("$ ")]
    assert len(asked) == 4
    for line, printed in asked:
        echo, _, command = line.removeprefix("$ ").rpartition(" | ")
        words = shlex.split(command)
        assert words[:3] == ["outdial", "when", "spring.yaml"]
        told = run(file, *words[3:], stdin=shlex.split(echo)[1] if echo else None)
        assert [each.rstrip() for each in told.splitlines()] == printed.splitlines()


# --- instants ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at", ["2026-11-25T22:00:00.000Z", "2026-11-25T17:00-05:00", "2026-11-25T22:00", "20261125T220000Z", "1795644000000"]
)
def test_ways_to_write_an_instant(campaign: Path, at: str) -> None:
    assert told(campaign, ADA, "--count", "1", at=at)["open"][0]["start"] == "2026-11-25T22:00:00.000Z"


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("2h", "--from '2h' is no instant: write 2026-11-26T14:00Z or 2026-11-26T09:00-05:00"),
        ("2026-02-30", "--from '2026-02-30' is no instant"),
        ("1969-12-31", "--from '1969-12-31' does not lie between 1970 and October 2036, for which"),
        ("2036-11-01", "--from '2036-11-01' does not lie between 1970 and"),
        ("9" * 30, "does not lie between 1970 and October 2036"),
    ],
)
def test_what_is_no_instant(campaign: Path, at: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=r"^--from") as caught:
        told(campaign, at=at)
    assert sentence in str(caught.value)


# --- bad input --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "give --contact and --from, or --cases with a file of many"),
        (("--contact", "{}"), "give --contact and --from, or --cases"),
        (("--contact", "{}", "--from", FROM, "--cases", "-"), "give either --cases, or --contact and --from"),
        (("--contact", "{", "--from", FROM), "--contact '{' is no JSON: Expecting property name"),
        (("--contact", "[]", "--from", FROM), "--contact '[]': contact must be an object, and not []"),
        (("--contact", '{"phone": 5}', "--from", FROM), "contact.phone: Input should be a valid string"),
        (
            ("--contact", "{}", "--from", FROM, "--step", "pause"),
            "--step 'pause': the steps of spring that contact are call, late, text",
        ),
        (("--cases", "nowhere.jsonl"), "--cases nowhere.jsonl: cannot be read (No such file or directory)"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_sentence(campaign: Path, options: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(campaign, *options)
    assert sentence in str(caught.value)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "holidays: [us-federal]",
            "holidays: [us-fedral]",
            "spring.yaml:11: window.holidays[0]: 'us-fedral' is not a set of holidays",
        ),
        ("holidays: [us-federal]", "holiday: [us-federal]", "spring.yaml:11: window.holiday: is not a key here"),
        ("2026-11-30,", "2026-11-31,", "spring.yaml:12: window.blackout[0]: '2026-11-31' is not a date"),
        (
            "2026-12-28..2026-12-30",
            "2026-12-30..2026-12-28",
            "spring.yaml:12: window.blackout[1]: '2026-12-30..2026-12-28' ends before",
        ),
        ("2026-11-27:", "2026-27-11:", "spring.yaml:13: window.overrides.2026-27-11: '2026-27-11' is not a date"),
        (
            "fallback: America/New_York",
            "fallback: America/NewYork",
            "spring.yaml:10: window.timezone.fallback: 'America/NewYork' is not",
        ),
        ("11:00-14:00", "19:00-20:00", "spring.yaml:17: flow[2].timing.window: is never open while the campaign's window is"),
    ],
)
def test_a_file_with_faults_is_refused_with_their_lines(tmp_path: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(OutdialError) as caught:
        told(written(tmp_path, old, new))
    assert fault in str(caught.value)
    assert caught.value.exit_status == 1


# --- many -------------------------------------------------------------------------------------------------------------------------


def test_cases_are_answered_as_one_would_be(campaign: Path, tmp_path: Path) -> None:
    people = [{"state": "FL"}, {"timezone": "Asia/Kolkata"}, {"phone": "+442079460001"}, ADA, {}]
    cases = tmp_path / "cases.jsonl"
    cases.write_text("\n\n".join(json.dumps({"contact": who, "from": FROM}) for who in people))
    lines = run(campaign, "--cases", str(cases), "--count", "4").splitlines()
    assert [json.loads(line) for line in lines] == [told(campaign, who, "--count", "4") for who in people]
    assert run(campaign, "--cases", "-", "--count", "4", stdin=cases.read_text()).splitlines() == lines


def test_a_bad_line_has_its_number_and_stops_nobody(campaign: Path) -> None:
    good = json.dumps({"contact": ADA, "from": FROM})
    bad = {
        "{": "line 2: is no JSON: Expecting property name enclosed in double quotes (column 1)",
        "[]": 'line 3: needs contact and from: write {"contact": {...}, "from": "2026-11-26T14:00Z"}',
        '{"contact": {}}': "line 4: needs contact and from",
        '{"contact": {}, "from": null}': "line 5: from null is no instant",
        '{"contact": {}, "from": "2h"}': "line 6: from '2h' is no instant",
        '{"contact": {}, "from": true}': "line 7: from true is no instant",
        '{"contact": {}, "from": 99999999999999999999}': "line 8: from 99999999999999999999 does not lie between 1970 and",
        '{"contact": 5, "from": 5}': "line 9: contact must be an object, and not 5",
        '{"contact": {"phone": 5}, "from": 5}': "line 10: contact.phone: Input should be a valid string",
        "\xff": "line 11: is not UTF-8 (byte 0)",
    }
    text = "\n".join([good, *bad, good, ""]).encode("latin-1")
    result = CliRunner().invoke(app, ["when", str(campaign), "--cases", "-"], input=text)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert answers[0] == answers[-1] == told(campaign)
    for answer, sentence in zip(answers[1:-1], bad.values(), strict=True):
        assert answer.keys() == {"error"}
        assert answer["error"].startswith(sentence)
    assert isinstance(result.exception, OutdialError)
    assert result.exception.exit_status == 1
    assert str(result.exception) == "10 lines of standard input could not be answered: the output says why"


def test_thousands_take_seconds(tmp_path: Path) -> None:
    """5,000 people of eighty pairs of state and area code, each from an instant of its own, under the law of their states: two
    seconds, and more where other tests run beside it."""
    states, areas = (
        ("AL", "AZ", "CA", "FL", "IN", "KY", "ND", "NY", "TN", "TX"),
        ("205", "212", "303", "305", "415", "502", "605", "801"),
    )
    rng = random.Random(5)
    file = written(tmp_path, "rules: none", "rules: {pack: us, version: 2026-11}")
    with (tmp_path / "cases.jsonl").open("w") as cases:
        for i in range(5_000):
            contact = {"phone": f"+1{rng.choice(areas)}55501{i % 100:02}", "state": rng.choice(states), "country": "US"}
            cases.write(json.dumps({"contact": contact, "from": 1_767_225_600_000 + rng.randrange(365 * 86_400_000)}) + "\n")
    before = time.process_time()
    lines = run(file, "--cases", str(tmp_path / "cases.jsonl")).splitlines()
    assert time.process_time() - before < 10
    assert len(lines) == 5_000
    assert not any("error" in json.loads(line) for line in lines)
