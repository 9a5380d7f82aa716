"""Which partition a key is in: Kafka's murmur2, byte for byte (org.apache.kafka.common.utils.Utils.murmur2 and toPositive).

Everything rests on it: partition p of every topic is on one worker only if all writers agree. A writer in another language must use
the same (Java's default; librdkafka's `murmur2_random`). tests/unit/test_partitions.py holds it against Kafka's own code.
"""

import struct
from functools import lru_cache

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash of a key, unsigned, 32 bits."""
    size = len(data)
    whole = size & ~3
    h = 0x9747B28C ^ size
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = k * _M & _MASK
        h = h * _M & _MASK ^ (k ^ k >> 24) * _M & _MASK
    if size != whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key (its UTF-8 bytes) on a topic of so many partitions. Cached: a record's fan-out asks for few keys."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
