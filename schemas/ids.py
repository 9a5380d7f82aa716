"""Ids are hashes of causes, so a repeat after a crash carries the same id and consumers can recognise it.

128 bits of BLAKE2b, hex. Parts are prefixed by their lengths in characters: ("a", "bc") and ("ab", "c") differ.
"""

from hashlib import blake2b


def digest(*parts: str | int) -> str:
    """32 hex digits that name `parts` and nothing else."""
    return _hash("".join([f"{len(part)}:{part}" for part in map(str, parts)]))


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


# What follows is digest() of the parts in each docstring, spelled out: half the time, and there are twenty for each contact.


def enrollment_id(contact_id: str, campaign: str, entry: int) -> str:
    """One person's passage through one campaign; `entry` counts re-enrollments from 1. (enrollment, contact, campaign, entry)"""
    number = str(entry)
    return _hash(f"10:enrollment{len(contact_id)}:{contact_id}{len(campaign)}:{campaign}{len(number)}:{number}")


def dial_id(enrollment: str, seq: int) -> str:
    """One dial command. `seq` grows whenever an attempt closes, those that never rang included. (dial, enrollment, seq)"""
    number = str(seq)
    return _hash(f"4:dial{len(enrollment)}:{enrollment}{len(number)}:{number}")


def event_id(cause: str, kind: str, subject: str) -> str:
    """One record of `kind` about `subject` because of `cause`. (event, cause, kind, subject)"""
    text = f"5:event{len(cause)}:{cause}{len(kind)}:{kind}{len(subject)}:{subject}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def record_id(kind: str, topic: str, partition: int, offset: int) -> str:
    """A record that has no id of its own, by its place. (kind, topic, partition, offset)"""
    p, o = str(partition), str(offset)
    return _hash(f"{len(kind)}:{kind}{len(topic)}:{topic}{len(p)}:{p}{len(o)}:{o}")


def tick_id(enrollment: str, step: str, seq: int, due: int) -> str:
    """What a timer or a slot makes happen at a step, which people may come to again. (tick, enrollment, step, seq, due)"""
    number, at = str(seq), str(due)
    return _hash(f"4:tick{len(enrollment)}:{enrollment}{len(step)}:{step}{len(number)}:{number}{len(at)}:{at}")
