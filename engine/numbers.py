"""Which of its numbers a campaign calls a person from: one that is near, that has calls left today, and always the same one.

A campaign's numbers are those with its tag, or those of its list, that are declared. One that rests is not used, by anybody.

With `presence: local` the numbers of the called number's own area code come first, then those of a state where the person may
live, then those of the country, then all others; with `any` there is no such order. Among equals the person's own order decides:
rendezvous hashing of person and number, so that people are spread evenly, a person keeps a number for as long as it can be used,
and a number that comes or goes moves those people alone whom it gains or loses. With `rotate: call` a person goes through that
order, one number further with each attempt.

A number without calls left today (engine/daily_caps.py) gives way to the next.
"""

from typing import NamedTuple

from engine.answers import Answer, At, When
from engine.daily_caps import Account, has_room, next_room, rested
from engine.pools import Pool, Roster
from engine.time import NEVER, Instant


class NextFree(NamedTuple):
    """There is no number. at: when there may be one; None: not before some number's declaration changes. why: in words."""

    at: Instant | None
    why: str


class Person(NamedTuple):
    """Who is to be contacted, at which address (E.164), with which attempt of the enrollment (from 1)."""

    contact_id: str
    address: str
    jurisdictions: tuple[str, ...]
    seq: int


def choose(pool: Pool, person: Person, account: Account, now: Instant, calls: bool = True) -> str | NextFree:
    """The number (E.164) to contact a person from at `now`, or when there is one. calls: False: a text message."""
    roster = pool.roster(now)
    for ring in roster.nearest(person.address, person.jurisdictions) if pool.local else roster.equals:
        first = None if pool.rotates else ring.first(person.contact_id)
        if first is not None and (not calls or has_room(first, account, now)):
            return first.e164
        for caller in ring.order(person.contact_id, person.seq - 1 if pool.rotates else 0):
            if not calls or has_room(caller, account, now):
                return caller.e164
    return _none(pool, roster, account, now)


def none_left(pool: Pool, account: Account, now: Instant, calls: bool = True) -> NextFree | None:
    """When there is a number for anybody of the partition, if there is none now. Whoever has one then, may have it."""
    roster = pool.roster(now)
    if any(not calls or has_room(caller, account, now) for caller in roster.callers):
        return None
    return _none(pool, roster, account, now)


def unusable(pool: Pool, caller: str | None, now: Instant) -> NextFree | None:
    """Why a number that was chosen may not be used any more; another may be chosen at once, if there is any."""
    roster = pool.roster(now)
    if caller in roster.numbers:
        return None
    known = any(caller == each.e164 for each in pool.callers)
    why = f"{caller} is resting" if known else f"{caller} is not one of the campaign's numbers" if caller else "none was chosen"
    return NextFree(now if roster.callers else pool.next_wake(now), why)


def no_number(found: NextFree) -> Answer:
    """The gate's no."""
    until = When("number") if found.at is None else At(found.at)
    return Answer("number", False, until, found.why)


def _none(pool: Pool, roster: Roster, account: Account, now: Instant) -> NextFree:
    """None has room: when the first has."""
    sooner = [next_room(caller, account, now) for caller in roster.callers]
    later = [rested(caller, account) for caller in pool.callers if now < caller.rests_until < NEVER]
    return NextFree(min((*sooner, *later), default=None), _words(len(pool.callers), len(roster.callers)))


def _words(declared: int, awake: int) -> str:
    """`1 of 3 numbers is resting, the others have had their calls of the day`."""
    if not declared:
        return "none of the campaign's numbers is declared"
    resting = declared - awake
    if not awake:
        return f"all {declared} numbers of the campaign are resting" if declared > 1 else "the campaign's number is resting"
    if not resting:
        return (
            f"all {declared} numbers have had their calls of the day" if declared > 1 else "the number has had its calls of the day"
        )
    return f"{resting} of {declared} numbers {'are' if resting > 1 else 'is'} resting, the others have had their calls of the day"
