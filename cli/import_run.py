"""Carries an import out: batches of rows are read, settled (cli/settle.py), published, acknowledged, and noted as done.

While the broker takes a batch in, the next one is read. An import that is interrupted, by whatever, goes on behind the last batch
that was noted; the records of the one that was not are sent again, with the same ids.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice

from cli.importing import ANY_WAY, Layout, Person, Reject, person_of
from cli.listing import Listing
from cli.row_ledger import DONE, Import, RowLedger
from cli.settle import Settled, settle
from engine.time import Instant

#: Rows of one transaction and one wait for the broker's acknowledgements.
BATCH = 5_000
#: Batches between two collections of garbage: a rejected row's error is a cycle.
_COLLECTED = 10
#: Told the number of rows that are settled.
Progress = Callable[[int], None]
Found = tuple[int, Person | Reject]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be imported, how it is read, into which campaigns. allowed: countries (ISO 3166), None: all. reach: kinds of
    addresses of which a person needs one. at: campaign ms."""

    listing: Listing
    layout: Layout
    country: str
    campaigns: tuple[str, ...]
    allowed: frozenset[str] | None
    at: Instant
    reach: frozenset[str] = ANY_WAY


class Sink:
    """Where the records of a batch go: nowhere, in a dry run."""

    def send(self, settled: Settled) -> None:
        """Hands the records over."""

    def flush(self) -> None:
        """Waits until all of them are acknowledged. Raises OutdialError."""


def carry_out(job: Job, which: Import, ledger: RowLedger, sink: Sink, progress: Progress = lambda _: None) -> None:
    """Every row that is not settled yet, each accepted, merged or rejected. Raises OutdialError; what is settled then stays so."""
    batches = _read(job, which.row)
    with _uncollected():
        batch, numbers = next(batches, []), count(1)
        while batch:
            with ledger.batch(which):
                sink.send(settle(batch, which, ledger, job.campaigns, job.at))
                batch = next(batches, [])  # while the broker takes in the one before
                sink.flush()
            progress(which.tally.rows)
            if next(numbers) % _COLLECTED == 0:
                gc.collect()
    ledger.finish(which, DONE)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Rows hold no cycles, yet the collector walks a batch again and again while it piles up: a third of the time."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _read(job: Job, last: int) -> Iterator[list[Found]]:
    rows = job.listing.after(last)
    while part := list(islice(rows, BATCH)):
        yield [(row, person_of(row, cells, job.layout, job.country, job.allowed, job.reach)) for row, cells in part]
