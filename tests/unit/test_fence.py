"""The fence: closed until a heartbeat succeeds, and again when the last success is too old."""

from streams.fence import LIMIT_S, SESSION_S, Fence


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_closed_before_the_first_heartbeat() -> None:
    assert not Fence(Time()).ok()


def test_open_for_three_seconds_from_when_the_heartbeat_was_sent() -> None:
    time = Time()
    fence = Fence(time)
    sent, time.now = fence.now(), 102.0
    fence.beat(sent)
    assert fence.ok()
    time.now = 102.9
    assert fence.ok()
    time.now = 103.0
    assert not fence.ok()
    assert fence.age() == 3.0


def test_an_answer_that_comes_late_does_not_put_the_fence_back() -> None:
    time = Time()
    fence = Fence(time)
    fence.beat(100.0)
    fence.beat(98.0)
    assert fence.age() == 0


def test_closed_at_once_when_the_broker_has_forgotten_us() -> None:
    fence = Fence(Time())
    fence.beat(100.0)
    fence.lost()
    assert not fence.ok()


def test_it_closes_while_the_session_still_lasts() -> None:
    assert LIMIT_S < SESSION_S
