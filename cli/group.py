"""The workers' consumer group, seen from outside: how many members it has, and how far behind each topic they are."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # its stubs do not mark what it re-exports

from engine.errors import OutdialError
from outdial.kafka import admin, client_config, require_broker
from outdial.settings import Settings
from schemas.topics import (
    CALL_OUTCOMES,
    CONTACTS,
    CONTACTS_CDC,
    DIAL_COMMANDS,
    DIAL_RECEIPTS,
    ENROLLMENTS,
    LINE_EVENTS,
    LINE_SLOTS,
    OPT_OUTS,
    SUPPRESSIONS,
)

#: The group id of streams/transport.py, which is not imported here: it brings Faust, and half a second, with it. A test compares.
GROUP = "outdial"

#: What the stages read, in the order of the flow.
SOURCES = (
    CONTACTS_CDC,
    CONTACTS,
    ENROLLMENTS,
    OPT_OUTS,
    LINE_EVENTS,
    LINE_SLOTS,
    DIAL_COMMANDS,
    DIAL_RECEIPTS,
    SUPPRESSIONS,
    CALL_OUTCOMES,
)
TIMEOUT = 10.0
#: Real seconds in which a broker that is there answers.
ANSWERS = 5.0
#: What a broker says that has just come back and still reads its groups, or of a topic that has just been made; real seconds for
#: which that is waited for, and between.
STARTING = frozenset(
    (
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    )
)
PATIENCE, PAUSE = 15.0, 0.2
T = TypeVar("T")
EARLIEST, LATEST = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]  # confluent-kafka has no types here


@dataclass(frozen=True, slots=True)
class GroupState:
    """`lag`: topic -> records that no worker has finished with; -1 for a topic that nobody reads yet."""

    workers: int
    lag: dict[str, int]


def group_state(settings: Settings) -> GroupState:
    """Raises OutdialError if the broker does not tell."""
    # Its metadata are asked for first: admin questions to a broker that is away abort the process when they time out again and
    # again (librdkafka #4605, in 2.16 as well), and a board outlives its broker.
    known = require_broker(settings, ANSWERS).topics
    client = admin(settings)
    try:
        return patiently(lambda: _group_state(settings, client, known))
    except KafkaException as error:
        raise OutdialError(f"the broker does not tell how far the workers are: {error.args[0].str()}") from error


def committed(settings: Settings, topic: str) -> dict[int, int]:
    """Partition -> the record that the workers read next. Raises OutdialError if the broker does not tell."""
    known = require_broker(settings, ANSWERS).topics.get(topic)
    try:
        found = patiently(lambda: _committed(settings, [TopicPartition(topic, p) for p in (known.partitions if known else ())]))
        return {partition: offset for (_, partition), offset in found.items()}
    except KafkaException as error:
        raise OutdialError(f"the broker does not tell how far the workers are: {error.args[0].str()}") from error


def patiently(question: Callable[[], T]) -> T:
    """The answer, once the broker has one. Raises KafkaException."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return question()
        except KafkaException as error:
            if error.args[0].code() not in STARTING or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


def _group_state(settings: Settings, client: AdminClient, known: Mapping[str, Any]) -> GroupState:
    # The lag first, which a consumer asks for: an admin client that is the first to ask a new broker for a group waits until its
    # time is up (librdkafka 2.16), since the broker makes the topic of offsets only then. Without topics no worker runs.
    lag = _lag(settings, client, known)
    return GroupState(_members(client) if lag else 0, lag)


def _members(client: AdminClient) -> int:
    described = client.describe_consumer_groups([GROUP], request_timeout=TIMEOUT)[GROUP]
    try:
        return len(described.result().members or ())
    except KafkaException as error:
        if error.args[0].name() == "GROUP_ID_NOT_FOUND":
            return 0  # no worker has ever run
        raise


def _lag(settings: Settings, client: AdminClient, known: Mapping[str, Any]) -> dict[str, int]:
    names = [spec.name for spec in SOURCES if spec.name in known]
    places = [TopicPartition(name, p) for name in names for p in known[name].partitions]
    if not places:
        return {}
    done = _committed(settings, places)
    first, last = offsets(client, places, EARLIEST), offsets(client, places, LATEST)
    lag = dict.fromkeys(names, 0)
    for place in last:
        lag[place[0]] += max(0, last[place] - max(done.get(place, 0), first[place]))
    read = {topic for topic, _ in done}
    return {name: behind if name in read or not behind or not done else -1 for name, behind in lag.items()}


def _committed(settings: Settings, places: list[TopicPartition]) -> dict[tuple[str, int], int]:
    """Asked by a consumer that never joins: an admin client that asks a broker which has just come back for a group's offsets ends
    the process (SIGSEGV in rd_kafka_handle_OffsetFetch, librdkafka 2.16; seen under load, reported for other languages as well)."""
    consumer = Consumer(client_config(settings) | {"group.id": GROUP, "enable.auto.commit": False})
    try:
        return {(tp.topic, tp.partition): tp.offset for tp in consumer.committed(places, TIMEOUT) if tp.offset >= 0}
    finally:
        consumer.close()


def offsets(client: AdminClient, places: Iterable[TopicPartition], spec: Any) -> dict[tuple[str, int], int]:
    """The first or the end offset (`spec`: EARLIEST, LATEST) of all these partitions, in one question."""
    asked = client.list_offsets(dict.fromkeys(places, spec), request_timeout=TIMEOUT)
    return {(tp.topic, tp.partition): future.result().offset for tp, future in asked.items()}
