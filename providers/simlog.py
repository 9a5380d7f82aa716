"""The simulator's own log: one JSON object a line for each request it accepted, on disk before the request is answered.

It is the witness of what was dialed: whoever wants to know whether somebody was called twice counts lines here.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import OutdialError
from providers.mix import Fate


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted request. `attempt` counts the requests for this number on this channel, those that were refused included."""

    call_id: str
    dial_id: str
    channel: str  # call | sms | email
    number: str
    caller: str | None
    attempt: int
    received_campaign_ms: int
    received_real_us: int
    disposition: str
    ring_ms: int  # campaign ms
    talk_ms: int  # campaign ms
    agent: str | None = None
    subject: str | None = None
    text: str | None = None
    opt_out: str | None = None
    callback_ms: int | None = None  # campaign ms from the end of the call
    permanent: bool = False  # of what was not delivered: the address does not exist
    cost: int = 0  # millionths of a unit of currency
    drills: tuple[str, ...] = ()

    @property
    def ends_at(self) -> int:
        """Campaign ms."""
        return self.received_campaign_ms + self.ring_ms + self.talk_ms

    @property
    def fate(self) -> Fate:
        how = self.disposition, self.ring_ms, self.talk_ms, self.opt_out, self.callback_ms
        return Fate(*how, self.permanent, self.cost)


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log, oldest first; also of one that is being written. A last line that is torn was never answered: left out.

    Raises OutdialError, naming the line, if another line cannot be read.
    """
    decoder = msgspec.json.Decoder(dict[str, Any])
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise OutdialError(f"{path}:{number} is not a line of a simulator's log ({error}): name another file") from error


class Log:
    """Appends entries, many to one fsync. Without a path nothing is kept.

    Raises OutdialError if the file cannot be opened or holds something else; what it holds already is in `entries`.
    """

    def __init__(self, path: Path | None) -> None:
        self.entries: list[Entry] = []
        self._file: int | None = None
        self._lines: list[bytes] = []
        self._written: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "simulator-log")
        if path is not None:
            self._open(path)

    async def append(self, entry: Entry) -> None:
        """Returns once the entry is on disk. Raises OSError if it is not: then the file is as it was before."""
        if self._file is None:
            return
        loop = asyncio.get_running_loop()
        self._written = self._written or loop.create_future()
        self._lines.append(msgspec.json.encode(entry) + b"\n")
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        # Shielded: a request whose client has gone must not take the others' fsync with it.
        await asyncio.shield(self._written)

    async def close(self) -> None:
        """Ends after the last fsync."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()
        if self._file is not None:
            os.close(self._file)

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A torn last line was never answered; what is appended must not become its other half.
            os.ftruncate(self._file, self._recover(path))
        except BlockingIOError as error:
            raise OutdialError(f"Another simulator writes the log {path}: end it, or name another log with --log") from error
        except OSError as error:
            raise OutdialError(f"The log {path} cannot be opened ({error.strerror}): name another with --log") from error

    def _recover(self, path: Path) -> int:
        """Reads the entries and returns the bytes that they take."""
        size, decoder = 0, msgspec.json.Decoder(Entry)
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self.entries.append(decoder.decode(line))
                except msgspec.DecodeError as error:
                    raise OutdialError(f"{path}:{number} is not from a simulator ({error}): name another log with --log") from error
                size += len(line)
        return size

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._written is not None:
            data, written = b"".join(self._lines), self._written
            self._lines, self._written = [], None
            try:
                await loop.run_in_executor(self._thread, self._write, data)
                written.set_result(None)
            except OSError as error:
                written.set_exception(error)
        self._writing = None

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        size = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise
