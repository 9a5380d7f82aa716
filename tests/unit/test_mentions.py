"""engine/mentions.py: names in templates and conditions that nobody can have meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mentions import condition_slips, template_slips, undeclarable
from schemas.contact import TEMPLATE_FIELDS

BEFORE, OTHERS = ("first-call", "second-call"), {"pause", "text"}


@pytest.mark.parametrize(
    ("template", "declared", "slips"),
    [
        ("Hi {{first_name}} of {{state}}", None, []),
        ("Your {{plan}}", None, []),  # an import may bring it
        ("Your {{plan}}", ["plan"], []),
        ("Your {{plna}}", ["plan"], ["{{plna}} is neither a field of contacts nor one of `variables`: there are"]),
        (
            "Hi {{fist_name}}",
            None,
            ["{{fist_name}} is no field of contacts. Did you mean {{first_name}}? Else list it: variables:"],
        ),
        ("Hi {{firstname}}", None, ["{{firstname}} is no field of contacts. Did you mean {{first_name}}?"]),
        ("Hi {{First_Name}}", None, ["{{First_Name}} is no field of contacts. Did you mean {{first_name}}?"]),
        ("Hi {{firstname}}", ["firstname"], []),
        ("In {{zip}}", None, ["{{zip}} is no field of contacts. Did you mean {{postal_code}}?"]),
        ("At {{phone}}", None, ["{{phone}} is not passed to templates: there are first_name, last_name,"]),
        ("{{a}} {{b}}", [], ["{{a}} is neither", "{{b}} is neither"]),
    ],
)
def test_templates(template: str, declared: list[str] | None, slips: list[str]) -> None:
    found = list(template_slips(template, declared))
    assert len(found) == len(slips)
    assert all(sentence.startswith(begin) for sentence, begin in zip(found, slips, strict=True)), found


def test_the_nearest_variable_is_named() -> None:
    (sentence,) = template_slips("{{plna}}", ["plan"])
    assert sentence.endswith("Did you mean {{plan}}?")


@pytest.mark.parametrize(
    ("condition", "slips"),
    [
        ('last.step == "first-call"', []),
        ('last.step == "" || last.disposition == ""', []),
        ("last.channel == 'sms'", []),
        ('last.step.startsWith("fir")', []),
        ('last.step == "frist-call"', ["there is no step 'frist-call' that last.step could be"]),
        ('"frist-call" != last . step', ["there is no step 'frist-call' that last.step could be"]),
        ('last.step == "pause"', ["last.step is never 'pause' here, which waits or comes later"]),
        ('last.disposition == "voicmail"', ["'voicmail' is no disposition"]),
        ('!(last.disposition in ["busy", "no-answer"]) && last.channel == "fax"', ["'fax' is no", "'no-answer' is no disposition"]),
    ],
)
def test_conditions(condition: str, slips: list[str]) -> None:
    found = list(condition_slips(condition, BEFORE, OTHERS))
    assert len(found) == len(slips), found
    assert all(sentence.startswith(begin) for sentence, begin in zip(found, slips, strict=True)), found


def test_conditions_name_what_is_allowed_and_what_is_near() -> None:
    assert next(condition_slips('last.step == "frist-call"', BEFORE, OTHERS)).endswith(
        "steps that contact people before it: first-call, second-call. Did you mean first-call?"
    )
    assert next(condition_slips('last.disposition == "voicmail"', (), ())).endswith("Did you mean voicemail?")
    assert next(condition_slips('last.step == "x"', (), ())).endswith("no step before it contacts people")


def test_what_may_be_declared() -> None:
    assert undeclarable("plan") is undeclarable("first_name") is None
    assert "is a field of contacts that is not passed to templates" in (undeclarable("phone") or "")


@given(st.lists(st.from_regex(r"[a-z_]\w{0,8}", fullmatch=True).filter(str.isascii), max_size=4))
def test_what_is_declared_may_be_used(names: list[str]) -> None:
    template = " ".join(f"{{{{{name}}}}}" for name in names)
    assert list(template_slips(template, names)) == []
    assert all(name in TEMPLATE_FIELDS or list(template_slips(f"{{{{{name}}}}}", [])) for name in names)
