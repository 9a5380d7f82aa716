"""The jars of the broker are fetched once, however many want them at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from deploy import jars
from deploy.jars import ensure_jars

WANTED = 3


def test_who_comes_while_another_fetches_waits_and_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    alone, together = jars._alone, Barrier(WANTED)

    @contextmanager
    def all_at_once(repository: Path) -> Iterator[None]:
        together.wait(10)  # all have found them missing before the first fetches any
        with alone(repository):
            yield

    def fetch(repository: Path, of: list[Any], _progress: jars.Progress) -> None:
        fetched.append(len(of))
        for jar in of:
            path = jars._path(repository, jar)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    monkeypatch.setattr(jars, "_alone", all_at_once)
    monkeypatch.setattr(jars, "_fetch_all", fetch)
    monkeypatch.setattr(jars, "_is_genuine", lambda _path, _jar: True)
    with ThreadPoolExecutor(WANTED) as pool:
        found = list(pool.map(lambda _: ensure_jars(tmp_path), range(WANTED)))
    assert fetched == [len(found[0])]
    assert found[0] == found[1] == found[2]
