"""The order of a flush, told by a producer that acknowledges only when it is told to."""

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from streams.batches import BATCH_BYTES, Batches, entry
from streams.fence import Fence
from streams.flush import Flusher, Group
from streams.step import Step


class Builder:
    """What aiokafka's batch builder is to the lane."""

    def __init__(self) -> None:
        self.keys: list[bytes | None] = []
        self._builder = self
        self._relative_offset = 0

    def append(self, offset: int, timestamp: None, key: bytes | None, value: bytes | None, headers: list[Any]) -> object:  # noqa: ARG002
        assert offset == len(self.keys)
        self.keys.append(key)
        return self

    def close(self) -> None:
        assert self._relative_offset == len(self.keys)


class Acknowledging:
    """Keeps what was sent until it is acknowledged by name."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._open: dict[str, asyncio.Future[Any]] = {}

    def create_batch(self) -> Builder:
        return Builder()

    async def send_batch(self, builder: Builder, topic: str, *, partition: int) -> "asyncio.Future[Any]":  # noqa: ARG002
        name = f"{topic}:{b','.join(key or b'' for key in builder.keys).decode()}"
        self.sent.append(name)
        self._open[name] = asyncio.get_running_loop().create_future()
        return self._open[name]

    def acknowledge(self, name: str) -> None:
        self._open.pop(name).set_result(SimpleNamespace(offset=0, timestamp=0))

    def refuse(self, name: str) -> None:
        self._open.pop(name).set_exception(ConnectionError("the broker is gone"))


class Bench:
    """A flusher whose surroundings are recorded."""

    def __init__(self, in_one_go: bool = False) -> None:
        self.producer, self.fence, self.settled, self.failures = Acknowledging(), Fence(), [], []  # type: ignore[var-annotated]
        self.following: list[bytes] = []
        self.fence.beat(self.fence.now())
        self.flusher = Flusher(
            lambda: self.producer,
            self.fence,
            sent=lambda *_: None,
            settle=self._settle,
            fail=lambda sentence, _error: self.failures.append(sentence),
            in_one_go=in_one_go,
        )
        self.flusher.start()

    async def _settle(self, group: Group) -> None:
        self.settled.append(dict(group.offsets))
        self.following += [one[1] for one in group.following]

    def step(self, outputs: str = "", rows: str = "", offset: int = 0) -> None:
        step = Step(0, None)
        for key in outputs:
            step.outputs.append(entry(("out", 0), key.encode(), b"v"))
        for key in rows:
            step.rows.append(entry(("table", 0), key.encode(), b"v"))
        self.flusher.group.add(step)
        self.flusher.group.offsets[("in", 0)] = offset
        self.flusher.kick()


async def settle() -> None:
    """Lets every task go as far as it gets."""
    for _ in range(20):
        await asyncio.sleep(0)


def played(scene: Callable[[Bench], Coroutine[Any, Any, None]], **given: Any) -> None:
    async def play() -> None:
        await scene(Bench(**given))

    asyncio.run(play())


def test_rows_wait_for_the_outputs_of_their_step_and_offsets_for_the_rows() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        await settle()
        assert bench.producer.sent == ["out:a"]
        bench.producer.acknowledge("out:a")
        await settle()
        assert bench.producer.sent == ["out:a", "table:r"]
        assert bench.settled == []
        bench.producer.acknowledge("table:r")
        await settle()
        assert bench.settled == [{("in", 0): 1}]

    played(scene)


def test_rows_that_need_not_wait_leave_in_the_batch_of_those_that_have() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        await settle()
        bench.step(rows="s", offset=2)
        bench.producer.acknowledge("out:a")
        await settle()
        assert bench.producer.sent == ["out:a", "table:r,s"]  # two batches of one partition would be two round trips
        assert bench.settled == []
        bench.producer.acknowledge("table:r,s")
        await settle()
        assert bench.settled == [{("in", 0): 1}, {("in", 0): 2}]
        bench.step(rows="t", offset=3)
        await settle()
        assert bench.producer.sent[2:] == ["table:t"]

    played(scene)


def test_rows_go_out_with_the_outputs_of_the_next_group() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        await settle()
        bench.step(outputs="b", rows="s", offset=2)
        bench.producer.acknowledge("out:a")
        await settle()
        assert bench.producer.sent == ["out:a", "table:r", "out:b"]
        bench.producer.acknowledge("out:b")
        bench.producer.acknowledge("table:r")
        await settle()
        assert bench.settled == [{("in", 0): 1}]
        assert bench.producer.sent[-1] == "table:s"

    played(scene)


def test_rows_without_outputs_do_not_wait() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(rows="r", offset=1)
        await settle()
        assert bench.producer.sent == ["table:r"]
        bench.producer.acknowledge("table:r")
        await settle()
        assert bench.settled == [{("in", 0): 1}]

    played(scene)


def test_unless_an_earlier_row_of_their_partition_does() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        bench.step(rows="r", offset=2)
        await settle()
        assert bench.producer.sent == ["out:a"]
        bench.producer.acknowledge("out:a")
        await settle()
        assert bench.producer.sent == ["out:a", "table:r,r"]

    played(scene)


def test_a_refused_batch_stops_the_worker_and_settles_nothing() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        await settle()
        bench.producer.refuse("out:a")
        await settle()
        assert bench.failures
        assert bench.producer.sent == ["out:a"]
        assert bench.settled == []

    played(scene)


def test_a_closed_fence_sends_nothing_and_the_last_flush_drops_everything() -> None:
    async def scene(bench: Bench) -> None:
        bench.fence.lost()
        bench.step(outputs="a", rows="r", offset=1)
        await settle()
        assert bench.producer.sent == []
        assert await bench.flusher.last() is False
        bench.fence.beat(bench.fence.now())
        await settle()
        assert (bench.producer.sent, bench.settled) == ([], [])

    played(scene)


def test_the_last_flush_is_over_when_everything_is_acknowledged() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        last = asyncio.create_task(bench.flusher.last())
        await settle()
        bench.producer.acknowledge("out:a")
        await settle()
        assert not last.done()
        bench.producer.acknowledge("table:r")
        assert await last is True
        assert bench.settled == [{("in", 0): 1}]

    played(scene)


def test_without_the_order_all_goes_at_once() -> None:
    async def scene(bench: Bench) -> None:
        bench.step(outputs="a", rows="r", offset=1)
        await settle()
        assert bench.producer.sent == ["out:a", "table:r"]

    played(scene, in_one_go=True)


def test_the_rows_of_a_step_share_one_batch_even_when_it_opens_another() -> None:
    batches = Batches(Builder)
    batches.add([entry(("t", 0), b"a", b"x" * (BATCH_BYTES - 100))])
    batches.add_together([entry(("t", 0), b"b", b"x"), entry(("t", 0), b"c", b"x" * 200)])
    first, second = batches
    assert (first.builder.keys, second.builder.keys) == ([b"a"], [b"b", b"c"])


def test_what_follows_a_row_is_handed_on_when_the_row_is_durable_and_not_before() -> None:
    async def scene(bench: Bench) -> None:
        step = Step(0, None)
        step.rows.append(entry(("table", 0), b"r", b"v"))
        step.following.append(entry(("commands", 0), b"c", b"v"))
        bench.flusher.group.add(step)
        bench.flusher.kick()
        await settle()
        assert bench.producer.sent == ["table:r"]
        assert bench.following == []
        bench.producer.acknowledge("table:r")
        await settle()
        assert bench.following == [b"c"]

    played(scene)


def test_a_group_with_nothing_but_what_follows_is_not_forgotten() -> None:
    async def scene(bench: Bench) -> None:
        step = Step(0, None)
        step.following.append(entry(("commands", 0), b"c", b"v"))
        bench.flusher.group.add(step)
        bench.flusher.kick()
        await settle()
        assert bench.following == [b"c"]

    played(scene)
