"""engine/hours.py: what closes an instant and what ends a range, by check, in words, each with its own instant."""

from typing import Any

import pytest
from samples import NY
from test_window_traps import CHICAGO, LA, ms

from engine.answers import YES, Answer, At, Never
from engine.hours import closed, closers, closing, ended_by, open_until, opens_next
from engine.layers import Layer, day_of
from engine.time import HOUR, MINUTE, Instant
from engine.weekly import parse_interval, parse_weekly
from engine.windows import Window, next_open

WORK = parse_weekly({"mon-fri": ["09:00-17:00"]})
CUT = 30_000


def hours(weekly: dict[str, list[str]] | None = None, **dates: Any) -> Layer:
    return Layer("window", "the campaign's hours", parse_weekly(weekly) if weekly else WORK, **dates)


def law(name: str, *intervals: str, **more: Any) -> Layer:
    return Layer("law", name, parse_weekly({"mon-sun": list(intervals)}), **more)


def window(*layers: Layer, cut: int = CUT) -> Window:
    return Window(layers, cut)


def answers_of(found: Window, zones: tuple[str, ...], transit: int, now: Instant) -> tuple[Answer, Answer, Answer]:
    return closed(found, zones, transit, now, opens_next(found, zones, transit, now))


DATED = hours(
    holidays=("us-federal",),
    blackout=((day_of("2026-12-28"), day_of("2026-12-30")),),
    overrides=(
        (day_of("2026-11-27"), (parse_interval("10:00-12:00"),)),
        (day_of("2026-12-05"), (parse_interval("22:00-02:00"),)),
        (day_of("2026-12-09"), ()),
    ),
)
FEDERAL, FLORIDA = law("law US (47 CFR)", "08:00-21:00"), law("law US-FL (Fla. Stat.)", "08:00-20:00")


@pytest.mark.parametrize(
    ("at", "check", "name", "words"),
    [
        ("2026-11-24T08:59", "window", "window", "outside the campaign's hours: Tue 09:00-17:00; it is Tue 2026-11-24 08:59"),
        ("2026-11-24T17:00", "window", "window", "outside the campaign's hours: Tue 09:00-17:00; it is Tue 2026-11-24 17:00"),
        ("2026-11-22T12:00", "window", "window", "outside the campaign's hours: Sun none; it is Sun 2026-11-22 12:00"),
        ("2026-11-26T12:00", "holidays", "Thanksgiving Day (us-federal)", "closed on Thanksgiving Day (us-federal); it is Thu"),
        ("2027-12-31T12:00", "holidays", "New Year's Day (observed) (us-federal)", "closed on New Year's Day (observed)"),
        ("2026-12-29T12:00", "holidays", "blackout 2026-12-29", "closed on blackout 2026-12-29; it is Tue 2026-12-29 12:00"),
        ("2026-11-27T09:30", "window", "override 2026-11-27", "outside the campaign's hours: Fri 10:00-12:00; it is Fri"),
        ("2026-11-27T12:00", "window", "override 2026-11-27", "outside the campaign's hours: Fri 10:00-12:00; it is Fri"),
        ("2026-12-06T02:00", "window", "override 2026-12-05", "outside the campaign's hours: Sun none; it is Sun 2026-12-06 02:00"),
        ("2026-12-06T03:00", "window", "window", "outside the campaign's hours: Sun none"),
        ("2026-12-05T12:00", "window", "override 2026-12-05", "outside the campaign's hours: Sat 22:00-02:00; it is Sat"),
        ("2026-12-09T12:00", "window", "override 2026-12-09", "outside the campaign's hours: Wed none; it is Wed 2026-12-09 12:00"),
    ],
)
def test_what_closes_by_name_and_in_words(at: str, check: str, name: str, words: str) -> None:
    (found,) = closers(window(DATED), (NY,), ms(at, NY))
    assert (found.check, found.name, found.layer) == (check, name, DATED)
    assert words in found.detail
    assert found.detail.endswith(f" in {NY}")


def test_an_interval_across_midnight_is_told_by_the_clock() -> None:
    (found,) = closers(window(hours({"mon": ["22:00-02:30"], "tue": ["12:00-24:00"]})), (NY,), ms("2026-11-23T12:00", NY))
    assert "Mon 22:00-02:30; it is Mon 2026-11-23 12:00" in found.detail
    (found,) = closers(window(hours({"tue": ["12:00-24:00"]})), (NY,), ms("2026-11-25T00:00", NY))
    assert "Wed none; it is Wed 2026-11-25 00:00" in found.detail
    (found,) = closers(window(hours({"tue": ["12:00-24:00"]})), (NY,), ms("2026-11-24T00:00", NY))
    assert "Tue 12:00-24:00" in found.detail


def test_of_several_zones_the_first_that_is_closed_is_told() -> None:
    (found,) = closers(window(hours()), (NY, LA), ms("2026-11-24T10:00", NY))
    assert "Tue 2026-11-24 07:00 in America/Los_Angeles" in found.detail
    (found,) = closers(window(hours()), (LA, NY), ms("2026-11-24T07:00", NY))
    assert "Tue 2026-11-24 04:00 in America/Los_Angeles" in found.detail


def test_a_layer_with_a_zone_of_its_own_is_told_by_it() -> None:
    (found,) = closers(window(hours(zone=CHICAGO), FEDERAL), (LA,), ms("2026-11-24T15:30", LA))
    assert found.detail == "outside the campaign's hours: Tue 09:00-17:00; it is Tue 2026-11-24 17:30 in America/Chicago"


def test_every_layer_that_is_closed_speaks() -> None:
    late = Layer("window", "the hours of step late", parse_weekly({"mon-fri": ["18:00-19:00"]}), label="step late")
    found = closers(window(DATED, late, FEDERAL, FLORIDA), (NY,), ms("2026-11-24T20:30", NY))
    assert [each.name for each in found] == ["window", "step late", "law US-FL (Fla. Stat.)"]
    assert [each.check for each in found] == ["window", "window", "law"]


def test_holidays_of_a_law_are_the_laws() -> None:
    state = law("law US-LA (La. R.S.)", "08:00-20:00", holidays=("US",))
    answers = answers_of(window(hours(), state), (CHICAGO,), 0, ms("2026-11-26T12:00", CHICAGO))
    assert [answer.ok for answer in answers] == [True, True, False]
    assert answers[2].until == At(ms("2026-11-27T08:00", CHICAGO))
    assert answers[2].detail == (
        "law US-LA (La. R.S.): closed on Thanksgiving Day (US); it is Thu 2026-11-26 12:00 in America/Chicago"
    )


# --- each answer's own instant ----------------------------------------------------------------------------------------------------


def test_each_check_turns_by_itself() -> None:
    """A Thanksgiving evening: the law opens at eight, the holiday is over on Friday, whose hours are of their own."""
    answers = answers_of(window(DATED, FEDERAL), (NY,), 0, ms("2026-11-26T22:00", NY))
    assert answers[0] is YES["window"]
    assert answers[1].until == At(ms("2026-11-27T10:00", NY))
    assert answers[2].until == At(ms("2026-11-27T08:00", NY))


def test_of_several_layers_of_a_check_the_one_that_opens_last_speaks() -> None:
    answers = answers_of(
        window(hours(), FEDERAL, law("law US-X (late)", "11:00-15:00"), FLORIDA), (NY,), 0, ms("2026-11-24T07:00", NY)
    )
    assert answers[0].until == At(ms("2026-11-24T09:00", NY))
    assert answers[2].until == At(ms("2026-11-24T11:00", NY))
    assert str(answers[2].detail).startswith("outside law US-X (late)")


def test_what_turns_by_itself_is_measured_in_all_zones() -> None:
    answers = answers_of(window(hours(), FEDERAL), (NY, LA), 0, ms("2026-11-24T07:30", NY))
    assert answers[0].until == At(ms("2026-11-24T09:00", LA))
    assert answers[2].until == At(ms("2026-11-24T08:00", LA))


@pytest.mark.parametrize(
    "layers",
    [
        (hours({"mon-fri": ["07:00-08:00"]}), FEDERAL),  # they never meet
        (hours(blackout=((day_of("2026-11-01"), day_of("2029-01-01")),)),),  # nor within 400 days
    ],
)
def test_a_window_that_never_opens_is_told_by_what_is_closed(layers: tuple[Layer, ...]) -> None:
    answers = answers_of(window(*layers), (NY,), 0, ms("2026-11-24T07:30", NY))
    assert {answer.until for answer in answers if answer.ok is False} == {Never("no_window")}
    assert any(answer.ok is False for answer in answers)


def test_an_event_of_the_past_ends_nothing() -> None:
    over = hours(blackout=((day_of("2020-01-01"), day_of("2025-12-31")),))
    assert answers_of(window(over), (NY,), 0, ms("2026-11-24T08:00", NY))[0].until == At(ms("2026-11-24T09:00", NY))


# --- the end of a range -----------------------------------------------------------------------------------------------------------


def test_within_the_ring_time_the_layer_speaks_that_closes_next() -> None:
    """All layers are open, but a phone would ring too long."""
    now = ms("2026-11-24T16:59:45", NY)
    assert closers(window(hours(), FEDERAL), (NY,), now) == ()
    assert [each.name for each in closing(window(hours(), FEDERAL), (NY,), now)] == ["window"]
    answers = answers_of(window(hours(), FEDERAL), (NY,), 0, now)
    assert answers[0].until == At(ms("2026-11-25T09:00", NY))
    assert answers[1:] == (YES["holidays"], YES["law"])


def test_before_a_holiday_the_holiday_speaks() -> None:
    always = hours({"mon-sun": ["00:00-24:00"]}, holidays=("us-federal",))
    answers = answers_of(window(always), (NY,), 250, ms("2026-11-25T23:59:29.800", NY))
    assert answers[1].until == At(ms("2026-11-27T00:00", NY))
    assert "closed on Thanksgiving Day" in str(answers[1].detail)


def test_transit_moves_the_end_and_passes_over_what_is_too_short() -> None:
    work, now = window(hours({"tue": ["09:00-09:10", "12:00-13:00"]})), ms("2026-11-24T09:05", NY)
    assert open_until(work, (NY,), 250, now) == ms("2026-11-24T09:09:29.750", NY)
    assert open_until(work, (NY,), 0, Instant(now - HOUR)) is None
    assert opens_next(work, (NY,), 30 * MINUTE, now) == ms("2026-11-24T12:00", NY)
    assert opens_next(work, (NY,), 2 * HOUR, now) is None


@pytest.mark.parametrize(
    ("at", "ended"),
    [
        ("2026-11-25T12:00", ["window"]),
        ("2026-11-27T09:00", ["override 2026-11-27"]),
        ("2026-12-05T12:00", ["override 2026-12-05"]),  # on Sunday, at two
    ],
)
def test_what_ends_a_range(at: str, ended: list[str]) -> None:
    work = window(DATED, FEDERAL)
    dark = window(DATED, law("law", "00:00-24:00"))
    found = next_open(dark if at.startswith("2026-12") else work, (NY,), ms(at, NY))
    assert found is not None
    assert [each.name for each in ended_by(work, (NY,), found.end) if each.check != "law"] == ended


def test_a_range_that_a_law_ends_in_another_zone() -> None:
    found = next_open(window(hours({"mon-sun": ["09:00-21:00"]}), FLORIDA), (CHICAGO, NY), ms("2026-06-05T12:00", NY))
    assert found is not None
    (ended,) = ended_by(window(hours({"mon-sun": ["09:00-21:00"]}), FLORIDA), (CHICAGO, NY), found.end)
    assert ended.detail == "outside law US-FL (Fla. Stat.): Fri 08:00-20:00; it is Fri 2026-06-05 20:00 in America/New_York"
