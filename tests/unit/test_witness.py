import csv
import io
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.clocks import share_a_clock
from engine.postal import state_zones, zip_zones
from tests.acceptance import witness as w
from tests.acceptance.places import Where, read_addresses

AREA_CODES, ADDRESSES = w.read_area_codes(), read_addresses()
FILE = {
    "id": "spring",
    "window": {
        "weekly": {"mon-fri": ["09:00-12:00", "13:00-17:00"], "sat": ["22:00-02:00"]},
        "timezone": {"use": "contact", "fallback": "America/New_York"},
    },
}
CONTACTS = """id,phone,timezone,postal_code,state
ny,212-555-0101,,,
az,+16025550102,America/Phoenix,10007,NY
sd,(605) 555-0103,,,
est,303.555.0104,EST,,
toll,+18005550105,,,
moved,213-555-0106,,10007,NY
navajo,+18005550107,,86515,AZ
hopi,+18005550108,,86039,AZ
zero,+18005550109,,6510,
state,+18005550110,,,TN
both,+18005550111,,94103,NY
"""
NUMBERS = {
    "ny": "+12125550101",
    "az": "+16025550102",
    "sd": "+16055550103",
    "est": "+13035550104",
    "toll": "+18005550105",
    "moved": "+12135550106",
    "navajo": "+18005550107",
    "hopi": "+18005550108",
    "zero": "+18005550109",
    "state": "+18005550110",
    "both": "+18005550111",
}


def ms(text: str, zone: str = "America/New_York") -> int:
    """2026-11-26 is a Thursday."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def line(contact: str, at: int, dial_id: str = "", **more: Any) -> dict[str, Any]:
    return {
        "dial_id": dial_id or f"dial-{contact}",
        "channel": "call",
        "number": NUMBERS[contact],
        "received_campaign_ms": at,
        "received_real_us": at * 1_000 // 60,  # the clock runs x60
        **more,
    }


def problems(*log: dict[str, Any], file: dict[str, Any] = FILE, calls: list[dict[str, Any]] | None = None) -> list[str]:
    people = w.People(csv.DictReader(io.StringIO(CONTACTS)), AREA_CODES, ADDRESSES)
    owner = {number: contact for contact, number in NUMBERS.items()}
    known = [
        {"dial_id": one["dial_id"], "campaign": "spring", "contact_id": owner[one["number"]], "address": one["number"]}
        for one in log
    ]
    report = w.witness(log, known if calls is None else calls, people, dict([w.campaign(file)]))
    return [problem.kind for problem in report.problems]


@pytest.mark.parametrize(
    ("contact", "at", "fine"),
    [
        ("ny", ms("2026-11-26T09:00:00"), True),
        ("ny", ms("2026-11-26T08:59:59"), False),
        ("ny", ms("2026-11-26T11:59:29"), True),
        ("ny", ms("2026-11-26T11:59:31"), False),  # would ring past noon
        ("ny", ms("2026-11-26T12:30:00"), False),
        ("ny", ms("2026-11-29T10:00:00"), False),  # a Sunday
        ("ny", ms("2026-11-28T23:59:50"), True),  # rings across midnight, inside
        ("ny", ms("2026-11-29T01:59:00"), True),  # the night belongs to Saturday
        ("ny", ms("2026-11-29T02:00:00"), False),
        ("ny", ms("2026-11-28T01:00:00"), False),  # Friday's night is not Saturday's
        ("az", ms("2026-11-26T09:00:00", "America/Phoenix"), True),
        ("az", ms("2026-11-26T08:30:00", "America/Phoenix"), False),
        ("sd", ms("2026-11-26T09:30:00", "America/Chicago"), False),  # 08:30 in the west of the state
        ("sd", ms("2026-11-26T10:30:00", "America/Chicago"), True),
        ("sd", ms("2026-11-26T16:30:00", "America/Denver"), False),  # 17:30 in the east
        ("est", ms("2026-11-26T09:00:00"), True),  # EST is read as New York
        ("est", ms("2026-11-26T09:00:00", "America/Denver"), True),
        ("est", ms("2026-11-26T16:30:00", "America/Denver"), False),
        ("toll", ms("2026-11-26T09:00:00"), True),  # of no place: the fallback
        ("toll", ms("2026-11-26T08:00:00"), False),
        ("moved", ms("2026-11-26T10:00:00"), False),  # 07:00 where the number is from
        ("moved", ms("2026-11-26T15:00:00"), False),  # noon there
        ("moved", ms("2026-11-26T16:30:00"), True),
        ("navajo", ms("2026-07-14T09:30:00", "America/Denver"), True),  # the Nation has summer time
        ("navajo", ms("2026-07-14T16:30:00", "America/Phoenix"), False),
        ("hopi", ms("2026-07-14T09:30:00", "America/Denver"), True),  # in one of the two, the table does not know which
        ("hopi", ms("2026-07-14T08:30:00", "America/Denver"), False),
        ("zero", ms("2026-11-26T09:00:00"), True),  # 06510
        ("zero", ms("2026-11-26T08:30:00"), False),
        ("state", ms("2026-11-26T09:30:00"), False),  # 08:30 in Memphis
        ("state", ms("2026-11-26T10:30:00"), True),
        ("both", ms("2026-11-26T10:00:00"), False),  # the code is Californian
        ("both", ms("2026-11-26T16:30:00"), True),
    ],
)
def test_hours(contact: str, at: int, fine: bool) -> None:
    assert problems(line(contact, at)) == ([] if fine else ["outside"])


def test_the_clock_goes_back_and_hours_repeat() -> None:
    night = FILE | {"window": FILE["window"] | {"weekly": {"sun": ["01:00-02:00"]}}}  # type: ignore[operator]
    first = ms("2026-11-01T01:30:00")
    assert problems(line("ny", first), file=night) == []
    assert problems(line("ny", first + 3_600_000), file=night) == []
    assert problems(line("ny", first + 7_200_000), file=night) == ["outside"]


def test_the_ring_time_of_the_file_counts_and_only_for_calls() -> None:
    long = FILE | {"window": FILE["window"] | {"ring_timeout": "5m"}}  # type: ignore[operator]
    at = ms("2026-11-26T11:56:00")
    assert problems(line("ny", at)) == []
    assert problems(line("ny", at), file=long) == ["outside"]
    assert problems(line("ny", at, channel="sms"), file=long) == []


def test_a_fixed_zone_is_the_only_one() -> None:
    fixed = FILE | {"window": FILE["window"] | {"timezone": {"use": "fixed", "zone": "Europe/London"}}}  # type: ignore[operator]
    assert problems(line("ny", ms("2026-11-26T09:00:00", "Europe/London")), file=fixed) == []
    assert problems(line("ny", ms("2026-11-26T12:30:00")), file=fixed) == ["outside"]


def test_a_dial_id_twice() -> None:
    at = ms("2026-11-26T10:00:00")
    assert problems(line("ny", at), line("ny", at + 60_000)) == ["repeated"]


def test_nobody_after_an_opt_out() -> None:
    at = ms("2026-11-26T10:00:00")
    said = line("ny", at, "one", opt_out="all", ring_ms=5_000, talk_ms=20_000)
    assert problems(said, line("ny", at + 3_600_000, "two")) == ["opted_out"]
    assert problems(said, line("ny", at + 20_000, "two")) == []  # while they were talking
    assert problems(said, line("az", at + 3 * 3_600_000, "two")) == []


def test_a_request_that_nobody_accounts_for() -> None:
    at = ms("2026-11-26T10:00:00")
    assert problems(line("ny", at), calls=[]) == ["unknown"]
    other = {"dial_id": "dial-ny", "campaign": "spring", "contact_id": "ny", "address": NUMBERS["az"]}
    assert problems(line("ny", at), calls=[other]) == ["number"]


def test_a_rule_that_the_witness_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="holidays"):
        w.campaign(FILE | {"window": FILE["window"] | {"holidays": ["us-federal"]}})  # type: ignore[operator]


def test_area_codes_cover_the_states() -> None:
    with w.AREA_CODES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["state"] for row in rows} - {"DC", "PR", "VI", "GU", "MP", "AS"}) == 50
    assert len({row["area_code"] for row in rows}) == len(rows) > 350
    assert all(ZoneInfo(zone) for row in rows for zone in row["zones"].split())
    split = {row["state"] for row in rows if " " in row["zones"]}
    assert {"FL", "ID", "IN", "KS", "KY", "MI", "NE", "NV", "ND", "OR", "SD", "TN"} <= split


def test_the_table_of_postal_codes_and_the_product_agree() -> None:
    """Two sources, each with its own errors: what the witness is sure of the product must hold, of two zones at least one."""
    found = {code: ADDRESSES.by_code(code) for code in (f"{n:05}" for n in range(100_000)) if zip_zones(code)}
    assert len(found) > 40_000
    assert sum(bool(where.one_of) for where in found.values()) < 1_500
    assert [c for c, where in found.items() if where and not share_a_clock(zip_zones(c), where.surely or where.one_of)] == []
    assert sum(not where for where in found.values()) < 20  # islands of the Pacific, and codes of no place


@pytest.mark.parametrize("state", sorted({row["state"] for row in csv.DictReader(w.AREA_CODES.open(encoding="utf-8"))}))
def test_the_states_of_the_witness_are_those_of_the_product(state: str) -> None:
    for zone in ADDRESSES.where({"state": state}).surely:
        assert share_a_clock((zone,), state_zones(state))


def test_addresses_of_other_countries_are_nowhere() -> None:
    assert ADDRESSES.where({"postal_code": "10115", "country": "DE"}) == Where()


def test_nothing_of_the_product_is_imported() -> None:
    code = "import sys, tests.acceptance.witness; print([m for m in sys.modules if m.split('.')[0] in sys.argv[1].split()])"
    packages = "cli deploy engine outdial providers schemas streams phonenumbers pytz zipcodes"
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code, packages], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ms("2026-11-26T10:00:00")
    call = {"dial_id": "dial-ny", "campaign": "spring", "contact_id": "ny", "address": NUMBERS["ny"]}
    (tmp_path / "calls").write_text(json.dumps(call) + "\n")
    (tmp_path / "list.csv").write_text(CONTACTS)
    campaign = 'id: spring\nwindow:\n  weekly: {mon-fri: ["09:00-12:00"]}\n  timezone: {use: contact, fallback: Europe/London}\n'
    (tmp_path / "spring.yaml").write_text(campaign)
    names = [
        f"--{name}={tmp_path / file}"
        for name, file in {"calls": "calls", "contacts": "list.csv", "campaign": "spring.yaml"}.items()
    ]
    log = tmp_path / "log"
    log.write_text(json.dumps(line("ny", at)) + "\n" + '{"torn')
    assert w.main([f"--log={log}", *names]) == 0
    assert capsys.readouterr().out == "1 requests to 1 numbers, 0 opt-outs seen: no problems\n"
    log.write_text(json.dumps(line("ny", at + 3 * 3_600_000)) + "\n")
    assert w.main([f"--log={log}", "--json", *names]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["kind"] == "outside"
