"""Logs: a line is a sentence, a stable `action` and the entity it is about. Phone numbers are masked wherever they stand.

log = get_logger()
log.info("The call was placed", action="call_placed", dial_id=dial_id, address=address)
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

#: E.164 has at most 15 digits; fewer than 7 are no subscriber's number.
_PHONE = re.compile(r"\+\d{7,15}(?!\d)")

#: They log each rebalance and reconnect at INFO: silenced on the logger itself, since a level on the root does not reach down to
#: loggers that set their own.
NOISY = ("faust", "mode", "aiokafka", "kafka", "librdkafka", "asyncio", "aiohttp.access")


def mask(text: str) -> str:
    """The text with each phone number shortened to its country, area and last two digits: +1212*****01."""
    return _PHONE.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    number = match[0]
    shown = min(5, len(number) - 6)
    return number[:shown] + "*" * (len(number) - shown - 2) + number[-2:]


def mask_phones(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that masks phone numbers in the sentence and in every value, however deep."""
    return cast(EventDict, _mask_value(event))


def _mask_value(value: Any) -> Any:
    match value:
        case str():
            return mask(value)
        case bytes():
            return mask(value.decode("utf-8", "backslashreplace"))
        case Mapping():
            return {_mask_value(key): _mask_value(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_mask_value(item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return mask(str(value))


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sends Outdial's and the libraries' logs to `stream` (stderr): readable on a terminal, one JSON object a line otherwise."""
    out = stream or sys.stderr
    terminal = out.isatty()
    shared = _shared_processors(terminal)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(shared, terminal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    quieten()


def quieten() -> None:
    """Libraries speak from WARNING on. To be called again after a library has set up logging of its own (Faust does)."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(**bound: Any) -> structlog.stdlib.BoundLogger:
    """A logger that adds `bound` to each of its lines."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger("outdial", **bound))


def _shared_processors(terminal: bool) -> list[Processor]:
    # Tracebacks become text before the masking, for they quote values; a terminal gets the local time of its reader.
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal, key="at")
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        stamp,
        mask_phones,
    ]


def _formatter(shared: list[Processor], terminal: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(timestamp_key="at") if terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        # The libraries' and the stages' own lines come with `extra`.
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
