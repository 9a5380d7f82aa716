"""Phone numbers never reach a log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from outdial import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+12125550101", "+1212*****01"),
        ("call to +442079460000|c-1", "call to +4420******00|c-1"),
        ("2026-11-24T12:00:00+00:00", "2026-11-24T12:00:00+00:00"),
        ("+1234567", "+1****67"),
        ("order 12125550101", "order 12125550101"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert logs.mask(text) == masked


def test_every_value_of_a_line_is_masked(lines: io.StringIO) -> None:
    number = "+12125550101"
    log = logs.get_logger(worker="w1")
    log.info("The call to %s was placed", number, action="call_placed", key=number.encode(), all={"to": [number]})
    try:
        raise ValueError(number)
    except ValueError:
        log.exception("It failed", action="failed")
    logging.getLogger("elsewhere").warning("Seen %s", number)
    logging.getLogger("stage").warning("Seen.", extra={"action": "seen", "address": number})
    text = lines.getvalue()
    assert number not in text
    first, *_, last = map(json.loads, text.splitlines())
    assert first["event"] == "The call to +1212*****01 was placed"
    assert (first["action"], first["worker"], first["level"]) == ("call_placed", "w1", "info")
    assert (last["action"], last["address"]) == ("seen", "+1212*****01")


def test_libraries_speak_from_warning_on(lines: io.StringIO) -> None:
    logging.getLogger("faust.transport").info("Rebalanced")
    logging.getLogger("librdkafka").info("Connected")
    assert lines.getvalue() == ""
