"""Windows against a brute-force scan, minute by minute, that shares no code with them and asks zoneinfo for every wall clock.

Every IANA zone that changes its offset from 2024 to 2030, both ways, and every hour around the change; random weeks with several
intervals, some across midnight; holidays, blackout dates, overrides, a second zone, a law with a clock of its own, and ring times.
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache, reduce
from importlib import resources
from operator import and_
from zoneinfo import ZoneInfo, available_timezones

import holidays
import pytest
import pytz
import tzdata

from engine.compile_hours import window_of
from engine.layers import Layer
from engine.time import Instant
from engine.weekly import parse_weekly
from engine.windows import Window, next_open
from schemas.campaign import WindowPart

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE, HOUR = 60_000, 3_600_000
HOURS = range(-36, 36)
#: Minutes scanned around a change: from the first hour that is asked for to four days behind the last.
BEFORE, BEHIND = 36 * 60, 36 * 60 + 4 * 1440
PRESETS = {"us-federal": holidays.country_holidays("US"), "GB": holidays.country_holidays("GB")}
GROUPS = 8  # the zones are dealt out to so many tests


@cache
def clock(zone: str) -> ZoneInfo:
    """From the package tzdata, which is as new as pytz; the machine's own tables may be years older."""
    with resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=zone)


def offset(zone: str, at: datetime) -> timedelta | None:
    return at.astimezone(clock(zone)).utcoffset()


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """The instants, to the minute, at which a zone's offset changes from 2024 to 2030: none has two in a week."""
    found, week, minute = [], timedelta(days=7), timedelta(minutes=1)
    for n in range(366):
        low = datetime(2024, 1, 1, tzinfo=UTC) + n * week
        high, before = low + week, offset(zone, low)
        if offset(zone, high) == before:
            continue
        while high - low > minute:
            middle = low + (high - low) // minute // 2 * minute
            low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
        found.append(high)
    return tuple(found)


@cache
def changing() -> list[str]:
    return sorted(zone for zone in available_timezones() if zone not in ("localtime", "posixrules") and changes(zone))


@dataclass(frozen=True)
class Hours:
    """What a campaign file says: weekday -> [(start, end)], minutes; an end above 1440 is on the next day."""

    weekly: dict[int, list[tuple[int, int]]]
    closed: frozenset[date] = frozenset()
    holidays: tuple[str, ...] = ()
    overrides: tuple[tuple[date, tuple[tuple[int, int], ...]], ...] = ()

    def shut(self, day: date) -> bool:
        own = any(day == other for other, _ in self.overrides)
        return day in self.closed or (not own and any(day in PRESETS[name] for name in self.holidays))

    def begin(self, day: date) -> list[tuple[int, int]]:
        if self.shut(day):
            return []
        return next((list(spans) for other, spans in self.overrides if other == day), self.weekly.get(day.weekday(), []))

    def minutes(self, day: date) -> bytes:
        """For each minute of a date whether it is inside."""
        if self.shut(day):
            return bytes(1440)
        today, before = self.begin(day), self.begin(day - timedelta(days=1))
        inside = bytearray(1440)
        for start, end in (*today, *((start - 1440, end - 1440) for start, end in before)):
            for minute in range(max(start, 0), min(end, 1440)):
                inside[minute] = 1
        return bytes(inside)


def span(rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(0, 1440, rng.choice((1, 15, 30)))
    return start, start + rng.choice((20, 45, 120, 300, 480, 700, 1439))


def drawn(rng: random.Random, near: date) -> Hours:
    """Random hours with dates near a day."""
    days = rng.sample(range(7), rng.randint(3, 7))
    weekly = {day: [span(rng) for _ in range(rng.randint(1, 3))] for day in days}
    around = [near + timedelta(days=n) for n in range(-2, 4)]
    closed = frozenset(rng.sample(around, rng.choice((0, 0, 1, 2))))
    own = rng.sample(around, rng.choice((0, 0, 1, 2)))
    overrides = tuple((day, tuple(span(rng) for _ in range(rng.randint(0, 2)))) for day in own)
    return Hours(weekly, closed, tuple(rng.sample(sorted(PRESETS), rng.choice((0, 1, 1, 2)))), overrides)


def written(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}-{end % 1440 // 60:02}:{end % 60:02}"


def part(hours: Hours) -> WindowPart:
    """The hours as a campaign file writes them."""
    return WindowPart.model_validate(
        {
            "weekly": {DAYS[day]: [written(*each) for each in spans] for day, spans in hours.weekly.items()},
            "timezone": {"fallback": "UTC"},
            "holidays": list(hours.holidays),
            "blackout": [day.isoformat() for day in sorted(hours.closed)],
            "overrides": {day.isoformat(): [written(*each) for each in spans] for day, spans in hours.overrides},
        }
    )


@lru_cache(maxsize=8)
def walls(zone: str, first: datetime) -> list[tuple[date, int, int]]:
    """What a zone's clock reads: minutes in a row, as (date, first minute, minute behind).

    Minute by minute in an hour in which the offset changes. In others the first minute tells: no zone changes twice in a week.
    """
    runs, hour = [], timedelta(hours=1)
    for n in range((BEFORE + BEHIND) // 60):
        at = first + n * hour
        step = 60 if offset(zone, at) == offset(zone, at + hour) else 1
        for minute in range(0, 60, step):
            wall = (at + timedelta(minutes=minute)).astimezone(clock(zone))
            day, begin = wall.date(), wall.hour * 60 + wall.minute
            runs.append((day, begin, min(begin + step, 1440)))
            if begin + step > 1440:
                runs.append((day + timedelta(days=1), 0, begin + step - 1440))
    return runs


def flags(hours: Hours, zone: str, first: datetime) -> bytes:
    """For each minute of the scan whether it is inside."""
    runs = walls(zone, first)
    known = {day: hours.minutes(day) for day in {run[0] for run in runs}}
    return b"".join(known[day][begin:end] for day, begin, end in runs)


def scan(layers: list[tuple[Hours, tuple[str, ...]]], first: datetime) -> list[tuple[int, int]]:
    """The open ranges within the scan, in minutes from its beginning."""
    each = [int.from_bytes(flags(hours, zone, first)) for hours, zones in layers for zone in zones]
    inside = reduce(and_, each).to_bytes(BEFORE + BEHIND)
    ranges, end = [], 0
    while (start := inside.find(1, end)) >= 0:
        end = inside.find(0, start) if 0 in inside[start:] else len(inside)
        ranges.append((start, end))
    return ranges


def expected(ranges: list[tuple[int, int]], cut: int, at: int) -> tuple[int, int] | None:
    """The rest of the range that contains `at`, else the next one, in ms from the scan's beginning."""
    left = ((max(start * MINUTE, at), end * MINUTE - cut) for start, end in ranges)
    return next(((start, end) for start, end in left if start < end), None)


def differences(rng: random.Random, zone: str, change: datetime) -> tuple[int, list[str]]:
    """Cases asked for around one change, and those in which the two disagree."""
    first, near, asked, wrong = change - timedelta(minutes=BEFORE), change.astimezone(clock(zone)).date(), 0, []
    start = round((first - EPOCH) / timedelta(milliseconds=1))
    for some in (HOURS[:24], HOURS[24:48], HOURS[48:]):
        hours, zones, cut = drawn(rng, near), (zone,), rng.choice((0, 30_000, 45 * MINUTE, 2 * HOUR))
        window = window_of(part(hours))
        layers = [(hours, zones)]
        if rng.random() < 0.4:
            zones = (zone, rng.choice(("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")))
            layers = [(hours, zones)]
        law = window.layers
        if rng.random() < 0.4:
            wide = Hours({day: [(rng.choice((420, 480)), rng.choice((1260, 1320)))] for day in range(7)})
            layers.append((wide, ("America/Chicago",)))
            weekly = parse_weekly({DAYS[day]: [written(*each) for each in spans] for day, spans in wide.weekly.items()})
            law = (*law, Layer("law", "a law", weekly, zone="America/Chicago"))
        ranges = scan(layers, first)
        for hour in some:
            at = (BEFORE + 60 * hour) * MINUTE + rng.choice((0, 1, HOUR - 1, rng.randrange(HOUR)))
            found = next_open(Window(law, cut), zones, Instant(start + at))
            naive = expected(ranges, cut, at)
            asked += 1
            seen = None if found is None else (found.start - start, found.end - start)
            if naive is None or naive[1] + cut == (BEFORE + BEHIND) * MINUTE:  # it reaches behind the scan
                good = seen is None or seen[1] + cut >= (BEFORE + BEHIND) * MINUTE
            else:
                good = seen == naive
            if not good:
                wrong.append(f"{zones} at {at} ms behind {first}: {seen}, and by the scan {naive}; cut {cut}, {hours}")
    return asked, wrong


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_zone_and_hour_around_its_changes(group: int) -> None:
    rng, asked, wrong = random.Random(group), 0, list[str]()
    for zone in changing()[group::GROUPS]:
        there, back = [], []
        for change in changes(zone):
            earlier, later = offset(zone, change - timedelta(minutes=1)), offset(zone, change)
            assert earlier is not None
            assert later is not None
            (there if later > earlier else back).append(change)
        for either in (there, back):
            if either:
                count, found = differences(rng, zone, rng.choice(either))
                asked, wrong = asked + count, wrong + found
    assert not wrong, f"{len(wrong)} of {asked} differ: {wrong[0]}"
    assert asked >= 20_000 // GROUPS


def test_other_years_and_the_edges_of_calendars() -> None:
    """Changes and days from 1975 to 2036, and instants around which a new calendar has to be made: for one zone in twenty."""
    rng, asked, wrong = random.Random(8), 0, list[str]()
    for zone in ["Pacific/Apia", *sorted(available_timezones() - {"localtime", "posixrules", "Factory"})[::20]]:
        day = rng.randrange(5 * 365, 66 * 365)
        for near in (EPOCH + timedelta(days=day), EPOCH + timedelta(milliseconds=2**35 * rng.randrange(5, 60))):
            at = datetime(2011, 12, 30, 10, tzinfo=UTC) if zone == "Pacific/Apia" else near.replace(second=0, microsecond=0)
            count, found = differences(rng, zone, at)
            asked, wrong = asked + count, wrong + found
    assert not wrong, f"{len(wrong)} of {asked} differ: {wrong[0]}"


def test_the_two_tables_are_of_one_release() -> None:
    """Else they may differ where a government has changed its mind: pip install -U pytz tzdata."""
    assert pytz.OLSON_VERSION == tzdata.IANA_VERSION
