"""A worker killed in mid-run loses nobody and calls nobody twice; without the order of writes, it does (test_kill_ablated.py).

`KILLS=10 pytest tests/acceptance/test_kill.py` kills ten times; `python -m bench.kills` counts.
"""

import os
from collections.abc import Iterator

import pytest

from outdial.settings import Settings
from tests.acceptance.kills import WORKER, Moment, kill
from tests.acceptance.world import CLEAN, World, drills

SEEDS = range(int(os.environ.get("KILLS", "3")))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, broker: Settings) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("kill") / "home", broker, WORKER) as world:
        yield world


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed}: {Moment.of(seed)}")
def test_a_killed_worker_loses_nobody_and_calls_nobody_twice(world: World, seed: int) -> None:
    assert not (found := kill(world, seed)), str(found)
    assert (done := world.verify()).lines[-1] == CLEAN, done.said
    assert done.status == 0
