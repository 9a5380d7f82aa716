"""A table of rows as its changelog tells it, kept as bytes and decoded when somebody asks for one.

A million rows as objects take two to three times what their bytes do, and most are never looked at again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from schemas.base import decoder
from schemas.rows import Stamp

T = TypeVar("T")


class _Stamped(msgspec.Struct):
    stamp: Stamp = (0, 0)


_STAMP = msgspec.json.Decoder(_Stamped)


class Packed(Mapping[str, T], Generic[T]):
    """Key -> row with the greatest stamp (design rule 18). `union`: the msgspec row type, or union of row types, of the table."""

    def __init__(self, union: Any) -> None:
        self._decode = decoder(union).decode
        self._rows: dict[str, bytes] = {}

    def put(self, key: str, value: bytes | None) -> bool:
        """Takes one record, a tombstone included; whether anything changed. What is no row is left out."""
        if value is None:
            return self._rows.pop(key, None) is not None
        known = self._rows.get(key)
        try:
            stamp = _STAMP.decode(value).stamp
        except msgspec.DecodeError:
            return False
        if known is not None and _STAMP.decode(known).stamp > stamp:
            return False
        self._rows[key] = value
        return True

    def __getitem__(self, key: str) -> T:
        row: T = self._decode(self._rows[key])
        return row

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows
