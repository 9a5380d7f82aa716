"""`outdial dead-letters list|show|replay`: records that could not be used, why, and their untouched bytes."""

import base64
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.gather import read_each
from cli.publish import Publisher
from cli.summary import iso
from engine.errors import OutdialError, UsageError
from outdial.settings import Settings
from schemas.deadletter import DeadLetter
from schemas.topics import DEAD_LETTERS, TOPICS, TopicSpec
from streams.records import KEPT_BYTES

app = typer.Typer(help="Records that could not be used.\n\nExample: outdial dead-letters list", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(slots=True)
class Kind:
    """Records of one topic that were refused for one reason. `newest` names the latest, for `show`; `at` is real, UTC."""

    topic: str
    error: str
    reason: str
    count: int = 0
    newest: str = ""
    at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"at": iso(self.at)}


@app.callback()
def _dead_letters() -> None:
    """Records that could not be used."""


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Count them by topic and reason, the newest first.

    Example: outdial dead-letters list
    """
    found = by_kind(read(Settings()))
    if as_json:
        for kind in found:
            print(json.dumps(kind.as_dict(), ensure_ascii=False))
        return
    table = Table("count", "topic", "reason", "newest", "at (UTC)", box=None, pad_edge=False)
    for kind in found:
        table.add_row(str(kind.count), kind.topic, kind.reason, kind.newest, iso(kind.at))
    Console().print(table if found else "No dead letters.")


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="Where it lay, as `list` names it.")],
    as_json: AsJson = False,
) -> None:
    """Show one: where it lay, why it was refused, and its bytes.

    Example: outdial dead-letters show contacts/3/1742
    """
    if place.count("/") != 2:
        raise UsageError(f"{place!r} is no place of a record: write TOPIC/PARTITION/OFFSET, as `outdial dead-letters list` does")
    letter = next((found for found in read(Settings()) if found.key == place), None)
    if letter is None:
        raise OutdialError(f"no dead letter from {place}: `outdial dead-letters list` shows those there are")
    key, value = _bytes(letter.key_base64), _bytes(letter.value_base64)
    if as_json:
        print(json.dumps(_as_dict(letter, key, value), ensure_ascii=False))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{place}, {iso(letter.at)}\n{letter.error}: {letter.reason}")
    console.print(f"key:   {_readable(key)}\nvalue: {_readable(value)}")


@app.command()
def replay(
    places: Annotated[
        list[str], typer.Argument(metavar="PLACE...", help="TOPIC/PARTITION/OFFSET, as `list` names it; or a TOPIC, for all of it.")
    ],
) -> None:
    """Publish them again, as they are, to where they lay: once what was wrong is mended.

    Example: outdial dead-letters replay contacts
    """
    settings = Settings()
    letters = read(settings)
    chosen = {letter.key: letter for place in places for letter in named(letters, place)}
    specs = {letter.topic: outside(letter) for letter in chosen.values()}
    with Publisher(settings, *specs.values()) as publisher:
        for letter in chosen.values():
            publisher.send_bytes(specs[letter.topic], _bytes(letter.key_base64), _bytes(letter.value_base64))
    told = Counter(letter.topic for letter in chosen.values())
    for topic, count in told.items():
        print(f"{count} {'record was' if count == 1 else 'records were'} published to {topic} again")


def named(letters: list[DeadLetter], place: str) -> list[DeadLetter]:
    """The letter from a place, or all of a topic. Raises OutdialError if there is none."""
    found = [letter for letter in letters if place in (letter.key, letter.topic)]
    if not found:
        raise OutdialError(f"no dead letter from {place}: `outdial dead-letters list` shows those there are")
    return found


def outside(letter: DeadLetter) -> TopicSpec:
    """The topic of a letter, if it may be published there again. Raises OutdialError, and says why not.

    What others write may come again at any time. A record of Outdial's own belongs to its moment.
    """
    spec = next((topic for topic in TOPICS if topic.name == letter.topic and topic.side == "in"), None)
    if spec is None:
        raise OutdialError(f"{letter.key} was written by Outdial itself, for that moment: only what others wrote can be replayed")
    if len(_bytes(letter.value_base64) or b"") >= KEPT_BYTES:
        raise OutdialError(f"{letter.key} is kept in part only, for its length: publish the record itself again")
    return spec


def read(settings: Settings) -> list[DeadLetter]:
    """Each refused record once: a crash may have written its letter twice."""
    return list({letter.key: letter for _, letter in read_each(settings, DEAD_LETTERS, DeadLetter)}.values())


def by_kind(letters: Iterable[DeadLetter]) -> list[Kind]:
    """Counted by topic and reason, the kind with the newest letter first."""
    kinds: dict[tuple[str, str], Kind] = {}
    for letter in letters:
        kind = kinds.setdefault((letter.topic, letter.reason), Kind(letter.topic, letter.error, letter.reason))
        kind.count += 1
        if letter.at >= kind.at:
            kind.newest, kind.at = letter.key, letter.at
    return sorted(kinds.values(), key=lambda kind: (-kind.at, kind.topic, kind.reason))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _readable(data: bytes | None) -> str:
    """UTF-8 text as it is, other bytes as hex with a word that says so."""
    if data is None:
        return "(none)"
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"(hex) {data.hex(' ')}"


def _as_dict(letter: DeadLetter, key: bytes | None, value: bytes | None) -> dict[str, Any]:
    """`key` and `value` are text where the bytes are UTF-8, else null; the base64 is always exact."""

    def text(data: bytes | None) -> str | None:
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError:
            return None

    named = ("topic", "partition", "offset", "error", "reason", "key_base64", "value_base64")
    return {n: getattr(letter, n) for n in named} | {"at": iso(letter.at), "key": text(key), "value": text(value)}
