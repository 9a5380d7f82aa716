"""Processes of Outdial as forks of one that has imported everything already.

The tests start some two hundred of them, and a worker spends a second of a core on its imports. A fork is a process like any other:
environment, output, signals and exit status are its own. That `outdial` starts from nothing is shown by the demo, the tutorial and
the tests of the commands.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import TimeoutExpired

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preloaded"])


class Fork:
    """`outdial ARGUMENTS`, with what tests use of a `subprocess.Popen`."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self._process: ForkServerProcess = _CONTEXT.Process(target=_run, args=(arguments, dict(environment), log))
        self._process.start()
        assert self._process.pid is not None, "it was started"
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative if a signal has ended it. Raises TimeoutExpired."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise TimeoutExpired("outdial", timeout or 0.0)
        return status

    def send_signal(self, sig: int) -> None:
        """Nothing, if it has ended: the fork server has waited for it already, and may not have said so yet."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
    from cli.main import main

    os.setsid()
    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["outdial", *arguments]
    main()
