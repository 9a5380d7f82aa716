"""Whether somebody may be called now, and when next: windows beside the way most programs do it, and the whole gate on top.

The other way, for each question: a clock per zone by pytz, the day's hours looked up, day after day, `localize` and `normalize` for
every edge; the ranges of several zones and of the law are intersected until one is long enough. It is given the same files, knows
the same dates, and has to give the same answers, which is checked before anything is timed. The gate is timed with all of its
checks, where it says yes and where it says no; a no also says what closes and when it turns.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from time import process_time

import holidays
import pytz

from bench.arguments import integers
from engine.gate import Facts, decide
from engine.layers import Layer, date_of
from engine.plan import Channel, Contacting, Plan
from engine.time import DAY, Instant
from engine.weekly import parse_weekly
from engine.windows import Window, is_open, next_open
from schemas.campaign import CampaignState
from schemas.rows import LedgerRow

COUNT = 20_000
NOW = 1_795_532_400_000  # 2026-11-24T15:00Z
WORK = parse_weekly({"mon-fri": ["09:00-12:00", "13:00-17:00"]})
CAMPAIGN = Layer("window", "the campaign's hours", WORK, holidays=("us-federal",))
LAW = Layer("law", "law US-FL", parse_weekly({"mon-sun": ["08:00-20:00"]}))
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix")
ONE, TWO = [(zone,) for zone in ZONES], [("America/New_York", zone) for zone in ZONES[1:3]]
Span = tuple[datetime, datetime]
Case = tuple[tuple[str, ...], Instant]


# --- the other way ----------------------------------------------------------------------------------------------------------------


@cache
def closed_days(layer: Layer) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", years=range(2025, 2030))) if layer.holidays else frozenset()


def day_by_day(layer: Layer, zone: str, at: datetime) -> Iterator[Span]:
    """A layer's ranges on one clock, from the day before on; none crosses midnight."""
    tz = pytz.timezone(zone)
    day = tz.normalize(at.astimezone(tz)).date() - timedelta(days=1)
    for _ in range(402):
        if day not in closed_days(layer):
            midnight = datetime.combine(day, datetime.min.time())
            for weekday, start, end in layer.weekly:
                if weekday == day.weekday():
                    edges = (tz.normalize(tz.localize(midnight + timedelta(minutes=minute))) for minute in (start, end))
                    yield (next(edges), next(edges))
        day += timedelta(days=1)


def both(a: Iterator[Span], b: Iterator[Span]) -> Iterator[Span]:
    """What two sorted series of ranges have in common."""
    one, other = next(a, None), next(b, None)
    while one and other:
        start, end = max(one[0], other[0]), min(one[1], other[1])
        if start < end:
            yield start, end
        if one[1] <= other[1]:
            one = next(a, None)
        else:
            other = next(b, None)


def naive(window: Window, zones: Iterable[str], t: int) -> tuple[int, int] | None:
    """As next_open."""
    at = datetime.fromtimestamp(t / 1000, UTC)
    every = [day_by_day(layer, zone, at) for layer in window.layers for zone in zones]
    found = every.pop()
    for each in every:
        found = both(found, each)
    for start, end in found:
        last = end - timedelta(milliseconds=window.ring_cut)
        if last > at:
            return round(max(start, at).timestamp() * 1000), round(last.timestamp() * 1000)
    return None


# --- measured ---------------------------------------------------------------------------------------------------------------------


def cases(sets: list[tuple[str, ...]], count: int) -> list[Case]:
    """Instants of a year from now on, each with a set of zones."""
    random = Random(11)
    return [(random.choice(sets), Instant(NOW + random.randrange(365 * DAY))) for _ in range(count)]


def agree(window: Window, asked: list[Case]) -> None:
    """Raises AssertionError if the two differ."""
    for zones, t in asked:
        found, other = next_open(window, zones, t), naive(window, zones, t)
        assert (found and tuple(found)) == other, f"{zones} at {t} ({date_of(t // DAY)}): {found}, and day by day {other}"


def each(ask: Callable[[tuple[str, ...], Instant], object], asked: list[Case]) -> float:
    """µs of CPU a question; of three rounds the fastest."""
    rounds = []
    for _ in range(3):
        started = process_time()
        for zones, t in asked:
            ask(zones, t)
        rounds.append(process_time() - started)
    return min(rounds) / len(asked) * 1e6


def gate(window: Window) -> Callable[[tuple[str, ...], Instant], object]:
    """All checks of the gate, with the facts that the dialer has."""
    step = Contacting("call", Channel.CALL, agent="ann")
    plan = Plan("spring", 1, "main", (step,), window, "America/New_York", None, frozenset(), "sales", ())
    row, running = LedgerRow(address="+12125550101"), CampaignState.RUNNING

    def ask(zones: tuple[str, ...], t: Instant) -> object:
        return decide(Facts(plan, running, zones, step, contact_busy=False, dial_id="d1", ledger=row), t)

    return ask


def report(name: str, window: Window, sets: list[tuple[str, ...]], count: int) -> None:
    """One line: µs a question each way, and how many of the one the other takes."""
    asked = cases(sets, count)
    few = asked[: max(1, count // 40)]
    agree(window, few)
    slow = each(lambda zones, t: naive(window, zones, t), few)
    fast = each(lambda zones, t: next_open(window, zones, t), asked)
    within = [is_open(window, zones, t) for zones, t in asked]
    yes = each(gate(window), [case for case, inside in zip(asked, within, strict=True) if inside])
    no = each(gate(window), [case for case, inside in zip(asked, within, strict=True) if not inside])
    print(f"{name:24} {slow:8.0f} {fast:9.1f} {slow / fast:6.0f}x {yes:10.1f} {slow / yes:6.0f}x {no:11.1f} {slow / no:6.0f}x")


def main(count: int) -> None:
    print(f"{'µs of CPU a question':24} {'by pytz':>8} {'look-up':>9} {'':7} {'gate, yes':>10} {'':7} {'gate, no':>11}")
    plain, dated = Window((Layer("window", "hours", WORK),), 30_000), Window((CAMPAIGN,), 30_000)
    report("weekly hours, one zone", plain, ONE, count)
    report("with federal holidays", dated, ONE, count)
    report("two zones", dated, TWO, count)
    report("two zones and a law", Window((CAMPAIGN, LAW), 30_000), TWO, count)


if __name__ == "__main__":
    main(*integers(__doc__, sys.argv[1:], count=COUNT))
