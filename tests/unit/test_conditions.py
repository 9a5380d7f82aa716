"""engine/conditions.py: what a step's `when` may ask, and that the answer is always yes or no."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.conditions import compile_condition, contact_names

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
    condition = compile_condition(text).holds
    assert condition({"last": VOICEMAIL}) is after_voicemail
    assert condition({"last": None}) is before_any
    assert condition({}) is before_any


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a condition: at character 1"),
        ('last.disposition = "x"', "is not a condition: at character 18"),
        ("local.hr < 3", "local has local.hour, local.minute, local.weekday, local.date. Did you mean local.hour?"),
        ("contact", "is not true or false but {}"),
        ("contact.age + 1", "is not true or false but"),
        ('"x" == foo || true', "names 'foo'"),
        ('last.dispositon == "x"', "last has last.disposition, last.channel, last.step, last.at. Did you mean last.disposition?"),
        ("last == null", "uses last without a field"),
        ('last["disposition"] == "x"', "uses last without a field"),
        ("has(last.step)", "asks has(last...)"),
        ("last.disposition", "is not true or false but ''"),
        ('last.at == "x" || last.at > "x"', "cannot be evaluated"),
        ("nonsense(last.at)", "cannot be evaluated"),
        ("1 / 0 == 1", "cannot be evaluated"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_condition(text)


SEEN = {
    "last": None,
    "attempts": 3,
    "contact": {"plan": "gold", "age": "31", "score": 7},
    "local": {"hour": 9, "minute": 5, "weekday": "mon", "date": "2026-11-30"},
}


@pytest.mark.parametrize(
    ("text", "names", "holds"),
    [
        ('contact.plan == "gold"', {"contact"}, True),
        ("int(contact.age) > 30 && contact.score < 8", {"contact"}, True),
        ('contact["plan"] == "gold" && attempts == 3', {"contact", "attempts"}, True),
        ('has(contact.tier) && contact.tier != "x"', {"contact"}, False),
        ('contact.tier != "x"', {"contact"}, False),  # who has no tier is passed over
        ('local.hour < 12 && local.weekday in ["mon", "tue"]', {"local"}, True),
        ('local.date >= "2026-12-01"', {"local"}, False),
        ('last.step == "" && attempts < 2', {"last", "attempts"}, False),
    ],
)
def test_what_a_condition_sees(text: str, names: set[str], holds: bool) -> None:
    condition = compile_condition(text)
    assert condition.names == names
    assert condition.holds(SEEN) is holds


def test_the_variables_of_a_contact_that_a_condition_names() -> None:
    text = 'contact.a == "contact.b" && contact["c d"] == 1 && has(contact.e) && x.contact.f == 2'
    assert contact_names(text) == ["a", "c d", "e"]


def test_what_cannot_be_evaluated_later_does_not_hold() -> None:
    condition = compile_condition("100 / (last.at - 7) > 5").holds
    assert condition({"last": VOICEMAIL | {"at": 8}}) is True
    assert condition({"last": VOICEMAIL | {"at": 7}}) is False


CONDITIONS = [compile_condition(t).holds for t in ('last.disposition == "voicemail"', "last.at > 5", 'last.step.matches("^a")')]
ANYTHING = st.none() | st.dictionaries(
    st.sampled_from(["disposition", "channel", "step", "at", "x"]), st.none() | st.text() | st.integers()
)


@given(st.sampled_from(CONDITIONS), ANYTHING)
def test_the_answer_is_always_yes_or_no(condition: Any, last: Any) -> None:
    assert condition({"last": last}) in (True, False)


@settings(max_examples=300)
@given(
    st.text(max_size=20)
    | st.from_regex(r"(last|contact|local|attempts|x|\.|step|at|==|'a'|\(|\)|&&|!| |1|\[|\]){1,12}", fullmatch=True)
)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        condition = compile_condition(text).holds
    except ValueError:
        return
    assert condition({"last": None}) in (True, False)
