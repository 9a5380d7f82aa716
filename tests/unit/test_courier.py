"""The courier: how many at a time for one server, and in all; a slow one holds up nobody else, and nothing runs twice at once."""

import asyncio
from collections import Counter

from streams.courier import Courier


class Scene:
    """Deliveries that last until they are let go."""

    def __init__(self, each: int = 2, most: int = 5) -> None:
        self.running: list[str] = []
        self.done: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self.courier = Courier(self._deliver, each, most)

    def add(self, *names: str) -> None:
        """`a1` is the first for server a."""
        for name in names:
            self.courier.add(name[0], name)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def end(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()
        await self.settle()

    async def _deliver(self, name: str) -> None:
        self.running.append(name)
        gate = self._gates[name] = asyncio.Event()
        try:
            await gate.wait()
            self.done.append(name)
        finally:
            self.running.remove(name)


def test_a_slow_server_holds_only_its_own_share() -> None:
    async def play() -> None:
        scene = Scene()
        scene.add("a1", "a2", "a3", "a4", "b1")
        await scene.settle()
        assert scene.running == ["a1", "a2", "b1"]
        scene.add("b2", "b3", "c1")
        await scene.settle()
        assert Counter(name[0] for name in scene.running) == {"a": 2, "b": 2, "c": 1}
        await scene.end("b1")
        assert "b3" in scene.running
        await scene.end("a1")
        assert "a3" in scene.running
        await scene.courier.close(0)

    asyncio.run(play())


def test_there_are_never_more_than_so_many_in_all_and_everybody_has_a_turn() -> None:
    async def play() -> None:
        scene = Scene(each=2, most=2)
        scene.add("a1", "a2", "a3", "a4", "b1", "c1")
        await scene.settle()
        assert scene.running == ["a1", "a2"]
        await scene.end("a1", "a2")
        await scene.end(*scene.running)
        assert {"b1", "c1"} & {*scene.done, *scene.running}
        while scene.running:
            assert len(scene.running) <= 2
            await scene.end(*scene.running)
        assert sorted(scene.done) == ["a1", "a2", "a3", "a4", "b1", "c1"]

    asyncio.run(play())


def test_what_waits_or_runs_is_not_added_again_and_may_be_when_it_is_over() -> None:
    async def play() -> None:
        scene = Scene(each=1)
        scene.add("a1", "a1", "a2", "a2")
        await scene.settle()
        await scene.end("a1")
        await scene.end("a2")
        assert scene.done == ["a1", "a2"]
        scene.add("a1")
        await scene.settle()
        await scene.end("a1")
        assert scene.done == ["a1", "a2", "a1"]

    asyncio.run(play())


def test_what_is_forgotten_does_not_start_and_may_be_added_again() -> None:
    async def play() -> None:
        scene = Scene(each=1)
        scene.add("a1", "a2", "a3")
        await scene.settle()
        scene.courier.forget(lambda name: name != "a2")
        scene.add("a2")
        for name in ("a1", "a3", "a2"):
            await scene.end(name)
        assert scene.done == ["a1", "a3", "a2"]

    asyncio.run(play())


def test_a_worker_that_ends_waits_for_what_runs_but_not_for_ever() -> None:
    async def play() -> None:
        scene = Scene(each=2)
        scene.add("a1", "a2", "a3")
        await scene.settle()
        closing = asyncio.create_task(scene.courier.close(0.2))
        await scene.settle()
        await scene.end("a1")
        await closing
        assert (scene.done, scene.running) == (["a1"], [])

    asyncio.run(play())
