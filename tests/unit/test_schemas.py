"""The public contract: exported schemas are current, breaking changes are told from additions, both codecs agree."""

import copy
import json
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas import export, ids
from schemas.base import decode, encode, wire_model, written_form
from schemas.contact import Contact
from schemas.enrollment import Enroll, OptOut
from schemas.topics import OPT_OUTS, TOPIC_OF, TOPICS

RECORDS = sorted((m for m in TOPIC_OF if issubclass(m, msgspec.Struct)), key=lambda m: m.__name__)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type, as JSON can carry them."""
    simple = {Any: JSON_VALUES, int: st.integers(-(2**53), 2**53), str: st.text(max_size=8)}
    if kind in simple:
        return simple[kind]
    if isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, msgspec.Struct):
        return instances(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=2)
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, args))
    if origin is Union or type(kind).__name__ == "UnionType":
        return st.one_of(*map(values, args))
    return st.from_type(kind)


def instances(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Records with any of their fields given or left at its default."""
    fields = msgspec.structs.fields(struct)
    needed = {f.name: values(f.type) for f in fields if f.required}
    return st.fixed_dictionaries(needed, optional={f.name: values(f.type) for f in fields if not f.required}).map(
        lambda given: struct(**given)
    )


@pytest.mark.parametrize("struct", RECORDS, ids=lambda m: m.__name__)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_both_codecs_agree(struct: type[msgspec.Struct], data: st.DataObject) -> None:
    record = data.draw(instances(struct))
    wire = encode(record)
    model = wire_model(struct).model_validate_json(wire)
    assert not model.model_extra
    assert json.loads(model.model_dump_json(exclude_unset=True)) == json.loads(wire)
    assert decode(model.model_dump_json().encode(), struct) == record


@pytest.mark.parametrize(
    ("model", "fields", "wire"),
    [
        (Contact, {"id": "c7"}, {"id": "c7"}),
        (
            Contact,
            {"id": "c7", "event_id": "e", "phone": "+12125550101", "alt_phones": ["+12125550102"], "variables": {"plan": "plus"}},
            {"id": "c7", "event_id": "e", "phone": "+12125550101", "alt_phones": ["+12125550102"], "variables": {"plan": "plus"}},
        ),
        (
            Enroll,
            {"contact_id": "c7", "campaign": "spring", "entry": 2, "at": 5},
            {"kind": "enroll", "contact_id": "c7", "campaign": "spring", "entry": 2, "at": 5},
        ),
    ],
)
def test_what_outdial_writes_in_the_name_of_outsiders_is_what_they_would_write(
    model: type[BaseModel], fields: dict[str, Any], wire: dict[str, Any]
) -> None:
    data = encode(written_form(model)(**fields))
    assert json.loads(data) == wire
    assert model.model_validate_json(data) == model(**fields)


def test_two_records_share_no_default() -> None:
    form = written_form(Contact)
    form(id="c7").variables["plan"] = "plus"
    assert form(id="c8").variables == {}


def test_every_topic_but_the_crms_own_has_models() -> None:
    assert [spec.name for spec in TOPICS if not spec.models] == ["contacts-cdc"]
    assert set(TOPIC_OF) == {model for spec in TOPICS for model in spec.models}
    twice = {model for spec in TOPICS for model in spec.models if TOPIC_OF[model] is not spec}
    assert twice == {OptOut}  # others write it to `enrollments`, the dialer to a topic of its own
    assert TOPIC_OF[OptOut] is OPT_OUTS


def test_every_field_says_what_it_holds() -> None:
    parts = [(name, part) for name, schema in export.schemas().items() for part in (schema, *schema.get("$defs", {}).values())]
    bare = [
        f"{name}: {field}"
        for name, part in parts
        for field, told in part.get("properties", {}).items()
        if not told.get("description")
    ]
    assert not bare, "behind the field: `#: what it holds` (msgspec), or Field(description=...) (pydantic)"


def test_every_topic_says_what_it_holds() -> None:
    assert [spec.name for spec in TOPICS if not spec.about] == []


def test_exported_schemas_are_current() -> None:
    assert export.differences() == []


@pytest.fixture
def old() -> dict[str, Any]:
    return Contact.model_json_schema()


def test_a_new_optional_field_is_an_addition(old: dict[str, Any]) -> None:
    new = copy.deepcopy(old)
    new["properties"]["nickname"] = {"type": "string", "default": ""}
    new["description"] = "Other words."
    assert export.compatible(old, new) == []


def _remove(s: dict[str, Any]) -> None:
    del s["properties"]["email"]


def _retype(s: dict[str, Any]) -> None:
    s["properties"]["alt_phones"]["items"] = {"type": "integer"}


def _require(s: dict[str, Any]) -> None:
    s["properties"]["nickname"] = {"type": "string"}
    s["required"].append("nickname")


def _now_required(s: dict[str, Any]) -> None:
    s["required"].append("email")


def _tighten(s: dict[str, Any]) -> None:
    s["properties"]["id"]["maxLength"] = 10


def _not_null(s: dict[str, Any]) -> None:
    s["properties"]["email"]["anyOf"].pop()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_remove, "$.email: removed"),
        (_retype, "$.alt_phones[]: type changed from 'string' to 'integer'"),
        (_require, "$.nickname: new and required, without a default"),
        (_now_required, "$.email: now required"),
        (_tighten, "$.id: maxLength tightened from 256 to 10"),
        (_not_null, "$.email: type changed, anyOf of 2 to 1"),
    ],
)
def test_what_is_no_addition_is_told(old: dict[str, Any], change: Any, told: str) -> None:
    new = copy.deepcopy(old)
    change(new)
    assert export.compatible(old, new) == [told]


def test_a_change_inside_a_nested_record_is_told_with_its_path() -> None:
    old = export.schemas()["dial-commands.Dial.json"]
    new = copy.deepcopy(old)
    del new["$defs"]["Slot"]["properties"]["end"]
    assert export.compatible(old, new) == ["$.slot.end: removed"]


def test_an_enum_may_grow_but_not_shrink() -> None:
    old = {"properties": {"state": {"enum": ["draft", "running"]}}}
    new = {"properties": {"state": {"enum": ["draft", "running", "paused"]}}}
    assert export.compatible(old, new) == []
    assert export.compatible(new, old) == ["$.state: no longer any of ['paused']"]


def test_check_names_file_and_change(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Contact(BaseModel):
        """One person, without a phone."""

        id: str

    monkeypatch.setattr(export, "models", lambda: {"contacts.Contact": Contact})
    assert export.main(["--check"]) == 1
    assert "contacts.Contact.json: $.phone: removed" in capsys.readouterr().err


def test_check_is_quiet_when_all_agree_and_strange_arguments_are_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["--check"]) == 0
    assert capsys.readouterr().err == ""
    assert export.main(["--chekc"]) == 2


@given(st.text(), st.text(), st.integers(0, 10**6), st.integers(0, 10**12))
def test_ids_that_are_spelled_out_are_the_digests_of_their_parts(a: str, b: str, n: int, offset: int) -> None:
    assert ids.enrollment_id(a, b, n) == ids.digest("enrollment", a, b, n)
    assert ids.dial_id(a, n) == ids.digest("dial", a, n)
    assert ids.event_id(a, b, a) == ids.digest("event", a, b, a)
    assert ids.record_id(a, b, n, offset) == ids.digest(a, b, n, offset)
    assert ids.tick_id(a, b, n, offset) == ids.digest("tick", a, b, n, offset)
