"""Reads what a board shows: all rows once, then the tail of the topics. The impure half of `status`; counting is cli/people.py's.

One consumer, outside any group, reads rows, profiles, actions and closings from their beginning, and of commands, receipts and
reports the last minute. What campaigns and resources say is read again whenever something is written there.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cli.activity import LATE_MS, Activity, Lateness, LineUse
from cli.budgets import used_up
from cli.group import GroupState, group_state
from cli.pending import Pending, ToDo
from cli.people import People
from cli.read import Progress, Raw, read_heads, uncollected
from cli.summary import Closings, Summary
from cli.tail import Follower
from deploy.broker import Broker, BrokerStatus
from engine.errors import OutdialError
from engine.time import Instant
from outdial.clock import clock_from
from outdial.kafka import require_broker
from outdial.settings import Settings
from schemas.base import decoder
from schemas.command import Dial, DialCommand
from schemas.line import Demand
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.resources import Halt
from schemas.topics import (
    CALL_OUTCOMES,
    CAMPAIGNS,
    CONTACT_PROFILES,
    DIAL_COMMANDS,
    DIAL_RECEIPTS,
    LINE_EVENTS,
    POST_CALL_ACTIONS,
    RESOURCES,
    STEP_TIMERS,
)

#: Real seconds between two questions about workers, lag and the broker, and until a change of a campaign is seen.
ASK_AGAIN = 2.0
#: Reasons asked anew at a time, about 50 ms: a window that opens moves a whole zone, and a board must not stand still for it.
LIMIT = 2_000
BATCH = 10_000
#: consume() waits this long for its batch to be full.
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to show at one instant. `asking`: people whose reason has yet to be asked again; `trouble`: what is in the way
    of reading on."""

    summary: Summary
    lines: tuple[LineUse, ...]
    placed: dict[str, float]  # by campaign, requests a second
    lateness: Lateness | None
    group: GroupState
    broker: BrokerStatus
    rate: float
    asking: int = 0
    trouble: str = ""
    halts: tuple[Halt, ...] = ()  # all that stand
    failing: int | None = None  # real ms, when a provider that fails is tried again
    slow: int | None = None  # real ms that commands take until they are ready, if that is too long
    actions: Mapping[str, ToDo] = field(default_factory=dict)  # by campaign: post-call actions that are not done yet

    @property
    def at(self) -> Instant:
        return self.summary.at


class Watch:
    """Opens once, looks as often as asked. Raises OutdialError if the broker or a topic is missing when it opens."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._clock = settings, clock_from(settings)
        self._plans = read_heads(settings)
        partitions = len(require_broker(settings).topics[STEP_TIMERS.name].partitions)
        self.people, self.closings = People(self._plans, self._clock.rate, partitions), Closings()
        self._pending = Pending()
        self._activity = Activity(self._clock.rate)
        recent = self._clock.real_ms() - LATE_MS
        whole = dict.fromkeys((STEP_TIMERS, CONTACT_PROFILES, POST_CALL_ACTIONS, CALL_OUTCOMES, CAMPAIGNS, RESOURCES))
        self._follower = Follower(settings, whole | dict.fromkeys((DIAL_COMMANDS, DIAL_RECEIPTS, LINE_EVENTS), recent))
        self._takers = self._takers_by_topic()
        self._replan, self._trouble = False, ""
        self._asked = 0.0
        self._group, self._broker = GroupState(0, {}), Broker(settings).status()

    def catch_up(self, progress: Progress | None = None) -> None:
        """Reads to the end of what lies there."""
        total = self._follower.waiting() if progress else 0
        done = 0
        with uncollected():
            while self._follower.unread:
                done += self._take(self._follower.read(POLL_S, BATCH))
                if progress:
                    progress(min(done, total), total)
            self.people.refresh(self._clock.now())
        gc.freeze()  # these rows are here to stay: the collector need not walk them again and again

    def follow(self, seconds: float) -> None:
        """Takes what comes within so many real seconds, and asks on who has yet to be asked."""
        until, asking = time.monotonic() + seconds, 0
        while (left := until - time.monotonic()) > 0:
            self._take(self._follower.read(0.0 if asking else min(left, POLL_S), BATCH))
            asking = self.people.refresh(self._clock.now(), LIMIT)

    def look(self, limit: int | None = LIMIT) -> Look:
        """As things are now. A broker that has gone away is told of, not raised."""
        if time.monotonic() - self._asked >= ASK_AGAIN:
            self._ask()
        # The clock is read after the rows, so that none of them lies in the future.
        now, real = self._clock.now(), self._clock.real_ms()
        self._activity.late(self.people.late, real)
        self.people.late.clear()
        self._activity.forget(real)
        self.people.spend(used_up(self._plans, self.closings.spending, now))
        asking = self.people.refresh(now, limit)
        return Look(
            summary=self.people.summary(now, self.closings),
            lines=self._activity.lines(self._plans.resources.lines.values(), real),
            placed=self._activity.placed(real),
            failing=self._activity.failing(real),
            slow=self._activity.slow(real),
            lateness=self._activity.lateness(),
            group=self._group,
            broker=self._broker,
            rate=self._clock.rate,
            asking=asking,
            trouble=self._trouble,
            halts=self._plans.halts,
            actions=self._pending.by_campaign(),
        )

    def close(self) -> None:
        self._follower.close()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self) -> None:
        """How workers, lag, broker, campaigns and resources are now; what is in the way of that, in words."""
        try:
            self._group, self._broker = group_state(self._settings), Broker(self._settings).status()
            if self._replan:
                self._plans = read_heads(self._settings)
                self.people.replan(self._plans)
            self._replan, self._trouble = False, ""
        except OutdialError as error:
            self._trouble = str(error)
        self._asked = time.monotonic()

    def _take(self, raws: list[Raw]) -> int:
        for raw in raws:
            try:
                self._takers[raw.topic](raw)
            except msgspec.DecodeError:
                continue  # the workers report what nobody can read
        return len(raws)

    def _takers_by_topic(self) -> dict[str, Callable[[Raw], None]]:
        def each(model: Any, take: Callable[[Any, Raw], None]) -> Callable[[Raw], None]:
            decode = decoder(model).decode
            return lambda raw: take(decode(raw.value or b""), raw)

        activity = self._activity

        def command(found: DialCommand, raw: Raw) -> None:
            if isinstance(found, Dial):
                activity.command(found, raw.timestamp)

        return {
            STEP_TIMERS.name: lambda raw: self.people.take_row(raw.key or "", raw.value),
            CONTACT_PROFILES.name: lambda raw: self.people.take_profile(raw.key or "", raw.value),
            POST_CALL_ACTIONS.name: lambda raw: self._pending.take(raw.key or "", raw.value),
            CALL_OUTCOMES.name: each(Outcome, lambda outcome, _: self.closings.add(outcome)),
            DIAL_COMMANDS.name: each(
                DialCommand, lambda c, raw: activity.command(c, raw.timestamp) if isinstance(c, Dial) else None
            ),
            DIAL_RECEIPTS.name: each(Receipt, lambda receipt, raw: activity.receipt(receipt, raw.timestamp)),
            LINE_EVENTS.name: each(Demand, lambda demand, _: activity.demand(demand)),
            CAMPAIGNS.name: self._changed,
            RESOURCES.name: self._changed,
        }

    def _changed(self, _: Raw) -> None:
        self._replan = True
