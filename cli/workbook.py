"""Lists in XLSX. Rows are streamed (openpyxl, read-only); values of formulas are those that the spreadsheet saved."""

import datetime
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.errors import OutdialError

MAGIC = b"PK\x03\x04"
#: Columns that are looked at. A cell far to the right, set by accident, would make each row as wide.
WIDEST = 512


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook of Excel, by its contents. Raises OutdialError for an archive that is none."""
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith(MAGIC):
                return False
        names = zipfile.ZipFile(path).namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    if not any(name.startswith("xl/") for name in names):
        raise OutdialError(f"{path}: is an archive and not a list: unpack it, or save it as CSV or XLSX")
    return True


def workbook_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(row, cells) of the rows of the first sheet that holds anything, numbered as the spreadsheet shows them.

    Raises OutdialError for a workbook that cannot be read.
    """
    try:
        yield from _rows(path)
    except OutdialError:
        raise
    except Exception as error:  # a damaged archive fails inside zlib, an XML parser or openpyxl, each in its own way
        what = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise OutdialError(f"{path}: is damaged ({what}): open it in the spreadsheet and save it again as XLSX or CSV") from error


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    import openpyxl  # Takes 0.15 s, and only workbooks need it.

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations that it does not read
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
            for sheet in book.worksheets:
                some = False
                sheet.reset_dimensions()  # some writers state them wrongly
                for row, values in enumerate(sheet.iter_rows(values_only=True, max_col=WIDEST), 1):
                    cells = [_text(value) for value in values]
                    while cells and not cells[-1]:
                        cells.pop()
                    if cells:
                        some = True
                        yield row, cells
                if some:
                    return


def _text(value: Any) -> str:
    """A cell as its reader sees it: whole numbers without a fraction, dates as ISO 8601."""
    match value:
        case None:
            return ""
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)
