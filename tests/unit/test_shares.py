"""Slots between campaigns, by weight."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.shares import by_weight

MANY = 10**9


def turns(weights: dict[str, float], slots: int, at_once: int = 1) -> Counter[str]:
    """Who gets `slots` slots, so many at a time, while everybody could use any number."""
    credit: dict[str, float] = {}
    got: Counter[str] = Counter()
    for _ in range(slots // at_once):
        got.update(by_weight(at_once, dict.fromkeys(weights, MANY), weights, credit))
    return got


def test_the_worked_example() -> None:
    credit: dict[str, float] = {}
    given_ = [by_weight(1, {"a": 9, "b": 9}, {"a": 3, "b": 1}, credit) for _ in range(8)]
    assert ["".join(one) for one in given_] == ["a", "a", "b", "a", "a", "a", "b", "a"]


def test_one_by_one_comes_to_the_same_as_at_once() -> None:
    weights = {"a": 3.0, "b": 1.0}
    assert turns(weights, 1_000) == turns(weights, 1_000, at_once=7 * 20) + turns(weights, 20) == {"a": 750, "b": 250}


def test_a_low_priority_waits_and_does_not_starve() -> None:
    """Ten times the weight against a tenth of it: one slot of 101."""
    assert turns({"urgent": 10.0, "idle": 0.1}, 1_010) == {"urgent": 1_000, "idle": 10}


def test_what_one_cannot_use_goes_to_the_others_by_weight() -> None:
    given_ = by_weight(400, {"small": 4, "a": MANY, "b": MANY}, {"small": 96, "a": 3, "b": 1}, {})
    assert given_ == {"small": 4, "a": 297, "b": 99}


def test_nobody_saves_up_slots() -> None:
    """Whoever could not use its slots for an hour gets its part from now on, not those of the hour as well."""
    credit: dict[str, float] = {}
    for _ in range(1_000):
        by_weight(1, {"a": MANY}, {"a": 1, "b": 1}, credit)
        by_weight(2, {"a": MANY, "b": 1}, {"a": 1, "b": 3}, credit)
    got: Counter[str] = Counter()
    for _ in range(100):
        got.update(by_weight(1, {"a": MANY, "b": MANY}, {"a": 1, "b": 1}, credit))
    assert abs(got["a"] - got["b"]) <= 2


weights = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.1, 1.0, 3.0, 7.0, 100.0, 1_000.0]), min_size=1)


@given(weights, st.data())
def test_all_is_given_and_nobody_gets_more_than_they_can_use(of: dict[str, float], data: st.DataObject) -> None:
    credit: dict[str, float] = {}
    for _ in range(8):
        who = data.draw(st.lists(st.sampled_from(sorted(of)), min_size=1, unique=True))
        limits = {name: data.draw(st.integers(1, 50)) for name in who}
        n = data.draw(st.integers(1, sum(limits.values())))
        given_ = by_weight(n, limits, of, credit)
        assert sum(given_.values()) == n
        assert all(0 < k <= limits[name] for name, k in given_.items())


@given(weights, st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_everybody_has_their_part_at_any_moment(of: dict[str, float], batches: list[int]) -> None:
    """However many slots are split at a time, nobody is ever further from their part than one slot for each other campaign."""
    credit: dict[str, float] = {}
    got: Counter[str] = Counter()
    total = sum(of.values())
    for n in batches:
        got.update(by_weight(n, dict.fromkeys(of, MANY), of, credit))
        for name, weight in of.items():
            assert abs(got[name] - sum(got.values()) * weight / total) <= max(1, len(of) - 1) + 1e-6


@given(weights, st.data())
def test_whoever_can_be_called_now_and_then_gets_their_turn(of: dict[str, float], data: st.DataObject) -> None:
    """Each campaign that can use a slot half of the time gets one, however heavy the others are."""
    name = data.draw(st.sampled_from(sorted(of)))
    credit: dict[str, float] = {}
    limits, alone = dict.fromkeys(of, MANY), {other: MANY for other in of if other != name} or {name: MANY}
    patience = int(4 * sum(of.values()) / of[name]) + 8
    for turn in range(patience):
        if by_weight(1, limits if turn % 2 else alone, of, credit).get(name):
            return
    raise AssertionError(f"{name} got none of {patience}")
