"""What pydantic says of a campaign file, in sentences that a person can act on."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from engine.places import Place
from schemas.campaign import CallPart, CampaignFile, Numbers, Part, RetryPart, SmsPart, StepPart, Timezone, WindowPart

#: Keys that the campaign file is going to have (design rule 19: refused until they are enforced, never ignored).
NOT_YET = frozenset({"rules", "caps", "holidays", "blackout", "overrides", "email", "then", "otherwise"})

_PARTS: dict[tuple[str, ...], type[Part]] = {
    (): CampaignFile,
    ("numbers",): Numbers,
    ("window",): WindowPart,
    ("window", "timezone"): Timezone,
    ("flow",): StepPart,
    ("flow", "call"): CallPart,
    ("flow", "sms"): SmsPart,
    ("flow", "retry"): RetryPart,
}
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
}


def complaint(error: Any) -> tuple[Place, str]:
    """Where and what, of one of pydantic's errors."""
    place, value = tuple(error["loc"]), error["input"]
    match error["type"]:
        case "missing":
            return place, "is missing"
        case "extra_forbidden":
            return place, _unknown_key(place)
        case "literal_error":
            return _not_allowed(place, value, error["ctx"]["expected"])
        case "string_pattern_mismatch":
            return place, f"{value!r} is no id: small letters, digits, - and _, at most 64, a letter or digit first"
        case "string_too_short" | "too_short":
            return place, "is empty"
        case "greater_than_equal" | "less_than_equal" as bound:
            least = bound == "greater_than_equal"
            return place, f"must be at {'least' if least else 'most'} {error['ctx']['ge' if least else 'le']}, not {value!r}"
        case kind if kind in _KINDS:
            hint = ": put it in quotes" if kind == "string_type" and isinstance(value, bool | int | float) else ""
            return place, f"must be {_KINDS[kind]}, not {value!r}{hint}"
        case _:
            return place, str(error["msg"])


def _unknown_key(place: Place) -> str:
    key = str(place[-1])
    if key in NOT_YET:
        return "is not enforced yet, so it is refused"
    shape = tuple(part for part in place[:-1] if isinstance(part, str))
    part = _PARTS.get(shape[:2] if shape[:2] == ("flow", "retry") else shape)
    keys = [field.alias or name for name, field in part.model_fields.items()] if part else []
    return f"is not a key here: there are {listed(keys)}{nearest(key, keys)}"


def _not_allowed(place: Place, value: Any, expected: str) -> tuple[Place, str]:
    if place[-1] == "timing" and isinstance(value, dict) and "window" in value:
        return (*place, "window"), "is not enforced yet, so it is refused"
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    return place, f"{value!r} is not allowed: write {listed(words)}{nearest(value, words)}"


def listed(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = list(words) or ["nothing"]
    return f"{', '.join(most)} or {last}" if most else last


def nearest(word: Any, words: Iterable[str]) -> str:
    """`. Did you mean x?`, if some word is near; else nothing."""
    near = get_close_matches(str(word), list(words), 1)
    return f". Did you mean {near[0]}?" if near else ""
