"""Names that campaign files mention in texts: variables in templates, and steps and dispositions in conditions. Can they be meant?

What a condition compares `last` with is read off its text: `last.step == "x"`, `"x" != last.step`, `last.step in ["x", "y"]`. Other
ways to look at a text (startsWith) are left alone.

Contacts bring variables of any name, so a template may use what no file knows. A campaign that lists its `variables` may use no
others; without a list, only what is surely a slip is a fault: a field that is not passed on, or a name all but a field's.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from engine.complaints import listed, nearest
from engine.retries import DISPOSITIONS
from engine.templates import names
from schemas.contact import TEMPLATE_FIELDS, Contact

_QUOTED = r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
_FIELD = r"last\s*\.\s*(step|disposition|channel)\b"
_COMPARED = re.compile(rf"{_FIELD}\s*(?:==|!=)\s*({_QUOTED})")
_COMPARED_BEFORE = re.compile(rf"({_QUOTED})\s*(?:==|!=)\s*{_FIELD}")
_IN = re.compile(rf"{_FIELD}\s+in\s*\[([^\]]*)\]")

_CHANNELS = ("call", "sms", "email")
#: Words that an import takes for one of its fields, so that no variable has them.
_ALSO = {"zip": "postal_code", "zipcode": "postal_code", "postcode": "postal_code", "surname": "last_name", "mail": "email"}


def template_slips(template: str, declared: Collection[str] | None) -> Iterator[str]:
    """A sentence for each variable of a template that nobody can have. Raises ValueError for stray braces."""
    known = [*TEMPLATE_FIELDS, *(declared or ())]
    for name in names(template):
        if name not in known and (slip := _slip(name, known, declared)):
            yield slip


def contact_slips(named: Collection[str], declared: Collection[str] | None) -> Iterator[str]:
    """A sentence for each variable of a condition that nobody can have. Without a list of variables any may be meant."""
    known = [*TEMPLATE_FIELDS, *(declared or ())]
    for name in named:
        if name in known:
            continue
        if name in Contact.model_fields:
            yield f"contact.{name} is not passed to conditions: there are {listed(known)}"
        elif declared is not None:
            told = f"contact.{name} is neither a field of contacts nor one of `variables`"
            yield f"{told}: there are {listed(known)}{nearest(name, known)}"


def undeclarable(name: str) -> str | None:
    """Why a campaign cannot list this name among its variables; None if it can."""
    if name in Contact.model_fields and name not in TEMPLATE_FIELDS:
        return f"{name!r} is a field of contacts that is not passed to templates: there are {listed(TEMPLATE_FIELDS)}"
    return None


def _slip(name: str, known: Sequence[str], declared: Collection[str] | None) -> str | None:
    near = _near(name)
    if name in Contact.model_fields:
        return f"{{{{{name}}}}} is not passed to templates: there are {listed(known)}"
    if declared is not None:
        hint = nearest(f"{{{{{near or name}}}}}", (f"{{{{{each}}}}}" for each in known))
        return f"{{{{{name}}}}} is neither a field of contacts nor one of `variables`: there are {listed(known)}{hint}"
    if near:
        return f"{{{{{name}}}}} is no field of contacts. Did you mean {{{{{near}}}}}? Else list it: variables: [{name}]"
    return None


def _near(name: str) -> str | None:
    """The field that a name is all but sure to mean: another spelling, or a slip of a letter."""
    plain = name.casefold().replace("_", "")
    spelled = {field.replace("_", ""): field for field in TEMPLATE_FIELDS} | _ALSO
    near = get_close_matches(plain, spelled, 1, 0.88)
    return spelled[near[0]] if near else None


def condition_slips(condition: str, before: Sequence[str], others: Collection[str]) -> Iterator[str]:
    """A sentence for each text that `last` can never be equal to.

    before: the steps that contact people and come before the one with this condition. others: all other steps.
    """
    for field, text in _compared(condition):
        if field == "step" and text not in before and text:
            yield _unknown_step(text, before, others)
        elif field == "disposition" and text not in DISPOSITIONS and text:
            yield f"{text!r} is no disposition: there are {listed(map(str, DISPOSITIONS))}{nearest(text, DISPOSITIONS)}"
        elif field == "channel" and text not in _CHANNELS and text:
            yield f"{text!r} is no channel: there are {listed(_CHANNELS)}{nearest(text, _CHANNELS)}"


def _unknown_step(text: str, before: Sequence[str], others: Collection[str]) -> str:
    earlier = f"steps that contact people before it: {', '.join(before)}" if before else "no step before it contacts people"
    if text in others:
        return f"last.step is never {text!r} here, which waits or comes later: {earlier}"
    return f"there is no step {text!r} that last.step could be: {earlier}{nearest(text, before)}"


def _compared(condition: str) -> Iterator[tuple[str, str]]:
    """(field of `last`, text it is compared with)."""
    for match in _COMPARED.finditer(condition):
        yield match[1], match[2][1:-1]
    for match in _COMPARED_BEFORE.finditer(condition):
        yield match[2], match[1][1:-1]
    for match in _IN.finditer(condition):
        yield from ((match[1], text[1:-1]) for text in re.findall(_QUOTED, match[2]))
