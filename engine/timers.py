"""A timer wheel that is never early and holds a million timers.

Entries lie in buckets of one second of campaign time; a heap orders the seconds, so a timer far ahead costs two dictionary writes
and no comparison. Most buckets are never looked into before their second comes. A bucket is *opened*, its entries laid out by the
millisecond, when it becomes the earliest one (order inside it matters now) or grows large (so that opening it never takes long).
From then on the earliest entry is known exactly, and nothing leaves before its due instant.

Why one second: on a real clock a bucket must not be drained as a whole, that would be up to a second early or late; opened, it is
exact. On a clock that runs 4320 times faster a second of campaign time is 0.2 ms, and finer buckets would only be overhead.

Worked example: a 12:00:00.250, b 12:00:00.900, c 12:07:30.000 are two buckets. `next()` opens the first and says 12:00:00.250.
`drain(12:00:00.300)` returns a; b stays, though its bucket is current. `drain(12:00:01.000)` returns b. c's bucket is still shut.

Deletion is exact, not lazy: the due instant of each key is kept, so a superseded or discarded entry is found and removed at once.
Half of a campaign's backlog may be discarded in a moment (a window closes), and void entries would then have to be skipped at once.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from engine.time import SECOND, Instant

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: A bucket with more entries than this is opened early: opening costs about 0.5 µs an entry, and the event loop waits for it.
LARGE = 1_024


class _Open(Generic[K, V]):
    """One second, laid out by the millisecond: at most 1000 queues, each first in, first out."""

    __slots__ = ("order", "queues")

    def __init__(self) -> None:
        self.queues: dict[Instant, OrderedDict[K, V]] = {}
        self.order: list[Instant] = []  # sorted keys of `queues`

    def put(self, due: Instant, key: K, token: V) -> None:
        queue = self.queues.get(due)
        if queue is None:
            queue = self.queues[due] = OrderedDict()
            insort(self.order, due)
        queue[key] = token

    def remove(self, due: Instant, key: K) -> None:
        queue = self.queues[due]
        del queue[key]
        if not queue:
            self._drop(due)

    def pop(self) -> tuple[Instant, K, V]:
        due = self.order[0]
        queue = self.queues[due]
        key, token = queue.popitem(last=False)
        if not queue:
            self._drop(due)
        return due, key, token

    def _drop(self, due: Instant) -> None:
        del self.queues[due]
        del self.order[bisect_left(self.order, due)]

    def __bool__(self) -> bool:
        return bool(self.order)


class Wheel(Generic[K, V]):
    """Timers by key; each key has at most one. Due instants and `now` are campaign ms.

    Costs at a million timers: put 1.2 to 1.6 µs, drain 0.9 to 2.2 µs an entry, 70 bytes each beside key and due (bench/timers.py).
    """

    def __init__(self) -> None:
        self._due: dict[K, Instant] = {}
        self._buckets: dict[int, dict[K, V] | _Open[K, V]] = {}  # by second; never empty
        self._seconds: list[int] = []  # heap; may name seconds whose bucket is gone

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: object) -> bool:
        return key in self._due

    def due(self, key: K) -> Instant | None:
        """When `key` is due; None if it has no timer."""
        return self._due.get(key)

    def put(self, due: Instant, key: K, token: V) -> None:
        """Arms `key` at `due`, past or future; an earlier entry of the same key is void from now on."""
        if key in self._due:
            self.discard(key)
        self._due[key] = due
        second = due // SECOND
        bucket = self._buckets.get(second)
        if bucket is None:
            self._buckets[second] = {key: token}
            heappush(self._seconds, second)
        elif isinstance(bucket, dict):
            bucket[key] = token
            if len(bucket) > LARGE:
                self._open(second, bucket)
        else:
            bucket.put(due, key, token)

    def discard(self, key: K) -> bool:
        """Removes the timer of `key`; False if it had none."""
        due = self._due.pop(key, None)
        if due is None:
            return False
        second = due // SECOND
        bucket = self._buckets[second]
        if isinstance(bucket, dict):
            del bucket[key]
        else:
            bucket.remove(due, key)
        if not bucket:
            self._close(second)
        return True

    def drain(self, now: Instant, limit: int | None = None) -> list[tuple[K, V]]:
        """Takes out what is due at `now`, in due order (equal ones in the order they were put), at most `limit` entries.

        Never one with a later due instant. What exceeds `limit` stays: `next()` is then still in the past.
        """
        taken: list[tuple[K, V]] = []
        room = len(self._due) if limit is None else limit
        while len(taken) < room and (bucket := self._first()) is not None and bucket.order[0] <= now:
            taken.append(self._pop(bucket)[1:])
        return taken

    def pop(self) -> tuple[Instant, K, V] | None:
        """Takes out the earliest entry, due or not, as (due, key, token); None if there is none."""
        bucket = self._first()
        return None if bucket is None else self._pop(bucket)

    def next(self) -> Instant | None:
        """The earliest due instant, exactly; None if there is no timer."""
        bucket = self._first()
        return None if bucket is None else bucket.order[0]

    def _pop(self, bucket: _Open[K, V]) -> tuple[Instant, K, V]:
        entry = bucket.pop()
        del self._due[entry[1]]
        if not bucket:
            self._close(entry[0] // SECOND)
        return entry

    def _first(self) -> _Open[K, V] | None:
        """The earliest bucket, opened."""
        while self._seconds:
            second = self._seconds[0]
            bucket = self._buckets.get(second)
            if bucket is None:
                heappop(self._seconds)
                continue
            return self._open(second, bucket) if isinstance(bucket, dict) else bucket
        return None

    def _open(self, second: int, entries: dict[K, V]) -> _Open[K, V]:
        bucket = self._buckets[second] = _Open()
        for key, token in entries.items():
            bucket.put(self._due[key], key, token)
        return bucket

    def _close(self, second: int) -> None:
        """Forgets an empty bucket. Its second stays in the heap until it comes up or such seconds are the most of the heap."""
        del self._buckets[second]
        if len(self._seconds) > 2 * len(self._buckets) + 64:
            self._seconds = list(self._buckets)
            heapify(self._seconds)
