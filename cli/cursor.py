"""How far somebody has read a topic, kept in a file between two runs of a command.

It is written after what was read has been handed on: a crash in between hands some of it on again, and loses nothing.
"""

import json
from pathlib import Path

from cli.files import whole
from cli.read import Raw
from cli.tail import Places
from engine.errors import OutdialError


class Cursor:
    """`places`: the next offset of each partition; empty if nothing was read yet. Raises OutdialError for a file that is none."""

    def __init__(self, path: Path, topic: str) -> None:
        self._path, self._topic = path, topic
        self.places: Places = self._load() if path.exists() else {}
        self.save()  # a file that cannot be written must be known before anything is handed on

    def advance(self, raws: list[Raw]) -> None:
        """These were read, and handed on."""
        if raws:
            self.places |= {(raw.topic, raw.partition): raw.offset + 1 for raw in raws}
            self.save()

    def save(self) -> None:
        body = {"topic": self._topic, "next": {str(p): offset for (_, p), offset in sorted(self.places.items())}}
        with whole(self._path, "--cursor") as draft:
            draft.write_text(json.dumps(body) + "\n")

    def _load(self) -> Places:
        try:
            body = json.loads(self._path.read_text())
            if body["topic"] != self._topic:
                raise ValueError(f"it is of the topic {body['topic']}")
            return {(self._topic, int(p)): int(offset) for p, offset in body["next"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "name another file, or delete it to begin anew"
            raise OutdialError(f"--cursor {self._path}: says nowhere to go on from ({error}): {remedy}") from error
