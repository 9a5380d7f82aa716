"""The circuit breaker of a provider: while it fails, only one request now and then goes to it, to see whether it still does.

It opens when TRIPS of the last WINDOW requests failed, and stays open for a pause. Then one request is tried: if it fails, the next
pause is twice as long; if it is taken, all go on. So a provider that is down for an hour is asked some sixty times, and nobody's
tries are used up meanwhile. Times are real ms: a pause is the machine's.

    closed --10 of 20 failed--> open --the pause is over--> half open --taken--> closed
                                 ^                              |
                                 +------failed, pause x 2-------+
"""

from enum import StrEnum

import msgspec
from msgspec.structs import replace

#: Of so many requests, the last ones, so many must have failed.
WINDOW, TRIPS = 20, 10
#: The first pause and the longest, real ms.
FIRST_PAUSE, LONGEST_PAUSE = 1_000, 60_000
#: Real ms after which a trial is taken for lost: it was refused by the gate, or its worker is gone.
TRIAL = 5_000


class Circuit(StrEnum):
    """States of a breaker."""

    CLOSED = "closed"  # all requests go
    OPEN = "open"  # none goes
    HALF_OPEN = "half_open"  # one has gone


class Breaker(msgspec.Struct, frozen=True, gc=False):
    """failures: of the last requests, the latest in the lowest bit, whether each failed. pause: 0 while closed."""

    failures: int = 0
    pause: int = 0
    until: int = 0  # no request before this
    trying: bool = False  # one has gone since the pause was over, and nobody has heard of it yet

    @property
    def state(self) -> Circuit:
        if not self.pause:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if self.trying else Circuit.OPEN


def refused_until(breaker: Breaker, now: int) -> int | None:
    """From when on a request may be tried; None: it may be now."""
    return breaker.until if breaker.pause and now < breaker.until else None


def requested(breaker: Breaker, now: int) -> Breaker:
    """After a request has left: behind a pause it is the trial, and all others wait for its answer."""
    return replace(breaker, trying=True, until=now + TRIAL) if breaker.pause and now >= breaker.until else breaker


def heard(breaker: Breaker, failed: bool, now: int) -> Breaker:
    """After the answer to a request. While it is open, what was under way before says nothing new."""
    if not breaker.pause:
        failures = (breaker.failures << 1 | failed) & ((1 << WINDOW) - 1)
        return Breaker(failures, FIRST_PAUSE, now + FIRST_PAUSE) if failures.bit_count() >= TRIPS else Breaker(failures)
    if not breaker.trying:
        return breaker
    pause = min(LONGEST_PAUSE, breaker.pause * 2)
    return Breaker(breaker.failures, pause, now + pause) if failed else Breaker()
