"""What `campaign resume --preview` counts."""

from dataclasses import replace as replaced
from typing import Any

import pytest
from msgspec.structs import replace

from cli.first_hour import Asked, FirstHour
from cli.reasons import View
from engine.plan import Channel, Contacting, Plan, Waiting
from engine.time import DAY, HOUR, MINUTE, Delay, Instant
from engine.weekly import parse_weekly
from engine.windows import weekly_window
from schemas.campaign import CampaignHead, CampaignState, Pause
from schemas.rows import EnrollmentRow, OptOutEntry, Profile, State
from tests.unit.samples import open_of
from tests.unit.towns import NOW, plan, snapshot

#: Before an hour has passed it opens: NOW is 08:33:20 in New York.
WORKDAY = weekly_window(parse_weekly({"mon-fri": ["09:00-17:00"]}), 30_000)
PERSON = Profile(contact_id="ann", phone="+12125550101", zones=("America/New_York",))


def row_of(contact: str = "ann", **changes: Any) -> EnrollmentRow:
    row = EnrollmentRow(
        enrollment_id=f"e-{contact}", contact_id=contact, campaign="spring", entry=1, version=1, state=State.WAITING, step="first"
    )
    return replace(row, due=NOW - HOUR, **changes) if "due" not in changes else replace(row, **changes)


def first_hour(*rows: EnrollmentRow, planned: Plan | None = None, person: Profile = PERSON, **pause: Any) -> FirstHour:
    """The campaign was paused three hours ago, and would be resumed now."""
    made = Pause(begin=NOW - 3 * HOUR, end=NOW, **pause)
    head = CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=NOW, pauses=[made])
    profiles = {row.contact_id: replace(person, contact_id=row.contact_id) for row in rows}
    plans = replaced(snapshot(planned or plan()), heads={"spring": head})
    return Asked(View.of({row.key: row for row in rows}, profiles, plans, NOW, 1.0), (made,)).count(rows)


def test_the_overdue_come_at_once_and_those_due_within_the_hour_when_they_are() -> None:
    found = first_hour(
        row_of(), row_of("bob", due=NOW + 10 * MINUTE), row_of("cyd", due=NOW + HOUR), row_of("dee", state=State.EXITED)
    )
    assert (found.people, found.overdue) == (3, 1)
    assert {i: n for i, n in enumerate(found.ready) if n} == {0: 1, 10: 1}
    assert found.others == {"due later": 1}


def test_a_window_that_opens_within_the_hour_is_waited_for() -> None:
    found = first_hour(row_of(), planned=plan(window=WORKDAY))
    assert {i: n for i, n in enumerate(found.ready) if n} == {26: 1}


def test_a_window_that_stays_shut_and_whoever_opted_out_bring_nothing() -> None:
    night = plan(window=weekly_window(parse_weekly({"mon-sun": ["22:00-23:00"]}), 0))
    assert first_hour(row_of(), planned=night).others == {"window": 1}
    out = replace(PERSON, opt_outs=(OptOutEntry("all", "cli", NOW, "x"),))
    assert first_hour(row_of(), person=out).others == {"leaving": 1}


def test_waits_that_end_within_the_hour_lead_to_the_call_behind_them() -> None:
    steps = (Waiting("first", Delay(ms=20 * MINUTE)), Contacting("second", Channel.CALL, agent="robin"))
    waits = replaced(plan(), steps=steps)
    found = first_hour(row_of(due=NOW - MINUTE), row_of("bob", due=NOW + 59 * MINUTE), planned=waits)
    assert {i: n for i, n in enumerate(found.ready) if n} == {0: 1, 59: 1}


def test_shift_moves_expire_skips_and_a_ramp_spreads() -> None:
    rows = [row_of(f"p{n}") for n in range(400)]
    shifted = first_hour(*rows, policy="shift")
    assert (shifted.moved, shifted.overdue, sum(shifted.ready)) == (400, 0, 0)
    expired = first_hour(*rows, policy="expire", older=HOUR // 2)
    assert (expired.skipped, sum(expired.ready)) == (400, 0)
    assert expired.others == {"due later": 400}  # the wait behind the call lasts a day
    ramp = first_hour(*rows, ramp=HOUR)
    assert sum(ramp.ready) == 400
    assert sum(ramp.ready[:30]) == pytest.approx(100, abs=35)


def test_who_has_a_call_out_or_is_not_known_is_counted_apart() -> None:
    issued = row_of(state=State.ISSUED, open=open_of(1))
    found = first_hour(issued, row_of("bob", state=State.AWAITING_CONTACT))
    assert found.others == {"command open": 1, "awaiting contact": 1}


def test_what_the_line_cannot_take_waits_for_the_next_minute() -> None:
    hour = FirstHour(ready=[100, *[0] * 59])
    assert hour.placed(None)[:2] == [100, 0]
    assert hour.placed(30)[:5] == [30, 30, 30, 10, 0]
    slow = hour.placed(0.5)
    assert (sum(slow), max(slow)) == (30, 1)


def test_a_flow_that_goes_round_without_contacting_anybody_ends_the_count() -> None:
    steps = (Waiting("first", Delay(ms=1)), Waiting("second", Delay(ms=DAY)))
    assert first_hour(row_of(due=NOW), planned=replaced(plan(), steps=steps)).others == {"due later": 1}


def test_instants_of_the_hour_are_minutes_from_the_resume() -> None:
    found = first_hour(row_of(due=Instant(NOW + HOUR - 1)))
    assert found.ready[59] == 1
