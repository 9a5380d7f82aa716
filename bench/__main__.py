"""All benchmarks that need nothing but this machine: `python -m bench`. The printed tables are what README.md and docs/ quote."""

import platform
import signal
import sys

import psutil
from rich.console import Console

from bench import lane, latency, pacing, stages, timers, windows


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # brokers are not to outlive us
    console = Console(width=132, highlight=False)
    console.print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}\n")
    timers.main(timers.COUNT)
    print()
    windows.main(windows.COUNT)
    print()
    pacing.main(60)
    print()
    stages.main([])
    console.print(lane.show(lane.measure()))
    console.print(latency.measure())


if __name__ == "__main__":
    main()
