"""Counts of people, reasons and calls by campaign: what `status` prints, the live board of `demo` shows and tests compare.

Pure: rows, campaigns and an instant go in, a Summary comes out. People whose rows are tombstoned are in it too, by their totals.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cli.reasons import COMMAND_OPEN, View, why
from engine.time import Instant
from schemas.outcome import Outcome
from schemas.rows import State, TotalsRow


@dataclass(slots=True)
class Waits:
    """People who wait for one reason, and the earliest instant (campaign ms) at which it ends for one of them."""

    count: int = 0
    until: Instant | None = None

    def add(self, until: Instant | None) -> None:
        self.count += 1
        if until is not None and (self.until is None or until < self.until):
            self.until = until


@dataclass(slots=True)
class CampaignSummary:
    """One campaign. `states` and `exits` count people, `calls` closings by disposition, `attempts` those that used one up."""

    campaign: str
    state: str
    version: int | None
    people: int = 0
    states: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, Waits] = field(default_factory=lambda: defaultdict(Waits))
    exits: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    calls: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Summary:
    """All campaigns, by id, at one instant (campaign ms)."""

    at: Instant
    campaigns: tuple[CampaignSummary, ...]

    def as_dict(self) -> dict[str, Any]:
        """For --json; instants in ISO 8601, UTC."""
        return {"at": iso(self.at), "campaigns": [_as_dict(c) for c in self.campaigns]}


def summarize(view: View, totals: Iterable[TotalsRow], calls: Mapping[str, Mapping[str, int]]) -> Summary:
    """`calls`: campaign -> disposition -> closings, as `count_calls` folds them. A campaign without people is counted as well."""
    found: dict[str, CampaignSummary] = {}

    def of(campaign: str) -> CampaignSummary:
        if campaign not in found:
            head = view.plans.heads.get(campaign)
            found[campaign] = CampaignSummary(campaign, str(head.state) if head else "unknown", head.version if head else None)
        return found[campaign]

    for campaign in view.plans.heads:
        of(campaign)
    _add_rows(view, of)
    _add_totals(totals, of)
    for campaign, counts in calls.items():
        of(campaign).calls.update(counts)
    return Summary(view.now, tuple(found[campaign] for campaign in sorted(found)))


def _add_rows(view: View, of: Any) -> None:
    for row in view.rows.values():
        one = of(row.campaign)
        one.people += 1
        one.attempts += row.attempts
        one.states[str(row.state)] += 1
        if row.state is State.EXITED:
            one.exits[row.exit.reason if row.exit else "unknown"] += 1
        elif (reason := why(row, view)) is not None and reason.reason != COMMAND_OPEN:
            one.waiting[reason.reason].add(reason.until)


def _add_totals(totals: Iterable[TotalsRow], of: Any) -> None:
    for total in totals:
        for campaign, exits in total.exits.items():
            gone = sum(exits.values())
            of(campaign).people += gone
            of(campaign).states[str(State.EXITED)] += gone
            of(campaign).exits.update(exits)
        for campaign, attempts in total.attempts.items():
            of(campaign).attempts += attempts


def count_calls(outcomes: Iterable[Outcome]) -> dict[str, Counter[str]]:
    """Closings by campaign and disposition; a repeat of a dial_id counts once."""
    seen: set[str] = set()
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        if outcome.dial_id not in seen:
            seen.add(outcome.dial_id)
            counted[outcome.campaign][outcome.disposition] += 1
    return dict(counted)


def iso(instant: int | None) -> str | None:
    """UTC, to the millisecond; None stays None."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_dict(one: CampaignSummary) -> dict[str, Any]:
    waiting = {reason: {"count": w.count, "until": iso(w.until)} for reason, w in sorted(one.waiting.items())}
    counts = {"states": dict(one.states), "exits": dict(one.exits), "attempts": one.attempts, "calls": dict(one.calls)}
    return {"campaign": one.campaign, "state": one.state, "version": one.version, "people": one.people, "waiting": waiting} | counts
