"""What a worker costs that has nothing to do, and how soon it calls who is enrolled then: `python -m bench.latency [enrollments]`.

One worker, the simulator and the webhooks on an embedded broker; people enroll one by one, the next when the last has been called.
Latency is real time from just before the enrollment is produced until the simulator has the request, by its own log; so it holds
the broker's way there and back six times, the pacer's lead, and an HTTP request.
"""

import signal
import socket
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from bench.arguments import integers
from bench.lane import set_up
from bench.load import People
from deploy.stack import Stack
from outdial.settings import Settings
from providers.simlog import read_log

ENROLLMENTS = 200
#: People before that are counted: by then every partition has its first record, for which a broker makes files (up to 300 ms).
WARM_UP = 60
IDLE_SECONDS = 20.0
#: Real seconds within which a single person is called, or something is wrong.
PATIENCE = 20.0


def idle(pid: int, seconds: float = IDLE_SECONDS) -> float:
    """Percent of one core that a process uses."""
    return psutil.Process(pid).cpu_percent(interval=seconds)


def start_provider(stack: Stack) -> None:
    """The simulator, all of whose calls are answered, and the webhooks; returns when both listen."""
    stack.start_provider("--mix", "answered")
    for port in (stack.settings.simulator_port, stack.settings.webhook_port):
        stack.wait_for(f"port {port}", partial(_listens, port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def latencies(stack: Stack, people: People, count: int) -> list[float]:
    """Milliseconds from enrollment to request of so many people, one after the other."""
    return [_latency(stack, people) for _ in range(count)]


def _latency(stack: Stack, people: People) -> float:
    begun = time.time()
    phone = people.publish(1)
    stack.wait_for(f"a call to {phone}", lambda: _received(stack.simulator_log, phone) is not None, PATIENCE)
    return (_received(stack.simulator_log, phone) or 0.0) - begun * 1000


def _received(log: Path, phone: str) -> float | None:
    """When the simulator had the request, ms since 1970."""
    found = (request["received_real_us"] / 1000 for request in read_log(log) if request["number"] == phone)
    return next(found, None) if log.exists() else None


def measure(count: int = ENROLLMENTS, seconds: float = IDLE_SECONDS) -> Table:
    """Idle CPU first, then latencies."""
    with tempfile.TemporaryDirectory() as home, Stack(Path(home) / "home", Settings().cache_dir().resolve()) as stack:
        stack.broker.up()
        set_up(stack)
        start_provider(stack)
        pid = stack.start("worker-1", "worker", "--name", "worker-1")
        people = People(stack.settings)
        latencies(stack, people, 1)  # it is up, its connections are warm
        time.sleep(2.0)
        used = idle(pid, seconds)
        latencies(stack, people, WARM_UP)
        ms = sorted(latencies(stack, people, count))
    return show(used, ms)


def show(used: float, ms: list[float]) -> Table:
    """One line of figures."""
    table = Table(title="One worker with nothing to do", title_justify="left")
    for column in ("CPU, % of a core", "enrollments", "to request: p50 ms", "p99 ms", "greatest ms"):
        table.add_column(column, justify="right")
    p99 = ms[min(len(ms) - 1, int(len(ms) * 0.99))]
    table.add_row(f"{used:.1f}", str(len(ms)), f"{median(ms):.0f}", f"{p99:.0f}", f"{ms[-1]:.0f}")
    return table


def main(arguments: list[str]) -> None:
    (count,) = integers(__doc__, arguments, enrollments=ENROLLMENTS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the broker is not to outlive us
    Console(width=132, highlight=False).print(measure(count))


if __name__ == "__main__":
    main(sys.argv[1:])
