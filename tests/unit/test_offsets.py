"""Which offsets may be committed."""

from streams.offsets import Offsets

A = ("in", 0)


def test_what_is_durable_may_be_committed_once() -> None:
    offsets = Offsets()
    assert offsets.committable() == {}
    offsets.durable(A, 5)
    assert offsets.committable() == {A: 5}
    offsets.committed({A: 5})
    assert offsets.committable() == {}


def test_a_held_record_is_not_passed() -> None:
    offsets = Offsets()
    second, third = offsets.hold(A, 2), offsets.hold(A, 3)
    offsets.durable(A, 9)
    assert offsets.committable() == {A: 2}
    third.release()
    assert offsets.committable() == {A: 2}
    second.release()
    second.release()
    assert offsets.committable() == {A: 9}
    assert offsets.holding() == 0


def test_a_release_from_before_a_revocation_changes_nothing() -> None:
    offsets = Offsets()
    old = offsets.hold(A, 2)
    offsets.clear()
    offsets.hold(A, 2)
    offsets.durable(A, 9)
    old.release()
    assert offsets.committable() == {A: 2}
