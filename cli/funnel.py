"""What a campaign came to: how far people got, how they left, when and at which attempt they answered. Pure.

People are counted by their rows, which stay for a real week after the exit, and by their partition's totals behind that; calls by
their closings, which stay as long as their topic keeps them. A rate is a share of calls that rang: what the provider failed to
place is no call.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cli.attempts import local, zone_of
from cli.plans import Plans
from cli.summary import CampaignSummary, iso
from engine.plan import Channel
from engine.retries import Disposition, effect
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Profile, State


@dataclass(slots=True)
class Rate:
    """Calls that rang, and those of them that a human answered."""

    calls: int = 0
    answered: int = 0

    @property
    def rate(self) -> float | None:
        """0 to 1; None without calls."""
        return self.answered / self.calls if self.calls else None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"rate": self.rate}


@dataclass(slots=True)
class Funnel:
    """One campaign. `people`: as CampaignSummary. Sets hold enrollment ids: who had an attempt, was reached (a machine counts), was
    answered by a human. `by_hour`: hour of the contact's wall clock when the call began; None: no zone is known. `by_attempt`: from
    1. `counted_from`: campaign ms of the first closing that is still there, if older ones have expired."""

    people: CampaignSummary
    attempted: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    by_hour: dict[int | None, Rate] = field(default_factory=lambda: defaultdict(Rate))
    by_attempt: dict[int, Rate] = field(default_factory=lambda: defaultdict(Rate))
    counted_from: int | None = None

    @property
    def stages(self) -> dict[str, int]:
        """People who got as far as this, or further."""
        exited = self.people.states[State.EXITED]
        return {
            "enrolled": self.people.people,
            "attempted": len(self.attempted),
            "reached": len(self.reached),
            "answered": len(self.answered),
            "exited": exited,
        }

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        one = self.people
        return {
            "campaign": one.campaign,
            "state": one.state,
            "version": one.version,
            "funnel": self.stages,
            "exits": dict(one.exits),
            "inside": {state: n for state, n in one.states.items() if state != State.EXITED},
            "calls": dict(self.calls),
            "messages": dict(self.messages),
            "by_hour": [{"hour": hour} | rate.as_dict() for hour, rate in hours(self)],
            "by_attempt": [{"attempt": n} | rate.as_dict() for n, rate in sorted(self.by_attempt.items())],
            "counted_from": iso(self.counted_from),
        }


def hours(funnel: Funnel) -> list[tuple[int | None, Rate]]:
    """By hour, calls without a zone last."""
    return sorted(funnel.by_hour.items(), key=lambda item: (item[0] is None, item[0] or 0))


def funnel_of(
    people: CampaignSummary,
    rows: Iterable[EnrollmentRow],
    outcomes: Iterable[Outcome],
    profiles: Mapping[str, Profile],
    plans: Plans,
) -> Funnel:
    """`rows` and `outcomes` of this campaign alone; outcomes each once, those of one enrollment in their order."""
    found = Funnel(people)
    for row in rows:
        _add_row(found, row)
    rung: Counter[str] = Counter()
    for outcome in outcomes:
        if effect(outcome.disposition).rang:
            _add_outcome(found, outcome, rung, zone_of(outcome, profiles.get(outcome.contact_id), plans))
    return found


def _add_row(found: Funnel, row: EnrollmentRow) -> None:
    """What a row knows of calls whose closings may have expired."""
    if row.attempts:
        found.attempted.add(row.enrollment_id)
    if row.reached:
        found.reached.add(row.enrollment_id)
    if row.exit is not None and row.exit.reason == "answered":
        found.answered.add(row.enrollment_id)


def _add_outcome(found: Funnel, outcome: Outcome, rung: Counter[str], zone: str | None) -> None:
    """One attempt that rang, or one message."""
    who = outcome.enrollment_id
    found.attempted.add(who)
    if effect(outcome.disposition).reached:
        found.reached.add(who)
    if outcome.channel != Channel.CALL:
        found.messages[outcome.disposition] += 1
        return
    rung[who] += 1
    found.calls[outcome.disposition] += 1
    answered = outcome.disposition == Disposition.ANSWERED
    if answered:
        found.answered.add(who)
    began = outcome.ended_at if outcome.requested_at is None else outcome.requested_at
    hour = local(began, zone).hour if zone else None
    for rate in (found.by_hour[hour], found.by_attempt[rung[who]]):
        rate.calls += 1
        rate.answered += answered
