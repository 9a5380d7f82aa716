"""Whether this worker may still believe that its partitions are its own (design rule 18).

Heartbeats go out each second, and the broker gives our partitions to another worker once it has not heard of us for a session
(6 s). A heartbeat counts from when it was *sent*: the broker's session began no earlier than that. Stamped by the consumer's
thread, asked by the event loop; a float is replaced whole, so no lock is needed.
"""

import time
from collections.abc import Callable

#: Real seconds between heartbeats.
HEARTBEAT_S = 1.0
#: Real seconds without a heartbeat after which the broker gives our partitions away.
SESSION_S = 6.0
#: Real seconds without a heartbeat after which we send nothing: half a session, so that what is under way lands before its end.
LIMIT_S = 3.0


class Fence:
    """Closed until the first heartbeat. `clock` gives monotonic real seconds, and must go on while the process is stopped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, limit_s: float = LIMIT_S) -> None:
        self._clock = clock
        self._limit = limit_s
        self._latest = float("-inf")

    def now(self) -> float:
        """Monotonic real seconds, as `beat` wants them."""
        return self._clock()

    def beat(self, sent: float) -> None:
        """A heartbeat (or joining the group) that was sent at `sent` has succeeded."""
        self._latest = max(self._latest, sent)

    def lost(self) -> None:
        """The broker does not know us any more. Open again with the next success."""
        self._latest = float("-inf")

    def age(self) -> float:
        """Real seconds since the last success was sent."""
        return self._clock() - self._latest

    def ok(self) -> bool:
        """Whether anything may be sent. False means: someone else may own our partitions."""
        return self._clock() - self._latest < self._limit
