"""Imports that are interrupted: the process killed, the broker gone. The same command goes on, and everybody is in once."""

import csv
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import import_run, publish, topics
from cli.import_command import _Publishing
from cli.main import app
from cli.read import read_records
from deploy.broker import Broker
from engine.errors import OutdialError, RecordError
from engine.phone import parse_phone
from outdial.settings import Settings
from schemas.enrollment import ENROLLMENT
from schemas.topics import ENROLLMENTS
from tests.wait import until

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def is_known(area: str) -> bool:
    """Whether the library knows an area code; the newest it does not."""
    try:
        return bool(parse_phone(f"+1{area}5550100"))
    except RecordError:
        return False


with (Path(__file__).parent.parent / "acceptance" / "area_codes.csv").open() as _file:
    AREAS = [row["area_code"] for row in csv.DictReader(_file) if is_known(row["area_code"])]
#: Every number that is reserved for fiction in these areas.
PEOPLE = 100 * len(AREAS)


@pytest.fixture
def own(
    settings: Settings, environment: Callable[[Settings], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A broker of the test's own, which it may stop, with the example campaigns."""
    Broker(settings).up()
    topics.apply(settings)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    for command in (("resources", "apply", "resources.yaml"), ("campaign", "apply", "simple-call.yaml")):
        assert CliRunner().invoke(app, [*command[:2], str(EXAMPLES / command[2])]).exit_code == 0
    yield settings
    Broker(settings).down()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A list that takes a few seconds."""
    file = tmp_path / "people.csv"
    rows = (f"k-{area}{i:02},({area}) 555-01{i:02},Ada\n" for i in range(100) for area in AREAS)
    file.write_text("id,phone,first_name\n" + "".join(rows))
    return file


def entered(settings: Settings) -> Counter[str]:
    """Contact id -> different records that enrolled the person."""
    found = {
        (r.contact_id, r.event_id)
        for raw in read_records(settings, ENROLLMENTS)
        if (r := ENROLLMENT.validate_json(raw.value or b""))
    }
    return Counter(contact for contact, _ in found)


def test_a_killed_import_goes_on(own: Settings, people: Path, environment: Callable[[Settings], dict[str, str]]) -> None:
    command = [sys.executable, "-m", "cli.main", "contacts", "import", str(people), "--campaign", "simple-call", "--json"]
    with subprocess.Popen(command, env=environment(own), stdout=subprocess.DEVNULL) as running:
        until(lambda: any(read_records(own, ENROLLMENTS)) or running.poll() is not None)
        os.kill(running.pid, signal.SIGKILL)
    assert 0 < len(entered(own)) < PEOPLE
    done = subprocess.run(command, env=environment(own), capture_output=True, text=True, check=True)
    assert f'"rows": {PEOPLE}' in done.stdout
    people_in = entered(own)
    assert len(people_in) == PEOPLE
    assert set(people_in.values()) == {1}


def test_a_broker_that_is_lost_and_comes_back(own: Settings, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "TIMEOUT_MS", 2_000)
    monkeypatch.setattr(import_run, "BATCH", 1_000)
    flushes = Counter[str]()

    def flush(sink: _Publishing) -> None:
        flushes["all"] += 1
        if flushes["all"] == 3:
            Broker(own).down()
        sink._publisher.flush()

    command = ["contacts", "import", str(people), "--campaign", "simple-call"]
    with monkeypatch.context() as patch:
        patch.setattr(_Publishing, "flush", flush)
        lost = CliRunner().invoke(app, command)
    assert isinstance(lost.exception, OutdialError)
    assert "run the same command again" in str(lost.exception)
    assert "stands at row" in str(lost.exception)
    assert "goes on from there" in str(lost.exception)
    Broker(own).up()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0, again.output
    assert "was interrupted: it goes on behind row" in again.stdout
    people_in = entered(own)
    assert len(people_in) == PEOPLE
    assert set(people_in.values()) == {1}
