"""What pydantic says of a file that people wrote, in sentences they can act on: what is wrong, what is allowed, what is near."""

from collections.abc import Iterable
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from engine.errors import RecordError
from engine.phone import parse_phone
from engine.places import Place, written
from schemas.campaign import CampaignFile, Part

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("above", "gt"),
    "less_than": ("below", "lt"),
}


def complaint(error: Any, root: type[Part] = CampaignFile) -> tuple[Place, str]:
    """Where and what, of one of pydantic's errors about a file whose model is `root`."""
    place, value, kind = tuple(key for key in error["loc"] if str(key)[:1] != "|"), error["input"], error["type"]
    match kind:
        case "missing":
            return place, f"is missing{_meaning(root, place)}"
        case "extra_forbidden":
            return place, _unknown_key(root, place)
        case "literal_error":
            return _not_allowed(place, value, error["ctx"]["expected"])
        case "string_pattern_mismatch":
            return place, _malformed(place, value)
        case "string_too_short" | "too_short":
            return place, f"is empty{_meaning(root, place)}"
        case kind if kind in _BOUNDS:
            words, bound = _BOUNDS[kind]
            return place, f"must be {words} {error['ctx'][bound]:g}, not {value!r}"
        case kind if kind in _KINDS:
            hint = ": put it in quotes" if kind == "string_type" and isinstance(value, bool | int | float) else ""
            keys = f": there are {listed(keys_of(root, place))}" if kind == "model_type" else ""
            return place, f"must be {_KINDS[kind]}, not {value!r}{hint}{keys}"
        case _:
            return place, str(error["msg"])


def _meaning(root: type[Part], place: Place) -> str:
    """`: the caller IDs, such as {tag: sales-us}`; empty for a place of which nothing is said."""
    field = _field(root, place)
    if field is None or field.description is None:
        return ""
    example = field.examples[0] if field.examples else None
    return f": {field.description}" + (f", such as {written(example)}" if example else "")


def _unknown_key(root: type[Part], place: Place) -> str:
    key = str(place[-1])
    keys = keys_of(root, place[:-1])
    return f"is not a key here: there are {listed(keys)}{nearest(key, keys)}"


def _malformed(place: Place, value: Any) -> str:
    if place[-1] == "number":
        return f'{value!r} is no number in E.164: write it with + and its country code, such as "+12125550101"{_dialable(value)}'
    if place[-1] == "secret_env":
        # Not shown: it may be the secret itself.
        return (
            "is no name of an environment variable: capitals, digits and _, no digit first. The secret itself stays out of the file"
        )
    if "variables" in place:
        return f"{value!r} is no name for a variable: letters, digits and _, no digit first"
    mended = "".join(c if c.isalnum() and c.isascii() else "-" for c in str(value).casefold()).strip("-")[:64]
    hint = f". Did you mean {mended}?" if mended else ""
    return f"{value!r} is no id: small letters, digits, - and _, at most 64, a letter or digit first{hint}"


def _dialable(value: Any) -> str:
    try:
        return f". Did you mean {parse_phone(str(value), 'US').e164}?"
    except RecordError:
        return ""


def _not_allowed(place: Place, value: Any, expected: str) -> tuple[Place, str]:
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    return place, f"{value!r} is not allowed: write {listed(words)}{nearest(value, words)}"


def keys_of(root: type[Part], place: Place) -> list[str]:
    """The keys that people may write at a place; none where there are no set ones."""
    part = _part(_type(root, place))
    fields = part.model_fields.items() if part else ()
    return [field.alias or name for name, field in fields if get_origin(field.annotation) is not Literal or name != "kind"]


def _field(root: type[Part], place: Place) -> FieldInfo | None:
    part = _part(_type(root, place[:-1]))
    return next((f for name, f in part.model_fields.items() if place[-1] in (f.alias, name)), None) if part else None


def _type(root: type[Part], place: Place) -> Any:
    """The type of what may stand at a place; None if nothing may."""
    found: Any = root
    for key in place:
        if part := _part(found):
            field = _field(part, (key,))
            found = field.annotation if field else None
        else:
            kinds = [kind for kind in _unions(found) if get_origin(kind) is (list if isinstance(key, int) else dict)]
            found = get_args(kinds[0])[-1] if kinds else None
    return found


def _part(kind: Any) -> type[Part] | None:
    return next((each for each in _unions(kind) if isinstance(each, type) and issubclass(each, Part)), None)


def _unions(kind: Any) -> list[Any]:
    """The alternatives of `X | None`, of an annotated type the type."""
    if get_origin(kind) is Annotated:
        return _unions(get_args(kind)[0])
    if isinstance(kind, type) or get_origin(kind) in (list, dict, Literal):
        return [kind]
    return [each for one in get_args(kind) if one is not NoneType for each in _unions(one)]


def listed(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = list(words) or ["nothing"]
    return f"{', '.join(most)} or {last}" if most else last


def nearest(word: Any, words: Iterable[str]) -> str:
    """`. Did you mean x?`, if some word is near; else nothing."""
    near = get_close_matches(str(word), list(words), 1)
    return f". Did you mean {near[0]}?" if near else ""
