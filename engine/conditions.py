"""`when` conditions of steps, in CEL (https://cel.dev) by the library `cel`, a binding of Rust's. The only place that knows it.

A condition sees `last`, the last closed attempt: its disposition, channel, step (texts) and at (UTC ms). Before the first attempt
the texts are empty and `at` is 0: `last.disposition == "voicemail"` is false, `last.disposition != "answered"` true, and
`last.step == ""` asks for just that.

A condition is tried when the campaign is applied, so that a wrong type is refused there. One that still fails later (a division by
zero) does not hold: the step is passed over, nobody is contacted in doubt, and the flow goes on.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from engine.plan import Condition

_BLANK: dict[str, Any] = {"disposition": "", "channel": "", "step": "", "at": 0}
_SAMPLE: dict[str, Any] = {"disposition": "voicemail", "channel": "call", "step": "first-call", "at": 1_794_900_000_000}

#: Texts in CEL; what is between quotes is no code. No escapes are needed: a raw or triple-quoted text is refused with the rest.
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
_LAST = re.compile(r"(?<![\w.])last\b\s*(\.\s*(\w+)\s*(\()?)?", re.ASCII)


def compile_condition(text: str) -> Condition:
    """A condition, ready to ask: `condition({"last": {...} or None}) -> bool`, some microseconds, never an exception.

    Raises ValueError, a sentence: bad syntax, an unknown name or field, or a result that is not true or false.
    """
    import cel  # Takes 0.3 s, a shell of its own included, and only campaigns with conditions need it.

    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a condition: {_first_line(error)}") from None
    _check_names(text, program.variables())
    for last in (_BLANK, _SAMPLE):
        _try(text, program, last)

    def holds(variables: Mapping[str, Any]) -> bool:
        try:
            return program.execute({"last": {**_BLANK, **(variables.get("last") or {})}}) is True
        except Exception:
            return False

    return holds


def _check_names(text: str, variables: list[str]) -> None:
    for name in variables:
        if name != "last":
            raise ValueError(f"{text!r} names {name!r}, which is not enforced yet, so it is refused: only last is known")
    code = _TEXT.sub('""', text)
    for match in _LAST.finditer(code):
        field = match[2]
        if field is None or match[3]:
            raise ValueError(f"{text!r} uses last without a field: write one of {_fields()}")
        if field not in _BLANK:
            near = get_close_matches(field, _BLANK, 1)
            hint = f" Did you mean last.{near[0]}?" if near else ""
            raise ValueError(f"{text!r} names last.{field}: last has {_fields()}.{hint}")
    if re.search(r"\bhas\s*\(", code):
        raise ValueError(f'{text!r} asks has(...), which is always true here: ask whether last.step == ""')


def _fields() -> str:
    return ", ".join(f"last.{field}" for field in _BLANK)


def _try(text: str, program: Any, last: dict[str, Any]) -> None:
    try:
        result = program.execute({"last": last})
    except Exception as error:
        raise ValueError(f"{text!r} cannot be evaluated: {_first_line(error)}") from None
    if not isinstance(result, bool):
        raise ValueError(f"{text!r} is not true or false but {result!r}: compare it with something")


def _first_line(error: Exception) -> str:
    """The library's complaint without its drawing, and without the list of every token it would have liked."""
    line = str(error).splitlines()[0]
    line = re.sub(r"^Failed to parse expression .*?: ERROR: <input>:\d+:(\d+): ", r"at character \1: ", line)
    return re.sub(r" expecting \{.*", "", line)
