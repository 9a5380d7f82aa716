"""The rejects file: every rejected row as it was, with its number, why, and what to do. Edited, it can be imported again."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from cli.column_names import REJECT_COLUMNS
from engine.errors import OutdialError

Rejected = tuple[int, str, str, str, list[str]]


def check_place(target: Path) -> None:
    """Raises OutdialError if no file can be written there: known before anybody is published."""
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        if not _special(target):
            draft = _draft(target)
            draft.touch()
            draft.unlink()
    except OSError as error:
        raise OutdialError(f"--rejects {target}: cannot be written ({error.strerror}): name a file in a folder of yours") from error


def write_rejects(target: Path, header: Sequence[str], rejected: Iterable[Rejected], delimiter: str = ",") -> None:
    """Writes rows beside the target, which gets its name only when all are there. UTF-8 with a mark, so that Excel reads it right.

    Raises OutdialError if it cannot be written; nothing is left then.
    """
    draft = target if _special(target) else _draft(target)
    try:
        with draft.open("w", encoding="utf-8-sig", newline="", errors="surrogatepass") as file:
            _write(file, header, rejected, delimiter)
        if draft is not target:
            draft.replace(target)
    except OSError as error:
        remedy = (
            "the import itself is done; free some space, or name another file, and run the same command again for the rejects alone"
        )
        raise OutdialError(f"--rejects {target}: cannot be written ({error.strerror}): {remedy}") from error
    finally:
        if draft is not target:
            draft.unlink(missing_ok=True)


def _write(file: io.TextIOWrapper, header: Sequence[str], rejected: Iterable[Rejected], delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter)
    old = [i for i, title in enumerate(header) if title in REJECT_COLUMNS]
    writer.writerow([*REJECT_COLUMNS, *(title for title in header if title not in REJECT_COLUMNS)])
    for row, code, reason, fix, cells in rejected:
        writer.writerow([row, code, reason, fix, *(cell for i, cell in enumerate(cells) if i not in old)])


def _special(target: Path) -> bool:
    """A pipe or a device, which has no place for a draft."""
    return target.exists() and not target.is_file()


def _draft(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")
