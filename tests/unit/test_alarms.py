"""When a campaign pauses itself, and that a worker says so once."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from engine.alarms import Alarm, Limits, Tally
from engine.lifecycle import Resume, resumed
from engine.time import HOUR, Instant
from schemas.campaign import CampaignHead, CampaignState
from schemas.outcome import Outcome
from streams.alarms import Alarms
from tests.unit.samples import NOW, outcome_of, plan_of


def fed(limits: Limits, *dispositions: str, **fields: Any) -> list[Alarm | None]:
    tally = Tally()
    return [tally.add(outcome_of(each, n + 1, **fields), limits) for n, each in enumerate(dispositions)]


def test_errors_of_its_settings_count_in_a_row() -> None:
    limits = Limits(config_errors=3)
    assert fed(limits, *["config_error"] * 2, "busy", *["config_error"] * 2) == [None] * 5
    *before, last = fed(limits, *["config_error"] * 3)
    assert before == [None, None]
    assert last == Alarm("config_errors", 3, 3, 0)


def test_what_never_rang_for_another_reason_neither_counts_nor_breaks_the_row() -> None:
    assert fed(Limits(config_errors=2), "config_error", "provider_error", "not_dialed", "config_error")[-1] is not None


def test_too_few_answers_over_the_last_calls() -> None:
    limits = Limits(answered=0.25, over=4)
    assert fed(limits, "busy", "busy", "busy") == [None] * 3  # too few to say anything
    assert fed(limits, "answered", "busy", "busy", "busy")[-1] is None  # a quarter is not below a quarter
    last = fed(limits, "answered", "busy", "busy", "busy", "voicemail")[-1]
    assert last == Alarm("answer_rate_below", 0.0, 0.25, 4)
    assert last.words() == "0.0% of the last 4 calls were answered by a person (limit 25.0%)"


def test_too_many_who_want_out_over_the_last_calls() -> None:
    tally, limits = Tally(), Limits(opt_outs=0.5, over=4)
    asked = [None, "all", None, "all"]
    alarms = [tally.add(outcome_of("answered", n, opt_out=scope), limits) for n, scope in enumerate(asked, 1)]
    assert alarms == [None, None, None, Alarm("opt_out_rate", 0.5, 0.5, 4)]


def test_messages_are_no_calls_and_repeats_count_once() -> None:
    assert fed(Limits(answered=0.5, over=2), "sent", "sent", "sent", channel="sms") == [None] * 3
    tally, limits, error = Tally(), Limits(config_errors=2), outcome_of("config_error")
    assert [tally.add(error, limits) for _ in range(5)] == [None] * 5


class Desk:
    """Alarms of one campaign that runs, over a lane that keeps what is emitted."""

    def __init__(self, limits: Limits | None) -> None:
        self.told: list[Any] = []
        self.current = CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=NOW - HOUR)
        plan = plan_of(pause_when=limits)
        heads: Any = SimpleNamespace(subscribe=lambda _: None, head=lambda _: self.current, plan=lambda _i, _v: plan)
        lane: Any = SimpleNamespace(emit=self.told.append)
        self.alarms = Alarms(lane, heads)
        self.alarms.on_head(self.current)

    def error(self, n: int, at: int = NOW) -> int:
        """How many records a config_error number `n` brings."""
        before = len(self.told)
        self.alarms.count(replace(outcome_of("config_error", n), requested_at=at), NOW)
        return len(self.told) - before


@pytest.fixture
def desk() -> Desk:
    return Desk(Limits(config_errors=2))


def test_it_writes_the_head_and_tells_the_feed_once(desk: Desk) -> None:
    assert [desk.error(n) for n in range(1, 5)] == [0, 3, 0, 0]
    head, alert, paused = desk.told
    assert (head.state, head.pauses[-1].begin) == (CampaignState.PAUSED, NOW)
    assert head.pauses[-1].reason == "2 config_error in a row: the provider refuses the campaign's settings"
    assert (alert.kind, alert.key, alert.data) == ("alert", "spring", {"what": "config_errors", "value": 2, "limit": 2})
    assert (paused.kind, paused.data["by"]) == ("paused", "worker")
    assert alert.cause == paused.cause == head.event_id


def test_after_a_resume_everything_is_counted_anew_and_old_calls_do_not_count(desk: Desk) -> None:
    for n in (1, 2):
        desk.error(n)
    paused = desk.told[0]
    desk.alarms.on_head(paused)
    desk.current = resumed(paused, NOW, Resume())
    desk.alarms.on_head(desk.current)
    assert [desk.error(n, at=NOW - 1) for n in (3, 4, 5)] == [0, 0, 0]  # were placed before it was resumed
    assert [desk.error(n) for n in (6, 7)] == [0, 3]


def test_another_version_keeps_the_count_and_brings_its_own_limits(desk: Desk) -> None:
    desk.error(1)
    desk.alarms.on_head(desk.current.model_copy(update={"version": 2}))
    assert desk.error(2) == 3


def test_who_does_not_run_or_has_no_limits_is_not_paused(desk: Desk) -> None:
    desk.current = desk.current.model_copy(update={"state": CampaignState.PAUSED})
    assert [desk.error(n) for n in (1, 2, 3)] == [0, 0, 0]
    other = Desk(None)
    assert [other.error(n) for n in (1, 2, 3)] == [0, 0, 0]


def test_an_outcome_without_a_time_of_request_counts_by_its_end(desk: Desk) -> None:
    old: Outcome = replace(outcome_of("config_error"), ended_at=NOW - 2 * HOUR, requested_at=None)
    desk.alarms.count(old, Instant(NOW))
    assert desk.error(2) == 0
