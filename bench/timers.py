"""What a million timers cost: time and memory per put and per drained entry, spread over a day and all in one second."""

import sys
import tracemalloc
from random import Random
from time import perf_counter

from bench.arguments import integers
from engine.time import DAY, Instant
from engine.timers import Wheel

COUNT = 1_000_000


def measure(name: str, dues: list[int], end: int) -> None:
    """Puts all of `dues`, drains them in slices of 500, and prints one line: µs an entry, and the longest slice in ms."""
    keys = [f"contact-{i}/campaign/1" for i in range(len(dues))]
    wheel: Wheel[str, int] = Wheel()
    started = perf_counter()
    for key, due in zip(keys, dues, strict=True):
        wheel.put(Instant(due), key, 1)
    put = perf_counter() - started
    longest, started = 0.0, perf_counter()
    while wheel:
        begun = perf_counter()
        wheel.drain(Instant(end), limit=500)
        longest = max(longest, perf_counter() - begun)
    drain = perf_counter() - started
    count = len(dues) / 1e6
    print(f"{name:28} put {put / count:5.2f} µs   drain {drain / count:5.2f} µs   longest slice {longest * 1e3:5.1f} ms")


def memory(dues: list[int]) -> float:
    """Bytes an entry, beside the caller's key and due instant."""
    keys = [f"contact-{i}/campaign/1" for i in range(len(dues))]
    wheel: Wheel[str, int] = Wheel()
    tracemalloc.start()
    for key, due in zip(keys, dues, strict=True):
        wheel.put(Instant(due), key, 1)
    return tracemalloc.get_traced_memory()[0] / len(dues)


def main(count: int) -> None:
    random = Random(7)
    spread = [random.randrange(DAY) for _ in range(count)]
    measure("spread over a day", spread, DAY)
    measure("one instant (a window opens)", [0] * count, DAY)
    measure("spread over one second", [random.randrange(1_000) for _ in range(count)], DAY)
    print(f"memory, spread over a day: {memory(spread):.0f} bytes an entry")


if __name__ == "__main__":
    main(*integers(__doc__, sys.argv[1:], count=COUNT))
