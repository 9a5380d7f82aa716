"""The row ledger: what became of each row of each import, and whom this home has published and enrolled. One SQLite file a cluster.

It answers three questions in constant memory, with keys of 64 bits on disk: is this person known from an earlier row or list, and
with the same facts; was the person enrolled by an import; how far had an import come when it was interrupted. A batch of rows is
written in one transaction, after the broker has acknowledged all their records: a crash in between repeats records with the same
ids and loses none. Two of ten million people share a key with a chance of one in 400,000.

Which numbers are active in a campaign is not kept: the broker knows (cli/standing.py). They lie in temporary tables.
"""

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cli.tally import Tally
from engine.errors import OutdialError

ACCEPTED, MERGED, REJECTED = "accepted", "merged", "rejected"
RUNNING, DONE, UNDONE = "running", "done", "undone"
_SHAPE = """
CREATE TABLE IF NOT EXISTS import (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, about TEXT NOT NULL, state TEXT NOT NULL, row INTEGER NOT NULL DEFAULT 0,
    tally TEXT NOT NULL DEFAULT '{}', at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entry (
    import INTEGER NOT NULL, row INTEGER NOT NULL, outcome TEXT NOT NULL,
    contact TEXT, code TEXT, reason TEXT, fix TEXT, cells TEXT,
    PRIMARY KEY (import, row)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS person (key INTEGER PRIMARY KEY, fact INTEGER NOT NULL, import INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS enrolled (key INTEGER PRIMARY KEY, entry INTEGER NOT NULL, import INTEGER NOT NULL) STRICT;
CREATE TEMP TABLE active (key INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, live INTEGER NOT NULL);
CREATE TEMP TABLE number (key INTEGER PRIMARY KEY, person INTEGER NOT NULL);
"""
_SETTINGS = (
    *("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32768", "busy_timeout=10000"),
    # Keys are hashes: each batch touches most pages, which are carried over once in 256 MB and not at each commit.
    "wal_autocheckpoint=65536",
    *("temp.cache_size=-16384", "temp.synchronous=OFF"),
)
_PARAMETERS = 10_000  # of one SELECT

#: The columns of `entry` behind the import's.
Entry = tuple[int, str, str | None, str | None, str | None, str | None, str | None]


@dataclass(slots=True)
class Import:
    """One import. about: file, checksum, campaigns and the options that matter. row: the last that is settled."""

    id: int
    name: str
    about: dict[str, Any]
    state: str
    row: int
    at: int
    tally: Tally = field(default_factory=Tally)


def key_of(text: str) -> int:
    """64 bits of BLAKE2b, signed as SQLite's integers are. Keys of two things together are the exclusive or of theirs."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


class RowLedger:
    """The ledger of one cluster in OUTDIAL_HOME/imports. A context manager; one process at a time may write."""

    def __init__(self, place: Path | None, keep: bool = True) -> None:
        """place: the file; None: a temporary one. keep=False: nothing that is written stays."""
        self._db = sqlite3.connect("" if place is None else place, isolation_level=None)
        with _written():
            for setting in _SETTINGS:
                self._db.execute(f"PRAGMA {setting}")
            self._db.executescript(_SHAPE)
            if not keep:
                self._db.execute("BEGIN")

    def close(self) -> None:
        """Gives up what is not committed."""
        self._db.close()

    # --- imports ---

    def find(self, name: str) -> Import | None:
        """The import of this name; None: there is none."""
        return next(iter(self._imports("WHERE name = ?", name)), None)

    def imports(self) -> list[Import]:
        """All of them, the oldest first."""
        return self._imports("")

    def begin(self, name: str, about: dict[str, Any], at: int) -> Import:
        """A new import, or the one of this name: it goes on where it was, or, if it was undone, from its first row."""
        with _written():
            found = self.find(name)
            if found is not None and found.state == UNDONE:
                self._db.execute("DELETE FROM entry WHERE import = ?", (found.id,))
                self._db.execute("UPDATE import SET state = ?, row = 0, tally = '{}' WHERE id = ?", (RUNNING, found.id))
            elif found is None:
                row = (name, json.dumps(about), RUNNING, at)
                self._db.execute("INSERT INTO import (name, about, state, at) VALUES (?, ?, ?, ?)", row)
        begun = self.find(name)
        assert begun is not None
        return begun

    def finish(self, which: Import, state: str) -> None:
        """Marks an import as done or undone."""
        which.state = state
        with _written():
            self._db.execute("UPDATE import SET state = ? WHERE id = ?", (state, which.id))

    def _imports(self, condition: str, *values: str) -> list[Import]:
        found = self._db.execute(f"SELECT id, name, about, state, row, at, tally FROM import {condition} ORDER BY id", values)
        return [
            Import(number, name, json.loads(about), state, row, at, Tally.of(json.loads(tally)))
            for number, name, about, state, row, at, tally in found
        ]

    # --- batches ---

    @contextmanager
    def batch(self, which: Import) -> Iterator[None]:
        """All that is written inside, with the import's place and tally; or nothing."""
        with self.together():
            yield
            values = (which.row, json.dumps(which.tally.kept()), which.id)
            self._db.execute("UPDATE import SET row = ?, tally = ? WHERE id = ?", values)

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction: all that is written inside, or nothing."""
        with _written():
            self._db.execute("SAVEPOINT batch")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK TO batch")
                raise
            finally:
                self._db.execute("RELEASE batch")

    def look_up(self, table: str, columns: str, keys: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """key -> values, of those that are there."""
        found: dict[int, tuple[int, ...]] = {}
        if self._db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:
            return found
        for i in range(0, len(keys), _PARAMETERS):
            part = keys[i : i + _PARAMETERS]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(f"SELECT key, {columns} FROM {table} WHERE key IN ({marks})", part)
            found.update((row[0], row[1:]) for row in rows)
        return found

    def put(self, table: str, rows: Iterable[tuple[int, ...]]) -> None:
        """Writes rows, each with its key first. In the order of keys, which touches fewer pages."""
        ordered = sorted(rows)
        if ordered:
            with _written():
                marks = ",".join("?" * len(ordered[0]))
                self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", ordered)

    def add_entries(self, which: Import, entries: Iterable[Entry]) -> None:
        """What became of rows."""
        rows = ((which.id, *entry) for entry in entries)
        self._db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    # --- what an import did ---

    def rejects(self, which: Import, limit: int = -1) -> Iterator[tuple[int, str, str, str, list[str]]]:
        """(row, code, reason, fix, cells) of its rejected rows, in order."""
        query = "SELECT row, code, reason, fix, cells FROM entry WHERE import = ? AND outcome = ? ORDER BY row LIMIT ?"
        for row, code, reason, fix, cells in self._db.execute(query, (which.id, REJECTED, limit)):
            yield row, code, reason, fix, json.loads(cells)

    def people(self, which: Import, after: int, limit: int) -> list[tuple[int, str, str]]:
        """(row, outcome, contact id) of its usable rows behind row `after`."""
        query = "SELECT row, outcome, contact FROM entry WHERE import = ? AND row > ? AND contact IS NOT NULL ORDER BY row LIMIT ?"
        return self._db.execute(query, (which.id, after, limit)).fetchall()

    def forget(self, which: Import, keys: Iterable[int]) -> None:
        """People whom this import made known are new again when they come next."""
        self._db.executemany("DELETE FROM person WHERE key = ? AND import = ?", ((key, which.id) for key in keys))

    def learn(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        """(key, epoch, seq, live) of enrollments on the broker; of two for one key the greater stamp stays."""
        query = (
            "INSERT INTO active VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, "
            "live = excluded.live WHERE (excluded.epoch, excluded.seq) >= (active.epoch, active.seq)"
        )
        with _written():
            self._db.executemany(query, rows)


@contextmanager
def opened(home: Path, cluster: str, keep: bool = True) -> Iterator[RowLedger]:
    """The ledger of a cluster, for this process alone. keep=False: nothing that is written stays (a dry run).

    Raises OutdialError if another import is running, or the place cannot be written.
    """
    folder = home / "imports"
    place = folder / f"{cluster}.sqlite"
    if not keep and not place.exists():
        yield from _used(RowLedger(None))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a+") as lock:
            _take(lock.fileno())
            yield from _used(RowLedger(place, keep))
    except OSError as error:
        raise OutdialError(f"{folder}: the ledger of imports cannot be kept there ({error.strerror}): set OUTDIAL_HOME") from error


def _used(ledger: RowLedger) -> Iterator[RowLedger]:
    try:
        yield ledger
    finally:
        ledger.close()


def _take(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutdialError("another import of this home is running: wait for it to end, then run the same command again") from None


@contextmanager
def _written() -> Iterator[None]:
    """Turns a full disk and the like into a sentence."""
    try:
        yield
    except sqlite3.Error as error:
        remedy = "free some space and run the same command again: it goes on where it was"
        raise OutdialError(f"the ledger of imports cannot be written ({error}): {remedy}") from error
