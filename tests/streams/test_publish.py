"""What a command that writes to a topic takes: an operator who halts a line waits for it."""

import time

from cli.publish import Publisher
from cli.topics import apply
from outdial.settings import Settings
from schemas.topics import RESOURCES


def test_a_command_is_through_in_a_fraction_of_a_second(broker: Settings) -> None:
    """A producer whose first deed is to send waits half a second for its id, each time; the best of five is no busy machine's."""
    apply(broker)
    times = []
    for _ in range(5):
        began = time.monotonic()
        with Publisher(broker, RESOURCES) as publisher:
            publisher.send(RESOURCES, "nothing", None)
        times.append(time.monotonic() - began)
    assert publisher.acknowledged == 1
    assert min(times) < 0.4, times
