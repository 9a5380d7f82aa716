"""Message templates: `{{name}}` stands for a variable, and that is all. Why no library: docs/decisions/0005-strict-templates.md."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.errors import RecordError

_NAME = re.compile(r"(?<!\{)\{\{\s*([A-Za-z_]\w*)\s*\}\}(?!\})", re.ASCII)


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[str, ...]:
    """Text and names in turn. Raises ValueError, a sentence, for braces that stand for nothing."""
    parts = _NAME.split(template)
    for text in parts[::2]:
        if stray := re.search(r"\{\{.{0,30}|.{0,30}\}\}", text, re.DOTALL):
            raise ValueError(f"{stray[0]!r} is not a variable: write {{{{name}}}}, a name of letters, digits and _")
    return tuple(parts)


def names(template: str) -> tuple[str, ...]:
    """The variables a template needs, in order, once each. Raises ValueError, a sentence, for stray braces."""
    return tuple(dict.fromkeys(_parts(template)[1::2]))


def render(template: str, variables: Mapping[str, Any]) -> str:
    """The message. Raises RecordError that names the variables this person lacks; empty ones are lacking too.

    Raises ValueError for stray braces, which `names` finds when a campaign is applied.
    """
    lacking = [name for name in names(template) if variables.get(name) in (None, "")]
    if lacking:
        raise RecordError(f"the contact has no {', '.join(lacking)}")
    parts = _parts(template)
    return "".join(part if i % 2 == 0 else str(variables[part]) for i, part in enumerate(parts))
