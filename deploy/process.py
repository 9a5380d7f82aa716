"""A detached process that is found again by its pid file, and never mistaken for another.

A pid alone names whoever has it now. The file therefore holds the process's start time as well (and, on Linux, the boot it was
counted from): a pid that was given to another process since does not match, and nobody else's process is ever signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event

#: What a broker needs of the environment. Nothing else is handed on: secrets, or options for another Java.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")

#: The shell puts it in the background and ends, so that the process has no parent here: no zombie is left, whoever started it.
_DETACH = '"$@" </dev/null >>"$OUTPUT" 2>&1 & echo $!'


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was started: its pid, its start time as the system writes it, and the port it serves."""

    pid: int
    started: str
    port: int

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return identity(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signals the process if it is still the same."""
        if self.is_alive():
            with suppress(ProcessLookupError):  # It ended between the look and the signal.
                os.kill(self.pid, number)

    def stop(self, patience: float) -> None:
        """Ends the process with SIGTERM and waits; SIGKILL after `patience` seconds."""
        self.send(signal.SIGTERM)
        if not wait_until(lambda: not self.is_alive(), patience):
            self.send(signal.SIGKILL)
            wait_until(lambda: not self.is_alive(), 10)


def spawn(command: Sequence[str], output: Path, port: int) -> Process:
    """Starts `command` detached, in a session of its own; what it writes is appended to `output`."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"OUTPUT": str(output)}
    shell = ["/bin/sh", "-c", _DETACH, "sh", *command]
    shown = subprocess.run(shell, env=environment, start_new_session=True, stdout=subprocess.PIPE, text=True, check=True).stdout
    pid = int(shown)
    # One that has ended already has no identity, hence is not alive.
    return Process(pid, identity(pid) or "ended at once", port)


def identity(pid: int) -> str | None:
    """When the process was started, in the system's own words; None if there is no such process, or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _identity_by_ps(pid)
    except ProcessLookupError:
        return None
    # The command's name, in parentheses, may itself hold spaces and parentheses: count from the last one.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {fields[19]}"


def _identity_by_ps(pid: int) -> str | None:
    # macOS and the BSDs have no /proc.
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return None if not shown or shown[0].startswith("Z") else " ".join(shown[1:])


def write(path: Path, process: Process) -> None:
    """Writes the pid file, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(asdict(process)))
    os.replace(draft, path)


def read(path: Path) -> Process | None:
    """The process that the pid file names if it is alive, else None. A file that cannot be read names none."""
    try:
        process = Process(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return process if process.is_alive() else None


def wait_until(condition: Callable[[], bool], timeout: float, every: float = 0.05) -> bool:
    """Asks until `condition` holds, at most `timeout` seconds; says whether it did."""
    deadline = time.monotonic() + timeout
    pause = Event()
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause.wait(every)
    return True
