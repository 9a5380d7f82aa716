"""Without the order of writes, a killed worker loses people, and calls them once more: what test_kill.py asserts can fail."""

from pathlib import Path

from outdial.settings import Settings
from tests.acceptance.kills import WORKER, Moment, kill
from tests.acceptance.world import drills


def test_without_acknowledged_outputs_before_offsets_people_are_lost(tmp_path: Path, broker: Settings) -> None:
    with drills(tmp_path / "home", broker, WORKER, OUTDIAL_TEST_ABLATE="one-flush") as world:
        assert any(kill(world, seed).lost for seed in seeds("intake"))
        assert (done := world.verify()).status == 1, "verify has not missed them"
        assert "but has no row" in done.said


def test_without_acknowledged_rows_before_requests_people_are_called_once_more(tmp_path: Path, broker: Settings) -> None:
    with drills(tmp_path / "home", broker, WORKER, OUTDIAL_TEST_ABLATE="command-first") as world:
        assert any(kill(world, seed).uncounted for seed in seeds("dialing"))


def seeds(stage: str) -> list[int]:
    """The first four kills in a stage; those with writes held back, which show most, first."""
    moments = {seed: Moment.of(seed) for seed in range(8)}
    return sorted((seed for seed, moment in moments.items() if moment.stage == stage), key=lambda seed: not moments[seed].held)
