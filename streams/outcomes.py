"""OUTCOMES: the closing of each command leads to the next due instant, or to the exit."""

from msgspec.structs import replace

from engine import flow
from engine.caps import with_attempt
from engine.errors import RecordError
from engine.time import Instant
from schemas.base import decoder
from schemas.outcome import Outcome
from schemas.rows import Attempt
from streams.flows import Flows
from streams.lane import Record

_OUTCOME = decoder(Outcome)


class Outcomes:
    """One object for all partitions of the worker."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows

    def on_outcome(self, p: int, record: Record, now: Instant) -> None:
        """The row takes the closing if it is its open command's; a repeat changes nothing."""
        outcome: Outcome = _OUTCOME.decode(record.value or b"")
        row = self.flows.row(p, f"{outcome.contact_id}/{outcome.campaign}/{outcome.entry}")
        if row is None:
            raise RecordError(f"{outcome.contact_id} has no enrollment {outcome.entry} in {outcome.campaign}")
        if outcome.attempt_at is not None:
            self._attempted(p, outcome, Attempt(outcome.attempt_at, outcome.campaign, outcome.channel, outcome.dial_id), now)
        self.flows.feed(p, row, flow.Closing(outcome), now)

    def _attempted(self, p: int, outcome: Outcome, attempt: Attempt, now: Instant) -> None:
        """The person's limits count it, once, whatever has become of the enrollment."""
        profile = self.flows.profiles.get(p, outcome.contact_id)
        if profile is None:
            return
        counted = with_attempt(profile.attempts, attempt, now)
        if counted is not profile.attempts:
            self.flows.lane.put(self.flows.profiles, p, outcome.contact_id, replace(profile, attempts=counted))
