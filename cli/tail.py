"""Reads a topic from an instant on, and, if asked to, for as long as somebody looks on. cli/read.py folds whole topics instead."""

from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from cli.read import Raw
from engine.errors import OutdialError
from outdial.kafka import reader, require_broker
from outdial.settings import Settings
from schemas.topics import TopicSpec

BATCH = 1_000
POLL_S = 0.2
TIMEOUT = 10.0


def tail(settings: Settings, spec: TopicSpec, since: int | None = None, follow: bool = False) -> Iterator[Raw]:
    """Records appended from `since` on (real ms, the broker's; None: all) up to the end as it is met, or without end.

    Raises OutdialError if the broker or the topic is missing.
    """
    known = require_broker(settings).topics
    if spec.name not in known:
        raise OutdialError(f"topic `{spec.name}` does not exist on this broker: run `outdial topics apply`")
    consumer = reader(settings)
    try:
        places = [TopicPartition(spec.name, p, OFFSET_BEGINNING if since is None else since) for p in known[spec.name].partitions]
        consumer.assign(places if since is None else consumer.offsets_for_times(places, timeout=TIMEOUT))
        yield from _records(consumer, {p.partition for p in places}, follow)
    except KafkaException as error:
        raise OutdialError(f"topic `{spec.name}` cannot be read: {error.args[0].str()}; see `outdial broker status`") from error
    finally:
        consumer.close()


def _records(consumer: Consumer, unread: set[int], follow: bool) -> Iterator[Raw]:
    while unread or follow:
        for message in consumer.consume(BATCH, POLL_S):
            error = message.error()
            if error is None:
                yield _raw(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition() or 0)
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)


def _raw(message: Message) -> Raw:
    key, value = message.key(), message.value()
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    body = value.encode() if isinstance(value, str) else value
    place = (str(message.topic()), message.partition() or 0, message.offset() or 0)
    return Raw(*place, name, body, message.timestamp()[1])
