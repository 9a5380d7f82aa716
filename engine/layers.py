"""One set of opening hours. A window is made of layers: the campaign's hours, its closed dates, a step's hours, each law's hours.

A window is open when every layer is, in every zone; engine/windows.py lays them over the calendar.
"""

from dataclasses import dataclass
from typing import Literal

from engine.weekly import Span, Weekly

#: A local date, in days since 1970-01-01.
Day = int

#: Which check of the gate speaks for a layer that is closed by its hours.
Speaker = Literal["window", "law"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Hours by weekday, and the dates that differ. What a date closes, the check `holidays` speaks for (of a law: `law`).

    holidays: presets (engine/holiday_sets.py), closed all day whatever reaches into them. blackout: first and last day of ranges,
    closed likewise. overrides: a date -> the intervals (minutes) that begin on it instead of the weekly ones; it lifts the holidays
    of its own layer, never blackout. zone: measured by this zone's clock, not the person's. since: open all day before this date.
    """

    speaker: Speaker
    name: str  # in words, for explanations
    weekly: Weekly
    holidays: tuple[str, ...] = ()
    blackout: tuple[tuple[Day, Day], ...] = ()
    overrides: tuple[tuple[Day, tuple[Span, ...]], ...] = ()
    zone: str | None = None
    since: Day | None = None
