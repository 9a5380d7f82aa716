"""How many commands a partition may have on their way to the provider: what workers can make use of in time.

A line without a rate would take any number at once, and one with a rate may take more than a busy machine can carry. But a slot
lives for a second only: one that workers cannot make use of in time lapses, and was work for nothing. So what is on its way is
bounded, and the bound is found as a network's senders find theirs (additive and multiplicative, RFC 5681): while commands are ready
soon after their slots were granted and somebody could use more, it grows by a quarter; when they come late, it shrinks in the
proportion in which they do. After a change it stays for as long as commands take: those under way were granted before it, and say
nothing of it.

Late means that they queue. A broker that is slow to acknowledge makes all commands take long, however few they are, and a smaller
bound would only call fewer people. So what is aimed at is a quarter more than the least time they took lately (as in BBR, its
minimum of ten seconds), if that is much. After ten seconds without a lower one the bound is a quarter less for once: what commands
take then is the least time from there on.

Worked example: a bound of 64 with commands that are ready 150 ms after the grant is 80 a fifth of a second later. At 1,000 they
take 1,200 ms: the bound is halved, and judged again when 1,200 ms have passed. If they take 650 ms for a bound of 64 and of 48
alike, it is the broker: 812 ms are aimed at, and the bound grows while they take less than 731.
"""

from engine.time import NEVER

MS = 1_000

#: The bound that a line begins with, and its limits.
FIRST, LEAST, MOST = 64, 8, 1_024
#: From grant to ready (µs): what is aimed at, what leaves room for more, and how long a change takes to show.
LAG, ROOM, EVERY = 600 * MS, 450 * MS, 200 * MS
#: The most that is ever aimed at: a slot ends 900 ms after its grant.
LATEST = 825 * MS
#: The least time counts for so long, if there is no lower one.
LATELY = 10_000 * MS


class Bulk:
    """The bound of one line, for each of its partitions. Times are real µs."""

    def __init__(self, first: int = FIRST) -> None:
        self._most = first
        self._next = 0
        self._short = False
        self._least: int = NEVER
        self._least_at = 0

    def short(self) -> None:
        """Somebody could use more than the bound allows."""
        self._short = True

    def most(self, lag: int, now: int) -> int:
        """The bound now; `lag` is the workers' present way from grant to ready-to-send, the slowest one's (0: not known)."""
        if now >= self._next:
            self._judge(lag, now)
            self._next, self._short = now + max(EVERY, lag), False
        return self._most

    def _judge(self, lag: int, now: int) -> None:
        if 0 < lag < self._least:
            self._least, self._least_at = lag, now
        if lag > ROOM and now - self._least_at >= LATELY:
            self._most, self._least = max(LEAST, self._most * 3 // 4), NEVER
        elif lag > min(max(LAG, self._least * 5 // 4), LATEST):
            self._most = max(LEAST, self._most * LAG // lag)
        elif self._short and lag < max(ROOM, self._least * 9 // 8):
            self._most = min(MOST, self._most + self._most // 4)
