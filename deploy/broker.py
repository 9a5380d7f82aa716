"""The embedded broker: a real Apache Kafka, one node, in OUTDIAL_HOME, with nothing to install beforehand.

    <home>/broker/  data/ (the log)   server.properties   broker.log   broker.pid   lock
    <cache>/m2/     the jars

`up` may be called at any time: it starts what does not run, waits for what is starting, and goes on after a SIGKILL with the data
that was there. What it cannot do it says in one sentence, and leaves nothing half done.
"""

import base64
import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from deploy import process
from deploy.jars import Progress, ensure_jars, kafka_version, silent
from deploy.java import find_java
from deploy.ports import is_free
from deploy.process import Process
from engine.errors import OutdialError
from outdial.kafka import probe, require_broker
from outdial.settings import Settings

HERE = Path(__file__).parent

#: Half a GiB carries the demo's million records; the serial collector has no threads of its own to compete with the workers, and
#: neither has the first compiler alone: the optimizing one takes two seconds of a core at each start, and gains nothing measurable
#: at what one machine can do (bench.lane: 1,827 contacts/s without it, 1,524 with it).
JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")

#: Seconds. A first start takes about 3, one that recovers a large log longer.
START_PATIENCE = 90.0
STOP_PATIENCE = 30.0
#: Of a broker that was killed the threads, and with them its sockets, may outlive the process by some moments.
PORT_PATIENCE = 2.0

State = Literal["running", "starting", "stopped", "external"]


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """`external`: OUTDIAL_BOOTSTRAP names another broker. `starting`: the process is there but does not answer (yet)."""

    state: State
    bootstrap: str
    pid: int | None = None
    port: int | None = None
    version: str | None = None
    #: Bytes on the disk.
    data_bytes: int = 0
    log: str | None = None

    def as_dict(self) -> dict[str, str | int | None]:
        """For --json."""
        return asdict(self)


class Broker:
    """The embedded broker of one home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._port = settings.broker_port
        # Absolute: the broker outlives the directory that the command was called in.
        self._dir = settings.home.resolve() / "broker"
        self._data = self._dir / "data"
        self._pid_file = self._dir / "broker.pid"
        self._log = self._dir / "broker.log"

    def up(self, progress: Progress = silent) -> BrokerStatus:
        """Starts the broker unless it runs, and returns when it answers. Starts nothing if OUTDIAL_BOOTSTRAP is set.

        Raises `OutdialError` if a port is taken, jars cannot be had or are not genuine, or the broker does not start.
        """
        if self._settings.bootstrap:
            require_broker(self._settings)
            return self.status()
        with self._exclusively():
            running = process.read(self._pid_file)
            if running is None:
                self._start(progress)
            else:
                self._same_port(running)
                self._wait_for(running, progress)
        return self.status()

    def down(self) -> BrokerStatus:
        """Stops the broker cleanly and returns when it has ended. Nothing happens if it does not run or is not ours."""
        if not self._settings.bootstrap and self._dir.exists():
            with self._exclusively():
                running = process.read(self._pid_file)
                if running is not None:
                    running.stop(STOP_PATIENCE)
                self._pid_file.unlink(missing_ok=True)
        return self.status()

    def status(self) -> BrokerStatus:
        """How the broker is, as it says itself: a process that does not answer the protocol is not called running."""
        if self._settings.bootstrap:
            return BrokerStatus("external", self._settings.bootstrap)
        running = process.read(self._pid_file)
        port = running.port if running else self._port
        answers = running is not None and probe(self._at(port), 2.0) is not None
        return BrokerStatus(
            state="running" if answers else "starting" if running else "stopped",
            bootstrap=f"127.0.0.1:{port}",
            pid=running.pid if running else None,
            port=port,
            version=kafka_version(),
            data_bytes=_disk_usage(self._data),
            log=str(self._log),
        )

    def _at(self, port: int) -> Settings:
        return self._settings.model_copy(update={"broker_port": port, "bootstrap": None})

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """One `up` or `down` at a time in a home: a second waits, then finds what the first has done."""
        try:
            self._dir.mkdir(parents=True, exist_ok=True)
            lock = (self._dir / "lock").open("w")
        except OSError as error:
            raise OutdialError(
                f"{self._dir} cannot be written ({error.strerror}): set OUTDIAL_HOME to another directory"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _same_port(self, running: Process) -> None:
        if running.port != self._port:
            raise OutdialError(
                f"The broker of this home runs on port {running.port}, but OUTDIAL_BROKER_PORT says {self._port}: "
                "run `outdial broker down` first, or correct the variable"
            )

    def _start(self, progress: Progress) -> None:
        # Before the jars: whoever has to choose another port should not wait for a download first.
        for port in (self._port, self._port + 1):
            _require_free(port)
        classpath = os.pathsep.join(map(str, ensure_jars(self._settings.cache_dir(), progress)))
        java = [str(find_java()), *JVM, f"-Doutdial.log={self._log}"]
        java += [f"-Dlog4j2.configurationFile={(HERE / 'log4j2.properties').as_uri()}", "-cp", classpath]
        if not (self._data / "meta.properties").exists():
            progress("Preparing the broker's data directory", 0, 0)
            self._format(java)
        properties = self._write_properties(self._dir / "server.properties", self._data)
        started = process.spawn([*java, "kafka.Kafka", str(properties)], self._dir / "broker.out", self._port)
        try:
            process.write(self._pid_file, started)
            self._wait_for(started, progress)
        except BaseException:
            started.stop(STOP_PATIENCE)
            self._pid_file.unlink(missing_ok=True)
            raise

    def _format(self, java: list[str]) -> None:
        """Makes the data directory, aside first: one that was interrupted half way could neither be used nor made again."""
        draft = self._dir / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        properties = self._write_properties(self._dir / "format.properties", draft)
        command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        properties.unlink()
        if done.returncode:
            raise OutdialError(f"Kafka could not prepare {self._data}: {_last_line(done.stderr or done.stdout)}")
        os.replace(draft, self._data)

    def _write_properties(self, path: Path, data: Path) -> Path:
        text = (HERE / "server.properties").read_text()
        values = {"{port}": str(self._port), "{controller_port}": str(self._port + 1), "{data}": str(data)}
        for name, value in values.items():
            text = text.replace(name, value)
        path.write_text(text)
        return path

    def _wait_for(self, broker: Process, progress: Progress) -> None:
        progress("Starting the broker", 0, 0)
        settings = self._at(self._port)
        process.wait_until(lambda: not broker.is_alive() or probe(settings, 1.0) is not None, START_PATIENCE)
        if not broker.is_alive():
            raise OutdialError(f"The broker ended while it started ({self._last_words()}): {self._log} says more")
        if probe(settings, 1.0) is None:
            raise OutdialError(f"The broker did not answer within {START_PATIENCE:.0f} s: {self._log} says why")

    def _last_words(self) -> str:
        for path in (self._log, self._dir / "broker.out"):
            if path.exists() and (line := _last_line(path.read_text(errors="replace"))):
                return line
        return "it wrote nothing"


def cluster_id(draw: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """A cluster id as Kafka makes them: a UUID in URL-safe Base64, and none that begins with a dash, which would be an option."""
    while True:
        text = base64.urlsafe_b64encode(draw().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _require_free(port: int) -> None:
    """Waits for a broker that has just been killed. Raises OutdialError if the port is used by something else."""
    if not process.wait_until(lambda: is_free(port), PORT_PATIENCE):
        raise OutdialError(
            f"Port {port} on 127.0.0.1 is used by another process: set OUTDIAL_BROKER_PORT to a port that is free together with "
            "the one after it, or OUTDIAL_BOOTSTRAP to a broker that is already there"
        )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The frames of a Java stack trace, after the line that says what happened.
    said = [line for line in lines if not line.startswith(("at ", "... "))]
    return said[-1] if said else ""


def _disk_usage(directory: Path) -> int:
    """Blocks, not lengths: Kafka's index files are sparse."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):  # Deleted by the broker meanwhile.
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
    return total
