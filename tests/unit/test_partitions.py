"""murmur2 against Kafka's own code. That a real client and broker agree too is in tests/streams/test_murmur2.py."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.jars import ensure_jars
from streams.partitions import murmur2, partition_of
from tests.conftest import CACHE

HERE = Path(__file__).parent


def keys() -> list[bytes]:
    """10,000 keys: every length from 0 to 40, arbitrary bytes, and keys as Outdial writes them."""
    chance = random.Random(20)
    found = [chance.randbytes(length) for length in range(1, 41) for _ in range(100)]
    found += [f"+1{chance.randrange(2_000_000_000, 9_999_999_999)}".encode() for _ in range(3_000)]
    found += [f"contact-{chance.randrange(10**9)}".encode() for _ in range(2_000)]
    return found + [f"zoë.{n}@exämple.org".encode() for n in range(1_000)]


def test_a_thousand_vectors_that_kafka_s_own_code_wrote() -> None:
    vectors = json.loads((HERE / "murmur2.json").read_text())
    assert len(vectors) == 1_000
    assert {key: murmur2(bytes.fromhex(key)) for key in vectors} == vectors


@pytest.mark.skipif(shutil.which("javac") is None, reason="needs a Java that can compile; the embedded broker's runtime cannot")
def test_ten_thousand_keys_as_kafka_s_own_code_hashes_them() -> None:
    asked = keys()
    assert len(asked) == 10_000
    jars = os.pathsep.join(str(jar) for jar in ensure_jars(CACHE) if jar.name.startswith(("kafka-clients", "slf4j-api")))
    command = ["java", "-cp", jars, str(HERE / "Murmur.java")]
    text = "\n".join(key.hex() for key in asked)
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
    assert [murmur2(key) for key in asked] == [int(line) & 0xFFFFFFFF for line in run.stdout.split()]


def test_the_partition_of_a_key_is_in_range_and_all_are_used() -> None:
    assert {partition_of(f"key-{n}", 8) for n in range(1_000)} == set(range(8))
    assert partition_of("k", 1) == 0
