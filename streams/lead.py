"""How quick a worker is: from the grant of a slot to a command that is ready to send. Pacers go by it (engine/pacing.py)."""

from collections import deque


class Lead:
    """How long commands take from the grant of their slot until they are ready to send, on this worker (real µs), just now.

    Those that came too late for their slots count as well: they are what the pacer must hear of first.
    """

    KEEP = 256
    #: Real µs after which a measurement is history, and for which a figure is given again without counting anew.
    LIFE, FRESH = 2_000_000, 50_000
    FEW = 31

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=self.KEEP)
        self._p99, self._p99_at = 0, 0

    def add(self, granted: int, now: int) -> None:
        """A command is ready, or too late, at `now`."""
        if now - granted <= 5 * self.LIFE:  # else a question after an old command, not a measurement
            self._seen.append((now, now - granted))

    def p99(self, now: int) -> int:
        """99th percentile of the last two seconds, as of the last 50 ms; 0 without any."""
        if now - self._p99_at >= self.FRESH:
            self._p99, self._p99_at = self._percentile(now), now
        return self._p99

    def lag(self) -> int:
        """Median of the last few; 0 without any."""
        lengths = sorted(self._seen[i][1] for i in range(-min(self.FEW, len(self._seen)), 0))
        return lengths[len(lengths) // 2] if lengths else 0

    def _percentile(self, now: int) -> int:
        while self._seen and self._seen[0][0] < now - self.LIFE:
            self._seen.popleft()
        lengths = sorted([length for _, length in self._seen])
        return lengths[int(len(lengths) * 0.99)] if lengths else 0
