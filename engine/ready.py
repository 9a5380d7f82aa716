"""The ready queue of one partition: entries that could be contacted now, and wait only for a slot of their line.

It is derived from rows, never stored. An entry leaves when it gets a slot (`take`), when its open range ends or something else
makes it unready (`discard`, by the caller's wheel at `open_until`), or when its campaign no longer runs (`discard_campaign`). No
rule is checked here: that is the gate's work.

A slot is for one campaign: which one, the pacer has decided (engine/pacing.py). Where it is anybody's, the campaigns of the line
take turns, one entry each. Inside a campaign the oldest due instant is first. Each campaign is a Wheel used as a priority queue:
exact deletion, no void entries.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from engine.time import Instant
from engine.timers import Wheel

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Entry(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """Where an entry waits and until when (campaign ms, exclusive). `token` is the caller's, to recognise a row that moved on."""

    line: str
    campaign: str
    due: Instant
    open_until: Instant
    token: V


@dataclass(frozen=True, slots=True)
class LineDemand:
    """What waits for a line: entries per campaign (only campaigns with some) and the earliest due instant (campaign ms)."""

    ready: dict[str, int]
    oldest: Instant | None


class Ready(Generic[K, V]):
    """The queue. Every operation on one entry is O(1) but for the priority (about 2 µs); `demand` costs O(campaigns)."""

    def __init__(self) -> None:
        self._entries: dict[K, Entry[V]] = {}
        # Per line the campaigns with entries, in the order of their next turns.
        self._lines: dict[str, OrderedDict[str, Wheel[K, None]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: K) -> Entry[V] | None:
        """The entry of `key`, for explaining what it waits for; None if it is not ready."""
        return self._entries.get(key)

    def add(self, key: K, line: str, campaign: str, due: Instant, open_until: Instant, token: V) -> None:
        """Queues `key`; an entry it had before is replaced."""
        self.discard(key)
        self._entries[key] = Entry(line, campaign, due, open_until, token)
        turns = self._lines.setdefault(line, OrderedDict())
        queue = turns.get(campaign)
        if queue is None:
            queue = turns[campaign] = Wheel()
        queue.put(due, key, None)

    def discard(self, key: K) -> bool:
        """Removes the entry of `key`; False if it was not ready."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._lines[entry.line][entry.campaign].discard(key)
        self._tidy(entry.line, entry.campaign)
        return True

    def take(self, line: str, campaign: str | None = None) -> tuple[K, V] | None:
        """Takes out the entry that is next on `line`, of the campaign if one is named; None if nothing waits there."""
        turns = self._lines.get(line)
        if not turns or (campaign is not None and campaign not in turns):
            return None
        campaign = campaign or next(iter(turns))
        first = turns[campaign].pop()
        assert first is not None, "a campaign without entries has no turn"
        turns.move_to_end(campaign)
        self._tidy(line, campaign)
        return first[1], self._entries.pop(first[1]).token

    def demand(self) -> dict[str, LineDemand]:
        """What waits, by line. Lines without entries are left out."""
        return {line: _demand(turns) for line, turns in self._lines.items()}

    def discard_campaign(self, campaign: str, limit: int | None = None) -> list[K]:
        """Removes entries of a campaign, on whatever line, at most `limit` (for doing it in slices), and returns their keys."""
        keys: list[K] = []
        room = len(self._entries) if limit is None else limit
        for line in [line for line, turns in self._lines.items() if campaign in turns]:
            queue = self._lines[line][campaign]
            while len(keys) < room and (first := queue.pop()) is not None:
                del self._entries[first[1]]
                keys.append(first[1])
            self._tidy(line, campaign)
        return keys

    def _tidy(self, line: str, campaign: str) -> None:
        """An empty campaign gives up its turn, an empty line its place."""
        turns = self._lines[line]
        if not turns[campaign]:
            del turns[campaign]
            if not turns:
                del self._lines[line]


def _demand(turns: "OrderedDict[str, Wheel[K, None]]") -> LineDemand:
    dues = [due for queue in turns.values() if (due := queue.next()) is not None]
    return LineDemand({campaign: len(queue) for campaign, queue in turns.items()}, min(dues, default=None))
