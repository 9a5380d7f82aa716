"""Daily caps of numbers: how they are divided among partitions, and whether a number has calls left.

A cap limits a number's calls, not its messages, per calendar day of its own zone. Each partition has a part of it, and keeps to it
by what it knows itself (engine/number_use.py). A command counts for each day in which its request may reach the provider. So no cap
is ever exceeded, whoever dies; the price is that a part which nobody uses is not used. A remainder goes to others each day.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from engine.callers import Caller
from engine.days import Day, day_of, numbered
from engine.time import MINUTE, Instant

#: Real ms from a command until its request has reached the provider, or never will: a slot lies at most 900 ms ahead and lives a
#: second, the provider's client gives up after two, and workers' clocks differ by half a second at the most.
REACH_MS = 5_000
#: Where only calls under way fill caps up, everybody who waits asks again whenever so much has passed: it may be a whole campaign.
_AGAIN = 15 * MINUTE
#: The golden ratio's fraction, of 2**64.
_GOLDEN = 0x9E3779B97F4A7C15
#: Days looked ahead for one in which a partition has a share of a cap.
_AHEAD = 400


class Made(NamedTuple):
    """Calls of a number in a day, of one partition's people. under_way: open commands, which may come to nothing."""

    attempts: int
    under_way: int


class Account(NamedTuple):
    """What a partition (of so many) knows of the use of numbers. reach: campaign ms from a command to its request, at the most."""

    partition: int
    partitions: int
    made: Callable[[str, Day], Made]
    reach: int


def untouched(partition: int = 0, partitions: int = 1) -> Account:
    """As if no number had ever been used."""
    return Account(partition, partitions, lambda _number, _day: Made(0, 0), 0)


def share(cap: int, number: str, day: int, partition: int, partitions: int) -> int:
    """A partition's part of a number's daily cap, `day` as engine/days.py counts. All parts of a day together are the cap."""
    each, over = divmod(cap, partitions)
    return each + ((partition - _first_of(number, day, partitions)) % partitions < over)


def has_room(caller: Caller, account: Account, now: Instant) -> bool:
    """Whether one more call may be made in each day in which a command of `now` may reach the provider."""
    if caller.cap is None:
        return True
    day = day_of(caller.zone, now)
    while _room(caller, account, day):
        if now + account.reach < day.end:
            return True
        day = numbered(caller.zone, day.number + 1)  # on a fast clock a command may take days
    return False


def _room(caller: Caller, account: Account, day: Day) -> bool:
    attempts, under_way = account.made(caller.e164, day)
    return attempts + under_way < _share(caller, day.number, account)


def _share(caller: Caller, day: int, account: Account) -> int:
    return share(caller.cap or 0, caller.e164, day, account.partition, account.partitions)


@lru_cache(maxsize=4096)
def _first_of(number: str, day: int, partitions: int) -> int:
    """The partition at which the remainder of the day begins. Steps of the golden ratio leave nobody waiting long for a turn; they
    do not depend on the cap, so that raising it takes nothing from anybody."""
    begin = int.from_bytes(blake2b(number.encode(), digest_size=8).digest(), "big")
    return ((begin + day * _GOLDEN) % 2**64) * partitions >> 64


def next_room(caller: Caller, account: Account, now: Instant) -> Instant:
    """From when a number that has no room now may have some: soon, if only commands under way fill it up, else a later day."""
    today = day_of(caller.zone, now)
    if account.made(caller.e164, today).attempts < _share(caller, today.number, account) and now + account.reach < today.end:
        return min(Instant(now - now % _AGAIN + _AGAIN), today.end)
    return _day_with_share(caller, today.number + 1, account.partition, account.partitions)


def rested(caller: Caller, account: Account) -> Instant:
    """From when a number that rests until a date may be used, and has calls left."""
    day = day_of(caller.zone, caller.rests_until)
    if caller.cap is None or account.made(caller.e164, day).attempts < _share(caller, day.number, account):
        return caller.rests_until
    return _day_with_share(caller, day.number + 1, account.partition, account.partitions)


@lru_cache(maxsize=4096)
def _day_with_share(caller: Caller, first: int, partition: int, partitions: int) -> Instant:
    """The beginning of the first day, from `first` on, in which the partition has a share of the number's cap."""
    days = (numbered(caller.zone, number) for number in range(first, first + _AHEAD))
    shared = (d.start for d in days if d.start < d.end and share(caller.cap or 0, caller.e164, d.number, partition, partitions))
    return next(shared, numbered(caller.zone, first + _AHEAD).start)
