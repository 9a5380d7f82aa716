"""Which command leads from which state to which, and what a head keeps of what was before."""

from typing import Any

import pytest

from engine import lifecycle
from engine.errors import OutdialError, UsageError
from engine.feed import told_paused, told_resumed
from engine.lifecycle import Resume, leaves_the_end, possible, reversioned, state_at
from engine.time import HOUR, Instant
from schemas.campaign import CampaignHead, CampaignState, Pause
from schemas.event import CATALOGUE, EventKind
from tests.unit.samples import NOW

LATER = Instant(NOW + HOUR)


def head_of(state: str, **fields: Any) -> CampaignHead:
    return CampaignHead(id="spring", version=4, state=CampaignState(state), at=1, **fields)


def moved(command: str, head: CampaignHead) -> CampaignHead:
    if command == "resume":
        return lifecycle.resumed(head, NOW, Resume())
    moves = {"start": lifecycle.started, "pause": lifecycle.paused, "stop": lifecycle.stopped, "stop --drain": lifecycle.drained}
    after: CampaignHead = moves[command](head, NOW)  # type: ignore[operator]
    return after


@pytest.mark.parametrize(
    ("command", "state", "target"),
    [
        ("start", "draft", "running"),
        ("start", "scheduled", "running"),
        ("pause", "running", "paused"),
        ("pause", "draining", "paused"),
        ("resume", "paused", "running"),
        ("stop --drain", "running", "draining"),
        ("stop --drain", "paused", "paused"),
        ("stop", "draft", "ended"),
        ("stop", "scheduled", "ended"),
        ("stop", "running", "ended"),
        ("stop", "paused", "ended"),
        ("stop", "draining", "ended"),
    ],
)
def test_transitions(command: str, state: str, target: str) -> None:
    after = moved(command, head_of(state))
    assert (after.state.value, after.version, after.at, after.cause) == (target, 4, NOW, "cli")


@pytest.mark.parametrize(
    ("command", "state", "sentence"),
    [
        ("start", "running", "is running, so it cannot start: it can be told to pause, stop --drain or stop"),
        ("start", "paused", "is paused, so it cannot start: it can be told to resume, stop --drain or stop"),
        ("resume", "draft", "is draft, so it cannot resume: it can be told to start or stop"),
        ("resume", "scheduled", "is scheduled, so it cannot resume: it can be told to start or stop"),
        ("pause", "draft", "is draft, so it cannot pause"),
        ("stop --drain", "draft", "is draft, so it cannot stop --drain: it can be told to start or stop"),
        ("stop --drain", "draining", "is draining, so it cannot stop --drain: it can be told to pause or stop"),
        ("stop", "ended", "is ended, so it cannot stop: that is final"),
        ("start", "ended", "that is final, apply its file under another id"),
    ],
)
def test_wrong_transitions_are_refused_with_what_is_possible(command: str, state: str, sentence: str) -> None:
    with pytest.raises(OutdialError, match=sentence):
        moved(command, head_of(state))


@pytest.mark.parametrize("state", CampaignState)
def test_every_state_but_the_end_can_be_left(state: CampaignState) -> None:
    assert bool(possible(state)) is (state is not CampaignState.ENDED)


def test_who_is_scheduled_runs_once_its_time_has_come_and_can_be_paused_then() -> None:
    head = lifecycle.started(head_of("draft"), NOW, LATER)
    assert (head.state, head.starts_at) == (CampaignState.SCHEDULED, LATER)
    assert state_at(head, NOW) is CampaignState.SCHEDULED
    assert state_at(head, LATER) is CampaignState.RUNNING
    with pytest.raises(OutdialError, match="is scheduled, so it cannot pause"):
        lifecycle.paused(head, NOW)
    assert lifecycle.paused(head, LATER).state is CampaignState.PAUSED
    again = lifecycle.started(head, NOW, Instant(LATER + HOUR))  # it can be put off,
    assert again.starts_at == LATER + HOUR
    assert lifecycle.started(again, NOW).starts_at is None  # or started now


def test_it_cannot_be_scheduled_for_the_past() -> None:
    with pytest.raises(UsageError, match="--at lies in the past"):
        lifecycle.started(head_of("draft"), NOW, NOW)


def test_a_pause_is_kept_with_how_it_was_resumed() -> None:
    paused = lifecycle.paused(head_of("running"), NOW, "wrong script")
    assert paused.pauses == [Pause(begin=NOW, reason="wrong script")]
    resumed = lifecycle.resumed(paused, LATER, Resume("expire", older=HOUR, ramp=5))
    assert resumed.pauses == [Pause(begin=NOW, end=LATER, policy="expire", older=HOUR, ramp=5, reason="wrong script")]
    twice = lifecycle.resumed(lifecycle.paused(resumed, LATER), LATER, Resume())
    assert [(pause.begin, pause.policy) for pause in twice.pauses] == [(NOW, "expire"), (LATER, "hold")]


def test_a_head_from_before_pauses_were_kept_can_be_resumed() -> None:
    assert lifecycle.resumed(head_of("paused"), NOW, Resume()).pauses == [Pause(begin=1, end=NOW)]


def test_who_drains_goes_on_draining_after_a_pause() -> None:
    head = lifecycle.drained(head_of("running"), NOW)
    paused = lifecycle.paused(head, NOW)
    assert paused.draining
    assert lifecycle.resumed(paused, LATER, Resume()).state is CampaignState.DRAINING
    shut = lifecycle.drained(lifecycle.paused(head_of("running"), NOW), NOW)
    assert lifecycle.resumed(shut, LATER, Resume()).state is CampaignState.DRAINING


def test_another_version_changes_neither_state_nor_pauses() -> None:
    paused = lifecycle.paused(head_of("running"), NOW)
    after = reversioned(paused, 5, LATER)
    assert (after.version, after.state, after.at, after.pauses) == (5, CampaignState.PAUSED, NOW, paused.pauses)
    assert after.event_id != paused.event_id


def test_nothing_leaves_the_end() -> None:
    ended = lifecycle.stopped(head_of("running"), NOW)
    assert leaves_the_end(ended, head_of("running"))
    assert not leaves_the_end(ended, ended)
    assert not leaves_the_end(None, head_of("running"))


def test_the_feed_is_told_of_pauses_by_the_campaign() -> None:
    paused = lifecycle.paused(head_of("running"), NOW, "storm")
    told = told_paused(paused, "cli", "storm")
    assert (told.kind, told.key, told.contact_id, told.at) == ("paused", "spring", "", NOW)
    assert told.data == {"by": "cli", "reason": "storm"}
    resumed = lifecycle.resumed(paused, LATER, Resume("shift"))
    data = told_resumed(resumed, resumed.pauses[-1]).data
    assert data == {"by": "cli", "policy": "shift", "paused_at": NOW}
    assert data.keys() <= CATALOGUE[EventKind.RESUMED][1].keys()


def test_what_there_is_to_say_of_a_state() -> None:
    running = head_of("running")
    assert lifecycle.about(running, NOW) is None
    assert lifecycle.about(lifecycle.paused(running, NOW), NOW) == "spring is paused since 2026-11-24 15:00Z"
    assert lifecycle.about(lifecycle.paused(running, NOW, "storm"), NOW) == "spring is paused since 2026-11-24 15:00Z: storm"
    assert lifecycle.about(lifecycle.drained(running, NOW), NOW) == "spring admits nobody new since 2026-11-24 15:00Z"
    scheduled = lifecycle.started(head_of("draft"), NOW, LATER)
    assert lifecycle.about(scheduled, NOW) == "spring will start at 2026-11-24 16:00Z"
    assert lifecycle.about(scheduled, LATER) is None
