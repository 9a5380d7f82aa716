"""A set of topics of its own on the real broker, and workers on it that can be killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from cli.topics import apply
from outdial.kafka import admin, producer, reader
from outdial.settings import Settings
from schemas.topics import DEAD_LETTERS
from tests.streams.lane_worker import Count, decode
from tests.wait import until

ROOT = Path(__file__).parent.parent.parent
PARTS = ("in", "out", "after", "table")


class Tail:
    """Reads a topic on from where it was the last time: a fresh consumer for each look would take a second."""

    def __init__(self, settings: Settings, topic: str, asking: Consumer) -> None:
        self._asking = asking  # another connection: on the reader's own a question waits behind a fetch that has nothing to bring
        self._reader: Consumer = reader(settings)
        self._places = [TopicPartition(topic, p, 0) for p in range(settings.partitions)]
        self._reader.assign(self._places)
        self._next = {tp.partition: 0 for tp in self._places}
        self._found: list[Message] = []

    def read(self) -> list[Message]:
        """Everything up to the present end."""
        ends = {tp.partition: self._asking.get_watermark_offsets(tp, timeout=10)[1] for tp in self._places}
        while any(self._next[p] < end for p, end in ends.items()):
            message = self._reader.poll(10)
            assert message is not None, (self._next, ends)
            if message.error() is not None:  # the end of a partition
                continue
            self._found.append(message)
            self._next[message.partition()] = message.offset() + 1
        return list(self._found)

    def close(self) -> None:
        self._reader.close()


class Lanes:
    """Topics `<prefix>-in`, `-out`, `-after`, `-table` (and dead-letters), and the workers of group `<prefix>`."""

    def __init__(self, settings: Settings, prefix: str, scratch: Path) -> None:
        self.settings, self.prefix, self.scratch = settings, prefix, scratch
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.admin: AdminClient = admin(settings)
        self.reader: Consumer = reader(settings)
        self.sender: Producer = producer(settings)
        self._tails: dict[str, Tail] = {}
        self._create()

    def _create(self) -> None:
        apply(self.settings, (DEAD_LETTERS,))
        for name in (f"{self.prefix}-{part}" for part in PARTS):
            config = {
                "message.timestamp.type": "LogAppendTime",
                "cleanup.policy": "compact" if name.endswith("table") else "delete",
            }
            self.admin.create_topics([NewTopic(name, self.settings.partitions, 1, config=config)])[name].result()

    def start(self, name: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Starts a worker (again); it need not be ready yet."""
        self.status_file(name).unlink(missing_ok=True)
        given = {"bootstrap": self.settings.bootstrap_servers(), "partitions": str(self.settings.partitions)}
        given |= {"prefix": self.prefix, "name": name, "status": str(self.status_file(name))}
        command = [sys.executable, "-m", "tests.streams.lane_worker", *(f"--{key}={value}" for key, value in given.items())]
        with (self.scratch / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | environment)
        self.workers[name] = process
        return process

    def ready(self, name: str, partitions: int | None = None) -> dict[str, Any]:
        """Waits until the worker has partitions (so many), and returns what it says."""

        def says() -> dict[str, Any] | None:
            assert self.workers[name].poll() is None, self.log(name)
            status = self.status(name)
            return status if status["active"] and partitions in (None, len(status["active"])) else None

        return until(says)

    def status_file(self, name: str) -> Path:
        return self.scratch / f"{name}.json"

    def status(self, name: str) -> dict[str, Any]:
        """What the worker last said of itself."""
        try:
            said: dict[str, Any] = json.loads(self.status_file(name).read_text())
        except FileNotFoundError:
            return {"active": []}
        return said

    def log(self, name: str) -> str:
        return (self.scratch / f"{name}.log").read_text()

    def send(self, records: Iterable[dict[str, Any] | bytes], key: str = "k") -> None:
        """Sends to `<prefix>-in`; bytes as they are."""
        for record in records:
            if isinstance(record, bytes):
                self.sender.produce(f"{self.prefix}-in", record, key)
            else:
                self.sender.produce(f"{self.prefix}-in", json.dumps(record), record["key"])
            self.sender.poll(0)
        assert self.sender.flush(20) == 0

    def read(self, part: str) -> list[Message]:
        """All records of a topic (`out`, or a full name) up to its present end, in order within a partition."""
        topic = f"{self.prefix}-{part}" if part in PARTS else part
        if topic not in self._tails:
            self._tails[topic] = Tail(self.settings, topic, self.reader)
        return self._tails[topic].read()

    def said(self, part: str) -> list[dict[str, Any]]:
        """The values of `out` or `after`."""
        return [json.loads(message.value()) for message in self.read(part)]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Those that came from `<prefix>-in`."""
        letters = [json.loads(message.value()) for message in self.read(DEAD_LETTERS.name)]
        return [letter for letter in letters if letter["topic"] == f"{self.prefix}-in"]

    def folded(self) -> dict[str, int]:
        """The table as its changelog tells it: the last record of each key, as compaction would keep it."""
        rows: dict[str, int] = {}
        for message in self.read("table"):
            key = message.key().decode()
            if message.value() is None:
                rows.pop(key, None)
            else:
                rows[key] = decode(message.value(), Count).n
        return rows

    def committed(self) -> int:
        """Sum of the group's committed offsets on `<prefix>-in`."""
        places = [TopicPartition(f"{self.prefix}-in", p) for p in range(self.settings.partitions)]
        futures = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(self.prefix, places)])
        return sum(max(0, tp.offset) for tp in futures[self.prefix].result().topic_partitions)

    def end(self, part: str = "in") -> int:
        """Sum of the end offsets of a topic."""
        places = [TopicPartition(f"{self.prefix}-{part}", p) for p in range(self.settings.partitions)]
        return sum(self.reader.get_watermark_offsets(tp, timeout=10)[1] for tp in places)

    def all_committed(self) -> None:
        """Waits until everything that was sent is handled."""
        until(lambda: self.committed() >= self.end())

    def close(self) -> None:
        for process in self.workers.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        for tail in (self.reader, *self._tails.values()):
            tail.close()


def lanes(settings: Settings, prefix: str, scratch: Path) -> Iterator[Lanes]:
    """For fixtures: the topics, and in the end no worker left."""
    made = Lanes(settings, prefix, scratch)
    try:
        yield made
    finally:
        made.close()
