"""The programs in docs/how-to/ do what they say, on a real broker."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from cli import topics
from cli.publish import Publisher
from cli.read import read_records
from engine.actions import body
from outdial.settings import Settings
from providers.outhooks import Answer, OutHooks
from schemas.contact import Contact
from schemas.enrollment import ENROLLMENT, Enroll
from schemas.event import EventKind
from schemas.topics import CALL_OUTCOMES, CAMPAIGN_EVENTS, CONTACTS, ENROLLMENTS
from scripts.reference.examples import ACTION, EVENTS, OUTCOME
from streams.partitions import partition_of
from tests.ports import free_pair
from tests.streams.servers import SECRET
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


def test_a_server_takes_webhooks_and_prints_each_once(tmp_path: Path, broker: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    port, said = free_pair(), tmp_path / "said"
    monkeypatch.setenv("CRM_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("PORT", str(port))
    url, bodies = f"http://127.0.0.1:{port}/outdial", [body(replace(ACTION, action_id=name)) for name in ("a1", "a2")]

    async def post(webhook_id: str, text: str, secret: str) -> Answer:
        hooks = OutHooks({"S": secret})
        try:
            return await hooks.post(url, "S", webhook_id, text)
        finally:
            await hooks.close()

    def taken(webhook_id: str, text: str, secret: str = SECRET) -> bool:
        return asyncio.run(post(webhook_id, text, secret)).why is None

    with running("receive-webhooks.md", broker, said):
        until(lambda: taken("a1", bodies[0]))
        assert [taken("a1", bodies[0]), taken("a2", bodies[1])] == [True, True]
        assert not taken("a3", bodies[1], "whsec_" + "A" * 32)
        assert said.read_text().count("ada answered") == 2


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
        until(lambda: len(lines()) >= 3)
        assert lines() == [f"{who} call answered", f"{who} call busy", f"{who} left spring answered"]
