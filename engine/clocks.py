"""Zones that tell the same time. Detroit and New York are two names of one clock; Phoenix and Denver are not."""

from collections.abc import Iterable
from functools import lru_cache

from engine.windows import offsets

#: UTC ms of 2025-01-01: what clocks showed before matters to no campaign.
_SINCE = 1_735_689_600_000


@lru_cache(maxsize=1024)
def clock(zone: str) -> tuple[tuple[int, int], ...]:
    """A zone's offsets (ms) from 2025 on, each with the instant it begins (UTC ms). Equal: the same clock."""
    times, values = offsets(zone)
    found: list[tuple[int, int]] = []
    for at, offset in zip(times, values, strict=True):
        if at <= _SINCE:
            found = [(_SINCE, offset)]
        elif offset != found[-1][1]:
            found.append((at, offset))
    return tuple(found)


@lru_cache(maxsize=4096)
def share_a_clock(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether a zone of the one set tells the time of one of the other."""
    return bool(_clocks(some) & _clocks(others))


@lru_cache(maxsize=4096)
def added(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The zones of `others` whose time none of `some` tells; of several with one clock the first."""
    known = _clocks(some)
    fresh = {clock(zone): zone for zone in reversed(others) if clock(zone) not in known}
    return tuple(zone for zone in others if zone in fresh.values())


def _clocks(zones: Iterable[str]) -> set[tuple[tuple[int, int], ...]]:
    return {clock(zone) for zone in zones}
