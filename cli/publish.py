"""Sends records and believes only acknowledgements: what every command that writes to a topic goes through."""

import logging
from types import TracebackType
from typing import Self

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from pydantic import BaseModel

from engine.errors import OutdialError
from outdial.kafka import producer_config, require_broker
from outdial.settings import Settings
from schemas.base import Record, encode
from schemas.topics import TopicSpec

#: A broker that is away for longer than this ends the command; the records it has not acknowledged are counted as not written.
TIMEOUT_MS = 30_000
POLL_S = 1.0

# Without a handler Python prints librdkafka's lines to stderr, several a second while a broker is away; the error is told once.
logging.getLogger("librdkafka").addHandler(logging.NullHandler())


class Publisher:
    """Publishes to `specs`; as a context manager it ends with `flush`. Raises OutdialError before the first record if the broker
    or a topic is missing, and on `flush` if any record was not acknowledged."""

    def __init__(self, settings: Settings, *specs: TopicSpec) -> None:
        self._producer = Producer(producer_config(settings) | {"message.timeout.ms": TIMEOUT_MS})
        # Asked by the producer itself: if the first thing it has to do is to send, it waits half a second for its producer id.
        topics = require_broker(settings, client=self._producer).topics
        for spec in specs:
            if spec.name not in topics:
                raise OutdialError(f"topic `{spec.name}` does not exist on this broker: run `outdial topics apply`")
        self.acknowledged = 0
        self._error: KafkaError | None = None

    def send(self, spec: TopicSpec, key: str, record: Record | msgspec.Struct | BaseModel | None) -> None:
        """Hands one record (None: a tombstone) to the producer. Stops with OutdialError as soon as one has failed."""
        self.send_bytes(spec, key.encode(), None if record is None else encode(record))

    def send_bytes(self, spec: TopicSpec, key: bytes | None, value: bytes | None) -> None:
        """As send, of a record that is bytes already."""
        while True:
            try:
                self._producer.produce(spec.name, key=key, value=value, on_delivery=self._note)
                break
            except BufferError:  # its queue is full: let acknowledgements come in
                self._producer.poll(0.1)
            except KafkaException as error:
                raise OutdialError(f"`{spec.name}` refused a record for {key!r}: {error.args[0].str()}") from error
        self._producer.poll(0)
        if self._error is not None:
            self.flush()

    def flush(self) -> None:
        """Waits until every record sent so far is acknowledged. Raises OutdialError, with counts, if one was not."""
        while self._error is None and self._producer.flush(POLL_S):
            pass
        if self._error is not None:
            self._producer.purge()  # the rest would each wait for its own time-out
            self._producer.flush(POLL_S)
            raise OutdialError(
                f"the broker acknowledged {self.acknowledged} records and then failed ({self._error.str()}): "
                f"check `outdial broker status` and run the same command again, what is written already does no harm"
            )

    def _note(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self._error = self._error or error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()
