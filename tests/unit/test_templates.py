"""engine/templates.py: strict and without logic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RecordError
from engine.templates import names, render


def test_variables_are_put_in() -> None:
    assert (
        render("Hi {{first_name}}, {{ first_name }}: {{balance}} {now}", {"first_name": "Ana", "balance": 0})
        == "Hi Ana, Ana: 0 {now}"
    )
    assert names("{{b}} {{a}} {{b}}") == ("b", "a")


def test_every_lacking_variable_is_named() -> None:
    with pytest.raises(RecordError, match="the contact has no first_name, city"):
        render("{{first_name}} {{last_name}} {{city}}", {"last_name": "Li", "city": ""})


def test_values_are_text_and_nothing_more() -> None:
    assert render("{{a}}", {"a": "{{b}} <b> & \\1"}) == "{{b}} <b> & \\1"


@pytest.mark.parametrize(
    "template",
    [
        "Hi {{name",
        "Hi name}}",
        "{{}}",
        "{{first name}}",
        "{{#if a}}",
        "{{{a}}}",
        "{{a.b}}",
        "{{1}}",
        "{{a|b|c}}",
        "{{|a}}",
        "{{a|{b}}}",
    ],
)
def test_braces_that_stand_for_nothing(template: str) -> None:
    with pytest.raises(ValueError, match=r"is not a variable: write \{\{name\}\}"):
        names(template)


def test_what_stands_in_for_a_variable_that_is_lacking_or_empty() -> None:
    assert render("Hi {{first_name|there}}, {{ plan | your plan }}.", {"first_name": ""}) == "Hi there, your plan."
    assert render("Hi {{first_name|there}}", {"first_name": "Ana"}) == "Hi Ana"
    assert render("{{title|}}Ana", {}) == "Ana"
    assert names("{{a|b}} {{c}}") == ("a", "c")
    with pytest.raises(RecordError, match=r"the contact has no b$"):
        render("{{a|x}} {{b}}", {})


TEXT = st.text(st.characters(exclude_characters="{}"))
NAMES = st.from_regex(r"[a-z_]\w{0,8}", fullmatch=True).filter(str.isascii)


@given(st.lists(st.tuples(TEXT, NAMES)), TEXT, st.dictionaries(NAMES, st.text(min_size=1)))
def test_a_template_is_its_text_with_the_values(pairs: list[tuple[str, str]], end: str, variables: dict[str, str]) -> None:
    template = "".join(f"{text}{{{{{name}}}}}" for text, name in pairs) + end
    known = {name: variables.get(name, "x") for _, name in pairs}
    assert names(template) == tuple(dict.fromkeys(name for _, name in pairs))
    assert render(template, known) == "".join(text + known[name] for text, name in pairs) + end
