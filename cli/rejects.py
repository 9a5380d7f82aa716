"""The rejects file: every rejected row as it was, with its number, why, and what to do. Edited, it can be imported again."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from cli.column_names import REJECT_COLUMNS
from cli.files import whole

OPTION = "--rejects"
_REMEDY = "the import itself is done; free some space, or name another file, and run the same command again for the rejects alone"
Rejected = tuple[int, str, str, str, list[str]]


def write_rejects(target: Path, header: Sequence[str], rejected: Iterable[Rejected], delimiter: str = ",") -> None:
    """Writes rows, whole or not at all. UTF-8 with a mark, so that Excel reads it right. Raises OutdialError."""
    with (
        whole(target, OPTION, _REMEDY) as draft,
        draft.open("w", encoding="utf-8-sig", newline="", errors="surrogatepass") as file,
    ):
        _write(file, header, rejected, delimiter)


def _write(file: io.TextIOWrapper, header: Sequence[str], rejected: Iterable[Rejected], delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter)
    old = [i for i, title in enumerate(header) if title in REJECT_COLUMNS]
    writer.writerow([*REJECT_COLUMNS, *(title for title in header if title not in REJECT_COLUMNS)])
    for row, code, reason, fix, cells in rejected:
        writer.writerow([row, code, reason, fix, *(cell for i, cell in enumerate(cells) if i not in old)])
