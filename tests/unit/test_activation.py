"""Partitions that go while they are still coming: a rebalance may follow another at any moment."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from outdial.clock import SystemClock
from streams.fence import Fence
from streams.lane import Lane


def made() -> Lane:
    async def commit(_: Any) -> bool:
        return True

    app = SimpleNamespace(consumer=SimpleNamespace(commit_places=commit), producer=SimpleNamespace(kafka=None))
    fence = Fence()
    fence.beat(fence.now())
    return Lane(app, SystemClock(), partitions=8, fence=fence)


@pytest.mark.parametrize("at", ["prepared", "a hook", "the last hook"])
def test_a_revocation_in_the_middle_of_an_assignment_ends_it_and_not_the_worker(at: str) -> None:
    assigned: list[int] = []

    async def scene() -> None:
        lane, revocations = made(), list[asyncio.Task[None]]()

        def revoke() -> None:
            revocations.append(asyncio.get_running_loop().create_task(lane.revoke()))

        async def prepare() -> None:
            if at == "prepared" and not revocations:
                revoke()
                await asyncio.sleep(0)

        def assign(p: int) -> None:
            assigned.append(p)
            assert lane.epoch(p) > 0  # as the pacer asks
            if (at, p) in (("a hook", 2), ("the last hook", 3)) and not revocations:
                revoke()

        lane.before_assigned.append(prepare)
        lane.on_assigned.append(assign)
        assert not await lane.activate({1, 2, 3})
        await revocations[0]
        assert lane.failure is None
        assert lane.active == frozenset()
        assert await lane.activate({1, 3})
        assert lane.active == frozenset({1, 3})

    asyncio.run(scene())
    assert assigned == {"prepared": [], "a hook": [1, 2], "the last hook": [1, 2, 3]}[at] + [1, 3]
