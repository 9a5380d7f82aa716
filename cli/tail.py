"""Reads topics from an instant on, and, if asked to, for as long as somebody looks on. cli/read.py folds one topic to its end.

A `Follower` reads several topics at once: first what lies there, then what comes. It joins no group and commits nothing. A broker
that goes away is waited for: what was read is known, and the client takes up where it was.
"""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, KafkaException, Message, TopicPartition

from cli.group import EARLIEST, LATEST, offsets
from cli.read import Raw
from engine.errors import OutdialError
from outdial.kafka import admin, reader, require_broker
from outdial.settings import Settings
from schemas.topics import TopicSpec

BATCH = 1_000
POLL_S = 0.2
TIMEOUT = 10.0

#: (topic, partition) -> offset.
Places = dict[tuple[str, int], int]


class Follower:
    """Topics, each from an instant on (real ms, the broker's; None: from its first record), or from `places` where those say more.

    Raises OutdialError if the broker or a topic is missing.
    """

    def __init__(self, settings: Settings, specs: Mapping[TopicSpec, int | None], places: Places | None = None) -> None:
        known = require_broker(settings).topics
        for spec in specs:
            if spec.name not in known:
                raise OutdialError(f"topic `{spec.name}` does not exist on this broker: run `outdial topics apply`")
        self._settings, self._consumer = settings, reader(settings)
        whole, since = (
            [TopicPartition(s.name, p, OFFSET_BEGINNING if at is None else at) for s, at in asked for p in known[s.name].partitions]
            for asked in ([i for i in specs.items() if i[1] is None], [i for i in specs.items() if i[1] is not None])
        )
        try:
            begin = whole + (self._consumer.offsets_for_times(since, timeout=TIMEOUT) if since else [])
            for place in begin:
                place.offset = (places or {}).get((place.topic, place.partition), place.offset)
            self._consumer.assign(begin)
        except KafkaException as error:
            self._consumer.close()
            raise _unreadable(", ".join(spec.name for spec in specs), error.args[0]) from error
        self._begin = begin
        #: Partitions whose end has not been met yet.
        self.unread: set[tuple[str, int]] = {(place.topic, place.partition) for place in begin}

    def waiting(self) -> int:
        """How many records lie there to be read, about: compacted ones count."""
        client, places = admin(self._settings), [TopicPartition(b.topic, b.partition) for b in self._begin]
        first, end = offsets(client, places, EARLIEST), offsets(client, places, LATEST)
        begins = {(b.topic, b.partition): b.offset for b in self._begin if b.offset != OFFSET_END}
        return sum(end[place] - max(first[place], offset) for place, offset in begins.items())

    def read(self, seconds: float = POLL_S, most: int = BATCH) -> list[Raw]:
        """What comes within `seconds`, in the order of each partition. Raises OutdialError for what waiting does not mend."""
        found = []
        for message in self._consumer.consume(most, seconds):
            error = message.error()
            if error is None:
                found.append(_raw(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                self.unread.discard((str(message.topic()), message.partition() or 0))
            elif error.fatal() or not error.retriable():
                raise _unreadable(str(message.topic()), error)
        return found

    def close(self) -> None:
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def tail(settings: Settings, spec: TopicSpec, since: int | None = None) -> Iterator[Raw]:
    """Records appended from `since` on up to the end as it is met. As Follower."""
    with Follower(settings, {spec: since}) as follower:
        while follower.unread:
            yield from follower.read()


def _unreadable(topic: str, error: KafkaError) -> OutdialError:
    return OutdialError(f"topic `{topic}` cannot be read ({error.str()}): `outdial broker status` tells more")


def _raw(message: Message) -> Raw:
    key, value = message.key(), message.value()
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    body = value.encode() if isinstance(value, str) else value
    place = (str(message.topic()), message.partition() or 0, message.offset() or 0)
    return Raw(*place, name, body, message.timestamp()[1])
