"""OUTCOMES: the closing of each command leads to the next due instant, or to the exit."""

from engine import flow
from engine.errors import RecordError
from engine.time import Instant
from schemas.base import decoder
from schemas.outcome import Outcome
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
        self.flows.feed(p, row, flow.Closing(outcome), now)
