"""Turns: work that has begun before work that is to begin, and nobody waits for ever."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from streams.turns import Turns


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Bench:
    def __init__(self) -> None:
        self.turns, self.order = Turns(), []  # type: ignore[var-annotated]

    async def one(self, name: str, patience: float) -> None:
        async with self.turns.turn(patience):
            self.order.append(name)
            await asyncio.sleep(0)

    def ask(self, name: str, patience: float) -> "asyncio.Task[None]":
        return asyncio.get_running_loop().create_task(self.one(name, patience))


def played(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def test_the_least_patient_is_next_and_equals_keep_their_order() -> None:
    async def scene() -> None:
        bench = Bench()
        for name, patience in (("first", 9.0), ("import", 0.5), ("dial", 0.0), ("also dial", 0.0), ("tick", -1.0)):
            bench.ask(name, patience)
        await settle()
        assert bench.order == ["first", "tick", "dial", "also dial", "import"]

    played(scene())


def test_patience_ends() -> None:
    """Whoever asks again and again without patience does not keep the others out."""

    async def scene() -> None:
        bench = Bench()

        async def busy() -> None:
            while "import" not in bench.order:
                await bench.one("dial", 0.005)

        dialing = [asyncio.get_running_loop().create_task(busy()) for _ in range(3)]
        await settle()
        bench.ask("import", 0.05)
        await asyncio.gather(*dialing)
        assert bench.order.count("dial") > 50

    played(scene())


def test_a_turn_that_fails_is_given_on() -> None:
    async def scene() -> None:
        bench = Bench()

        async def fails() -> None:
            async with bench.turns.turn(0):
                raise ValueError("a stage")

        with pytest.raises(ValueError, match="a stage"):
            await fails()
        await bench.one("next", 0)
        assert bench.order == ["next"]

    played(scene())


def test_who_is_cancelled_leaves_the_turn_to_others() -> None:
    async def scene() -> None:
        bench = Bench()
        await bench.turns.take(0)
        waits, called = bench.ask("cancelled while waiting", 0), bench.ask("cancelled when called", 0.1)
        last = bench.ask("last", 0.2)
        await settle()
        waits.cancel()
        await settle()
        bench.turns.give()
        called.cancel()
        await asyncio.wait([last])
        assert bench.order == ["last"]

    played(scene())
