"""How a text file separates its cells. clevercsv finds the delimiter; rows are read by the standard library.

Quotes are read strictly, so that one which is never closed cannot swallow the rows behind it. In a file whose quotes do not add up,
each line is a row of its own (`by_line`), and lines that do not close theirs are torn: they are rejected, the others are not.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from engine.errors import OutdialError

if TYPE_CHECKING:
    from clevercsv.dialect import SimpleDialect

DELIMITERS = (",", ";", "\t", "|")
#: Characters of a line at most. Nobody's row is longer, and a file without line ends must not fill the memory.
LONGEST = 1 << 20
_SAMPLE = 16_384
_SAMPLE_LINES = 100
_ANNOUNCED = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's first line, `sep=;`


class Torn(list[str]):
    """Cells of a line that opens a quote and does not close it."""


class LineTooLongError(Exception):
    """A line that cannot be a row."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """skip: leading lines that belong to the format. by_line: quotes do not add up, so that no row has two lines."""

    encoding: str
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    skip: int = 0
    by_line: bool = False

    def loose(self) -> "Dialect":
        """The same file, whose quotes do not add up."""
        return replace(self, by_line=True)

    def rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """(row, cells) of the rows that hold anything, numbered as a spreadsheet shows them, from 1.

        Raises UnicodeDecodeError, csv.Error, LineTooLongError.
        """
        with path.open(encoding=self.encoding, newline="") as file:
            lines = islice(_lines(file), self.skip, None)
            found = self._by_line(lines) if self.by_line else self._reader(lines)
            for row, cells in enumerate(found, 1 + self.skip):
                if any(cells):
                    yield row, cells

    def _reader(self, lines: Iterator[str], strict: bool = True) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, escapechar=self.escape, strict=strict)

    def _by_line(self, lines: Iterator[str]) -> Iterator[list[str]]:
        for line in lines:
            cells = next(self._reader(iter((line.rstrip("\r\n"),)), strict=False), [])
            yield Torn(cells) if line.count(self.quote) % 2 else cells


def dialect_of(path: Path, encoding: str) -> Dialect:
    """The dialect of a text file, by its first lines. Raises UnicodeDecodeError."""
    with path.open(encoding=encoding, newline="") as file:
        sample = "".join(file.readline(_SAMPLE) for _ in range(_SAMPLE_LINES))[:_SAMPLE]
    if announced := _ANNOUNCED.match(sample):
        return Dialect(encoding, announced[1], skip=1)
    found = _detected(sample)
    if found is None or found.delimiter not in DELIMITERS:
        return Dialect(encoding)
    # A backslash that escapes nothing is a character like others.
    escape = "\\" if found.escapechar == "\\" and '\\"' in sample else None
    return Dialect(encoding, found.delimiter, found.quotechar if found.quotechar == "'" else '"', escape)


def _detected(sample: str) -> "SimpleDialect | None":
    import clevercsv  # Takes 0.1 s, and only lists in text need it.

    try:
        return clevercsv.Detector().detect(sample, delimiters=list(DELIMITERS))
    except clevercsv.exceptions.Error:
        return None


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file. Raises LineTooLongError."""
    while line := file.readline(LONGEST):
        if len(line) == LONGEST:
            raise LineTooLongError
        yield line


@contextmanager
def told(path: Path, row: list[int]) -> Iterator[None]:
    """Turns what can go wrong while reading into a sentence; `row` holds the last row that was read."""
    try:
        yield
    except UnicodeDecodeError as error:
        fix = "save it as UTF-8, or name its encoding with --encoding"
        raise OutdialError(f"{path}: is not {error.encoding} after row {row[0]} ({error.reason}): {fix}") from error
    except UnicodeError as error:
        raise OutdialError(
            f"{path}: cannot be decoded ({error}): save it as UTF-8, or name its encoding with --encoding"
        ) from error
    except LineTooLongError:
        what = f"has a line of more than {LONGEST:,} characters after row {row[0]}"
        raise OutdialError(f"{path}: {what}, which is no row of a list: check that it is the right file") from None
    except csv.Error as error:
        raise OutdialError(f"{path}: cannot be read as CSV after row {row[0]} ({error}): mend its quotes") from error
    except OSError as error:
        raise OutdialError(f"{path}: cannot be read ({error.strerror or error}): check the name of the file") from error
