"""Whether the workers have done what they were asked for: they have read, and made durable, all that a topic held at an instant."""

import time

from rich.console import Console
from rich.progress import Progress

from cli.group import committed, group_state
from cli.read import ends
from outdial.kafka import reader
from outdial.settings import Settings
from schemas.topics import TopicSpec

#: Real seconds between two looks; without progress for so long nobody is waited for any more: workers, one that just starts.
PAUSE, PATIENCE, STARTING = 0.2, 30.0, 10.0


def taken_up(settings: Settings, spec: TopicSpec, console: Console) -> bool:
    """Waits until the workers have finished with all that `spec` holds now. False: there are none, or they do not get on."""
    wanted = _ends(settings, spec)
    first = left = _behind(settings, spec, wanted)
    since = time.monotonic()
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("Workers take it up", total=first)
        while left:
            time.sleep(PAUSE)
            before, left = left, _behind(settings, spec, wanted)
            since = time.monotonic() if left < before else since
            if _given_up(settings, time.monotonic() - since):
                return False
            progress.update(bar, completed=first - left)
    return True


def _given_up(settings: Settings, idle: float) -> bool:
    return idle > PATIENCE or (idle > STARTING and not group_state(settings).workers)


def _ends(settings: Settings, spec: TopicSpec) -> dict[int, int]:
    consumer = reader(settings)
    try:
        return ends(consumer, spec.name)
    finally:
        consumer.close()


def _behind(settings: Settings, spec: TopicSpec, wanted: dict[int, int]) -> int:
    done = committed(settings, spec.name)
    return sum(max(0, end - done.get(p, 0)) for p, end in wanted.items())
