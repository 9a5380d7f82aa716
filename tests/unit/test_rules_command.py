"""`outdial rules`: a pack as somebody reads it who signs it off."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.rules import common, week
from engine.errors import UsageError
from engine.layers import Layer
from engine.rulepack import load_pack, packs
from engine.weekly import parse_weekly


def said(*words: str) -> str:
    result = CliRunner().invoke(app, ["rules", *words], catch_exceptions=False, env={"COLUMNS": "250"})
    assert result.exit_code == 0
    return result.stdout


def test_the_packs_are_listed_with_how_much_is_not_reviewed() -> None:
    lines = [line.split() for line in said().splitlines()]
    assert lines[0] == ["pack", "versions", "country", "rules", "not", "reviewed"]
    for name, versions in packs().items():
        rules = load_pack(name, versions[-1]).rules
        waiting = sum(not rule.reviewed for rule in rules)
        assert [name, ", ".join(versions), load_pack(name, versions[-1]).country, str(len(rules)), str(waiting)] in lines
    assert "Not legal advice" in said()
    assert json.loads(said("--json")) == {name: list(versions) for name, versions in packs().items()}


def test_each_rule_is_shown_with_its_source() -> None:
    shown = said("us@2026-11")
    lines = [line.split() for line in shown.splitlines()]
    for rule in load_pack("us", "2026-11").rules:
        (line,) = [words for words in lines if words and words[-1] == rule.id]
        assert line[0] == rule.jurisdiction
        assert rule.since.isoformat() in line
        assert ("yes" if rule.reviewed else "no") in line
        assert rule.source.split()[0] in line
    assert "Not legal advice" in shown
    assert shown.rstrip().endswith("the strictest hold: mon-fri 10:00-18:00.")
    assert said("us") == shown


def test_a_pack_for_programs() -> None:
    found: dict[str, Any] = json.loads(said("uk", "--json"))
    assert (found["pack"], found["version"], found["country"]) == ("uk", "2026-11", "GB")
    assert found["strictest"]["sat"] == ["08:00-21:00"]
    (hours, consent) = found["rules"]
    assert (hours["from"], hours["hours"], hours["reviewed"]) == ("2025-11-01", {"mon-sat": ["08:00-21:00"]}, False)
    assert consent["says"] == "marketing: express, informational: none, collections: none"


@pytest.mark.parametrize("name", ["usa", "us@2026-1", "us@", "@2026-11", ""])
def test_a_pack_that_is_not_there(name: str) -> None:
    with pytest.raises(UsageError, match=r"there (is no|are)|has no version"):
        CliRunner().invoke(app, ["rules", name], catch_exceptions=False)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ([{"mon-fri": ["09:00-17:00"]}], "mon-fri 09:00-17:00"),
        (
            [{"mon-sun": ["09:00-17:00"]}, {"mon-fri": ["10:00-18:00"], "sun": ["10:00-18:00"]}],
            "mon-fri 10:00-17:00; sun 10:00-17:00",
        ),
        ([{"mon": ["22:00-02:00"]}], "mon 22:00-24:00; tue 00:00-02:00"),
        ([{"mon": ["08:00-10:00", "12:00-14:00"], "tue": ["09:00-10:00"]}], "mon 08:00-10:00, 12:00-14:00; tue 09:00-10:00"),
        ([{"mon": ["09:00-10:00"]}, {"tue": ["09:00-10:00"]}], "never"),
        ([], "mon-sun 00:00-24:00"),
    ],
)
def test_what_several_hours_have_in_common(hours: list[dict[str, list[str]]], words: str) -> None:
    assert week(common(tuple(Layer("law", "a law", parse_weekly(each)) for each in hours))) == words
