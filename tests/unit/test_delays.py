"""engine/delays.py: exact and calendar durations, and what is said of others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.delays import parse_delay, parse_ms
from engine.time import HOUR, MINUTE, SECOND, Delay


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("30s", Delay(ms=30 * SECOND)),
        ("15m", Delay(ms=15 * MINUTE)),
        ("24h", Delay(ms=24 * HOUR)),
        (" 24 H ", Delay(ms=24 * HOUR)),
        ("1 day", Delay(days=1)),
        ("2 days", Delay(days=2)),
        ("1 business day", Delay(business=1)),
        ("2 business days", Delay(business=2)),
    ],
)
def test_durations(text: str, delay: Delay) -> None:
    assert parse_delay(text) == delay


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1d", "'1d' is not a duration: write a number with s, m, h or days"),
        ("15", "is not a duration"),
        ("-1h", "is not a duration"),
        ("1.5h", "is not a duration"),
        ("", "is not a duration"),
        ("0s", "has no length"),
        ("401 days", "is too long: at most 400 days"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_delay(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("15 minutes", "15m"), ("2hrs", "2h"), ("30 sec", "30s"), ("1d", "1 day"), ("3 d", "3 days"), ("2 weeks", "14 days")],
)
def test_what_was_meant_is_said_and_can_be_written(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"Did you mean {meant}\?$"):
        parse_delay(text)
    assert parse_delay(meant)


@pytest.mark.parametrize("text", ["0 minutes", "15x", "minutes", "9999 hours"])
def test_nothing_is_guessed_that_could_not_be_written(text: str) -> None:
    with pytest.raises(ValueError, match=r"1 day$"):
        parse_delay(text)


def test_a_ring_timeout_is_exact() -> None:
    assert parse_ms("30s") == 30_000
    with pytest.raises(ValueError, match="'1 day' is in calendar days"):
        parse_ms("1 day")


@given(st.integers(1, 400), st.sampled_from([("s", SECOND), ("m", MINUTE), ("h", HOUR)]))
def test_a_number_and_a_unit(count: int, unit: tuple[str, int]) -> None:
    assert parse_delay(f"{count}{unit[0]}") == Delay(ms=count * unit[1])
    assert parse_delay(f"{count} days") == Delay(days=count)


@given(st.text(max_size=12))
def test_any_text_is_a_delay_or_refused(text: str) -> None:
    try:
        delay = parse_delay(text)
    except ValueError:
        return
    assert (delay.ms > 0) != (delay.days > 0)
