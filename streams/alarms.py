"""Pauses a campaign that goes wrong (engine/alarms.py), by its head, as `outdial campaign pause` does, and says so in the feed.

Each worker counts the outcomes that it reads itself: with three workers, each sees a third of the calls, and the first whose count
passes a limit pauses the campaign for all. Two that do so at once write the same thing twice.
"""

import logging

from engine.alarms import Alarm, Limits, Tally
from engine.feed import told_alarm, told_paused
from engine.lifecycle import paused, state_at
from engine.time import Instant
from schemas.campaign import CampaignHead, CampaignState
from schemas.outcome import Outcome
from streams.heads import Heads
from streams.lane import Lane

log = logging.getLogger(__name__)

_RUNS = (CampaignState.RUNNING, CampaignState.DRAINING)


class Alarms:
    """One object for all partitions of the worker: a campaign's limits are counted over what it reads of all of them."""

    def __init__(self, lane: Lane, heads: Heads) -> None:
        self._lane, self._heads = lane, heads
        self._limits: dict[str, Limits] = {}
        self._tallies: dict[str, Tally] = {}
        self._since: dict[str, tuple[CampaignState, int]] = {}
        self._rung: set[str] = set()  # campaigns that were paused here, and whose head has not come back yet
        heads.subscribe(self.on_head)

    def on_head(self, head: CampaignHead) -> None:
        """Its limits are those of its current version. Who was started, or resumed, begins at nothing."""
        plan = self._heads.plan(head.id, head.version)
        self._rung.discard(head.id)
        if plan is None or plan.pause_when is None:
            self._limits.pop(head.id, None)
            self._tallies.pop(head.id, None)
            return
        self._limits[head.id] = plan.pause_when
        since = (head.state, head.at)
        if self._since.get(head.id) != since:
            self._since[head.id], self._tallies[head.id] = since, Tally()

    def count(self, outcome: Outcome, now: Instant) -> None:
        """A closing, within the step that handles it."""
        limits = self._limits.get(outcome.campaign)
        if limits is None or outcome.campaign in self._rung:
            return
        head = self._heads.head(outcome.campaign)
        if head is None or state_at(head, now) not in _RUNS or (outcome.requested_at or outcome.ended_at) < head.at:
            return
        alarm = self._tallies[head.id].add(outcome, limits)
        if alarm is not None:
            self._pause(head, alarm, outcome.event_id, now)

    def _pause(self, head: CampaignHead, alarm: Alarm, cause: str, now: Instant) -> None:
        self._rung.add(head.id)
        after = paused(head, now, alarm.words(), cause)
        self._lane.emit(after)
        self._lane.emit(told_alarm(after, alarm))
        self._lane.emit(told_paused(after, "worker", alarm.words()))
        log.error("Campaign %s is paused: %s.", head.id, alarm.words(), extra={"action": "alert", "campaign": head.id})
