"""Steps: what cannot be taken over stops the worker, wherever the step came from."""

from types import SimpleNamespace
from typing import Any

from outdial.clock import SystemClock
from streams.steps import Steps


class Worker(Steps):
    """Its group takes nothing."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), 8, frozenset())
        self.sentences: list[str] = []
        self.flusher: Any = SimpleNamespace(group=SimpleNamespace(add=self._full), kick=lambda: None)
        self._epochs = {0: 1}

    @staticmethod
    def _full(_step: object) -> None:
        raise RuntimeError("a record batch is full")

    def fail(self, sentence: str, error: BaseException | None) -> None:
        assert isinstance(error, RuntimeError)
        self.sentences.append(sentence)


def test_a_step_that_no_group_takes_stops_the_worker() -> None:
    worker = Worker()
    worker.step(0, lambda: None)
    assert worker.sentences == ["What a step produced could not be taken over."]
