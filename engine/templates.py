"""Message templates: `{{name}}` stands for a variable, `{{name|there}}` for it or else for `there`, and that is all.

Why no library: docs/decisions/0005-strict-templates.md.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.errors import RecordError

_PLACE = re.compile(r"(?<!\{)\{\{\s*([A-Za-z_]\w*)\s*(?:\|([^{}|]*))?\}\}(?!\})", re.ASCII)


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[str, str, str | None], ...]:
    """(text, the name behind it, what stands in for it); the last name is empty. Raises ValueError for stray braces."""
    parts: list[Any] = [*_PLACE.split(template), "", None]
    for text in parts[::3]:
        if stray := re.search(r"\{\{.{0,30}|.{0,30}\}\}", text, re.DOTALL):
            told = "write {{name}} or {{name|instead}}, a name of letters, digits and _"
            raise ValueError(f"{stray[0]!r} is not a variable: {told}")
    instead = (None if each is None else each.strip() for each in parts[2::3])
    return tuple(zip(parts[::3], parts[1::3], instead, strict=True))


def names(template: str) -> tuple[str, ...]:
    """The variables of a template, in order, once each. Raises ValueError, a sentence, for stray braces."""
    return tuple(dict.fromkeys(name for _, name, _ in _parts(template) if name))


def render(template: str, variables: Mapping[str, Any]) -> str:
    """The message. Raises RecordError that names the variables this person lacks; empty ones are lacking too.

    Raises ValueError for stray braces, which `names` finds when a campaign is applied.
    """
    parts = _parts(template)
    lacking = [name for _, name, instead in parts if name and instead is None and _empty(variables, name)]
    if lacking:
        raise RecordError(f"the contact has no {', '.join(dict.fromkeys(lacking))}")
    return "".join(text + _said(variables, name, instead) for text, name, instead in parts)


def _said(variables: Mapping[str, Any], name: str, instead: str | None) -> str:
    if not name or _empty(variables, name):
        return instead or ""
    return str(variables[name])


def _empty(variables: Mapping[str, Any], name: str) -> bool:
    return variables.get(name) in (None, "")
