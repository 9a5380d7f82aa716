"""What the first hour after a resume would bring, from rows, windows and the line's rate. Pure: it asks the workers' own functions.

Nothing is known of how calls will end, so retries of that hour are left out; and the line is taken to be the campaign's alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cli.reasons import LEAVING, View, facts_of, reason_of
from engine import flow
from engine.answers import At, Never
from engine.gate import decide
from engine.pauses import expired, let_out, moved
from engine.plan import Plan
from engine.time import HOUR, MINUTE, Instant
from schemas.campaign import Pause
from schemas.rows import EnrollmentRow, Profile, State

#: A person who has passed so many steps without being contacted goes round in a loop of waits: it ends behind the hour.
_MOST_STEPS = 100
LATER = "due later"


@dataclass(slots=True)
class FirstHour:
    """Counts of people, and per minute how many would be ready. `held`: overdue for all the policy; `moved`, `skipped`: by it."""

    people: int = 0
    overdue: int = 0
    moved: int = 0
    skipped: int = 0
    ready: list[int] = field(default_factory=lambda: [0] * 60)
    others: Counter[str] = field(default_factory=Counter)  # reasons of those who would not be contacted in that hour

    def placed(self, per_minute: float | None) -> list[int]:
        """Contacts in each minute, if the line lets so many through; what is too much waits for the next minute."""
        placed: list[int] = []
        waiting, room = 0, 0.0
        for ready in self.ready:
            waiting += ready
            room = waiting if per_minute is None else room % 1 + per_minute
            placed.append(min(waiting, int(room)))
            waiting -= placed[-1]
        return placed


@dataclass(frozen=True, slots=True)
class Asked:
    """A resume as it would be at `view.now`, with the pauses that have consequences then."""

    view: View
    pauses: Sequence[Pause]

    @property
    def end(self) -> int:
        return self.view.now + HOUR

    def count(self, rows: Iterable[EnrollmentRow]) -> FirstHour:
        """`rows`: those of the campaign."""
        found = FirstHour()
        for row in rows:
            if row.state is not State.EXITED:
                found.people += 1
                self._count(row, found)
        return found

    def _count(self, row: EnrollmentRow, found: FirstHour) -> None:
        if row.state is not State.WAITING:
            found.others["awaiting contact" if row.state is State.AWAITING_CONTACT else "command open"] += 1
            return
        after = moved(row, self.pauses)
        earlier = [pause for pause in self.pauses if pause.end != self.view.now]
        found.moved += after.due != moved(row, earlier).due
        found.overdue += after.due <= self.view.now
        comes = self._comes(after, found)
        if isinstance(comes, str):
            found.others[comes] += 1
        else:
            found.ready[(comes - self.view.now) // MINUTE] += 1

    def _comes(self, row: EnrollmentRow, found: FirstHour) -> Instant | str:
        """When the person would be contacted if the line had room for everybody; or the reason why not in that hour."""
        plan, profile = self.view.plans.plan(row.campaign, row.version), self.view.profiles.get(row.contact_id)
        for _ in range(_MOST_STEPS):
            at = Instant(max(row.due, self.view.now))
            if row.state is not State.WAITING:
                return LEAVING
            if at >= self.end:
                return LATER
            if flow.moves_when_due(row, plan, profile, at):
                row = flow.transition(row, flow.Due(), at, plan, profile).row
            elif expired(Instant(row.due), self.pauses):
                found.skipped += 1
                row = flow.transition(row, flow.Refused("expired", skips=True), at, plan, profile).row
            else:
                return self._allowed(row, plan, profile, Instant(max(at, let_out(row, self.pauses))))
        return LATER

    def _allowed(self, row: EnrollmentRow, plan: Plan, profile: Profile | None, at: Instant) -> Instant | str:
        """The first instant from `at` on at which the gate says yes, within the hour."""
        reason = LATER
        while at < self.end:
            verdict = decide(facts_of(row, plan, profile, self.view), at)
            match verdict.until:
                case None:
                    return at
                case At(instant) if instant > at:
                    at, reason = instant, reason_of(verdict)
                case Never():
                    return LEAVING
                case _:
                    return reason_of(verdict)
        return reason
