"""Files that a command writes: under their name only when they are whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import OutdialError


@contextmanager
def whole(target: Path, option: str) -> Iterator[Path]:
    """A draft beside `target` to write to; it takes the name when this is left without an error, and is gone otherwise.

    Raises OutdialError, naming the option, for what the file system refuses.
    """
    draft = target.with_name(f"{target.name}.{os.getpid()}.part{target.suffix}")
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        raise OutdialError(f"{option} {target}: cannot be written ({error.strerror}): name a file in a folder of yours") from error
    finally:
        draft.unlink(missing_ok=True)
