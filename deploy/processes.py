"""The processes of one Outdial: started together, watched, ended by the pids that were started here."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, Self

from engine.errors import OutdialError

#: Real seconds a process gets to end by itself.
PATIENCE = 20.0


class Child(Protocol):
    """What is used of a `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


class Processes:
    """Children of this process. Their output goes to `<logs>/<name>.log`; those still alive are ended on exit."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        self.environment = {**os.environ, **environment}
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start(self, name: str, *arguments: str) -> int:
        """Starts `outdial ARGUMENTS` and returns its pid."""
        child = self._children[name] = self._spawn(arguments, self.logs / f"{name}.log")
        return child.pid

    def _spawn(self, arguments: tuple[str, ...], log: Path) -> Child:
        with log.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "cli.main", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # a Ctrl-C on the terminal reaches this process alone, which ends its children in order
            )

    def run(self, *arguments: str) -> str:
        """Runs `outdial ARGUMENTS` to its end and returns what it printed. Raises OutdialError with what it said on failure."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise OutdialError(f"outdial {' '.join(arguments)} failed: {said[-1] if said else f'exit status {done.returncode}'}")
        return done.stdout

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def alive(self, name: str) -> bool:
        return self._children[name].poll() is None

    def kill(self, name: str) -> None:
        """SIGKILL, as a drill."""
        self._children[name].kill()
        self._children[name].wait()

    def wait_for(self, what: str, ready: Callable[[], bool], timeout: float = 60.0) -> None:
        """Returns when `ready` holds. Raises OutdialError if a child ends first, or after `timeout` real seconds."""
        pause = threading.Event()
        for _ in range(int(timeout / 0.1)):
            if ready():
                return
            for name, child in self._children.items():
                if child.poll() is not None:
                    raise OutdialError(
                        f"The process {name} ended (exit status {child.returncode}); its log: {self.logs / name}.log"
                    )
            pause.wait(0.1)
        raise OutdialError(f"{what} did not happen within {timeout:.0f} s; logs are in {self.logs}")

    def stop(self, name: str) -> int:
        """SIGTERM, and SIGKILL if that is ignored; the exit status."""
        child = self._children.pop(name)
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            return child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def stop_all(self) -> None:
        """Ends all children, the last started first, all at once."""
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for name in list(reversed(self._children)):
            self.stop(name)
