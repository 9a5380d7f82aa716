"""`outdial contacts zones`: who told the zones of a list's people, before anybody is called."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from engine.errors import OutdialError, UsageError

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "contacts.csv"
LIST = """\
id,phone,zip,state,tz
moved,212-555-0101,94103,CA,
zero,212-555-0102,8014,,
toll,800-555-0103,,,
navajo,800-555-0104,86045,AZ,
east,212-555-0105,94103,CA,EST
apart,212-555-0106,10007,AZ,
unread,212-555-0107,99999,,America/New_Yrok
wide,605-555-0108,57105,SD,
nobody,12345,10007,NY,
moved,415-555-0109,94103,CA,
moved,212-555-0101,94105,CA,
"""


def told(file: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["contacts", "zones", str(file), *options, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    file = tmp_path / "list.csv"
    file.write_text(LIST)
    return file


def test_everybody_is_counted_once_by_who_told(contacts: Path) -> None:
    found = told(contacts)
    assert (found["rows"], found["people"], found["merged"], found["rejected"]) == (11, 8, 2, 1)
    assert found["told_by"] == {
        "postal_code + phone": 3,
        "fallback": 1,
        "postal_code": 1,
        "timezone": 1,
        "postal_code + state + phone": 1,
        "phone": 1,
    }
    assert found["sources"] == {"timezone": 1, "postal_code": 5, "state": 1, "country": 0, "phone": 5}
    assert (found["fallback"], found["mended_postal_codes"]) == (1, 1)
    assert sum(each["people"] for each in found["zones"]) == 7
    assert {"zones": ["America/Denver", "America/Phoenix"], "people": 1} in found["zones"]


def test_conflicts_are_told_with_what_the_list_says_those_without_a_common_time_first(contacts: Path) -> None:
    found = told(contacts)
    assert (found["conflicts"], found["apart"]) == (3, 2)
    assert [each["contact_id"] for each in found["conflicting"]] == ["apart", "moved", "wide"]
    moved = found["conflicting"][1]
    assert (moved["row"], moved["postal_code"], moved["phone"]) == (12, "94105", "+12125550101")  # the later row counts
    assert moved["sources"] == {"postal_code": ["America/Los_Angeles"], "phone": ["America/New_York"]}
    assert moved["between"] == [{"one": "postal_code", "other": "phone", "adds": ["America/New_York"], "apart": True}]
    assert not found["conflicting"][2]["between"][0]["apart"]


def test_abbreviations_and_what_could_not_be_read_are_told(contacts: Path) -> None:
    found = told(contacts)
    assert found["abbreviations"] == [{"written": "EST", "taken_for": "America/New_York", "people": 1}]
    assert [sentence[:25] for sentence in found["problems"]] == ["time zone 'America/New_Yr", "postal code '99999' is no"]


def test_what_people_read(contacts: Path) -> None:
    result = CliRunner().invoke(app, ["contacts", "zones", str(contacts)], catch_exceptions=False, env={"COLUMNS": "160"})
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0].endswith("list.csv: 8 people in 11 rows (2 merged, 1 rejected)")
    assert "12   postal code 94105 says America/Los_Angeles, phone +12125550101 America/New_York" in lines
    assert "9    postal code 57105 says America/Chicago, phone +16055550108 adds America/Denver" in lines
    assert "3 people's sources disagree, 2 without a time in common: all of their zones have to be inside the window" in lines
    assert "1 postal code had lost a leading zero, mended" in lines
    assert "1 person falls back on the campaign's zone (window.timezone.fallback)" in lines
    assert lines[-1] == (
        "under us@2026-11 8 people may be called in its strictest hours alone, mon-fri 10:00-18:00: "
        "all others have those of their places"
    )


def law(file: Path, *options: str) -> dict[str, Any]:
    found = told(file, *options)["law"]
    assert isinstance(found, dict)
    return found


def test_states_that_a_pack_does_not_cover_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    rows = ("305-555-0101,33130", "305-555-0102,75201", "214-555-0103,75201", "800-555-0104,", "203-555-0105,06510")
    file.write_text("\n".join(["phone,zip", *rows]))
    found = law(file)
    assert found["pack"] == "us@2026-11"
    assert {each["place"]: (each["people"], each["covered"]) for each in found["places"]} == {
        "US-FL": (2, True),
        "US-TX": (2, False),
        None: (1, False),
        "US-CT": (1, True),
    }
    assert (found["strictest"], found["strictest_hours"]["mon"]) == (3, ["10:00-18:00"])
    assert found["told_by"] == {"postal_code + phone": 4, "nothing": 1}
    shown = CliRunner().invoke(app, ["contacts", "zones", str(file)], catch_exceptions=False).stdout
    assert shown.index("without hours in us@2026-11") < shown.index("US-TX") < shown.index("not known")
    assert shown.index("with hours in us@2026-11") < shown.index("US-CT") < shown.index("without hours in us@2026-11")


def test_another_pack_is_asked_for_or_goes_with_the_country(contacts: Path, tmp_path: Path) -> None:
    assert law(contacts, "--rules", "uk")["strictest"] == 8
    file = tmp_path / "british.csv"
    file.write_text("phone\n020 7946 0123\n")
    assert law(file, "--country", "GB") == {
        "pack": "uk@2026-11",
        "told_by": {"phone": 1},
        "places": [{"place": "GB", "people": 1, "covered": True}],
        "strictest": 0,
        "strictest_hours": {day: ["08:00-21:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat")},
    }
    shown = CliRunner().invoke(app, ["contacts", "zones", str(file), "--country", "GB"], catch_exceptions=False).stdout
    assert shown.splitlines()[-1] == "under uk@2026-11 nobody may be called in its strictest hours alone"


def test_a_pack_that_is_not_there_is_told(contacts: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no rule pack 'usa': there are uk or us\. Did you mean us"):
        CliRunner().invoke(app, ["contacts", "zones", str(contacts), "--rules", "usa"], catch_exceptions=False)


def test_a_long_list_is_cut_unless_all_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    rows = [f"+1212555{100 + i:04},94103\n" for i in range(30)]
    file.write_text("phone,zip\n" + "".join(rows))
    assert len(told(file)["conflicting"]) == 10
    assert len(told(file, "--all")["conflicting"]) == told(file)["conflicts"] == 30
    shown = CliRunner().invoke(app, ["contacts", "zones", str(file)]).stdout
    assert "... and 20 more: --all lists them" in shown


def test_the_example() -> None:
    found = told(EXAMPLE)
    assert (found["people"], found["fallback"], found["apart"]) == (321, 0, 0)
    assert found["sources"] == {"timezone": 21, "postal_code": 300, "state": 0, "country": 0, "phone": 298}


def test_a_mapping_and_a_country_are_as_for_an_import(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("handy,plz\n0301 123456,10115\n030 123456,10115\n")
    found = told(file, "--map", "phone=handy,postal_code=plz", "--country", "DE")
    assert found["zones"] == [{"zones": ["Europe/Berlin"], "people": found["people"]}]


def test_a_list_of_nobody_fails(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("phone\n12345\n")
    result = CliRunner().invoke(app, ["contacts", "zones", str(file)])
    assert isinstance(result.exception, OutdialError)
    assert "none of its 1 rows can be used" in str(result.exception)
