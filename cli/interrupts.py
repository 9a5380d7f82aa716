"""Ctrl-C that waits for the end of what must not be torn apart."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether somebody has asked to stop (SIGINT, SIGTERM) since this was entered. Who asks twice is not waited for."""
    asked: list[int] = []
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for name, handler in before.items():
            signal.signal(name, handler)

    def ask(number: int, _: object) -> None:
        asked.append(number)
        restore()

    for name in before:
        signal.signal(name, ask)
    try:
        yield lambda: bool(asked)
    finally:
        restore()
