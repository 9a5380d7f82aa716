"""OUTCOMES: the closing of each command leads to the next due instant, or the exit, and to actions; attempts are kept."""

from collections.abc import Callable

from msgspec.structs import replace

from engine import flow
from engine.caps import attempt_of, with_attempt
from engine.errors import RecordError
from engine.time import Instant
from schemas.base import decoder
from schemas.outcome import Outcome
from schemas.rows import Attempt, Open, Profile
from streams.actions import Actions
from streams.flows import Flows
from streams.lane import Record

_OUTCOME = decoder(Outcome)


class Outcomes:
    """One object for all partitions of the worker."""

    def __init__(self, flows: Flows, actions: Actions) -> None:
        self.flows, self.actions = flows, actions
        self.watching: list[Callable[[Outcome, Instant], None]] = []  # told of each closing, within its step

    def on_outcome(self, p: int, record: Record, now: Instant) -> None:
        """The row takes the closing if it is its open command's; a repeat changes nothing."""
        outcome: Outcome = _OUTCOME.decode(record.value or b"")
        if outcome.action is not None:
            self._of_action(p, outcome, now)
            return
        row = self.flows.row(p, f"{outcome.contact_id}/{outcome.campaign}/{outcome.entry}")
        if row is None:
            raise RecordError(f"{outcome.contact_id} has no enrollment {outcome.entry} in {outcome.campaign}")
        if outcome.attempt_at is not None:
            self._attempted(p, row.contact_id, row.open, attempt_of(outcome, outcome.attempt_at), now)
        self.actions.on_outcome(p, outcome, now)
        self.flows.feed(p, row, flow.Closing(outcome), now)
        for watch in self.watching:
            watch(outcome, now)

    def _of_action(self, p: int, outcome: Outcome, now: Instant) -> None:
        """A message that followed a call: it counts as an attempt, and moves no enrollment."""
        if outcome.attempt_at is not None:
            self._attempted(p, outcome.contact_id, None, attempt_of(outcome, outcome.attempt_at), now)
        self.actions.on_closing(p, outcome, now)

    def _attempted(self, p: int, contact: str, open_: Open | None, attempt: Attempt, now: Instant) -> None:
        """The person's limits count it, once, whatever has become of the enrollment: a crash may have come between the two rows."""
        profiles = self.flows.profiles
        profile = profiles.get(p, contact) or Profile(contact_id=contact, known=False)
        attempts = with_attempt(profile.attempts, attempt, now)
        if attempts is profile.attempts:
            return
        self.flows.lane.put(profiles, p, contact, replace(profile, attempts=attempts))
        if open_ is None or open_.dial_id != attempt.dial_id:
            self.flows.look_again(p, contact)  # whoever is ready was found so without this attempt
