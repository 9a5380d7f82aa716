"""Files that a command writes: under their name only when they are whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import OutdialError

#: What to do about a file that cannot be written.
REMEDY = "name a file in a folder of yours"


@contextmanager
def whole(target: Path, option: str, remedy: str = REMEDY) -> Iterator[Path]:
    """A draft beside `target` to write to; it takes the name when this is left without an error, and is gone otherwise.

    Raises OutdialError, naming the option, for what the file system refuses.
    """
    draft = _draft(target)
    with _refused(target, option, remedy):
        try:
            yield draft
            if draft != target:
                draft.replace(target)
        finally:
            if draft != target:
                draft.unlink(missing_ok=True)


def check_place(target: Path, option: str) -> None:
    """Raises OutdialError if no file can be written there: to be known before the work whose result it takes."""
    draft = _draft(target)
    with _refused(target, option, REMEDY):
        if target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        if draft != target:
            draft.touch()
            draft.unlink()


def _draft(target: Path) -> Path:
    """A hidden file beside the target; a pipe or a device has no place for one, and is its own."""
    if target.exists() and not target.is_file() and not target.is_dir():
        return target
    return target.with_name(f".{target.name}.{os.getpid()}.part{target.suffix}")


@contextmanager
def _refused(target: Path, option: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutdialError(f"{option} {target}: cannot be written ({error.strerror}): {remedy}") from error
