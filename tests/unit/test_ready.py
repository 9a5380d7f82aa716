from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.ready import Entry, LineDemand, Ready
from engine.time import NEVER, Instant


def add(ready: Ready[str, int], key: str, due: int, campaign: str = "spring", line: str = "main", token: int = 0) -> None:
    ready.add(key, line, campaign, Instant(due), NEVER, token)


def test_the_oldest_of_a_campaign_is_first() -> None:
    ready: Ready[str, int] = Ready()
    add(ready, "late", 900, token=1)
    add(ready, "early", 100, token=2)
    assert ready.take("main") == ("early", 2)
    assert ready.take("main") == ("late", 1)
    assert ready.take("main") is None
    assert ready.take("other") is None


def test_campaigns_of_a_line_take_turns() -> None:
    ready: Ready[str, int] = Ready()
    for i in range(6):
        add(ready, f"big{i}", i, "big")
    add(ready, "small0", 1_000, "small")
    add(ready, "small1", 1_001, "small")
    taken = [entry[0] for _ in range(5) if (entry := ready.take("main"))]
    assert taken == ["big0", "small0", "big1", "small1", "big2"]


def test_a_slot_of_a_campaign_is_for_nobody_else() -> None:
    ready: Ready[str, int] = Ready()
    add(ready, "first", 1, "big")
    add(ready, "later", 3, "small", token=3)
    add(ready, "sooner", 2, "small", token=2)
    assert [ready.take("main", "small") for _ in range(3)] == [("sooner", 2), ("later", 3), None]
    assert ready.take("main", "unknown") is None
    assert ready.take("other", "big") is None
    assert ready.take("main") == ("first", 0)


def test_demand_counts_by_line_and_campaign() -> None:
    ready: Ready[str, int] = Ready()
    add(ready, "a", 30)
    add(ready, "b", 20)
    add(ready, "c", 10, "autumn")
    add(ready, "d", 5, "autumn", "second")
    assert ready.demand() == {
        "main": LineDemand({"spring": 2, "autumn": 1}, Instant(10)),
        "second": LineDemand({"autumn": 1}, Instant(5)),
    }
    assert ready.get("b") == Entry("main", "spring", Instant(20), NEVER, 0)


def test_a_campaign_is_discarded_in_slices() -> None:
    ready: Ready[str, int] = Ready()
    for i in range(5):
        add(ready, f"s{i}", i, line="main" if i % 2 else "second")
    add(ready, "other", 0, "autumn")
    gone = ready.discard_campaign("spring", limit=2) + ready.discard_campaign("spring")
    assert sorted(gone) == ["s0", "s1", "s2", "s3", "s4"]
    assert "other" in ready
    assert ready.demand() == {"main": LineDemand({"autumn": 1}, Instant(0))}
    assert ready.discard_campaign("spring") == []


def test_adding_again_replaces() -> None:
    ready: Ready[str, int] = Ready()
    add(ready, "a", 1, "spring", "main", 1)
    add(ready, "a", 2, "autumn", "second", 2)
    assert len(ready) == 1
    assert ready.take("main") is None
    assert ready.take("second") == ("a", 2)
    assert ready.demand() == {}


entries = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y"]), st.sampled_from("12"), st.integers(0, 50)))


@given(entries, st.sets(st.sampled_from("abcdefgh")))
def test_each_entry_leaves_once_oldest_first(adds: list[tuple[str, str, str, int]], discarded: set[str]) -> None:
    ready: Ready[str, int] = Ready()
    model: dict[str, tuple[str, str, int]] = {}
    for token, (key, campaign, line, due) in enumerate(adds):
        add(ready, key, due, campaign, line, token)
        model[key] = (line, campaign, due)
    for key in discarded:
        assert ready.discard(key) == (model.pop(key, None) is not None)
    for line in "12":
        counts = Counter(campaign for at, campaign, _ in model.values() if at == line)
        assert ready.demand().get(line, LineDemand({}, None)).ready == counts
        taken = []
        while (entry := ready.take(line)) is not None:
            taken.append(model.pop(entry[0]))
        for campaign in "xy":
            dues = [due for _, of, due in taken if of == campaign]
            assert dues == sorted(dues)
        # While both wait they alternate: neither is ever two turns ahead.
        shared = 2 * min(counts["x"], counts["y"])
        assert all(abs(Counter(c for _, c, _ in taken[:n])["x"] * 2 - n) <= 1 for n in range(shared + 1))
    assert not model
    assert len(ready) == 0
