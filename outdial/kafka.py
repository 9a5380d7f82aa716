"""Client settings for confluent-kafka, and the one sentence for when no broker answers."""

import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs do not mark what it re-exports
    AdminClient,
    ClusterMetadata,
)

from engine.errors import OutdialError

if TYPE_CHECKING:
    from outdial.settings import Settings

Config = dict[str, Any]

#: librdkafka writes each failed connect to stderr, several a second: its lines go to this logger instead, its errors to the caller.
_LOGGER = logging.getLogger("librdkafka")


def client_config(settings: "Settings") -> Config:
    """What every client has in common."""
    return {
        "bootstrap.servers": settings.bootstrap_servers(),
        "client.id": "outdial",
        "log_level": 3,
        "logger": _LOGGER,
        "error_cb": _note_error,
        # A broker on this machine is back within seconds: the default waits up to ten.
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
    }


def producer_config(settings: "Settings") -> Config:
    """Acknowledged by all, never repeated, partitioned as Java and Faust do (murmur2; keyless records at random)."""
    return client_config(settings) | {
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "linger.ms": 5,
        "compression.type": "lz4",
    }


def reader_config(settings: "Settings") -> Config:
    """A consumer outside any group, which assigns its partitions itself, from the beginning, and commits nothing."""
    return client_config(settings) | {
        # librdkafka demands a group id even from a consumer that never joins the group.
        "group.id": "outdial-reader",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "isolation.level": "read_uncommitted",
        # What is fetched ahead stays below 100 MB, whatever a topic holds: librdkafka's own choice takes three times that.
        "fetch.message.max.bytes": 262_144,
        "queued.max.messages.kbytes": 16_384,
        "queued.min.messages": 40_000,
    }


def producer(settings: "Settings") -> Producer:
    """A producer as `producer_config` says."""
    return Producer(producer_config(settings))


def reader(settings: "Settings") -> Consumer:
    """A consumer as `reader_config` says."""
    return Consumer(reader_config(settings))


def admin(settings: "Settings") -> AdminClient:
    """An admin client."""
    return AdminClient(client_config(settings))


def probe(settings: "Settings", timeout: float, client: Producer | None = None) -> ClusterMetadata | None:
    """The cluster, if a broker answers the protocol within `timeout` seconds. A bare connect proves nothing.

    client: who asks; None: a client for this alone.
    """
    try:
        return (client or admin(settings)).list_topics(timeout=timeout)
    except KafkaException:
        return None


def require_broker(settings: "Settings", timeout: float = 5.0, client: Producer | None = None) -> ClusterMetadata:
    """The cluster as a broker describes it, to `client` if there is one. Raises `OutdialError`, with the remedy, if none answers
    within `timeout` seconds."""
    cluster = probe(settings, timeout, client)
    if cluster is None:
        remedy = (
            "start it, or correct OUTDIAL_BOOTSTRAP"
            if settings.bootstrap
            else "start one with `outdial broker up`, or set OUTDIAL_BOOTSTRAP to one that is already there"
        )
        raise OutdialError(f"No Kafka broker answers at {settings.bootstrap_servers()}: {remedy}.")
    return cluster


def _note_error(error: object) -> None:
    _LOGGER.debug("%s", error)
