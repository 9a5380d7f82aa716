"""Folds topics to their end offsets: the one way in which `status`, `calls`, `events`, `verify` and `apply` learn what is so.

`read_records` yields what lay on a topic when it was asked: the end offsets are fetched first, so a fold ends even while workers
write. Order holds within a partition only, therefore `read_rows` decides by stamp, not by arrival (design rule 18). No consumer
group is joined and nothing is committed: reading disturbs no worker.
"""

import gc
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from pydantic import TypeAdapter, ValidationError

from cli.packed import Packed
from engine.compile import compile_plan
from engine.errors import OutdialError
from engine.lifecycle import leaves_the_end
from engine.plan import Plan
from engine.pools import Pool
from engine.resources import ResourceIndex
from outdial.kafka import reader, require_broker
from outdial.settings import Settings
from schemas.campaign import CampaignHead, CampaignVersion
from schemas.resources import Halt, Held, Resource, SuppressionList
from schemas.topics import CAMPAIGNS, RESOURCES, TopicSpec

BATCH = 10_000
#: consume() waits this long for its batch to be full: long enough not to spin, short enough that a few records are there at once.
POLL_S = 0.02
STALL_S = 30.0
LEADERS_S = 10.0
_NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)

#: Told (records read, records to read) after each batch.
Progress = Callable[[int, int], None]
Value = dict[str, Any]

T = TypeVar("T")

_HELD: TypeAdapter[Held] = TypeAdapter(Held)


class Raw(NamedTuple):
    """One record as it lay on its topic; `value` None is a tombstone; `timestamp` is the broker's, in ms."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes | None
    timestamp: int


def read_records(
    settings: Settings, spec: TopicSpec, progress: Progress | None = None, partitions: Container[int] | None = None
) -> Iterator[Raw]:
    """Every record of a topic, or of some of its partitions, up to the end offsets it has now.

    Raises OutdialError if the broker or the topic is missing.
    """
    require_broker(settings)
    consumer = reader(settings)
    try:
        asked = {p: end for p, end in ends(consumer, spec.name).items() if partitions is None or p in partitions}
        yield from _until(consumer, asked, spec.name, progress)
    finally:
        consumer.close()


def read_table(settings: Settings, spec: TopicSpec, union: Any, progress: Progress | None = None) -> Packed[Any]:
    """A table as its changelog tells it: key -> row with the greatest stamp. A tombstone removes what came before it.

    `union` is the msgspec row type, or union of row types, of the topic (TimerRow, DialerRow, Profile).
    """
    rows: Packed[Any] = Packed(union)
    with uncollected():
        for raw in read_records(settings, spec, progress):
            rows.put(raw.key or "", raw.value)
    return rows


def read_rows(settings: Settings, spec: TopicSpec, union: Any, progress: Progress | None = None) -> dict[str, Any]:
    """As read_table, for who looks at all rows."""
    rows = read_table(settings, spec, union, progress)
    with uncollected():
        return dict(rows)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Campaigns and resources as they are now. Plans are compiled when first asked for: most commands need none, or one."""

    heads: dict[str, CampaignHead]
    versions: dict[tuple[str, int], CampaignVersion]
    resources: ResourceIndex
    _plans: dict[tuple[str, int], Plan]
    halts: tuple[Halt, ...] = ()
    lists: tuple[SuppressionList, ...] = ()
    _pools: dict[tuple[str, int], Pool] = field(default_factory=dict)

    def head(self, campaign: str) -> CampaignHead:
        """The head of a campaign. Raises OutdialError for one that nobody has applied."""
        if campaign not in self.heads:
            raise OutdialError(f"no campaign {campaign!r}: `outdial campaign list` shows those there are")
        return self.heads[campaign]

    def version(self, campaign: str, version: int) -> CampaignVersion:
        """One version of a campaign. Raises OutdialError if it is not there."""
        if (campaign, version) not in self.versions:
            raise OutdialError(f"no version {campaign}@{version}: `outdial campaign show {campaign}` shows the current one")
        return self.versions[campaign, version]

    def plan(self, campaign: str, version: int) -> Plan:
        """The compiled plan of one version."""
        if (campaign, version) not in self._plans:
            self._plans[campaign, version] = compile_plan(self.version(campaign, version).file, version)
        return self._plans[campaign, version]

    def pool(self, plan: Plan) -> Pool:
        """The campaign's caller IDs, as they are declared now."""
        name = (plan.campaign, plan.version)
        return self._pools.get(name) or self._pools.setdefault(name, self.resources.pool_for(plan))


def read_heads(settings: Settings) -> Snapshot:
    """The current campaigns and resources. Records that cannot be read are left out: the workers report those."""
    campaigns = [(k, v) for k, values in _every(settings, CAMPAIGNS).items() for v in values]
    heads = _readable(CampaignHead.model_validate_json, ((k, v) for k, v in campaigns if "@" not in k))
    versions = _readable(CampaignVersion.model_validate_json, ((k, v) for k, v in campaigns if "@" in k))
    held = _read_held(settings)
    return Snapshot(
        _newest(head for _, head in heads),
        {(v.id, v.version): v for _, v in versions},
        ResourceIndex.of(held.values()),
        {},
        tuple(each for each in held.values() if isinstance(each, Halt)),
        tuple(each for each in held.values() if isinstance(each, SuppressionList)),
    )


def _newest(heads: Iterable[CampaignHead]) -> dict[str, CampaignHead]:
    """The newest head of each campaign, in the order of their records; one that leaves the end counts for nothing."""
    found: dict[str, CampaignHead] = {}
    for head in heads:
        if not leaves_the_end(found.get(head.id), head):
            found[head.id] = head
    return found


def read_resources(settings: Settings) -> dict[str, Resource]:
    """The declared resources, by `kind/id`."""
    return {key: each for key, each in _read_held(settings).items() if isinstance(each, Resource)}


def _read_held(settings: Settings) -> dict[str, Held]:
    return dict(_readable(_HELD.validate_json, sorted(_latest(settings, RESOURCES).items())))


@contextmanager
def uncollected() -> Iterator[None]:
    """Switches the garbage collector off: rows hold no cycles, yet it walks all of them again and again while they pile up.

    That is half of a fold's time.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _readable(validate: Callable[[bytes], T], found: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, T]]:
    """(key, record) of those that can be read."""
    for key, value in found:
        with suppress(ValidationError):
            yield key, validate(value)


def _latest(settings: Settings, spec: TopicSpec) -> dict[str, bytes]:
    """The last value of each key of a compacted topic, tombstoned keys left out."""
    return {key: values[-1] for key, values in _every(settings, spec).items()}


def _every(settings: Settings, spec: TopicSpec) -> dict[str, list[bytes]]:
    """What is left of the values of each key of a compacted topic, oldest first; nothing from before a tombstone."""
    found: dict[str, list[bytes]] = {}
    for raw in read_records(settings, spec):
        key = raw.key or ""
        if raw.value is None:
            found.pop(key, None)
        else:
            found.setdefault(key, []).append(raw.value)
    return found


def ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """End offset of each partition that holds anything. Waits for leaders: new topics and restarted brokers have none at first."""
    deadline = time.monotonic() + LEADERS_S
    while True:
        try:
            found = consumer.list_topics(topic, timeout=LEADERS_S).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            marks = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=LEADERS_S) for p in found.partitions}
            return {p: high for p, (low, high) in marks.items() if high > low}
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise OutdialError(f"topic `{topic}` does not exist on this broker: run `outdial topics apply`") from error
            if code not in _NO_LEADER or time.monotonic() > deadline:
                raise _unreadable(topic, error.args[0]) from error
        time.sleep(POLL_S)


def _unreadable(topic: str, error: KafkaError) -> OutdialError:
    return OutdialError(f"topic `{topic}` cannot be read ({error.str()}): `outdial broker status` tells more")


def _until(consumer: Consumer, ends: dict[int, int], topic: str, progress: Progress | None) -> Iterator[Raw]:
    if not ends:
        return
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in ends])
    total, done, moved = sum(ends.values()), 0, time.monotonic()
    open_ends = dict(ends)
    while open_ends:
        batch = consumer.consume(BATCH, POLL_S)
        if batch:
            moved = time.monotonic()
        elif time.monotonic() - moved > STALL_S:
            raise OutdialError(f"reading topic `{topic}` stalled for {STALL_S:.0f} s: see `outdial broker status`, then try again")
        yield from _wanted(batch, open_ends)
        done += len(batch)
        if progress:
            progress(min(done, total), total)


def _wanted(batch: list[Message], open_ends: dict[int, int]) -> Iterator[Raw]:
    """The records before the end offsets; partitions that have reached theirs leave `open_ends`."""
    for message in batch:
        partition, offset = message.partition() or 0, message.offset() or 0
        end = open_ends.get(partition)
        error = message.error()
        if error is not None:
            _settle(error, partition, open_ends, str(message.topic()))
        elif end is not None and offset < end:
            key, value = message.key(), message.value()
            text = None if key is None else _text(key)
            yield Raw(str(message.topic()), partition, offset, text, _bytes(value), message.timestamp()[1])
            if offset + 1 >= end:
                del open_ends[partition]
        elif end is not None:
            del open_ends[partition]


def _settle(error: KafkaError, partition: int, open_ends: dict[int, int], topic: str) -> None:
    if error.code() == KafkaError._PARTITION_EOF:
        open_ends.pop(partition, None)
    elif error.fatal() or not error.retriable():
        raise _unreadable(topic, error)


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode("utf-8", "replace")


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
