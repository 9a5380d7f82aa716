"""The embedded broker: started, killed, recovered, stopped; and what it says when it cannot."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from cli.group import SOURCES, GroupState, group_state
from cli.topics import apply
from deploy import process
from deploy.broker import Broker, BrokerStatus
from deploy.jars import ensure_jars
from engine.errors import OutdialError
from outdial import kafka
from outdial.settings import Settings
from tests.brokers import empty
from tests.conftest import CACHE
from tests.wait import until

OUTDIAL = (sys.executable, "-m", "cli.main")
Environment = Callable[[Settings], dict[str, str]]


@pytest.fixture
def started(settings: Settings) -> Iterator[Broker]:
    broker = Broker(settings)
    broker.up()
    yield broker
    broker.down()


def pid_of(status: BrokerStatus) -> int:
    assert status.pid is not None
    return status.pid


def produce(settings: Settings, values: list[bytes]) -> None:
    producer = kafka.producer(settings)
    for value in values:
        producer.produce("contacts", value, key=b"c-1", partition=0)
    assert producer.flush(20) == 0


def consume(settings: Settings, count: int) -> list[bytes | None]:
    reader = kafka.reader(settings)
    reader.assign([TopicPartition("contacts", 0, 0)])
    values: list[bytes | None] = []

    def enough() -> bool:
        values.extend(message.value() for message in reader.consume(count, 1.0) if message.error() is None)
        return len(values) >= count

    until(enough)
    reader.close()
    return values


#: Six clients at once, each of which is the first to ask for its group.
ASK = """
from concurrent.futures import ThreadPoolExecutor
from cli.group import committed
from outdial.settings import Settings

with ThreadPoolExecutor(6) as pool:
    print(list(pool.map(lambda _: committed(Settings(), "enrollments"), range(6))))
"""


@pytest.mark.usefixtures("started")
def test_one_that_has_just_started_is_asked_how_far_the_workers_are(settings: Settings, environment: Environment) -> None:
    """It has no coordinator of the group yet: by an admin client, every third question ended the process then."""
    apply(settings)
    command = [sys.executable, "-c", ASK]
    asked = subprocess.run(command, env=environment(settings), capture_output=True, text=True)
    assert (asked.returncode, asked.stdout.strip()) == (0, str([{}] * 6)), asked.stderr


def test_it_survives_a_sigkill_with_topics_and_data(settings: Settings, started: Broker) -> None:
    first = started.status()
    assert (first.state, first.port, first.version) == ("running", settings.broker_port, "4.1.0")
    assert started.up().pid == first.pid
    apply(settings)
    values = [f"value {n}".encode() for n in range(100)]
    produce(settings, values)

    os.kill(pid_of(first), signal.SIGKILL)
    until(lambda: started.status().state == "stopped")
    second = started.up()

    assert second.state == "running"
    assert second.pid != first.pid
    assert consume(settings, 100) == values
    assert {row.action for row in apply(settings)} == {"unchanged"}


def test_one_that_no_worker_has_come_to_says_so_and_down_stops_it_cleanly(settings: Settings, started: Broker) -> None:
    """An admin client that is the first to ask a new broker for a group never hears from it; of topics that have just been made a
    broker may say that it does not lead them."""
    for _ in range(3):
        apply(settings)
        assert group_state(settings) == GroupState(0, {spec.name: 0 for spec in SOURCES})
        empty(settings)
    assert group_state(settings) == GroupState(0, {})
    pid = pid_of(started.status())
    assert started.down().state == "stopped"
    assert process.identity(pid) is None
    assert (settings.home / "broker" / "data" / ".kafka_cleanshutdown").exists()
    assert started.down().state == "stopped"


@pytest.mark.parametrize("offset", [0, 1])
def test_a_used_port_is_named_with_its_remedy(settings: Settings, offset: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.broker_port + offset))
        other.listen()
        with pytest.raises(OutdialError, match=rf"Port {settings.broker_port + offset} .* set OUTDIAL_BROKER_PORT"):
            Broker(settings).up()
    assert [path.name for path in (settings.home / "broker").iterdir()] == ["lock"]


def test_a_tampered_jar_is_refused(settings: Settings, tmp_path: Path) -> None:
    ensure_jars(CACHE)
    cache = tmp_path / "cache"
    shutil.copytree(CACHE / "m2", cache / "m2", copy_function=os.link)
    jar = next(cache.rglob("kafka-clients-*.jar"))
    genuine = jar.read_bytes()
    jar.unlink()
    jar.write_bytes(genuine + b"\0")
    tampered = settings.model_copy(update={"cache": cache, "home": tmp_path / "other"})
    with pytest.raises(OutdialError, match=rf"{jar.name} is not the jar .* delete that file"):
        Broker(tampered).up()
    assert Broker(tampered).status().state == "stopped"
    assert not (tmp_path / "other" / "broker" / "data").exists()


def test_another_broker_is_used_as_it_is(broker: Settings, settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"bootstrap": broker.bootstrap_servers()})
    assert Broker(elsewhere).up() == BrokerStatus("external", broker.bootstrap_servers())
    assert Broker(elsewhere).down().state == "external"
    assert not settings.home.exists()
    assert Broker(broker).status().state == "running"


def test_another_broker_that_does_not_answer_is_an_error(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"bootstrap": settings.bootstrap_servers()})
    with pytest.raises(OutdialError, match=r"No Kafka broker answers at .* correct OUTDIAL_BOOTSTRAP"):
        Broker(nowhere).up()


def test_a_second_port_for_a_running_broker_is_refused(broker: Settings, settings: Settings) -> None:
    with pytest.raises(OutdialError, match=r"runs on port .*`outdial broker down`"):
        Broker(broker.model_copy(update={"broker_port": settings.broker_port})).up()
    assert Broker(broker).status().state == "running"


def test_a_recycled_pid_is_left_alone(settings: Settings) -> None:
    pid_file = settings.home / "broker" / "broker.pid"
    pid_file.parent.mkdir(parents=True)
    # This very process has the pid, but was started at another time: were it signalled, the test run would end here.
    process.write(pid_file, process.Process(os.getpid(), "another boot 1", settings.broker_port))
    assert Broker(settings).status().state == "stopped"
    assert Broker(settings).down().state == "stopped"
    assert not pid_file.exists()


def test_without_a_network_one_sentence_says_so(settings: Settings, environment: Environment, tmp_path: Path) -> None:
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    offline = environment(settings.model_copy(update={"cache": tmp_path / "empty"})) | proxies
    done = subprocess.run([*OUTDIAL, "broker", "up"], env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: Apache Kafka could not be fetched from Maven Central")
    assert "OUTDIAL_BOOTSTRAP" in last
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["m2"]
    assert not (settings.home / "broker" / "data").exists()


def test_the_commands(broker: Settings, settings: Settings, environment: Environment) -> None:
    def run(chosen: Settings, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*OUTDIAL, *words], env=environment(chosen), capture_output=True, text=True, check=False)

    shown = run(broker, "broker", "status", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["state"] == "running"
    assert "running" in run(broker, "broker", "up").stdout
    assert "stopped" in run(settings, "broker", "status").stdout
    refused = run(settings, "topics", "apply")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "outdial broker up" in refused.stderr
    assert run(settings, "broker", "sideways").returncode == 2
