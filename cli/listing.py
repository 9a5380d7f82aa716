"""Opens a list of contacts: a CSV file in UTF-8, with or without a BOM, its delimiter seen from its header.

The file is read twice. `survey` goes through it once before anything is written: a byte that is no UTF-8 in row 900,000 must be
known before row 1 is published. It also counts the rows, for the progress bar.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OutdialError

DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Listing:
    """A file that can be read to its end: its delimiter, its header, and how many rows it has besides."""

    path: Path
    delimiter: str
    header: list[str]
    rows: int

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """(row, cells) of each row below the header, numbered as a spreadsheet shows them (the header is row 1)."""
        rows = _rows(self.path, self.delimiter)
        next(rows)  # the header
        return rows


def survey(path: Path) -> Listing:
    """Reads the whole file once. Raises OutdialError, a sentence with the row, for one that cannot be read to its end."""
    header: list[str] | None = None
    row, count, delimiter = 0, -1, _delimiter(path)
    try:
        for row, cells in _rows(path, delimiter):  # noqa: B007 - the errors below name the row
            header = header or cells
            count += 1
    except UnicodeDecodeError as error:
        raise OutdialError(f"{path}: is not UTF-8 after row {row} ({error.reason}): save it as UTF-8") from error
    except csv.Error as error:
        raise OutdialError(f"{path}: cannot be read as CSV after row {row} ({error}): mend its quotes") from error
    if header is None or not count:
        raise OutdialError(f"{path}: holds no rows below its header: check that it is the right file")
    return Listing(path, delimiter, header, count)


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything at all; empty lines are counted but left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        # strict: a quote that is never closed would otherwise swallow all further rows in silence.
        for row, cells in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 1):
            if cells:
                yield row, cells


def _delimiter(path: Path) -> str:
    """The delimiter that the header has most of; a comma if it has none."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
    except OSError as error:
        raise OutdialError(f"{path}: cannot be read ({error.strerror}): check the name of the file") from error
    return max(DELIMITERS, key=header.count)
