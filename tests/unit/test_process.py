"""A detached process is known by its start as well as its pid, and ends when asked, or when made to."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import process
from tests.wait import until

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
OBEDIENT = "import signal; print('ready', flush=True); signal.pause()"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def spawned(output: Path, request: pytest.FixtureRequest) -> Iterator[process.Process]:
    started = process.spawn([sys.executable, "-c", request.param], output, 1)
    until(lambda: output.exists() and output.read_text() == "ready\n")
    yield started
    started.send(signal.SIGKILL)


@pytest.mark.parametrize("spawned", [OBEDIENT], indirect=True)
def test_it_is_found_again_and_stopped(spawned: process.Process, tmp_path: Path) -> None:
    process.write(tmp_path / "pid", spawned)
    assert process.read(tmp_path / "pid") == spawned
    spawned.stop(patience=20)
    assert process.read(tmp_path / "pid") is None


@pytest.mark.parametrize("spawned", [OBEDIENT], indirect=True)
def test_it_is_in_a_session_of_its_own(spawned: process.Process) -> None:
    assert os.getsid(spawned.pid) != os.getsid(0)


@pytest.mark.parametrize("spawned", [DEAF], indirect=True)
def test_one_that_will_not_end_is_killed(spawned: process.Process) -> None:
    spawned.stop(patience=0.1)
    assert not spawned.is_alive()


@pytest.mark.parametrize("spawned", [OBEDIENT], indirect=True)
def test_a_pid_that_was_started_at_another_time_is_not_signalled(spawned: process.Process) -> None:
    process.Process(spawned.pid, "another time", 1).stop(patience=0)
    assert spawned.is_alive()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_broken_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert process.read(tmp_path / "pid") is None


def test_secrets_are_not_handed_on(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTDIAL_WEBHOOK_SECRET", "whsec_abc")
    process.spawn([sys.executable, "-c", "import os; print(sorted(os.environ))"], output, 1)
    shown = until(lambda: output.exists() and output.read_text())
    assert "PATH" in shown
    assert "OUTDIAL_WEBHOOK_SECRET" not in shown
