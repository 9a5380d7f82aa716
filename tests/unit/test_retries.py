import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.retries import DISPOSITIONS, EXIT_PRECEDENCE, LISTED_EXITS, Disposition, backoff_ms, effect, stronger
from engine.time import HOUR, MINUTE

words = st.one_of(st.sampled_from(EXIT_PRECEDENCE), st.text(max_size=8))


def test_every_disposition_has_an_effect() -> None:
    assert set(DISPOSITIONS) == set(Disposition)


@pytest.mark.parametrize(
    ("disposition", "counts", "reached", "rang", "exit_"),
    [
        ("answered", True, True, True, "answered"),
        ("voicemail", True, True, True, None),
        ("busy", True, False, True, None),
        ("spam_blocked", True, False, True, None),
        ("invalid_number", True, False, True, "unreachable"),
        ("provider_throttled", False, False, False, None),
        ("canceled", False, False, False, None),
        ("unknown", True, False, True, None),
        ("not_dialed", False, False, False, None),
        ("sent", True, False, True, None),
        ("abducted", True, False, True, None),  # nobody has heard of it: as `unknown`
    ],
)
def test_effects(disposition: str, counts: bool, reached: bool, rang: bool, exit_: str | None) -> None:
    what = effect(disposition)
    assert (what.counts, what.reached, what.rang, what.exit) == (counts, reached, rang, exit_)


@pytest.mark.parametrize(("failures", "ms"), [(1, MINUTE), (2, 2 * MINUTE), (8, 128 * MINUTE), (9, 4 * HOUR), (500, 4 * HOUR)])
def test_back_off_doubles_up_to_four_hours(failures: int, ms: int) -> None:
    assert backoff_ms(failures) == ms


@pytest.mark.parametrize(
    ("a", "b", "prevails"),
    [
        ("erased", "opted_out", "erased"),
        ("answered", "opted_out", "opted_out"),
        ("callback", "goal", "goal"),
        ("answered", "unreachable", "answered"),
        ("campaign_ended", "answered", "answered"),
        ("whatever", "completed", "completed"),
        ("whatever", "however", "whatever"),
    ],
)
def test_the_stronger_exit_prevails(a: str, b: str, prevails: str) -> None:
    assert stronger(a, b) == prevails


@given(words, words, words)
def test_stronger_is_an_order(a: str, b: str, c: str) -> None:
    assert stronger(a, b) in (a, b)
    assert stronger(a, stronger(b, c)) == stronger(stronger(a, b), c)
    if a in EXIT_PRECEDENCE:
        assert stronger(a, b) == stronger(b, a)


@given(st.text())
def test_what_never_rang_uses_up_no_attempt(disposition: str) -> None:
    for name in (disposition, *Disposition):
        what = effect(name)
        assert what.rang or not what.counts
        assert what.exit is None or what.exit in LISTED_EXITS
        assert not (what.reached and not what.counts)
