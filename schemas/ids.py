"""Ids are hashes of causes, so a repeat after a crash carries the same id and consumers can recognise it.

128 bits of BLAKE2b, hex. Parts are prefixed by their lengths in characters: ("a", "bc") and ("ab", "c") differ.
"""

from hashlib import blake2b


def digest(*parts: str | int) -> str:
    """32 hex digits that name `parts` and nothing else."""
    return _hash("".join([f"{len(part)}:{part}" for part in map(str, parts)]))


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def enrollment_id(contact_id: str, campaign: str, entry: int) -> str:
    """One person's passage through one campaign; `entry` counts re-enrollments from 1."""
    return digest("enrollment", contact_id, campaign, entry)


def dial_id(enrollment: str, seq: int) -> str:
    """One dial command. `seq` grows whenever an attempt closes, those that never rang included."""
    return digest("dial", enrollment, seq)


def event_id(cause: str, kind: str, subject: str) -> str:
    """One record of `kind` about `subject` because of `cause`."""
    return _hash(f"5:event{len(cause)}:{cause}{len(kind)}:{kind}{len(subject)}:{subject}")  # digest(), a microsecond faster
