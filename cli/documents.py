"""Reads the YAML files people write, and remembers the line of everything in them, so that a fault can name its place.

Only `true`, `false`, `null` and plain decimal numbers are more than text. YAML 1.1 would read `9:00` as 540, `2026-12-24` as a date
and `on` as true: hours, dates and words of a campaign file are what they look like.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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
    """One file: its data, and the line (from 1) of each value or key. unread: (line, fault) of what is no sound YAML in it."""

    file: Path
    data: dict[str, Any]
    lines: dict[Place, int]
    unread: tuple[tuple[int, str], ...] = ()

    def fault(self, place: Place, message: str) -> str:
        """A fault with its place: `campaign.yaml:12: flow[0].wait: is ...`."""
        where = path(place)
        return f"{self.file}:{self.line(place)}: {where}: {message}" if where else f"{self.file}:{self.line(place)}: {message}"

    def line(self, place: Place) -> int:
        """The line of a place; of what is not in the file, that of what should hold it."""
        return line(place, self.lines) or 1

    def told(self, found: Iterable[tuple[Place, str]]) -> list[str]:
        """These faults, and those of the YAML, in the order of their lines."""
        every = [*self.unread, *((self.line(place), self.fault(place, message)) for place, message in found)]
        return [fault for _, fault in sorted(every, key=lambda pair: pair[0])]


def load(file: Path) -> Document:
    """Reads one YAML file. Raises OutdialError, a sentence with the line, for one that is no YAML or no mapping.

    A key that stands twice is no reason to hide other faults: it is kept in `unread`, and what came first counts.
    """
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
    reading = _Reading(file)
    data = reading.mapping(node, (), frozenset())
    return Document(file, data, reading.lines, tuple(reading.unread))


def load_all(files: Sequence[Path]) -> list[Document]:
    """Reads YAML files. Raises OutdialError with the faults of all those that cannot be read."""
    documents: list[Document] = []
    unread: list[str] = []
    for file in files:
        try:
            documents.append(load(file))
        except OutdialError as error:
            unread.append(str(error))
    if len(unread) == 1:
        raise OutdialError(unread[0])
    refuse(unread)
    return documents


@dataclass(slots=True)
class _Reading:
    """A file while it is read: lines and faults so far."""

    file: Path
    lines: dict[Place, int] = field(default_factory=dict)
    unread: list[tuple[int, str]] = field(default_factory=list)

    def value(self, node: yaml.Node, place: Place, above: frozenset[int]) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in above:
            raise OutdialError(f"{self.file}:{node.start_mark.line + 1}: contains itself through an alias: write the value out")
        match node:
            case yaml.MappingNode():
                return self.mapping(node, place, above)
            case yaml.SequenceNode():
                inside = above | {id(node)}
                return [self.value(item, (*place, i), inside) for i, item in enumerate(node.value)]
            case _:
                return _scalar(node)

    def mapping(self, node: yaml.MappingNode, place: Place, above: frozenset[int]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        inside = above | {id(node)}
        for key, at, value in self._entries(node):
            if key in found:
                self._refuse(at, f"{path((*place, key))}: stands here a second time: keep one of the two")
                continue
            self.lines[*place, key] = at
            found[key] = self.value(value, (*place, key), inside)
        return found

    def _entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, int, yaml.Node]]:
        for key, value in node.value:
            at = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                yield str(key.value), at, value
            else:
                self._refuse(at, "a key must be plain text")

    def _refuse(self, at: int, message: str) -> None:
        self.unread.append((at, f"{self.file}:{at}: {message}"))


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
