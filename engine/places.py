"""Places in a file that people wrote: the way from its top to a value, the line it stands on, and how a value is written there."""

import json
from collections.abc import Mapping
from typing import Any

#: Keys and list positions from the top of the file to a value.
Place = tuple[str | int, ...]


def path(place: Place) -> str:
    """`flow[0].retry.busy`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def line(place: Place, lines: Mapping[Place, int]) -> int | None:
    """The line of a place; of what is not in the file, that of what should hold it. None: no lines are known."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def written(value: Any) -> str:
    """A value as one may write it in YAML, on one line: `{mon-fri: [09:00-12:00], sat: []}`."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(written, value)) + "]"
        case str():
            return value
        case float():
            return f"{value:g}"
        case _:
            return json.dumps(value, default=str)
