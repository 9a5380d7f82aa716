from hypothesis import given
from hypothesis import strategies as st

from engine import timers
from engine.time import SECOND, Instant
from engine.timers import Wheel

BASE = 1_770_000_000_000


def at(ms: int) -> Instant:
    return Instant(BASE + ms)


def test_the_worked_example() -> None:
    wheel: Wheel[str, int] = Wheel()
    wheel.put(at(900), "b", 2)
    wheel.put(at(450_000), "c", 3)
    wheel.put(at(250), "a", 1)
    assert wheel.next() == at(250)
    assert wheel.drain(at(249)) == []
    assert wheel.drain(at(300)) == [("a", 1)]
    assert wheel.next() == at(900)
    assert wheel.drain(at(1_000)) == [("b", 2)]
    assert wheel.next() == at(450_000)
    assert len(wheel) == 1


def test_a_later_put_of_a_key_supersedes_the_earlier() -> None:
    wheel: Wheel[str, int] = Wheel()
    wheel.put(at(0), "a", 1)
    wheel.put(at(5_000), "a", 2)
    assert wheel.drain(at(4_999)) == []
    assert wheel.drain(at(5_000)) == [("a", 2)]
    assert wheel.drain(at(9_999)) == []
    assert wheel.next() is None


def test_a_limit_leaves_the_rest_in_order() -> None:
    wheel: Wheel[int, None] = Wheel()
    for i in range(10):
        wheel.put(at(i * 300), i, None)
    assert [key for key, _ in wheel.drain(at(60_000), limit=4)] == [0, 1, 2, 3]
    assert wheel.next() == at(1_200)
    assert [key for key, _ in wheel.drain(at(60_000))] == [4, 5, 6, 7, 8, 9]


def test_a_timer_put_into_the_current_second_or_the_past_is_found() -> None:
    wheel: Wheel[str, None] = Wheel()
    wheel.put(at(500), "a", None)
    assert wheel.next() == at(500)  # opens the bucket
    wheel.put(at(200), "b", None)
    wheel.put(at(-7_000), "c", None)
    assert [key for key, _ in wheel.drain(at(499))] == ["c", "b"]


def test_a_large_second_stays_exact_and_first_in_first_out() -> None:
    wheel: Wheel[int, None] = Wheel()
    for i in range(4 * timers.LARGE):
        wheel.put(at(i % 2 * 400), i, None)
    assert [key for key, _ in wheel.drain(at(399))] == list(range(0, 4 * timers.LARGE, 2))
    assert wheel.next() == at(400)


def test_discarded_timers_leave_nothing_behind() -> None:
    wheel: Wheel[int, None] = Wheel()
    for i in range(10_000):
        wheel.put(at(i * SECOND), 0, None)
    assert len(wheel) == len(wheel._buckets) == 1
    assert len(wheel._seconds) < 100
    assert wheel.discard(0)
    assert not wheel.discard(0)
    assert wheel.next() is None


operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 20), st.integers(0, 4_000)),
        st.tuples(st.just("discard"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("drain"), st.integers(0, 10), st.integers(0, 4_500)),
        st.tuples(st.just("pop"), st.just(0), st.just(0)),
    ),
    max_size=120,
)


@given(operations)
def test_it_behaves_like_a_sorted_list(steps: list[tuple[str, int, int]]) -> None:
    wheel: Wheel[int, int] = Wheel()
    model: dict[int, tuple[int, int]] = {}  # key -> due, number of the put: also the token
    for number, (kind, key, ms) in enumerate(steps):
        ordered = sorted(model, key=lambda k: model[k])
        if kind == "put":
            wheel.put(at(ms), key, number)
            model[key] = (at(ms), number)
        elif kind == "discard":
            assert wheel.discard(key) == (model.pop(key, None) is not None)
        elif kind == "drain":
            due = [k for k in ordered if model[k][0] <= at(ms)][:key]
            # Entries of one millisecond that were put before the bucket was opened keep their order, too.
            assert wheel.drain(at(ms), limit=key) == [(k, model.pop(k)[1]) for k in due]
        else:
            expected = (model[ordered[0]][0], ordered[0], model[ordered[0]][1]) if ordered else None
            assert wheel.pop() == expected
            model.pop(ordered[0], None) if ordered else None
        assert len(wheel) == len(model)
        assert wheel.next() == min((due for due, _ in model.values()), default=None)


@given(st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60), st.data())
def test_never_early_and_never_forgotten(dues: list[int], data: st.DataObject) -> None:
    wheel: Wheel[int, int] = Wheel()
    for key, due in enumerate(dues):
        wheel.put(at(due), key, due)
    fired: set[int] = set()
    for now in sorted(data.draw(st.lists(st.integers(0, 3 * SECOND), max_size=10))):
        for key, due in wheel.drain(at(now)):
            assert due <= now
            fired.add(key)
        assert fired == {key for key, due in enumerate(dues) if due <= now}
