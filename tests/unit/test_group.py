"""Questions about the workers' group, asked of a broker that has just come back."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from cli import group


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PAUSE", 0.0)


class Broker:
    """Answers `code` so many times, then 7."""

    def __init__(self, code: int, times: int) -> None:
        self.code, self.times = code, times

    def __call__(self) -> int:
        self.times -= 1
        if self.times >= 0:
            raise KafkaException(KafkaError(self.code))
        return 7


@pytest.mark.parametrize("code", sorted(group.STARTING))
def test_a_broker_that_still_reads_its_groups_is_asked_again(code: int) -> None:
    assert group.patiently(Broker(code, times=3)) == 7


def test_another_error_is_told_at_once() -> None:
    broker = Broker(KafkaError.GROUP_AUTHORIZATION_FAILED, times=1)
    with pytest.raises(KafkaException):
        group.patiently(broker)
    assert broker() == 7


def test_the_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PATIENCE", -1.0)
    with pytest.raises(KafkaException):
        group.patiently(Broker(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, times=1))
