"""The programs in docs/how-to/ do what they say, on a real broker."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cli import topics
from cli.publish import Publisher
from cli.read import read_records
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.enrollment import ENROLLMENT, Enroll
from schemas.event import EventKind
from schemas.topics import CALL_OUTCOMES, CAMPAIGN_EVENTS, CONTACTS, ENROLLMENTS
from scripts.reference.examples import EVENTS, OUTCOME
from streams.partitions import partition_of
from tests.wait import until

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@contextmanager
def running(document: str, broker: Settings, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program of a how-to, on this broker; what it prints goes to `said`."""
    (program,) = PROGRAM.findall((HOW_TO / document).read_text())
    known = os.environ | {"OUTDIAL_BOOTSTRAP": broker.bootstrap_servers()}
    with said.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", program], env=known, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def applied(broker: Settings) -> Settings:
    topics.apply(broker)
    return broker


def test_a_crm_enters_people_by_topic(applied: Settings, tmp_path: Path) -> None:
    with running("enroll-from-a-crm.md", applied, tmp_path / "said") as program:
        assert program.wait(60) == 0, (tmp_path / "said").read_text()
    contact, enrolled = (next(r for r in read_records(applied, spec) if r.key == "crm-4711") for spec in (CONTACTS, ENROLLMENTS))
    assert Contact.model_validate_json(contact.value or b"").all_variables()["plan"] == "family"
    assert isinstance(ENROLLMENT.validate_json(enrolled.value or b""), Enroll)
    assert {contact.partition, enrolled.partition} == {partition_of("crm-4711", applied.partitions)}


def test_a_program_reads_each_outcome_once(applied: Settings, tmp_path: Path) -> None:
    who, said = "read-by-how-to", tmp_path / "said"
    told = [
        (CALL_OUTCOMES, msgspec.structs.replace(OUTCOME, contact_id=who, event_id="how-to-outcome")),
        (CAMPAIGN_EVENTS, msgspec.structs.replace(EVENTS[EventKind.EXITED], contact_id=who, event_id="how-to-exit")),
    ]
    with Publisher(applied, CALL_OUTCOMES, CAMPAIGN_EVENTS) as publisher:
        for spec, record in (*told, *told):  # as after a crash
            publisher.send(spec, who, record)
    last = msgspec.structs.replace(OUTCOME, contact_id=who, event_id="how-to-last", disposition="busy")
    with Publisher(applied, CALL_OUTCOMES) as publisher:
        publisher.send(CALL_OUTCOMES, who, last)

    def lines() -> list[str]:
        return sorted(line.strip() for line in said.read_text().splitlines() if line.startswith(who))

    with running("read-outcomes.md", applied, said):
        until(lambda: len(lines()) >= 3, timeout=60)
        assert lines() == [f"{who} call answered", f"{who} call busy", f"{who} left spring answered"]
