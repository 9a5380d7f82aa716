"""What is wrong with a file so far, and how to find what its types do not show: shared by the checks of a campaign file's parts."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.complaints import listed, nearest
from engine.errors import RecordError
from engine.places import Place
from engine.resources import ResourceIndex

T = TypeVar("T")


@dataclass(slots=True)
class Check:
    """The faults found so far, and how to find those that types do not show."""

    data: Mapping[str, Any]
    resources: ResourceIndex | None
    found: list[tuple[Place, str]] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        self.found.append((place, message))

    def get(self, kind: type[T], *place: str | int) -> T | None:
        """What stands at a place, if it is of this kind; else None, and the types' faults say what is wrong."""
        value: Any = self.data
        for part in place:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value if isinstance(value, kind) else None

    def read(self, parse: Callable[[str], T], *place: str | int) -> T | None:
        """A text, parsed; a fault if it cannot be."""
        text = self.get(str, *place)
        try:
            return parse(text) if text is not None else None
        except (ValueError, RecordError) as error:
            self.add(place, str(error))
            return None

    def declared(self, what: str, known: Collection[str], *place: str | int) -> None:
        """A fault if the name at this place is not declared."""
        name = self.get(str, *place)
        if self.resources is not None and name is not None and name not in known:
            there = f"declared: {listed(sorted(known))}" if known else "none is declared"
            self.add(place, f"no {what} {name!r} in the resources ({there}){nearest(name, known)}")
