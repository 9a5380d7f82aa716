"""Campaign time: shifted, accelerated, shared by the processes of a home, never backwards."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import OutdialError, UsageError
from outdial.clock import AcceleratedClock, Anchor, Clock, SystemClock, TimeSource, clock_from, parse_clock
from outdial.settings import Settings

NOON = 1_795_521_600_000  # 2026-11-24T12:00:00Z


def at(*real_us: int) -> TimeSource:
    """A source that gives these readings, then repeats the last."""
    readings: Iterator[int] = iter(real_us)
    last = real_us[-1]
    return lambda: next(readings, last)


def test_the_system_clock_is_real_time() -> None:
    clock: Clock = SystemClock(at(1_234_567_890))
    assert (clock.now(), clock.real_us(), clock.real_ms()) == (1_234_567, 1_234_567_890, 1_234_567)
    assert clock.is_real
    assert clock.real_delay(1_500) == 1.5


@pytest.mark.parametrize(
    ("rate", "elapsed_us", "campaign_ms"),
    [
        (60, 0, 0),
        (60, 1_000_000, 60_000),
        (60, 16, 0),  # less than a campaign millisecond is not one yet: a timer may be late, never early
        (60, 17, 1),
        (0.5, 4_000_000, 2_000),
        (60, -1_000_000, -60_000),  # before the anchor
        (60, -1, -1),
    ],
)
def test_an_accelerated_clock_is_a_line_through_its_anchor(rate: float, elapsed_us: int, campaign_ms: int) -> None:
    anchor = Anchor(parse_clock("2026-11-24T12:00:00Z x1").campaign_ms, 5_000_000_000, rate)
    clock = AcceleratedClock(anchor, at(5_000_000_000 + elapsed_us))
    assert clock.now() == NOON + campaign_ms
    assert clock.real_us() == 5_000_000_000 + elapsed_us
    assert not clock.is_real


def test_real_delay_of_an_accelerated_clock() -> None:
    clock = AcceleratedClock(Anchor(parse_clock("2026-11-24T12:00:00Z x1").campaign_ms, 0, 60), at(0))
    assert clock.real_delay(60_000) == 1.0
    assert clock.real_delay(-5) == 0.0


@pytest.mark.parametrize("spec", [None, "2026-11-24T12:00:00Z@1970-01-01T00:00:00Z x60"])
def test_it_never_runs_backwards(tmp_path: Path, spec: str | None) -> None:
    clock = clock_from(Settings(home=tmp_path, clock=spec), at(9_000_000, 3_000_000, 8_999_999, 9_001_000))
    readings = [clock.now() for _ in range(4)]
    assert readings == sorted(readings)
    assert readings[0] == readings[2] < readings[3]


def test_the_first_process_anchors_and_the_others_follow(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", clock="2026-11-24T12:00:00Z x60")
    first = clock_from(settings, at(1_000_000))
    second = clock_from(settings, at(3_000_000))
    assert first.now() == NOON
    assert second.now() == NOON + 2 * 60_000
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["clock.json"]


def test_another_clock_in_the_same_home_is_refused(tmp_path: Path) -> None:
    clock_from(Settings(home=tmp_path, clock="2026-11-24T12:00:00Z x60"), at(0))
    with pytest.raises(UsageError, match=r"another clock than the one .*clock\.json holds"):
        clock_from(Settings(home=tmp_path, clock="2026-11-24T12:00:00Z x61"), at(0))


def test_a_broken_anchor_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "clock.json").write_text(json.dumps({"campaign_ms": 1}))
    with pytest.raises(OutdialError, match=r"clock\.json is no clock anchor"):
        clock_from(Settings(home=tmp_path, clock="2026-11-24T12:00:00Z x60"), at(0))


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00 x60",
        "2026-11-24T12:00:00Z x0",
        "2026-11-24T12:00:00Z x-1",
        "2026-13-24T12:00:00Z x1",
        "2026-11-24T12:00:00Z@ x1",
    ],
)
def test_a_clock_that_cannot_be_read_names_the_variable(text: str) -> None:
    with pytest.raises(UsageError, match=r"OUTDIAL_CLOCK is .* write it as"):
        Settings(clock=text)


def test_offsets_count() -> None:
    assert parse_clock("2026-11-24T07:00:00-05:00@2026-11-24T13:00:00+01:00 x2").campaign_ms == NOON
    assert parse_clock("2026-11-24T07:00:00-05:00@2026-11-24T13:00:00+01:00 x2").real_us == NOON * 1_000
