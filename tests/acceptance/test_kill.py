"""A worker killed in mid-run loses nobody and calls nobody twice; without the order of writes, it does.

`KILLS=10 pytest tests/acceptance/test_kill.py` kills ten times; `python -m bench.kills` counts.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.kills import WORKER, Moment, kill
from tests.acceptance.world import CLEAN, World, drills

SEEDS = range(int(os.environ.get("KILLS", "3")))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with drills(tmp_path_factory.mktemp("kill") / "home", WORKER) as world:
        yield world


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed}: {Moment.of(seed)}")
def test_a_killed_worker_loses_nobody_and_calls_nobody_twice(world: World, seed: int) -> None:
    assert not (found := kill(world, seed)), str(found)
    assert (done := world.verify()).lines[-1] == CLEAN, done.said
    assert done.status == 0


def test_without_acknowledged_outputs_before_offsets_people_are_lost(tmp_path: Path) -> None:
    with drills(tmp_path / "home", WORKER, OUTDIAL_TEST_ABLATE="one-flush") as world:
        assert any(kill(world, seed).lost for seed in seeds("intake"))
        assert (done := world.verify()).status == 1, "verify has not missed them"
        assert "but has no row" in done.said


def test_without_acknowledged_rows_before_requests_people_are_called_once_more(tmp_path: Path) -> None:
    with drills(tmp_path / "home", WORKER, OUTDIAL_TEST_ABLATE="command-first") as world:
        assert any(kill(world, seed).uncounted for seed in seeds("dialing"))


def seeds(stage: str) -> list[int]:
    """The first four kills in a stage; those with writes held back, which show most, first."""
    moments = {seed: Moment.of(seed) for seed in range(8)}
    return sorted((seed for seed, moment in moments.items() if moment.stage == stage), key=lambda seed: not moments[seed].held)
