"""What a new version of a file changes, value by value, with the path of each: `window.weekly.sat: nothing -> 10:00-14:00`.

Steps, agents and other things with a name are compared by it, wherever in their list they stand.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from engine.places import written

#: The keys that name an entry of a list.
_NAMES = ("id", "number")


class _Nothing:
    """Stands for a value that is not there; None can be one."""


_NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is another. In `kind` added the old one, in removed the new one means nothing."""

    path: str
    kind: str  # added | removed | changed | moved
    old: Any = None
    new: Any = None

    def summary(self) -> dict[str, Any]:
        """For --json: `old` and `new` where there are any."""
        old = {} if self.kind == "added" else {"old": self.old}
        new = {} if self.kind == "removed" else {"new": self.new}
        return {"path": self.path, "kind": self.kind} | old | new


def differences(old: Any, new: Any) -> list[Difference]:
    """Everything that differs between the data of two files, in the order of the new one; what is gone stands last."""
    return list(_values(old, new, ""))


def _values(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _keys(old, new, f"{path}." if path else "", "")
    elif (before := _named(old)) is not None and (after := _named(new)) is not None:
        yield from _keys(before, after, f"{path}[", "]")
        kept = [name for name in before if name in after]
        if kept != (now := [name for name in after if name in before]):
            yield Difference(path, "moved", kept, now)
    else:
        yield _single(old, new, path)


def _same(old: Any, new: Any) -> bool:
    """Equal, but for Python's idea that 0 is false, however deep it lies."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return isinstance(old, bool) is isinstance(new, bool) and bool(old == new)


def _keys(old: dict[str, Any], new: dict[str, Any], opening: str, closing: str) -> Iterator[Difference]:
    for key in (*new, *(key for key in old if key not in new)):
        yield from _values(old.get(key, _NOTHING), new.get(key, _NOTHING), f"{opening}{key}{closing}")


def _single(old: Any, new: Any, path: str) -> Difference:
    if old is _NOTHING:
        return Difference(path, "added", new=new)
    return Difference(path, "removed", old=old) if new is _NOTHING else Difference(path, "changed", old, new)


def _named(value: Any) -> dict[str, Any] | None:
    """A list whose entries have names of their own, by name; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return None
    names = [next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), None) for entry in value]
    if None in names or len(set(names)) < len(names):
        return None
    return {str(name): entry for name, entry in zip(names, value, strict=True)}


def show(found: Iterable[Difference], console: Console) -> None:
    """Prints differences, one a line."""
    for each in found:
        console.print(Text.assemble("  ", _line(each)))


def _line(each: Difference) -> Text:
    match each.kind:
        case "added":
            return Text.assemble(f"{each.path}: ", ("added", "green"), f" {written(each.new)}" if each.new != {} else "")
        case "removed":
            return Text.assemble(f"{each.path}: ", ("removed", "red"), f" {written(each.old)}" if each.old != {} else "")
        case kind:
            word = "order " if kind == "moved" else ""
            return Text.assemble(f"{each.path}: {word}", (written(each.old), "red"), " -> ", (written(each.new), "green"))
