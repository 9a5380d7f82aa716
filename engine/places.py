"""Places in a file that people wrote: the way from its top to a value, and the line it stands on."""

from collections.abc import Mapping

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
