"""Post-call actions that are not done yet, by campaign: what `status` and its board say of them.

Of each row only that is kept which is counted: a server that is down for a day leaves a row for every call.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from cli.summary import iso
from schemas.rows import Stamp


@dataclass(slots=True)
class ToDo:
    """Actions of one campaign that are not done yet; those of them that were tried and failed; when the first of these is tried
    again (real ms)."""

    waiting: int = 0
    failing: int = 0
    again: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self) | {"again": iso(self.again)}

    def words(self) -> str:
        """As `status` prints them."""
        again = f" (the next is tried again at {iso(self.again)}, real time)" if self.again else ""
        return f"{self.waiting} to do" + (f", {self.failing} of them failed so far{again}" if self.failing else "")


class _Row(msgspec.Struct, gc=False):
    """What is counted of a schemas.rows.ActionRow."""

    campaign: str
    stamp: Stamp = (0, 0)
    tries: int = 0
    due: int = 0


_DECODE = msgspec.json.Decoder(_Row).decode


class Pending:
    """The rows of the topic post-call-actions, of which each key's newest counts."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def take(self, key: str, value: bytes | None) -> None:
        """One record. Raises msgspec.DecodeError if it is no row."""
        if value is None:
            self._rows.pop(key, None)
            return
        row, known = _DECODE(value), self._rows.get(key)
        if known is None or known.stamp <= row.stamp:
            self._rows[key] = row

    def by_campaign(self) -> Mapping[str, ToDo]:
        """Campaigns that have none are left out."""
        found: dict[str, ToDo] = defaultdict(ToDo)
        for row in self._rows.values():
            one = found[row.campaign]
            one.waiting += 1
            if row.tries:
                one.failing += 1
                one.again = row.due if one.again is None else min(one.again, row.due)
        return dict(found)
