"""engine/conditions.py: what a step's `when` may ask, and that the answer is always yes or no."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.conditions import compile_condition

VOICEMAIL = {"disposition": "voicemail", "channel": "call", "step": "first-call", "at": 1_794_900_000_000}


@pytest.mark.parametrize(
    ("text", "after_voicemail", "before_any"),
    [
        ('last.disposition == "voicemail"', True, False),
        ('last.disposition != "voicemail"', False, True),
        ('!(last.disposition in ["busy", "no_answer"])', True, True),
        ("last.channel == 'call' && last.at > 0", True, False),
        ('last.step.startsWith("first")', True, False),
        ('last . disposition == "last.foo"', False, False),
        ('last.step == ""', False, True),
        ("true", True, True),
    ],
)
def test_answers(text: str, after_voicemail: bool, before_any: bool) -> None:
    condition = compile_condition(text)
    assert condition({"last": VOICEMAIL}) is after_voicemail
    assert condition({"last": None}) is before_any
    assert condition({}) is before_any


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a condition: at character 1"),
        ('last.disposition = "x"', "is not a condition: at character 18"),
        ('contact.state == "NY"', "names 'contact', which is not enforced yet"),
        ('"x" == foo || true', "names 'foo'"),
        ('last.dispositon == "x"', "last has last.disposition, last.channel, last.step, last.at. Did you mean last.disposition?"),
        ("last == null", "uses last without a field"),
        ('last["disposition"] == "x"', "uses last without a field"),
        ("has(last.step)", "asks has(...)"),
        ("last.disposition", "is not true or false but ''"),
        ('last.at == "x" || last.at > "x"', "cannot be evaluated"),
        ("nonsense(last.at)", "cannot be evaluated"),
        ("1 / 0 == 1", "cannot be evaluated"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_condition(text)


def test_what_cannot_be_evaluated_later_does_not_hold() -> None:
    condition = compile_condition("100 / (last.at - 7) > 5")
    assert condition({"last": VOICEMAIL | {"at": 8}}) is True
    assert condition({"last": VOICEMAIL | {"at": 7}}) is False


CONDITIONS = [compile_condition(t) for t in ('last.disposition == "voicemail"', "last.at > 5", 'last.step.matches("^a")')]
ANYTHING = st.none() | st.dictionaries(
    st.sampled_from(["disposition", "channel", "step", "at", "x"]), st.none() | st.text() | st.integers()
)


@given(st.sampled_from(CONDITIONS), ANYTHING)
def test_the_answer_is_always_yes_or_no(condition: Any, last: Any) -> None:
    assert condition({"last": last}) in (True, False)


@settings(max_examples=300)
@given(st.text(max_size=20) | st.from_regex(r"(last|x|\.|step|at|==|'a'|\(|\)|&&|!| |1|\[|\]){1,12}", fullmatch=True))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        condition = compile_condition(text)
    except ValueError:
        return
    assert condition({"last": None}) in (True, False)
