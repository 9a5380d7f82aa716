"""What became of the rows of an import, in figures."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from cli.importing import Person
from engine.zones import told_by

_MOST_NOTES = 100  # kept in words; a million different ones would not fit
_FIGURES = ("rows", "accepted", "merged", "rejected", "published", "enrolled")
_COUNTS = ("mended", "zones", "reasons", "notes")


@dataclass(slots=True)
class Tally:
    """`rows = accepted + merged + rejected`. published: records of people. enrolled: people entered into each campaign.

    mended: what (MENDS) -> rows. zones: who told them, in words -> people. reasons: code -> rejected rows. notes: words -> rows.
    """

    rows: int = 0
    accepted: int = 0
    merged: int = 0
    rejected: int = 0
    published: int = 0
    enrolled: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """What `kept` gave."""
        values: dict[str, Any] = {name: Counter(value) if name in _COUNTS else value for name, value in kept.items()}
        return cls(**values)

    def kept(self) -> dict[str, Any]:
        """All figures, as JSON has them."""
        figures = {name: getattr(self, name) for name in _FIGURES}
        return figures | {name: dict(getattr(self, name).most_common()) for name in _COUNTS}

    def take(self, person: Person, new: bool) -> None:
        """Counts a usable row."""
        self.rows += 1
        if new:
            self.accepted += 1
            self.zones[told_by(person.zones.sources)] += 1
        else:
            self.merged += 1
        for mend in person.mended:
            self.mended[mend] += 1
        for problem in person.problems:
            self.notes[problem if problem in self.notes or len(self.notes) < _MOST_NOTES else "others"] += 1

    def refuse(self, code: str) -> None:
        """Counts a row that cannot be used."""
        self.rows += 1
        self.rejected += 1
        self.reasons[code] += 1
