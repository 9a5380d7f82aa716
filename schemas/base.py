"""Two kinds of records, one contract.

What outsiders write (contacts, enrollments, suppressions, campaign files) is pydantic: slow to read, precise in its complaints.
What Outdial writes itself, on the hot path, is msgspec: seven times faster. `wire_model` derives the pydantic model of a msgspec
record, so that each record is defined once and every topic has a model that outsiders can validate against; what stands behind
`#:` on a field's line is its description there. `written_form` derives the msgspec record of a pydantic model, for Outdial when it
writes millions of what outsiders write as well.

Every record carries `v` (version of its shape, additive changes only), `event_id` (a hash of its cause, so that repeats can be
recognised) and `cause` (the id of what made it happen). Unknown fields are ignored, never refused.
"""

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_origin

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
_DESCRIBED = re.compile(r"^    (\w+): .*?  #: (.+)$", re.MULTILINE)


class Wire(BaseModel):
    """Base of what outsiders write. Frozen; unknown fields are kept as data."""

    model_config = ConfigDict(extra="allow", frozen=True)

    v: int = Field(default=1, description="version of the record's shape; it only grows")
    event_id: str | None = Field(default=None, description="names the record, so that a repeat can be recognised")
    cause: str | None = Field(default=None, description="what made it happen: an event_id, or who asked")


class Record(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """Base of what Outdial writes. `key` (a property of each record) is the key it is partitioned by."""

    event_id: str = ""  #: a hash of the record's cause: a repeat after a crash has the same
    cause: str = ""  #: event_id of the record, or name of the tick, that made this happen
    v: int = 1  #: version of the record's shape; it only grows


def _of_pydantic(record: BaseModel) -> msgspec.Raw:
    return msgspec.Raw(record.model_dump_json(exclude_none=True).encode())


#: The bytes of a record (msgspec or pydantic) on its topic: JSON, UTF-8. The encoder's own method: it is called for every record.
encode = msgspec.json.Encoder(enc_hook=_of_pydantic).encode


@cache
def decoder(model: Any) -> "msgspec.json.Decoder[Any]":
    """The decoder of a record type or union of record types; kept, since building one costs more than using it."""
    return msgspec.json.Decoder(model)


def decode(data: bytes, model: type[T]) -> T:
    """One record from its bytes. Raises msgspec.ValidationError / DecodeError with the path of what is wrong."""
    result: T = decoder(model).decode(data)  # type: ignore[arg-type]  # a class is hashable
    return result


@cache
def wire_model(struct: type[msgspec.Struct]) -> type[BaseModel]:
    """The pydantic model of a msgspec record: same fields, same types, same defaults, its docstring and its tag."""
    fields: dict[str, Any] = {}
    info = struct.__struct_config__
    if info.tag is not None:
        fields[info.tag_field or "type"] = (Literal[info.tag], Field(info.tag, description="which record this is"))
    told = described(struct)
    for field in msgspec.structs.fields(struct):
        default = Field(**_default(field), description=told.get(field.name))
        fields[field.name] = (_pydantic_type(field.type), default)
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


def described(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Field -> what its line says behind `#:`, which is how Sphinx reads the description of an attribute."""
    own = [base for base in reversed(struct.__mro__) if base.__module__.startswith("schemas.")]
    return {name: told for base in own for name, told in _DESCRIBED.findall(inspect.getsource(base))}


def _default(field: Any) -> dict[str, Any]:
    if field.default is not msgspec.NODEFAULT:
        return {"default": field.default}
    if field.default_factory is not msgspec.NODEFAULT:
        return {"default_factory": field.default_factory}
    return {}


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
