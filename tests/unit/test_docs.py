"""Documents that are drawn from the code are what their script prints; links in documents lead somewhere."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
from schemas.topics import TOPIC_OF, TOPICS
from scripts.reference.examples import EVENTS, RECORDS
from scripts.reference.pages import FOLDER, pages

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "scripts" / "check_asyncapi.py"
PAGES = pages()
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


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name], "run python -m scripts.reference"


def test_the_reference_has_no_page_that_nobody_writes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == PAGES.keys()


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


def _unknown_action(document: dict[str, Any]) -> None:
    document["operations"]["send-campaign-events"]["action"] = "publish"


def _lost_message(document: dict[str, Any]) -> None:
    del document["components"]["messages"]["Event"]


def _no_type(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Event"]["properties"]["at"]["type"] = "instant"


#: What breaks a document -> the place that its error names.
BROKEN = {
    _unknown_action: "operations.send-campaign-events.action",
    _lost_message: "components/messages/Event",
    _no_type: "components.schemas.Event.properties.at.type",
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What the AsyncAPI project's parser says of the document and of three broken ones; where it cannot be had, that it cannot."""
    place, files = tmp_path_factory.mktemp("asyncapi"), [FOLDER / "asyncapi.yaml"]
    for breaks in BROKEN:
        document = yaml.safe_load(files[0].read_text())
        breaks(document)
        files.append(place / f"{breaks.__name__}.yaml")
        files[-1].write_text(yaml.safe_dump(document, sort_keys=False))
    done = subprocess.run([sys.executable, CHECK, *files], capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 1 or (done.returncode == 3 and done.stderr.startswith("not checked: ")), done.stderr
    return done


def references(node: Any) -> Iterator[str]:
    """All that a document refers to."""
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())
    found = set(references(document))
    assert len(found) > len(TOPIC_OF)
    for reference in found:
        node = document
        for name in reference.removeprefix("#/").split("/"):
            node = node[name.replace("~1", "/").replace("~0", "~")]


def test_the_asyncapi_document_is_sound(checked: subprocess.CompletedProcess[str]) -> None:
    if checked.returncode == 3:  # no Node here: the test above has to do
        return
    (told,) = [json.loads(line) for line in checked.stdout.splitlines()]
    assert (Path(told["file"]), told["channels"], told["messages"]) == (FOLDER / "asyncapi.yaml", len(TOPICS), len(TOPIC_OF))


@pytest.mark.parametrize("breaks", BROKEN)
def test_a_broken_asyncapi_document_is_told(checked: subprocess.CompletedProcess[str], breaks: Any) -> None:
    if checked.returncode == 3:
        return
    told = [line for line in checked.stderr.splitlines() if f"{breaks.__name__}.yaml:" in line]
    assert any(BROKEN[breaks] in line for line in told), checked.stderr


def test_without_node_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert runpy.run_path(str(CHECK))["main"]([]) == 3
    assert capsys.readouterr().err == "not checked: node and npm cannot be found; install Node 20 or later\n"
