"""`when` conditions of steps, in CEL (https://cel.dev) by the library `cel`, a binding of Rust's. The only place that knows it.

A condition sees

- `last`, the last closed attempt: its disposition, channel, step (texts) and at (UTC ms). Before the first attempt the texts are
  empty and `at` is 0: `last.disposition == "voicemail"` is false, `last.disposition != "answered"` true, and `last.step == ""`
  asks for just that;
- `attempts`, how many attempts of this passage count;
- `contact`, the person's variables: `contact.plan == "gold"`. What a list brings are texts: `int(contact.age) > 30`;
- `local`, the person's clock: hour, minute, weekday (`"mon"`) and date (`"2026-11-26"`); of several zones the first.

A condition is tried when the campaign is applied, so that a wrong type is refused there. One that still fails later (a variable
that a person lacks, a division by zero) does not hold: the step is passed over, nobody is contacted in doubt, and the flow goes on.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import product
from typing import Any

from engine.plan import Condition

_BLANK: dict[str, Any] = {"disposition": "", "channel": "", "step": "", "at": 0}
_SAMPLE: dict[str, Any] = {"disposition": "voicemail", "channel": "call", "step": "first-call", "at": 1_794_900_000_000}
_NAMES = ("last", "attempts", "contact", "local")
_LOCAL: dict[str, Any] = {"hour": 10, "minute": 30, "weekday": "mon", "date": "2026-11-30"}
#: What a variable of a contact may be, to try conditions with; and the most variables that are tried in all combinations.
_VALUES: tuple[Any, ...] = ("7", 7, 7.5, True)
_MOST = 4

#: Texts in CEL; what is between quotes is no code. No escapes are needed: a raw or triple-quoted text is refused with the rest.
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
_CONTACT = re.compile(r"(?<![\w.])contact\s*(?:\.\s*(\w+)|\[\s*(?:\"([^\"]+)\"|'([^']+)')\s*\])", re.ASCII)
_OF_LOCAL = re.compile(r"(?<![\w.])local\s*\.\s*(\w+)", re.ASCII)
_LAST = re.compile(r"(?<![\w.])last\b\s*(\.\s*(\w+)\s*(\()?)?", re.ASCII)


def compile_condition(text: str) -> Condition:
    """A condition, ready to ask, some microseconds, never an exception.

    Raises ValueError, a sentence: bad syntax, an unknown name or field, or a result that is not true or false.
    """
    import cel  # Takes 0.3 s, a shell of its own included, and only campaigns with conditions need it.

    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a condition: {_first_line(error)}") from None
    names = frozenset(program.variables())
    _check_names(text, names)
    for last in (_BLANK, _SAMPLE):
        _try(text, program, last)

    def holds(variables: Mapping[str, Any]) -> bool:
        try:
            return program.execute({**variables, "last": {**_BLANK, **(variables.get("last") or {})}}) is True
        except Exception:
            return False

    return Condition(holds, names)


def contact_names(text: str) -> list[str]:
    """The variables of the contact that a condition names: `contact.x`, `contact["x"]`."""
    fields = (match[1] or match[2] or match[3] for match in _CONTACT.finditer(_of_contact(text)))
    return list(dict.fromkeys(fields))


def _of_contact(text: str) -> str:
    """The text without what is between quotes, but for names of variables."""
    return _TEXT.sub(lambda m: m[0] if text[: m.start()].rstrip().endswith("contact[") else '""', text)


def _check_names(text: str, names: frozenset[str]) -> None:
    for name in sorted(names):
        if name not in _NAMES:
            near = get_close_matches(name, _NAMES, 1)
            hint = f". Did you mean {near[0]}?" if near else ""
            raise ValueError(f"{text!r} names {name!r}: a condition knows {', '.join(_NAMES)}{hint}")
    code = _TEXT.sub('""', text)
    for match in _LAST.finditer(code):
        if match[2] is None or match[3]:
            raise ValueError(f"{text!r} uses last without a field: write one of {_fields('last', _BLANK)}")
        _check_field(text, "last", match[2], _BLANK)
    for match in _OF_LOCAL.finditer(code):
        _check_field(text, "local", match[1], _LOCAL)
    if re.search(r"\bhas\s*\(\s*last\b", code):
        raise ValueError(f'{text!r} asks has(last...), which is always true here: ask whether last.step == ""')


def _check_field(text: str, name: str, field: str, known: Mapping[str, Any]) -> None:
    if field not in known:
        near = get_close_matches(field, known, 1)
        hint = f" Did you mean {name}.{near[0]}?" if near else ""
        raise ValueError(f"{text!r} names {name}.{field}: {name} has {_fields(name, known)}.{hint}")


def _fields(name: str, known: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}.{field}" for field in known)


def _try(text: str, program: Any, last: dict[str, Any]) -> None:
    """With people of all kinds: a condition must be true or false for one of them at least."""
    failed: Exception | None = None
    for contact in _people(text):
        try:
            result = program.execute({"last": last, "attempts": 1, "contact": contact, "local": _LOCAL})
        except Exception as error:
            failed = failed or error
            continue
        if not isinstance(result, bool):
            raise ValueError(f"{text!r} is not true or false but {result!r}: compare it with something")
        return
    assert failed is not None
    raise ValueError(f"{text!r} cannot be evaluated: {_first_line(failed)}") from None


def _people(text: str) -> Iterator[dict[str, Any]]:
    names = contact_names(text)
    for values in product(_VALUES, repeat=min(len(names), _MOST)):
        yield dict.fromkeys(names, values[0] if values else None) | dict(zip(names, values, strict=False))


def _first_line(error: Exception) -> str:
    """The library's complaint without its drawing, and without the list of every token it would have liked."""
    line = str(error).splitlines()[0]
    line = re.sub(r"^Failed to parse expression .*?: ERROR: <input>:\d+:(\d+): ", r"at character \1: ", line)
    return re.sub(r" expecting \{.*", "", line)
