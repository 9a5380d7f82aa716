"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def until(
    predicate: Callable[[], T], timeout: float = 60.0, every: float = 0.02, progress: Callable[[], object] = lambda: None
) -> T:
    """Asks until `predicate` gives something true, and returns that. Fails after `timeout` seconds with the last answer.

    every: real seconds between two questions, at the least: what takes long to answer is asked less often, since others need the
    machine. progress: the time begins anew whenever this gives something else: how long all of it takes is the machine's.
    """
    deadline = time.monotonic() + timeout
    pause, come = Event(), progress()
    asked = time.monotonic()
    while not (answer := predicate()):
        now = time.monotonic()
        if come != (come := progress()):
            deadline = now + timeout
        if now >= deadline:
            raise AssertionError(f"not within {timeout} s: {getattr(predicate, '__name__', predicate)} says {answer!r}")
        pause.wait(max(every, 2 * (now - asked)))
        asked = time.monotonic()
    return answer
