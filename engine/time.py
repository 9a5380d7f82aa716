"""Instants and delays. An Instant is UTC milliseconds since 1970 on the campaign's clock, everywhere.

Local time exists only in engine/windows.py, which also adds calendar delays to instants.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import NewType

Instant = NewType("Instant", int)

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

#: Later than anything that is scheduled, and still exact as a JSON number.
NEVER = Instant(2**53 - 1)


@dataclass(frozen=True, slots=True)
class Delay:
    """`24h` is exact (ms); `1 day` is the same wall time on a later calendar day (days), `2 business days` on a later day that is
    open (business). One of the three is above 0."""

    ms: int = 0
    days: int = 0
    business: int = 0

    @property
    def length(self) -> int:
        """About how long it is, ms; 0: no time at all."""
        return self.ms + (self.days + self.business) * DAY

    def times(self, factor: float) -> "Delay":
        """So many times as long, days rounded up."""
        return self if factor == 1 else Delay(int(self.ms * factor), ceil(self.days * factor), ceil(self.business * factor))


def date_text(at: int) -> str:
    """`2026-11-25`: the date of an instant in UTC, for explanations."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
