"""Ids are hashes of causes, so a repeat after a crash carries the same id and consumers can recognise it.

128 bits of BLAKE2b, hex. Parts are length-prefixed: ("a", "bc") and ("ab", "c") differ.
"""

from hashlib import blake2b


def digest(*parts: str | int) -> str:
    """32 hex digits that name `parts` and nothing else."""
    h = blake2b(digest_size=16)
    for part in parts:
        data = str(part).encode()
        h.update(b"%d:" % len(data))
        h.update(data)
    return h.hexdigest()


def enrollment_id(contact_id: str, campaign: str, entry: int) -> str:
    """One person's passage through one campaign; `entry` counts re-enrollments from 1."""
    return digest("enrollment", contact_id, campaign, entry)


def dial_id(enrollment: str, seq: int) -> str:
    """One dial command. `seq` grows whenever an attempt closes, those that never rang included."""
    return digest("dial", enrollment, seq)


def event_id(cause: str, kind: str, subject: str) -> str:
    """One record of `kind` about `subject` because of `cause`."""
    return digest("event", cause, kind, subject)
