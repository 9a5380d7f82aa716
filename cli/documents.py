"""Reads the YAML files people write, and remembers the line of everything in them, so that a fault can name its place.

Only `true`, `false`, `null` and plain decimal numbers are more than text. YAML 1.1 would read `9:00` as 540, `2026-12-24` as a date
and `on` as true: hours, dates and words of a campaign file are what they look like.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.errors import OutdialError
from engine.places import Place, line, path

_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"-?(0|[1-9][0-9]*)"), int),
    (re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+"), float),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its data, and the line (from 1) of each value or key."""

    file: Path
    data: dict[str, Any]
    lines: dict[Place, int]

    def fault(self, place: Place, message: str) -> str:
        """A fault with its place: `campaign.yaml:12: flow[0].wait: is ...`."""
        at, where = line(place, self.lines) or 1, path(place)
        return f"{self.file}:{at}: {where}: {message}" if where else f"{self.file}:{at}: {message}"


def load(file: Path) -> Document:
    """Reads one YAML file. Raises OutdialError, a sentence with the line, for one that is no YAML or no mapping."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise OutdialError(f"{file}: cannot be read ({error.strerror}): check the name of the file") from error
    except UnicodeDecodeError as error:
        raise OutdialError(f"{file}: is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise OutdialError(f"{file}:{line}: is no valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise OutdialError(f"{file}: is no valid YAML: {error}") from error
    if not isinstance(node, yaml.MappingNode):
        raise OutdialError(f"{file}:1: holds no keys: see the examples folder for what belongs there")
    lines: dict[Place, int] = {}
    return Document(file, _mapping(node, (), lines, file, frozenset()), lines)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int], file: Path, above: frozenset[int]) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if id(node) in above:
        raise OutdialError(f"{file}:{node.start_mark.line + 1}: contains itself through an alias: write the value out")
    match node:
        case yaml.MappingNode():
            return _mapping(node, place, lines, file, above)
        case yaml.SequenceNode():
            inside = above | {id(node)}
            return [_value(item, (*place, i), lines, file, inside) for i, item in enumerate(node.value)]
        case _:
            return _scalar(node)


def _mapping(node: yaml.MappingNode, place: Place, lines: dict[Place, int], file: Path, above: frozenset[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    inside = above | {id(node)}
    for key, at, value in _entries(node, file):
        if key in found:
            raise OutdialError(f"{file}:{at}: {key!r} stands here a second time: keep one of the two")
        lines[*place, key] = at
        found[key] = _value(value, (*place, key), lines, file, inside)
    return found


def _entries(node: yaml.MappingNode, file: Path) -> Iterator[tuple[str, int, yaml.Node]]:
    for key, value in node.value:
        at = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise OutdialError(f"{file}:{at}: a key must be plain text")
        yield str(key.value), at, value


def refuse(faults: list[str]) -> None:
    """Raises OutdialError with every fault, if there is any."""
    if faults:
        counted = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise OutdialError("\n  ".join([f"nothing was applied, mend {counted} first:", *faults]))


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    for pattern, kind in _NUMBERS:
        if pattern.fullmatch(text):
            return kind(text)
    return text
