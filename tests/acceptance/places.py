"""What the witness knows of US addresses, by a table of its own, `postal_codes.csv`: from maps, not from the product's data.

A row holds ranges of ZIP codes (three digits: whole areas) with their state and zone. Where a boundary runs through an area the row
has both zones: somebody there is in one of them, and the witness does not know which. A state is all that its rows are.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

POSTAL_CODES = Path(__file__).with_name("postal_codes.csv")
_HALVES = (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC))


class Where(NamedTuple):
    """A person is measured by all zones of `surely`, and by at least one of `one_of`."""

    surely: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.surely or self.one_of)

    def and_also(self, zones: Iterable[str]) -> "Where":
        return Where(tuple(dict.fromkeys((*self.surely, *zones))), self.one_of)


class Addresses:
    """Zones by ZIP code and by state."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._areas: dict[str, Where] = {}
        self._states: dict[str, tuple[str, ...]] = {}
        for row in rows:
            zones = tuple(row["zones"].split())
            known = Where(zones) if len(zones) == 1 else Where(one_of=zones)
            digits = len(row["first"])
            for code in range(int(row["first"]), int(row["last"]) + 1):
                self._areas[f"{code:0{digits}}"] = known
            self._states[row["state"]] = tuple(dict.fromkeys((*self._states.get(row["state"], ()), *zones)))

    def where(self, row: Mapping[str, Any]) -> Where:
        """By postal code, else by state, by both if they have no time in common; nothing outside the US."""
        if str(row.get("country") or "US").strip().upper() not in ("US", "USA"):
            return Where()
        by_code = self.by_code(str(row.get("postal_code") or ""))
        by_state = self._states.get(str(row.get("state") or "").strip().upper(), ())
        if not by_code:
            return Where(by_state)
        apart = by_state and not _clocks((*by_code.surely, *by_code.one_of)) & _clocks(by_state)
        return by_code.and_also(by_state) if apart else by_code

    def by_code(self, text: str) -> Where:
        """The zones of a ZIP code that may have lost its leading zeros."""
        found = re.fullmatch(r"(\d{3,5})(-\d{4})?", text.strip())
        code = found[1].zfill(5) if found else ""
        return self._areas.get(code) or self._areas.get(code[:3]) or Where()


def _clocks(zones: Iterable[str]) -> set[tuple[Any, ...]]:
    """Zones by what their clocks show in winter and in summer: Detroit and New York are one."""
    return {tuple(half.astimezone(ZoneInfo(zone)).utcoffset() for half in _HALVES) for zone in zones}


def read_addresses(path: Path = POSTAL_CODES) -> Addresses:
    with path.open(encoding="utf-8", newline="") as file:
        return Addresses(csv.DictReader(file))
