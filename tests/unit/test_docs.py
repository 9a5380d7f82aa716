"""Documents that are drawn from the code are what their script prints; links in documents lead somewhere."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import NOW, PROFILE
from test_flow import inputs, plans

from engine import flow
from engine.plan import Plan
from schemas.base import encode, wire_model
from schemas.event import CATALOGUE, Event, EventKind
from schemas.topics import TOPIC_OF
from scripts.reference.examples import EVENTS, RECORDS
from scripts.reference.pages import FOLDER, pages

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "scripts" / "check_asyncapi.py"
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#]*)(?:#([^)]*))?\)")
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "draw_flow.py"))
EDGES: set[tuple[str, str, str]] = SCRIPT["edges"]()


def test_the_flow_is_drawn_as_it_is() -> None:
    assert (ROOT / "docs" / "flow.md").read_text() == SCRIPT["draw"](), "run python scripts/draw_flow.py"


def test_every_handler_says_what_it_does() -> None:
    assert all(handler.__doc__ for handler in flow.TABLE.values())


@settings(deadline=None)
@given(plans, st.lists(inputs, max_size=40))
def test_the_drawing_misses_no_change(plan: Plan, steps: list[flow.Input]) -> None:
    row = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, plan, PROFILE).row
    assert ("", "Enroll", row.state) in EDGES
    for inp in steps:
        after = flow.transition(row, inp, NOW, plan, PROFILE).row
        assert after == row or (row.state, type(inp).__name__, after.state) in EDGES
        row = after


@settings(deadline=None)
@given(plans, st.lists(inputs, max_size=40))
def test_the_catalogue_misses_nothing_that_events_tell(plan: Plan, steps: list[flow.Input]) -> None:
    result = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, plan, PROFILE)
    for inp in steps:
        for told in (sent for sent in result.emit if isinstance(sent, Event)):
            assert told.data.keys() <= CATALOGUE[EventKind(told.kind)][1].keys()
        result = flow.transition(result.row, inp, NOW, plan, PROFILE)


@pytest.mark.parametrize("name", pages())
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], "run python -m scripts.reference"


def test_the_reference_has_no_page_that_nobody_writes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == pages().keys()


def test_every_record_has_an_example_that_its_model_takes() -> None:
    assert {type(record) for record in RECORDS} == TOPIC_OF.keys()
    assert EVENTS.keys() == set(EventKind) == CATALOGUE.keys()
    for record in RECORDS:
        model = type(record) if hasattr(record, "model_fields_set") else wire_model(type(record))
        assert not model.model_validate_json(encode(record)).model_extra


def test_links_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in DOCUMENTS
        for target, _ in LINK.findall(path.read_text())
        if target and "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def check(document: Path) -> tuple[str, str]:
    """What the AsyncAPI project's parser says: (stdout, stderr). Skips where it cannot be had."""
    done = subprocess.run([sys.executable, CHECK, document], capture_output=True, text=True, check=False, timeout=110)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == (1 if done.stderr else 0)
    return done.stdout, done.stderr


def test_the_asyncapi_document_is_sound() -> None:
    told, errors = check(FOLDER / "asyncapi.yaml")
    assert errors == ""
    assert json.loads(told)["channels"] == len({spec.name for spec in TOPIC_OF.values()}) + 1  # contacts-cdc has no model


def _unknown_action(document: dict[str, Any]) -> None:
    document["operations"]["send-campaign-events"]["action"] = "publish"


def _lost_message(document: dict[str, Any]) -> None:
    del document["components"]["messages"]["Event"]


def _no_type(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Event"]["properties"]["at"]["type"] = "instant"


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (_unknown_action, "operations.send-campaign-events.action"),
        (_lost_message, "components/messages/Event"),
        (_no_type, "components.schemas.Event.properties.at.type"),
    ],
)
def test_a_broken_asyncapi_document_is_told(breaks: Any, told: str, tmp_path: Path) -> None:
    document = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())
    breaks(document)
    broken = tmp_path / "broken.yaml"
    broken.write_text(yaml.safe_dump(document, sort_keys=False))
    assert told in check(broken)[1]


def test_without_node_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert runpy.run_path(str(CHECK))["main"]([]) == 3
    assert capsys.readouterr().err == "not checked: node and npm cannot be found; install Node 20 or later\n"
