"""When the slots of a line with a rate may lie: far enough apart that no sliding second holds more than the rate.

N consecutive slots take 1.015 s and the skew between the workers' clocks; engine/pacing.py says why. A line made slower pauses
until no window holds slots of both rates, and so does one whose workers' clocks are found to differ by more than was thought.
"""

from collections.abc import Iterable
from math import ceil

from engine.standing import MS, SECOND

#: A second, 5 ms to leave in, 10 ms for differences in transit: N consecutive slots take this and the skew (design, Pacing).
WINDOW = 1_015 * MS
SLOT = 5 * MS
#: The width of an interval on a line without a rate, and how far ahead any slot may lie.
HORIZON = 900 * MS
#: A fallen skew counts that much longer: a report's life, the horizon and a window, so that no window mixes two skews.
SKEW_HELD = 6 * SECOND


def gcra(tat: int, now: int, interval: int) -> tuple[int, int]:
    """The next slot and the theoretical arrival time after it (GCRA, ITU-T I.371, with no tolerance). All in µs."""
    slot = max(now, tat)
    return slot, slot + interval


def interval(rate: float, skew: int) -> int:
    """µs between slots of a line of `rate` calls a second whose workers' clocks differ by up to `skew` µs."""
    return ceil((WINDOW + skew) / rate)


class Spacing:
    """The instants of one line's slots. `since` is when its owner took over (real µs)."""

    def __init__(self, since: int) -> None:
        self.tat = 0  # no slot before this
        self.skew, self._skew_at = 0, since
        self.rate: float | None = None
        self._started = False

    @property
    def step(self) -> int:
        """µs between slots, of a line with a rate."""
        assert self.rate is not None
        return interval(self.rate, self.skew)

    def measure(self, skews: Iterable[int], now: int) -> None:
        """The span of the workers' clocks around the broker's (a report's skew may be signed).

        When it grows, one gap grows by as much: that lies in every window that mixes slots of both intervals.
        """
        offsets = [0, *skews]
        skew = max(offsets) - min(offsets)
        if skew > self.skew:
            self.tat += skew - self.skew
        if skew >= self.skew or now - self._skew_at > SKEW_HELD:
            self.skew, self._skew_at = skew, now

    def follow(self, rate: float | None, now: int) -> None:
        """A line made slower pauses until no window holds slots of the faster rate, wherever in their life they are."""
        slower = rate is not None and (self.rate is None or rate < self.rate)
        if self._started and slower:
            self.tat = max(self.tat, now + 2 * HORIZON) + WINDOW + self.skew
        self.rate, self._started = rate, True
