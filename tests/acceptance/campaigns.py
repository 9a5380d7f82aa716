"""The three example campaigns, run to their end over a list of people: what the test asserts, and bench/accept.py prints."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.status import read_summary
from cli.summary import Summary
from engine.retries import effect
from tests.acceptance.places import read_addresses
from tests.acceptance.witness import People, Report, read_area_codes, read_campaign, read_lines, witness
from tests.acceptance.world import Done, World

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
CAMPAIGNS = ("simple-call", "multi-step", "call-and-message")

#: Campaign seconds in a real one: a day in twenty seconds.
RATE = 4_320
#: Real seconds until the clock shows Monday, 11:00 UTC: the workers are there by then.
AHEAD = 10.0

EXAMPLE_LINE, LINE = "calls_per_second: 50, concurrency: 60", "calls_per_second: 200, concurrency: 240"

#: A request: (dial_id, number, channel).
Request = tuple[str, str, str]


@dataclass(frozen=True)
class Outcome:
    """All that a run has to show."""

    imported: Mapping[str, Any]
    summary: Summary
    log: tuple[Request, ...]
    calls: tuple[Request, ...]
    report: Report
    verified: Done


def run(world: World, contacts: Path, mapping: Mapping[str, str]) -> Outcome:
    """Two workers call everybody of a list through the three campaigns, until all have left."""
    world.up("one", "two", ahead=AHEAD)
    world.run("resources", "apply", str(_resources(world)))
    world.run("campaign", "apply", *(str(EXAMPLES / f"{name}.yaml") for name in CAMPAIGNS))
    world.everyone_is_here(2)
    into = [option for name in CAMPAIGNS for option in ("--campaign", name)]
    mapped = [option for field, column in mapping.items() for option in ("--map", f"{field}={column}")]
    imported = json.loads(world.run("contacts", "import", str(contacts), *into, *mapped, "--json"))
    for name in CAMPAIGNS:
        world.run("campaign", "start", name)
    world.everyone_exited(imported["accepted"] * len(CAMPAIGNS), every=1.0)
    calls = world.calls()
    return Outcome(
        imported=imported,
        summary=read_summary(world.settings),
        log=tuple((line["dial_id"], line["number"], line["channel"]) for line in world.requests()),
        calls=tuple((c["dial_id"], c["address"], c["channel"]) for c in calls if effect(c["disposition"]).rang),
        report=_witness(world, calls, people(contacts, imported["columns"])),
        verified=world.verify(),
    )


def _resources(world: World) -> Path:
    """The example's, on a faster line: windows are open for eight real seconds a day, and 50 calls a second would take a week."""
    file = world.settings.home / "resources.yaml"
    text = (EXAMPLES / "resources.yaml").read_text(encoding="utf-8")
    assert EXAMPLE_LINE in text
    file.write_text(text.replace(EXAMPLE_LINE, LINE), encoding="utf-8")
    return file


def people(contacts: Path, columns: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of a list, with the columns that the importer has read under the names of their fields too."""
    named = {field: column for field, column in columns.items() if isinstance(column, str)}
    with contacts.open(encoding="utf-8-sig", newline="") as file:
        return [row | {field: row[column] for field, column in named.items()} for row in csv.DictReader(file)]


def _witness(world: World, calls: list[dict[str, Any]], rows: list[dict[str, str]]) -> Report:
    hours = dict(read_campaign(EXAMPLES / f"{name}.yaml") for name in CAMPAIGNS)
    return witness(read_lines(world.simulator_log), calls, People(rows, read_area_codes(), read_addresses()), hours)
