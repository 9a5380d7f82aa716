"""A worker with one stage and one table, to be run (and killed) as a process of its own by the lane's tests.

It reads `<prefix>-in`, counts records by key in `<prefix>-table`, writes `<prefix>-out`, and `<prefix>-after` once the count is
durable. A record says what else to do. SIGUSR1 closes its fence, SIGUSR2 opens it. With `--status` it tells a file what it sees.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import RecordError
from engine.time import Instant
from outdial.clock import SystemClock
from outdial.logs import quieten
from outdial.settings import Settings
from schemas.base import decode
from schemas.rows import Row
from schemas.topics import TopicSpec
from streams.fence import Fence
from streams.lane import Lane, Record
from streams.runner import run
from streams.transport import LaneRecovery, make_app


class Asked(msgspec.Struct):
    """A record of `<prefix>-in`. `do`: count, delete, fail (after writing), refuse, hold."""

    id: str
    key: str
    do: str = "count"


class Count(Row, kw_only=True, tag_field="row", tag="count"):
    """How many records of this key, and the ids of them."""

    key: str
    n: int = 0
    ids: tuple[str, ...] = ()


class Said(msgspec.Struct):
    """What the stage writes."""

    id: str
    key: str
    by: str
    n: int


class ClosableFence(Fence):
    """A fence that a signal can close."""

    closed = False

    def ok(self) -> bool:
        return not self.closed and super().ok()


class Worker:
    """The stage and what it reports."""

    def __init__(self, lane: Lane, prefix: str, name: str, status: Path | None) -> None:
        self.lane, self.name, self.status = lane, name, status
        self.out, self.after = TopicSpec(f"{prefix}-out", "key", ()), TopicSpec(f"{prefix}-after", "key", ())
        self.table = lane.table(TopicSpec(f"{prefix}-table", "key", (Count,), "compact"), Count)
        self.recovered: dict[str, int] = {}
        self.holds: list[Any] = []
        lane.stage(TopicSpec(f"{prefix}-in", "key", ()), self.stage)
        lane.on_assigned.append(self.assigned)
        if status:
            lane.tick(self.tell)

    def assigned(self, p: int) -> None:
        self.recovered |= {key: row.n for key, row in self.table.rows(p).items()}

    def stage(self, p: int, record: Record, _now: Instant) -> None:
        asked = decode(record.value or b"", Asked)
        row = self.table.get(p, asked.key) or Count(key=asked.key)
        if asked.do == "refuse":
            raise RecordError("the record asked to be refused")
        if asked.do == "hold":
            self.holds.append(self.lane.hold())
        if asked.do == "delete":
            self.lane.put(self.table, p, asked.key, None)
            return
        if asked.id not in row.ids:  # a repeat after a kill
            row = Count(key=asked.key, n=row.n + 1, ids=(*row.ids, asked.id)[-50:])
            self.lane.put(self.table, p, asked.key, row)
        said = Said(asked.id, asked.key, self.name, row.n)
        self.lane.emit(said, spec=self.out)
        self.lane.then(partial(self.lane.emit, said, spec=self.after))
        if asked.do == "fail":
            raise ValueError("the stage failed after it had written")
        if asked.do == "release":
            while self.holds:
                self.holds.pop()()

    def tell(self, p: int, _now: Instant) -> float | None:
        assert self.status is not None
        if p != min(self.lane.active):
            return None
        seen = {name: getattr(self.lane.stats, name) for name in self.lane.stats.__slots__}
        rows = {key: row.n for p in self.lane.active for key, row in self.table.rows(p).items()}
        seen |= {"active": sorted(self.lane.active), "recovered": self.recovered, "rows": rows, "cycles": self.lane.flusher.cycles}
        seen |= {"unflushed": self.lane.flusher.unflushed, "skew_us": self.lane.skew_us}
        scratch = self.status.with_suffix(".new")
        scratch.write_text(json.dumps(seen))
        os.replace(scratch, self.status)
        return 0.1


def linger_behind_the_seek(lane: Lane) -> None:
    """Recovery goes on behind its last seek only when records have been fetched, or after a second: as on a busy machine."""
    wait = LaneRecovery._wait

    async def lingering(self: Any, coro: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109 - Faust's signature
        name, until = getattr(coro, "__name__", ""), time.monotonic() + 1
        await wait(self, coro, timeout=timeout)
        while name == "perform_seek" and not lane._coming.total() and time.monotonic() < until:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)

    LaneRecovery._wait = lingering  # type: ignore[method-assign]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--status", type=Path)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    quieten()
    settings = Settings(bootstrap=args.bootstrap, partitions=args.partitions)
    fence = ClosableFence()
    signal.signal(signal.SIGUSR1, lambda *_: setattr(fence, "closed", True))
    signal.signal(signal.SIGUSR2, lambda *_: setattr(fence, "closed", False))
    app = make_app(settings, args.name, group=args.prefix)
    ablate = frozenset(os.environ.get("ABLATE", "").split())
    lane = Lane(app, SystemClock(), partitions=args.partitions, fence=fence, ablate=ablate)
    Worker(lane, args.prefix, args.name, args.status)
    if "LINGER" in os.environ:
        linger_behind_the_seek(lane)
    return run(app)


if __name__ == "__main__":
    sys.exit(main())
