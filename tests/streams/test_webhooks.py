"""The receiver of webhooks on a real broker: nothing is answered 2xx that Kafka does not have, and repeats do no harm."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from pydantic import SecretStr
from standardwebhooks import Webhook

from cli.topics import apply
from engine.errors import UsageError
from outdial import kafka
from outdial.clock import SystemClock
from outdial.settings import Settings
from providers.port import Request
from providers.signing import signer
from providers.simulator import SimulatorProvider
from schemas.base import decode
from schemas.ids import digest
from schemas.receipt import Receipt
from schemas.topics import DIAL_RECEIPTS
from tests.ports import free_pair
from tests.streams.servers import SECRET, Server, http, serving
from tests.wait import until

PATH = "/v1/webhooks/simulator"
Environment = Callable[[Settings], dict[str, str]]


@pytest.fixture(scope="module")
def topics(broker: Settings) -> Settings:
    apply(broker, (DIAL_RECEIPTS,))
    return broker


@pytest.fixture
def receiver(topics: Settings, environment: Environment) -> Iterator[Server]:
    yield from started(topics, environment)


def started(settings: Settings, environment: Environment) -> Iterator[Server]:
    port = free_pair()
    env = environment(settings) | {"OUTDIAL_WEBHOOK_SECRET": SECRET, "OUTDIAL_WEBHOOK_PORT": str(port)}
    with serving("webhooks", port, "/health", env) as server:
        yield server


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """A number of the test's own, on the topic that all tests share."""
    return f"+1212{int(digest(request.node.nodeid), 16) % 10**7:07}"


def event(address: str, **facts: Any) -> bytes:
    said = {"type": "call.ended", "dial_id": "d1", "to": address, "call_id": "c1", "disposition": "busy", "ended_at": 5}
    return json.dumps(said | facts).encode()


def post(server: Server, body: bytes, webhook_id: str = "w1", secret: str = SECRET, age: float = 0) -> int:
    """The status of a webhook that was signed `age` seconds ago."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    signed = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body.decode(errors="replace")),
    }
    return http(server.url + PATH, body, signed)[0]


def receipts(settings: Settings, address: str) -> list[Receipt]:
    """The receipts of an address that Kafka has right now, on the one partition that its key belongs to."""
    reader: Consumer = kafka.reader(settings)
    partitions = len(reader.list_topics(DIAL_RECEIPTS.name, timeout=10).topics[DIAL_RECEIPTS.name].partitions)
    ends = {p: reader.get_watermark_offsets(TopicPartition(DIAL_RECEIPTS.name, p), timeout=10)[1] for p in range(partitions)}
    reader.assign([TopicPartition(DIAL_RECEIPTS.name, p, 0) for p in range(partitions)])
    found = []
    for _ in range(sum(ends.values())):
        message = until(lambda: next((m for m in [reader.poll(1)] if m is not None and not m.error()), None))
        assert message is not None
        if message.key() == address.encode():
            found.append(decode(message.value() or b"", Receipt))
    reader.close()
    return found


def test_what_is_answered_204_is_on_the_topic(receiver: Server, topics: Settings, address: str) -> None:
    assert post(receiver, event(address, opt_out="all", talk_ms=7)) == 204
    (found,) = receipts(topics, address)
    assert (found.dial_id, found.address, found.kind, found.disposition) == ("d1", address, "ended", "busy")
    assert (found.provider_call_id, found.ended_at, found.talk_ms, found.opt_out) == ("c1", 5, 7, "all")
    assert (found.cause, found.source) == ("d1", "webhook")


def test_a_repeat_has_the_same_event_id_and_another_webhook_has_not(receiver: Server, topics: Settings, address: str) -> None:
    assert [post(receiver, event(address), webhook_id) for webhook_id in ("w1", "w1", "w2")] == [204, 204, 204]
    first, second, third = (receipt.event_id for receipt in receipts(topics, address))
    assert first == second != third


def test_what_nobody_has_heard_of_passes_as_data(receiver: Server, topics: Settings, address: str) -> None:
    assert post(receiver, event(address, disposition="line_of_sight", mood="good")) == 204
    assert post(receiver, event(address, type="call.pondered"), "w2") == 204
    ended, pondered = receipts(topics, address)
    assert (ended.kind, ended.disposition) == ("ended", "line_of_sight")
    assert (pondered.kind, pondered.raw["call_id"]) == ("call.pondered", "c1")


def test_only_who_has_the_secret_is_heard(receiver: Server, topics: Settings, address: str) -> None:
    other = "whsec_" + "A" * 32
    url, body = receiver.url + PATH, event(address)
    good = {"webhook-id": "w1", "webhook-timestamp": str(int(datetime.now(UTC).timestamp()))}
    assert post(receiver, body, secret=other) == 401
    assert post(receiver, body, age=301) == 401
    assert post(receiver, body, age=-301) == 401
    assert http(url, body)[0] == 401
    for signature in ("", "v1", "v1,", "v1,?", "v1,a", "v2,abcd", "v1,ä"):
        headers = good | {"webhook-signature": signature.encode().decode("latin-1")}
        assert http(url, body, headers)[0] == 401, signature
    assert http(url, b"\xff", good | {"webhook-signature": "v1,abcd"})[0] == 401
    assert receipts(topics, address) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'{"type": "call.ended", "dial_id": "", "to": "+1"}',
        b'{"type": "call.ended", "dial_id": "d", "to": 1}',
        b'{"type": "call.ended", "dial_id": "d", "to": "+1", "ended_at": -1}',
        b'{"type": "call.ended", "dial_id": "d", "to": "+1", "talk_ms": 1e400}',
        b'{"type": "call.ended", "dial_id": "d", "to": "\\ud800"}',
        b'{"type": ' + b"[" * 60_000,
    ],
)
def test_garbage_is_refused(receiver_for_all: Server, body: bytes) -> None:
    assert post(receiver_for_all, body) == 400
    assert receiver_for_all.health("/health") == {"status": "ok"}


@pytest.fixture(scope="module")
def receiver_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without a broker: what is refused never gets that far."""
    port = free_pair()
    env = {
        "OUTDIAL_HOME": str(tmp_path_factory.mktemp("receiver")),
        "OUTDIAL_BROKER_PORT": str(free_pair()),
        "OUTDIAL_WEBHOOK_SECRET": SECRET,
        "OUTDIAL_WEBHOOK_PORT": str(port),
    }
    with serving("webhooks", port, "/health", env) as server:
        yield server


def test_a_body_that_is_too_long_is_refused(receiver_for_all: Server) -> None:
    assert post(receiver_for_all, event("+12125550101", disposition="x" * 66_000)) == 413


def test_without_a_broker_the_provider_is_asked_to_come_again(receiver_for_all: Server) -> None:
    assert post(receiver_for_all, event("+12125550101")) == 503


@pytest.mark.parametrize(
    ("secret", "says"), [(None, "not set"), ("  ", "not set"), ("whsec_", "no base64"), ("whsec_a", "no base64")]
)
def test_a_secret_that_cannot_be_used_is_one_sentence(secret: str | None, says: str) -> None:
    with pytest.raises(UsageError, match=f"OUTDIAL_WEBHOOK_SECRET is {says}.*openssl rand"):
        signer(Settings(webhook_secret=SecretStr(secret) if secret is not None else None))


def test_from_the_request_to_the_topic(receiver: Server, topics: Settings, environment: Environment, address: str) -> None:
    """Simulator and receiver together: a call's end arrives on dial-receipts."""
    port = free_pair()
    clock = f"2026-11-24T15:00:00Z@{datetime.now(UTC).isoformat()} x6000"
    env = environment(topics) | {"OUTDIAL_WEBHOOK_SECRET": SECRET, "OUTDIAL_CLOCK": clock}
    words = ("--port", str(port), "--webhooks", receiver.url + PATH, "--mix", "answered")

    async def dial(url: str) -> Receipt:
        provider = SimulatorProvider(url, SystemClock())
        try:
            return await provider.request(Request(dial_id="d1", channel="call", address=address, agent="a"))
        finally:
            await provider.close()

    with serving("simulator", port, "/v1/health", env, *words) as simulator:
        accepted = asyncio.run(dial(simulator.url))
        (ended,) = until(lambda: receipts(topics, address))
    assert (ended.kind, ended.disposition, ended.provider_call_id) == ("ended", "answered", accepted.provider_call_id)


@pytest.mark.parametrize("command", ["webhooks", "simulator"])
def test_without_a_secret_neither_starts(settings: Settings, environment: Environment, command: str) -> None:
    words = [sys.executable, "-m", "cli.main", command]
    done = subprocess.run(words, env=environment(settings), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: OUTDIAL_WEBHOOK_SECRET is not set")
    assert done.stderr.count("\n") == 1
