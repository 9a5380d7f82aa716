"""A record as stages get it, and what becomes of one that is refused."""

import base64
from collections.abc import Callable, Sequence

import msgspec
from pydantic import ValidationError

from engine.errors import RecordError
from engine.time import Instant
from schemas.deadletter import DeadLetter

#: Bytes of a refused record that its dead letter keeps: base64 makes them a third longer, and a batch must hold them.
KEPT_BYTES = 600_000
#: Errors that say something about the record, not about us.
ORDINARY = (RecordError, msgspec.MsgspecError, ValidationError)


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as it lay on its topic. `timestamp` is the broker's (LogAppendTime), real ms."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    timestamp_type: int = 1
    headers: Sequence[tuple[str, bytes]] = ()


StageFn = Callable[[int, Record, Instant], None]


def dead_letter(record: Record, error: Exception, at: int) -> DeadLetter:
    """The dead letter of a record. `at`: real ms."""
    reason, kept = str(error) or repr(error), (record.value or b"")[:KEPT_BYTES]
    if not isinstance(error, ORDINARY):
        reason = f"{type(error).__name__}: {reason}"
    if record.value is not None and len(record.value) > KEPT_BYTES:
        reason += f" (only the first {KEPT_BYTES:,} of its {len(record.value):,} bytes are kept)"
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        error=type(error).__name__,
        key_base64=None if record.key is None else base64.b64encode(record.key).decode(),
        value_base64=None if record.value is None else base64.b64encode(kept).decode(),
        at=at,
    )
