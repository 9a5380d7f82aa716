"""Counts of people, reasons and calls by campaign: what `status`, its live board and `campaign report` print.

Pure shapes; cli/people.py counts people into them.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engine.caps import attempt_of
from engine.spending import Spending
from engine.time import Instant
from schemas.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Waits:
    """People who wait for one reason; the earliest instant at which it ends for one of them; since when the first of them has
    waited for it, where that is known (both campaign ms)."""

    count: int
    until: Instant | None = None
    since: Instant | None = None


@dataclass(slots=True)
class CampaignSummary:
    """One campaign. `states` and `exits` count people, `calls` closings by disposition, `attempts` those that used one up."""

    campaign: str
    state: str
    version: int | None
    people: int = 0
    states: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, Waits] = field(default_factory=dict)
    exits: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    about: str | None = None  # what there is to say of its state


@dataclass(frozen=True, slots=True)
class Summary:
    """All campaigns, by id, at one instant (campaign ms)."""

    at: Instant
    campaigns: tuple[CampaignSummary, ...]

    def only(self, campaign: str | None) -> "Summary":
        """Of one campaign; None: of all."""
        return self if campaign is None else Summary(self.at, tuple(c for c in self.campaigns if c.campaign == campaign))

    def as_dict(self) -> dict[str, Any]:
        """For --json; instants in ISO 8601, UTC."""
        return {"at": iso(self.at), "campaigns": [_as_dict(c) for c in self.campaigns]}


class Closings:
    """Closings by campaign and disposition, and what they cost; a repeat of a dial_id counts once."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.spending = Spending()
        self._seen: set[str] = set()

    def add(self, outcome: Outcome) -> None:
        if outcome.dial_id not in self._seen:
            self._seen.add(outcome.dial_id)
            self.counts[outcome.campaign][outcome.disposition] += 1
            if outcome.attempt_at is not None:
                self.spending.add(attempt_of(outcome, outcome.attempt_at))


def iso(instant: int | None) -> str | None:
    """UTC, to the millisecond; None stays None."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_dict(one: CampaignSummary) -> dict[str, Any]:
    waiting = {
        reason: {"count": w.count, "until": iso(w.until), "since": iso(w.since)} for reason, w in sorted(one.waiting.items())
    }
    counts = {"states": dict(one.states), "exits": dict(one.exits), "attempts": one.attempts, "calls": dict(one.calls)}
    counts |= {"about": one.about} if one.about else {}
    return {"campaign": one.campaign, "state": one.state, "version": one.version, "people": one.people, "waiting": waiting} | counts
