"""Of which characters a file is made: UTF-8, UTF-16 and UTF-32 with or without a byte order mark, Windows-1252 and its like.

UTF-8 proves itself, for no other text reads as UTF-8 by chance. What is neither that nor UTF-16 is a code page of eight bits: all
bytes fit all of them, so it is a guess (charset-normalizer), shown before anything is written, and `--encoding` overrules it.
"""

import codecs
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from charset_normalizer import from_bytes

from engine.errors import OutdialError, UsageError

CHUNK = 1 << 20
_HEAD = 1 << 16
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: What files that are no lists begin with.
_KINDS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed (gzip)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"{\\rtf": "a text document (RTF)",
    b"SQLite format 3": "a database",
}
#: Code pages that differ so much that a guess can tell. The Western ones look alike: those are all taken for Windows-1252.
_OTHERS = ("cp1251", "cp1253", "shift_jis", "gb18030", "big5", "euc_kr")
_LATIN = "cp1252"
_ENOUGH = 8  # bytes beyond ASCII that a guess other than Windows-1252 needs
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"  # in Windows-1252; ISO 8859-1 has control characters there


@dataclass(frozen=True, slots=True)
class Examined:
    """encoding: a codec's name. checksum: of the bytes, 32 hex digits. guessed: whether the encoding is a guess."""

    encoding: str
    checksum: str
    guessed: bool = False


def examine(path: Path, encoding: str | None = None) -> Examined:
    """Reads all bytes once, in constant memory. Raises OutdialError for a file that cannot be read, is empty or no text."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if not head.strip(b"\x00\r\n\t ") and path.stat().st_size == len(head):
            raise OutdialError(f"{path}: is empty and holds no rows: check that it is the right file")
        chosen = _known(encoding) if encoding else _marked(path, head)
        checksum, utf8, sample, undefined = _scan(path)
    except OSError as error:
        raise OutdialError(f"{path}: cannot be read ({error.strerror}): check the name of the file") from error
    if chosen:
        return Examined(chosen, checksum)
    _refuse_binary(path, head)
    return Examined("utf-8", checksum) if utf8 else Examined(_guess(sample, undefined), checksum, guessed=True)


def checksum_of(path: Path) -> str:
    """The checksum alone, for files that are no text."""
    return _scan(path)[0]


def _known(encoding: str) -> str:
    """The codec's name. Raises UsageError."""
    try:
        found = codecs.lookup(encoding)
    except LookupError:
        raise UsageError(f"--encoding {encoding!r} is not known: write for example --encoding windows-1252") from None
    if not getattr(found, "_is_text_encoding", True):
        raise UsageError(f"--encoding {encoding!r} is no encoding of text: write for example --encoding windows-1252")
    return found.name


def _marked(path: Path, head: bytes) -> str | None:
    """By its byte order mark, or as UTF-16 by the zeros of its ASCII; None if nothing tells."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    for magic, what in _KINDS.items():
        if head.startswith(magic):
            raise OutdialError(f"{path}: is {what} and not a list: save it as CSV or XLSX")
    even, odd, pairs = head[::2].count(0), head[1::2].count(0), max(1, len(head) // 2)
    if max(even, odd) > 0.4 * pairs and min(even, odd) < 0.05 * pairs:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _refuse_binary(path: Path, head: bytes) -> None:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > max(2, 0.02 * len(head)):
        raise OutdialError(f"{path}: is binary and not a list of people: save it as CSV or XLSX")


def _scan(path: Path) -> tuple[str, bool, bytes, bool]:
    """Checksum, whether all of it is UTF-8, a sample of the lines beyond ASCII, whether bytes occur that Windows-1252 lacks."""
    digest, sample, undefined = blake2b(digest_size=16), bytearray(), False
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = True
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if chunk.isascii():
                continue
            utf8 = utf8 and _decodes(decoder, chunk)
            undefined = undefined or len(chunk.translate(None, _UNDEFINED)) < len(chunk)
            if len(sample) < _HEAD:
                sample += b"\n".join(re.findall(rb"[^\r\n]{0,200}[\x80-\xff][^\r\n]{0,200}", chunk)[:1_000])
    return digest.hexdigest(), utf8 and _decodes(decoder, b"", True), bytes(sample[:_HEAD]), undefined


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _guess(sample: bytes, undefined: bool) -> str:
    if sum(b >= 0x80 for b in sample) >= _ENOUGH:
        best = from_bytes(sample, cp_isolation=[_LATIN, *_OTHERS]).best()
        if best is not None and best.encoding in _OTHERS:
            return best.encoding
    return "latin-1" if undefined else _LATIN
