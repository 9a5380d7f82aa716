"""One set of opening hours. A window is made of layers: the campaign's hours and dates, a step's hours, each law's hours.

A window is open when every layer is, in every zone; engine/calendars.py lays them over UTC.

| on a date | what holds |
|---|---|
| blackout | closed all day, whatever reaches into it; what would begin on it does not |
| override | its intervals begin on it, instead of the weekly ones; it lifts the holidays of its own layer, never blackout or law |
| holiday | closed as a blackout is |
| any other | the weekly intervals; one across midnight belongs to the day it begins on |
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal

from engine.holiday_sets import holidays_in
from engine.time import DAY, MINUTE
from engine.weekly import DAY_MINUTES, Span, Weekly, merged

#: A local date, in days since 1970-01-01.
Day = int

#: Which check of the gate speaks for a layer that is closed by its hours.
Speaker = Literal["window", "law"]

_KEPT = 1024  # dates looked at, of each layer
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Layer:
    """Hours by weekday, and the dates that differ. What a date closes, the check `holidays` speaks for (of a law: `law`).

    holidays: presets (engine/holiday_sets.py). blackout: first and last day of ranges. overrides: a date -> the intervals (minutes)
    that begin on it. zone: measured by this zone's clock, not the person's. since: open all day before it.
    """

    speaker: Speaker
    name: str  # in words, for explanations
    weekly: Weekly
    holidays: tuple[str, ...] = ()
    blackout: tuple[tuple[Day, Day], ...] = ()
    overrides: tuple[tuple[Day, tuple[Span, ...]], ...] = ()
    zone: str | None = None
    since: Day | None = None
    label: str | None = None  # in a word or two, where the name is longer; None: `window`, of a law its name
    _on: dict[Day, tuple[Span, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        every = (
            self.speaker,
            self.name,
            self.weekly,
            self.holidays,
            self.blackout,
            self.overrides,
            self.zone,
            self.since,
            self.label,
        )
        object.__setattr__(self, "_hash", hash(every))  # frozen for everybody else

    def __hash__(self) -> int:
        """Made once: what is kept of layers is found by them, all the time."""
        return self._hash

    @property
    def dated(self) -> bool:
        """Whether some date differs from its weekday."""
        return bool(self.holidays or self.blackout or self.overrides or self.since is not None)

    def dates(self, first: Day, last: Day) -> Iterator[Day]:
        """The dates from first to last that may differ from their weekday, in no order. Of `since`, the two it lies between."""
        years = range(date_of(first).year, date_of(last).year + 1)
        every = [day for preset in self.holidays for year in years for day in holidays_in(preset, year)]
        every += [day for day, _ in self.overrides]
        every += [day for a, b in self.blackout for day in range(max(a, first), min(b, last) + 1)]
        every += [] if self.since is None else [self.since - 1, self.since]
        yield from (day for day in set(every) if first <= day <= last)

    def is_open(self, local: int) -> bool:
        """Whether it is open when a clock reads this (ms since 1970 by the clock)."""
        day, ms = divmod(local, DAY)
        return any(start * MINUTE <= ms < end * MINUTE for start, end in self.on(day))

    def on(self, day: Day) -> tuple[Span, ...]:
        """When it is open on a date, minutes from its midnight, sorted and merged: with what reaches into it."""
        found = self._on.get(day)
        if found is None:
            if len(self._on) >= _KEPT:
                self._on.clear()
            found = self._on[day] = self._open(day)
        return found

    def _open(self, day: Day) -> tuple[Span, ...]:
        if self.closed(day):
            return ()
        began = [(start, min(end, DAY_MINUTES)) for start, end in self.intervals(day)]
        return merged([*began, *((0, end - DAY_MINUTES) for _, end in self.intervals(day - 1) if end > DAY_MINUTES)])

    def before(self, day: Day) -> bool:
        """Whether a date lies before it is effective."""
        return self.since is not None and day < self.since

    def intervals(self, day: Day) -> tuple[Span, ...]:
        """What begins on a date, minutes from its midnight; an end above 1440 lies on the next day."""
        if self.before(day):
            return ((0, DAY_MINUTES),)
        if self.closed(day):
            return ()
        for override, spans in self.overrides:
            if override == day:
                return spans
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        return tuple([(start, end) for each, start, end in self.weekly if each == weekday])

    def closed(self, day: Day) -> str | None:
        """Why a date is closed all day, in words; None if it is not."""
        if self.before(day):
            return None
        if any(a <= day <= b for a, b in self.blackout):
            return f"blackout {date_of(day)}"
        if any(override == day for override, _ in self.overrides):
            return None
        year = date_of(day).year
        return next((f"{name} ({preset})" for preset in self.holidays if (name := holidays_in(preset, year).get(day))), None)


@lru_cache(maxsize=4096)
def shared(layer: Layer) -> Layer:
    """The one of all equal layers that keeps what its dates come to: a state's law holds in hundreds of combinations of places."""
    return layer


def date_of(day: Day) -> date:
    """A day as a date."""
    return date.fromordinal(_EPOCH + day)


def day_of(text: str) -> Day:
    """`2026-12-24` as a day. Raises ValueError."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: {error}") from None
    raise ValueError(f"{text!r} is not a date: write YYYY-MM-DD, such as 2026-12-24")


def days_of(text: str) -> tuple[Day, Day]:
    """`2026-12-24`, or `2026-12-28..2026-12-31` with both ends, as first and last day. Raises ValueError."""
    first, dots, last = text.partition("..")
    found = day_of(first.strip()), day_of((last if dots else first).strip())
    if found[0] > found[1]:
        raise ValueError(f"{text!r} ends before it begins: write the earlier date first")
    return found
