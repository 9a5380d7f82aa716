"""Where Faust's own classes are overridden, and why. Exact pins in pyproject.toml: this rests on private parts of both packages.

What stays Faust's: the group, the assignor, agents and their streams, tables, recovery, rebalances, start and stop.
"""

import asyncio
import gc
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

import faust
from aiokafka.consumer import fetcher
from aiokafka.record import default_records
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from engine.errors import OutdialError
from outdial.settings import Settings
from schemas.topics import TopicSpec
from streams.batches import MOST_BYTES
from streams.fence import HEARTBEAT_S, SESSION_S
from streams.pace import Pace
from streams.records import Record
from streams.store import Changelogged, Table

GROUP = "outdial"
#: What was fetched of a partition costs some 80 µs, however little it is: so many of them are worth one turn (10 ms) of fetching,
#: and a fetch takes one at least.
EVENTS_A_TURN = 8
#: Records of one fetch: a backlog comes in portions, and what is more urgent in between.
FETCH_RECORDS = 8_000
#: Real seconds after which a stage that had no room is asked again.
ROOM_AGAIN_S = 0.02
#: Milliseconds the broker may hold back an empty fetch. Data ends the wait at once; idle fetches cost 0.3 % of a core at 500.
FETCH_WAIT_MS = 500
#: Objects between collections: a table's rows are no garbage, and looking at a million of them stops the loop for 200 ms.
GC_THRESHOLDS = (100_000, 50, 100)


class Fetched(fetcher.PartitionRecords):  # type: ignore[misc]
    """What was fetched of a partition, as our records: aiokafka's own have five further fields, and take twice as long."""

    def _consumer_record(self, tp: Any, record: Any) -> Record:
        at, kind = record.timestamp, record.timestamp_type
        return Record(tp.topic, tp.partition, record.offset, record.key, record.value, at, kind, record.headers)


fetcher.PartitionRecords = Fetched


class Schema(faust.Schema):  # type: ignore[misc]
    """Hands the records of an event through as they are: stages decode, so that a bad record is one record's trouble."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return app.create_event(None, message.value, None, message)

        return decode


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that fetches and heartbeats."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # Faust has 1,500 written in
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        self._stamp_heartbeats(self._ensure_consumer())

    def _stamp_heartbeats(self, consumer: Any) -> None:
        fence, coordinator = self.app.lane.fence, consumer._coordinator
        beat, forget = coordinator._do_heartbeat, coordinator.reset_generation

        async def heartbeat() -> bool:
            sent = fence.now()
            well: bool = await beat()
            if well:
                fence.beat(sent)
            return well

        def forgotten() -> None:
            fence.lost()  # the broker does not know us any more: no need to wait for the limit
            forget()

        coordinator._do_heartbeat, coordinator.reset_generation = heartbeat, forgotten

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        self.app.lane.fence.beat(self.app.lane.fence.now())  # joining counts; the first heartbeat comes a second later
        await super().on_partitions_assigned(assigned, generation_id)

    async def rewind(self, changelogs: set[str]) -> Mapping[Any, int]:
        """Seeks every assigned source partition to its committed offset, or its beginning: aiokafka's own leaves those out
        that have no commit, and so would skip what was fetched of them and dropped."""
        return dict(await self.call_thread(self._rewind, changelogs))

    async def _rewind(self, changelogs: set[str]) -> Mapping[Any, int]:
        consumer = self._ensure_consumer()
        places = [place for place in consumer.assignment() if place.topic not in changelogs]
        offsets = dict(zip(places, await asyncio.gather(*map(consumer.committed, places)), strict=True))
        for place, offset in offsets.items():
            if offset is not None:
                consumer.seek(place, offset)
        fresh = [place for place, offset in offsets.items() if offset is None]
        if fresh:
            await consumer.seek_to_beginning(*fresh)
        return {place: offset for place, offset in offsets.items() if offset is not None}

    async def put_back(self, firsts: Mapping[Any, int]) -> None:
        """Has records that were fetched but not handed on fetched again: they start at `firsts`. A partition that has been sought
        back further stays there. Faust's own loses them where a changelog is read: recovery then waits for ever."""
        await self.call_thread(self._put_back, firsts)

    async def _put_back(self, firsts: Mapping[Any, int]) -> None:
        consumer = self._ensure_consumer()
        here = consumer.assignment()
        for place, first in firsts.items():
            if place in here:
                state = consumer._subscription.subscription.assignment.state_value(place)
                if state.has_valid_position and state.position > first:
                    consumer.seek(place, first)

    async def leave(self) -> None:
        """Leaves the group for good, at once. A static member would keep its partitions for a session: that is for restarts."""
        await self.call_thread(self._leave)

    async def _leave(self) -> None:
        coordinator = self._ensure_consumer()._coordinator
        coordinator._group_instance_id = None
        await coordinator.close()

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's livelock detector judges by its own acknowledgements, which the lane does not use."""


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Fetches by the batch, commits what the lane says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seeks = 0
        self._pace = Pace(every_s=0.01, burst=16)
        self._events = 0  # partitions that the last fetch had something of

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109 - Faust's signature
        """Yields events: of a changelog for each partition, as recovery wants them; of a source one for all partitions."""
        await self._pace.turn(max(1.0, self._events / EVENTS_A_TURN))
        seeks, generation = self._seeks, self.app.consumer_generation_id
        records, active = await self._wait_next_records(timeout)
        if not records or self.should_stop:
            return
        self._events = len(records)
        left = {ensure_TP(place): found for place, found in records.items()}
        here = {place for place in left if active is None or place in active or place in self._buffered_partitions}
        for places in self._together(here):
            # A rebalance or a seek since the fetch: these records belong to what was before it.
            if not self.flow_active or seeks != self._seeks or generation != self.app.consumer_generation_id:
                break
            found = [record for place in places for record in left.pop(place)]
            self.app.lane.coming(places[-1].topic, len(found))
            yield places[-1], self._event(places[-1], found, generation)
        if left:
            await self._thread.put_back({place: found[0].offset for place, found in left.items()})

    def _together(self, places: Iterable[Any]) -> list[list[Any]]:
        """The places whose records share an event: all of a source; a changelog's stay alone. Faust takes 150 µs for an event."""
        changelogs, found = self.app.tables.changelog_topics, defaultdict(list)
        for place in places:
            found[place if place.topic in changelogs else place.topic].append(place)
        return list(found.values())

    async def _getmany(self, active_partitions: set[Any] | None, timeout: float) -> Mapping[Any, list[Any]]:  # noqa: ASYNC109
        """Leaves with the broker what its stage has no room for, so that nobody waits behind it in a queue."""
        full = self.app.lane.full()
        if full and active_partitions:
            active_partitions, timeout = {place for place in active_partitions if place.topic not in full}, ROOM_AGAIN_S
            if not active_partitions:  # to aiokafka, an empty set means all
                await asyncio.sleep(ROOM_AGAIN_S)
                return {}
        return dict(await super()._getmany(active_partitions, timeout))

    @staticmethod
    def _event(place: Any, records: list[Any], generation: int) -> Any:
        last = records[-1]
        at, kind = last.timestamp / 1000, last.timestamp_type
        return ConsumerMessage(*place, last.offset, at, kind, None, None, records, None, 0, 0, place, generation_id=generation)

    async def perform_seek(self) -> None:
        self._seeks += 1
        found = await self._thread.rewind(self.app.tables.changelog_topics)
        for place in self.assignment():
            self._read_offset[place] = found.get(place)
        self._committed_offset.update({ensure_TP(place): offset for place, offset in found.items()})

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Gaps (compaction) need no account: the lane commits by what it handled."""

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        return bool(await self.app.lane.commit())

    async def commit_places(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Commits; False if the group has been rebalanced. Other errors crash the app."""
        return bool(await self._commit({TP(*place): offset for place, offset in offsets.items()}))

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        # Before Faust's part, which drops what its queues hold: until this returns, the partitions are ours and can be committed.
        await self.app.lane.revoke()
        await super().on_partitions_revoked(revoked)

    async def create_topic(self, topic: str, *_: Any, **__: Any) -> None:
        """Topics are created by `outdial topics apply` alone."""


class Producer(driver.Producer):  # type: ignore[misc]
    """Idempotent; acknowledged by all replicas. Measured: at no cost."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    @property
    def kafka(self) -> Any:
        """aiokafka's producer, which the lane sends with. None before the start."""
        return self._producer

    async def flush(self) -> None:
        """Everything the lane sends is awaited by the lane."""

    async def create_topic(self, topic: str, *_: Any, **__: Any) -> None:
        """Topics are created by `outdial topics apply` alone."""


class Transport(driver.Transport):  # type: ignore[misc]
    """aiokafka, with the two above."""

    Consumer = Consumer
    Producer = Producer


class LaneRecovery(Recovery):  # type: ignore[misc]
    """Faust's recovery, which marks changelogs before it reads them, and tells the lane before records flow."""

    async def on_rebalance(self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0) -> None:
        # A partition that comes back is read from where our own rows ended; one whose last flush failed, from the beginning.
        writers = self.app.lane.writers
        for tp in list(self.active_offsets):
            following = writers.kept(tp.topic, tp.partition)
            self.active_offsets[tp] = None if following is None else following - 1
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _build_highwaters(self, consumer: Any, tps: set[Any], destination: Any, title: str) -> None:
        if title == "active":
            await self.app.lane.writers.mark([(tp.topic, tp.partition) for tp in tps])
        await super()._build_highwaters(consumer, tps, destination, title)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        if await self._ready(generation_id):
            await super().on_recovery_completed(generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:  # an app without tables
        if await self._ready(generation_id):
            await super()._resume_streams(generation_id)

    async def _ready(self, generation_id: int) -> bool:
        app = self.app
        if generation_id == app.consumer_generation_id:
            freeze()
            if not await app.lane.activate(app.partitions_here()):
                return False
            # Faust seeks the sources now, and then empties all queues before it says that records may flow; they would flow from
            # the seek on, for the changelogs' sake, and what came in between would be lost.
            app.consumer.stop_flow()
        return app.lane.failure is None


class LaneTables(TableManager):  # type: ignore[misc]
    """Faust's tables with the recovery above."""

    _recovery: LaneRecovery | None = None

    @property
    def recovery(self) -> LaneRecovery:
        if self._recovery is None:
            self._recovery = LaneRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class App(faust.App):  # type: ignore[misc]
    """A Faust app whose agents hand their events to a lane."""

    lane: Any
    bootstrap: str

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return Transport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""

    def add_stage(self, spec: TopicSpec, take: Callable[[Any], Awaitable[None]]) -> None:
        """One agent on the topic. `take` is awaited with each event and must not raise: Faust would go on with the next one."""

        async def agent(stream: Any) -> None:
            async for event in stream.noack().events():
                await take(event)

        agent.__name__ = agent.__qualname__ = f"stage.{spec.name}"
        self.agent(self.topic(spec.name, schema=Schema()), name=agent.__name__, concurrency=1)(agent)

    def add_changelogged(self, rows: Table[Any], fail: Callable[[str, BaseException], None]) -> None:
        """A Faust table whose changelog is the topic named like it."""
        changelog = self.topic(rows.name, schema=Schema(), acks=False, allow_empty=True)
        self.tables.add(Changelogged(self, rows=rows, fail=fail, changelog_topic=changelog, recovery_buffer_size=4))

    def partitions_here(self) -> set[int]:
        """The partitions assigned to this worker. The lane fails unless all topics have as many as were asked for, and this worker
        the same of each: a stage finds its rows only if they are where its records are."""
        wanted, here = self.lane.partitions, self.consumer.assignment()
        topics = [spec.name for spec in self.lane.topics] + list(self.lane.tables)
        held = {topic: {tp.partition for tp in here if tp.topic == topic} for topic in topics}
        for topic in topics:
            count = self.consumer.topic_partitions(topic)  # None in the moment between two snapshots of the metadata
            if count is not None and count != wanted:
                has = f"has {count} partitions, not {wanted}" if count else "does not exist"
                self.lane.fail(f"Topic {topic} {has}: run `outdial topics apply`, with OUTDIAL_PARTITIONS as on all workers.", None)
                return set()
            if held[topic] != held[topics[0]]:
                self.lane.fail(f"{topics[0]} and {topic} were assigned differently: all workers must run the same version.", None)
                return set()
        return held[topics[0]] if topics else set()


def freeze() -> None:
    """What recovery has built is no garbage: keep the collector from looking at it."""
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()


def check_extension() -> None:
    """Raises OutdialError if aiokafka's record batches are pure Python: a hundred times slower."""
    if default_records.DefaultRecordBatchBuilder is default_records._DefaultRecordBatchBuilderPy:
        raise OutdialError("aiokafka was installed without its C extension (is AIOKAFKA_NO_EXTENSIONS set?): reinstall its wheel.")


def make_app(settings: Settings, name: str, *, group: str = GROUP) -> App:
    """The Faust app of one worker. `name` is its instance id in the group: a restart under it takes its partitions up at once.

    Raises OutdialError if this installation of aiokafka is unfit.
    """
    check_extension()
    for chatty in (__name__, Changelogged.__module__):  # Faust's services log under the module of their class
        logging.getLogger(chatty).setLevel(logging.WARNING)
    bootstrap = settings.bootstrap_servers()
    app = App(
        group,
        broker=[f"kafka://{server.strip()}" for server in bootstrap.split(",")],
        TableManager=LaneTables,
        consumer_group_instance_id=name,
        broker_client_id=f"outdial-{name}",
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_max_poll_records=FETCH_RECORDS,
        broker_commit_interval=60.0,  # the lane commits; this is Faust's own, on top
        consumer_auto_offset_reset="earliest",
        producer_linger=0.0,
        producer_max_batch_size=MOST_BYTES,
        producer_request_timeout=60.0,
        stream_buffer_maxsize=32,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        web_enabled=False,
        cython_optimizations=True,
    )
    app.bootstrap = bootstrap
    return app
