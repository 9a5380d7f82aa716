"""What the lane counts, and two judgements on counts: is a topic hopeless, is our clock right."""

import time
from dataclasses import dataclass

#: A topic is judged by this many records at a time.
SAMPLE = 200


@dataclass(slots=True)
class Stats:
    """Plain counters since the process began."""

    records: int = 0  # source records handled, refused ones included
    dead_letters: int = 0
    step_errors: int = 0
    commits: int = 0
    gaps: int = 0  # appends of another writer found in our changelog partitions
    rewritten: int = 0  # rows written again because of them


class FailureRate:
    """Whether most of a topic's records fail: then something is wrong with the topic or with us, and going on would bury it."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._seen = self._failed = 0
        self.hopeless = False

    def count(self, records: int, failed: int) -> None:
        """So many more records, and how many of them failed."""
        self._seen += records
        self._failed += failed
        if self._seen >= SAMPLE:
            self.hopeless = self._failed > self._seen // 2
            if not self.hopeless:
                self._seen = self._failed = 0

    def sentence(self) -> str:
        """What to say before stopping."""
        return (
            f"{self._failed} of the last {self._seen} records of {self._topic} could not be used: whoever writes there and this "
            "version do not understand each other (see `outdial dead-letters list`)."
        )


class Skew:
    """Our clock against the broker's. A batch's LogAppendTime lies between sending it and its acknowledgement; what it lies outside
    of that span is skew for certain, so the greatest of the last half minute counts. Milliseconds are all the broker tells."""

    _SPAN_S = 15.0

    def __init__(self) -> None:
        self._before = self._current = 0.0
        self._until = 0.0

    def sample(self, sent: float, appended_ms: int, acknowledged: float) -> None:
        """`sent` and `acknowledged` in real seconds by our clock."""
        if appended_ms < 0:
            return
        if acknowledged > self._until:
            self._before, self._current, self._until = self._current, 0.0, acknowledged + self._SPAN_S
        appended = appended_ms / 1000
        self._current = max(self._current, sent - appended - 0.001, appended - acknowledged, 0.0)

    @property
    def us(self) -> int:
        """Real µs by which the clocks differ at least."""
        if time.time() > self._until + self._SPAN_S:
            return 0
        return int(max(self._before, self._current) * 1e6)
