"""Entries of a history, and the order in which they are told. Pure.

Those of one enrollment are told in the order of their causes, command by command, whatever the clocks of provider, broker and
workers say; enrollments among each other by their instants. An entry's instant stays the one that its record has.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from cli.attempts import local
from cli.summary import iso
from engine.time import SECOND

#: What happens with one command, causes first; `due` and `waited` come before it, `retry` behind it. A step may fall due and wait
#: more than once, as somebody asks to be called at another time.
COMMAND = ("due", "issued", "decided", "placed", "provider", "ended", "retry")
#: Where an entry of one millisecond stands among others of it that have nothing else to go by.
PLACES = {"requested": 0.05, "revoked": 0.15, "opt_out": 0.2, "suppressed": 0.25, "skipped": 0.3, "event": 0.3, "now": 0.9}
#: How far an effect stands behind its cause at the least.
BEHIND = 0.001
FIRST, LAST = 0, 2**53
#: Real ms that an import may take between a person's details and the enrollment, which go to different topics.
TOGETHER_MS = 10 * SECOND


@dataclass(slots=True)
class Entry:
    """One thing that happened. `at`: campaign ms; `zone`: of the wall clock that counts; `evidence`: topic/partition/offset of the
    record, None for what was worked out; `seq`: the command of its enrollment that it belongs to; `order`: its place.
    """

    at: int
    kind: str
    text: str
    campaign: str | None = None
    entry: int | None = None
    step: str | None = None
    dial_id: str | None = None
    evidence: str | None = None
    zone: str | None = None
    seq: int | None = None
    order: float = 0.0

    def as_dict(self, contact: str) -> dict[str, Any]:
        """For --json."""
        clock = local(self.at, self.zone).isoformat(timespec="seconds") if self.zone else None
        about = {"campaign": self.campaign, "entry": self.entry, "step": self.step, "dial_id": self.dial_id}
        when = {"at": iso(self.at), "local": clock, "zone": self.zone}
        return {"contact_id": contact, **when, "kind": self.kind, "text": self.text, **about, "evidence": self.evidence}


def in_order(entries: list[Entry], rate: float) -> list[Entry]:
    """By their instants, but no effect before its cause. `rate`: campaign seconds in a real one."""
    passages: dict[tuple[str | None, int | None], list[Entry]] = defaultdict(list)
    for entry in entries:
        entry.order = entry.at + PLACES.get(entry.kind, 0.0)
        if entry.seq is not None:
            passages[entry.campaign, entry.entry].append(entry)
    _imports_first(entries, rate)
    for passage, mine in passages.items():
        begun = min(e.at for e in mine) + TOGETHER_MS * rate  # what was asked for later is not what it began with
        asked = (e.order for e in entries if e.kind == "requested" and (e.campaign, e.entry) == passage and e.at <= begun)
        latest = next(asked, 0.0)
        for entry in sorted(mine, key=_cause):
            latest = entry.order = max(latest + BEHIND, entry.order)
    return sorted(entries, key=lambda e: e.order)


def _cause(entry: Entry) -> tuple[int, int, int, bool]:
    return entry.seq or 0, COMMAND.index(entry.kind) if entry.kind in COMMAND else 0, entry.at, entry.kind == "waited"


def _imports_first(entries: list[Entry], rate: float) -> None:
    """A request and the details that came with it are one import, and go to two topics."""
    asked = [e.at for e in entries if e.kind == "requested"]
    for entry in entries:
        if entry.kind == "imported" and (together := [at for at in asked if 0 < entry.at - at < TOGETHER_MS * rate]):
            entry.order = min(together)
