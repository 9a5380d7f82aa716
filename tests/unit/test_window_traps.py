"""Traps of local time, from a contact as it is published to the hours in which it may be called: 09:00 to 17:00, every day."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from samples import FIRST, plan_of

from cli.when import Answer, answer
from engine.time import HOUR, Instant
from engine.windows import parse_weekly, weekly_window

PLAN = plan_of(FIRST, window=weekly_window(parse_weekly({"mon-sun": ["09:00-17:00"]}), 0))
NY, CHICAGO, DENVER, PHOENIX, LA = (f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles"))


def ask(at: str, **contact: Any) -> Answer:
    """The next hours of somebody, from midnight UTC of a day."""
    return answer(PLAN, FIRST, contact, ms(at), 3)


def ms(text: str, zone: str = "UTC") -> Instant:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return Instant(round(moment.timestamp() * 1000))


def opens(found: Answer, which: int = 0) -> int:
    return found.open[which].range.start


def length(found: Answer, which: int = 0) -> int:
    start, end = found.open[which].range
    return end - start


def test_arizona_has_no_summer_time_and_the_navajo_nation_has() -> None:
    phoenix, kayenta = ask("2026-07-01", postal_code="85001"), ask("2026-07-01", postal_code="86033")
    assert phoenix.zones == (PHOENIX,)
    assert DENVER in kayenta.zones
    assert opens(ask("2026-07-01", timezone=PHOENIX)) - opens(ask("2026-07-01", timezone=DENVER)) == HOUR
    assert opens(ask("2026-12-01", timezone=PHOENIX)) == opens(ask("2026-12-01", timezone=DENVER))


@pytest.mark.parametrize(
    ("state", "zones"),
    [
        ("FL", (CHICAGO, NY)),
        ("TN", (CHICAGO, NY)),
        ("KY", {CHICAGO, NY}),
        ("IN", {CHICAGO, NY}),
        ("TX", (CHICAGO, DENVER)),
        ("ND", {CHICAGO, DENVER}),
    ],
)
def test_a_split_state_is_open_when_all_of_it_is(state: str, zones: Any) -> None:
    """Nine in the west until five in the east: seven hours of eight."""
    found = ask("2026-06-01", state=state, country="US")
    assert set(zones) <= set(found.zones)
    assert length(found) == 7 * HOUR


def test_lord_howe_changes_by_half_an_hour() -> None:
    found = ask("2026-04-03T12:00", timezone="Australia/Lord_Howe")
    assert opens(found) == ms("2026-04-04T09:00", "Australia/Lord_Howe")
    assert opens(found, 1) - opens(found) == 24 * HOUR + HOUR // 2


def test_chatham_and_nepal_are_off_by_quarters() -> None:
    assert opens(ask("2026-06-01T06:00", timezone="Pacific/Chatham")) == ms("2026-06-01T20:15")
    assert opens(ask("2026-06-01", timezone="Asia/Kathmandu")) == ms("2026-06-01T03:15")


def test_mexico_gave_up_summer_time_in_2022() -> None:
    assert opens(ask("2022-07-01", timezone="America/Mexico_City")) == ms("2022-07-01T14:00")
    assert opens(ask("2023-07-01", timezone="America/Mexico_City")) == ms("2023-07-01T15:00")


def test_samoa_had_no_30_december_2011() -> None:
    found = ask("2011-12-29T19:00", timezone="Pacific/Apia")
    assert opens(found) == ms("2011-12-29T09:00", "Pacific/Apia")
    assert opens(found, 1) == ms("2011-12-31T09:00", "Pacific/Apia")
    assert opens(found, 1) - opens(found) == 24 * HOUR


def test_800_numbers_say_nothing_of_the_time() -> None:
    assert ask("2026-06-01", phone="+18005550101").zones == (NY,)  # the campaign's fallback
    assert ask("2026-06-01", phone="+18005550101", state="CA").zones == (LA,)


def test_a_mobile_number_of_another_state_never_narrows_the_address() -> None:
    found = ask("2026-06-01", phone="+12125550101", postal_code="94103")
    assert set(found.zones) == {NY, LA}
    assert length(found) == 5 * HOUR  # nine in San Francisco until five in New York


def test_est_is_a_place_with_summer_time() -> None:
    found = ask("2026-07-01", timezone="EST")
    assert found.zones == (NY,)
    assert opens(found) == ms("2026-07-01T13:00")  # by a clock that is five hours behind all year it would be 14:00


def test_a_zip_with_a_lost_zero_is_mended() -> None:
    assert ask("2026-07-01", postal_code="8014", country="US").zones == (NY,)  # Bridgeport, New Jersey: 08014


# --- what others got wrong --------------------------------------------------------------------------------------------------------


def test_weekdays_are_those_of_the_place_and_not_of_utc() -> None:
    """Friday evening in New York is Saturday in UTC, and Sunday evening Monday."""
    plan = plan_of(FIRST, window=weekly_window(parse_weekly({"mon-fri": ["20:00-21:00"]}), 0))
    found = answer(plan, FIRST, {"timezone": NY}, ms("2026-06-05T14:00"), 2)
    assert [each.range.start for each in found.open] == [ms("2026-06-05T20:00", NY), ms("2026-06-08T20:00", NY)]


def test_the_offset_is_that_of_the_moment_and_not_of_now() -> None:
    """Asked on a Saturday in winter time: Sunday, 09:00, is in summer time."""
    found = ask("2026-03-07T22:30", timezone=NY)
    assert opens(found) == ms("2026-03-08T13:00")


def test_business_hours_are_found_however_far_from_utc() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/St_Johns"):
        found = ask("2026-06-03", timezone=zone)
        assert all(datetime.fromtimestamp(each.range.start / 1000, ZoneInfo(zone)).hour == 9 for each in found.open[1:]), zone


def test_nothing_leaves_before_its_day() -> None:
    """A time to wait for that is yesterday in UTC, today there."""
    found = ask("2026-06-02T23:30", timezone="Pacific/Auckland")
    assert opens(found) == ms("2026-06-02T23:30")  # Wednesday, 11:30 there
    assert datetime.fromtimestamp(opens(found) / 1000, ZoneInfo("Pacific/Auckland")).date().isoformat() == "2026-06-03"
    assert found.open[1].range.start - found.open[0].range.end == timedelta(hours=16) // timedelta(milliseconds=1)
