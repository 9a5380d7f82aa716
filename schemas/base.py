"""Two kinds of records, one contract.

What outsiders write (contacts, enrollments, suppressions, campaign files) is pydantic: slow to read, precise in its complaints.
What Outdial writes itself, on the hot path, is msgspec: seven times faster. `wire_model` derives the pydantic model of a msgspec
record, so that each record is defined once and every topic has a model that outsiders can validate against; `written_form` the
msgspec record of a pydantic model, for Outdial when it writes millions of what outsiders write as well.

Every record carries `v` (version of its shape, additive changes only), `event_id` (a hash of its cause, so that repeats can be
recognised) and `cause` (the id of what made it happen). Unknown fields are ignored, never refused.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_origin

import msgspec
from pydantic import BaseModel, ConfigDict, create_model

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
_encode = msgspec.json.Encoder().encode


class Wire(BaseModel):
    """Base of what outsiders write. Frozen; unknown fields are kept as data."""

    model_config = ConfigDict(extra="allow", frozen=True)

    v: int = 1
    event_id: str | None = None
    cause: str | None = None


class Record(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Base of what Outdial writes. `key` (a property of each record) is the key it is partitioned by."""

    event_id: str = ""
    cause: str = ""
    v: int = 1


def encode(record: "Record | msgspec.Struct | BaseModel") -> bytes:
    """The bytes of a record on its topic (JSON, UTF-8)."""
    if isinstance(record, BaseModel):
        return record.model_dump_json(exclude_none=True).encode()
    return _encode(record)


@cache
def decoder(model: Any) -> "msgspec.json.Decoder[Any]":
    """The decoder of a record type or union of record types; kept, since building one costs more than using it."""
    return msgspec.json.Decoder(model)


def decode(data: bytes, model: type[T]) -> T:
    """One record from its bytes. Raises msgspec.ValidationError / DecodeError with the path of what is wrong."""
    result: T = decoder(cast(Hashable, model)).decode(data)
    return result


@cache
def wire_model(struct: type[msgspec.Struct]) -> type[BaseModel]:
    """The pydantic model of a msgspec record: same fields, same types, same defaults, its docstring and its tag."""
    fields: dict[str, Any] = {}
    info = struct.__struct_config__
    if info.tag is not None:
        fields[info.tag_field or "type"] = (Literal[info.tag], info.tag)
    for field in msgspec.structs.fields(struct):
        fields[field.name] = (_pydantic_type(field.type), _default(field))
    config = ConfigDict(extra="allow", frozen=True)
    return create_model(struct.__name__, __config__=config, __doc__=struct.__doc__, **fields)


def written_form(model: type[M]) -> type[M]:
    """A msgspec record with the fields, defaults and tag of a pydantic model, to be written with `encode`: it checks nothing.

    It has the model's fields and none of its methods. Fields that are at their defaults are left out.
    """
    fields: list[Any] = []
    tag: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if get_origin(info.annotation) is Literal:
            tag = {"tag_field": name, "tag": info.default}
        elif info.is_required():
            fields.append((name, Any))
        elif info.default_factory is not None:
            fields.append((name, Any, msgspec.field(default_factory=cast(Callable[[], Any], info.default_factory))))
        else:
            fields.append((name, Any, info.default))
    return cast(type[M], msgspec.defstruct(model.__name__, fields, kw_only=True, omit_defaults=True, **tag))


def _default(field: Any) -> Any:
    from pydantic import Field

    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return Field(default_factory=field.default_factory)
    return ...


def _pydantic_type(kind: Any) -> Any:
    """Replaces msgspec structs inside a type by their pydantic models, keeps everything else."""
    from types import GenericAlias, UnionType
    from typing import Annotated, Union, get_args

    if isinstance(kind, type) and not isinstance(kind, GenericAlias) and issubclass(kind, msgspec.Struct):
        return wire_model(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin is None:
        return kind
    if origin is Annotated:
        return _pydantic_type(args[0])
    inner = tuple(a if a is Ellipsis else _pydantic_type(a) for a in args)
    if origin in (Union, UnionType):
        return Union[inner]  # noqa: UP007 - built from a tuple
    return origin[inner]
