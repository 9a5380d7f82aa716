"""Opens a list of contacts: text or XLSX, in any encoding and dialect in use, with a header or without.

The file is read before anything is written: a byte that cannot be decoded in row 900,000 must be known before row 1 is published.
`survey` also counts the rows, for the progress bar, and takes the checksum by which a file is known again. Memory holds a sample.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from cli.dialect import Dialect, dialect_of, told
from cli.encoding import checksum_of, examine
from cli.header import header_of
from cli.workbook import is_workbook, workbook_rows
from engine.errors import OutdialError

#: Rows that guesses are made from.
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """A file that can be read to its end. header: names of the columns, made up (`column_1`) if no row holds them.

    header_row: where they stand, 0 for nowhere. first: the first row that is a person's. rows: how many there are. dialect: None
    for a workbook.
    """

    path: Path
    checksum: str
    dialect: Dialect | None
    header: list[str]
    header_row: int
    first: int
    rows: int
    sample: list[list[str]]
    guessed: bool = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """(row, cells) of each person's row, numbered as a spreadsheet shows them, from 1."""
        return self.after(self.first - 1)

    def after(self, last: int) -> Iterator[tuple[int, list[str]]]:
        """Those behind row `last`."""
        done = max(last, self.first - 1)
        return ((row, cells) for row, cells in _rows(self.path, self.dialect) if row > done)

    def about(self) -> str:
        """How it is read, in words."""
        head = f"header in row {self.header_row}" if self.header_row else "no header"
        if self.dialect is None:
            return f"XLSX, {head}, {self.rows} rows"
        delimiter = {",": "comma", ";": "semicolon", "\t": "tab"}.get(self.dialect.delimiter, self.dialect.delimiter)
        guess = " (a guess: --encoding overrules it)" if self.guessed else ""
        lines = ", its quotes do not add up: each line is read as a row" if self.dialect.by_line else ""
        return f"{self.dialect.encoding}{guess}, delimiter {delimiter}, {head}, {self.rows} rows{lines}"


def survey(path: Path, encoding: str | None = None, columns: tuple[str, ...] = (), country: str = "US") -> Listing:
    """Reads the whole file once; `columns` are names that its header is known to hold.

    Raises OutdialError, a sentence with the row, for a file that cannot be read to its end.
    """
    if not path.is_file() and path.exists():
        raise OutdialError(f"{path}: is not a file: name the file itself")
    if is_workbook(path):
        return _surveyed(path, checksum_of(path), None, columns, country)
    examined = examine(path, encoding)
    with told(path, [0]):
        dialect = dialect_of(path, examined.encoding)
    try:
        found = _surveyed(path, examined.checksum, dialect, columns, country)
    except csv.Error:
        found = _surveyed(path, examined.checksum, dialect.loose(), columns, country)
    return replace(found, guessed=examined.guessed)


def _surveyed(path: Path, checksum: str, dialect: Dialect | None, columns: tuple[str, ...], country: str) -> Listing:
    sample, count = _counted(path, dialect)
    if not sample:
        raise OutdialError(f"{path}: is empty and holds no rows: check that it is the right file")
    header = header_of(str(path), sample, columns, country)
    rows = count - header.above
    if not rows:
        raise OutdialError(f"{path}: holds no rows below its header: check that it is the right file")
    cells = [each for _, each in sample[header.above :]]
    first = sample[header.above][0]
    place = sample[header.above - 1][0] if header.named else 0
    return Listing(path, checksum, dialect, header.titles, place, first, rows, cells)


def _counted(path: Path, dialect: Dialect | None) -> tuple[list[tuple[int, list[str]]], int]:
    """The first rows, and how many there are. Raises csv.Error for quotes that do not add up."""
    at = [0]
    quotes: csv.Error | None = None
    with told(path, at):
        try:
            rows = workbook_rows(path) if dialect is None else dialect.rows(path)
            sample = []
            for at[0], cells in islice(rows, SAMPLE):
                sample.append((at[0], cells))
            count = len(sample) + sum(1 for at[0], _ in rows)
        except csv.Error as error:
            if dialect is None or dialect.by_line:
                raise
            quotes = error
    if quotes is not None:
        raise quotes
    return sample, count


def _rows(path: Path, dialect: Dialect | None) -> Iterator[tuple[int, list[str]]]:
    at = [0]
    with told(path, at):
        yield from workbook_rows(path) if dialect is None else dialect.rows(path)
