"""`outdial when --cases`: many people and instants, one JSON object a line, answered with one line each."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from cli.instants import parse_moment
from engine.errors import OutdialError, UsageError
from engine.time import Instant

#: Answers for a contact, as it is published, from an instant on. Raises ValueError, a sentence, for what is no contact.
Ask = Callable[[Any, Instant], dict[str, Any]]

#: The tables of time zones say nothing of what comes behind 2037, and a range may lie 400 days ahead.
_LATEST = parse_moment("2036-11-01", "")


def answer_all(file: str, ask: Ask) -> None:
    """Prints one line for each line that is not empty. Raises OutdialError at the end if some could not be answered."""
    bad = 0
    with _opened(file) as lines:
        for number, text in enumerate(lines, 1):
            if text.strip():
                told = _told(text, number, ask)
                bad += "error" in told
                print(json.dumps(told))
    if bad:
        lines_of = "a line" if bad == 1 else f"{bad} lines"
        raise OutdialError(f"{lines_of} of {'standard input' if file == '-' else file} could not be answered: the output says why")


def asked_instant(value: Any, name: str) -> Instant:
    """ISO 8601, or campaign ms, from 1970 to October 2036. Raises UsageError, a sentence."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, str):
        found = parse_moment(value, name)
    else:
        raise UsageError(f"{name} {json.dumps(value)} is no instant: write 2026-11-26T14:00Z, or ms since 1970")
    if not 0 <= found < _LATEST:
        raise UsageError(
            f"{name} {value!r} does not lie between 1970 and October 2036, for which the clocks of all zones are known"
        )
    return Instant(found)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise UsageError(f"--cases {file}: cannot be read ({error.strerror}): check the name of the file") from error


def _told(text: bytes, number: int, ask: Ask) -> dict[str, Any]:
    """The answer to a line, or what is wrong with it."""
    try:
        case = _case(text)
        return ask(case["contact"], asked_instant(case["from"], "from"))
    except (ValueError, UsageError) as error:
        return {"error": f"line {number}: {error}"}


def _case(text: bytes) -> dict[str, Any]:
    """A line's object. Raises ValueError, a sentence."""
    try:
        case = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} (column {error.colno})") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start})") from None
    if not isinstance(case, dict) or not {"contact", "from"} <= case.keys():
        raise ValueError('needs contact and from: write {"contact": {...}, "from": "2026-11-26T14:00Z"}')
    return case
