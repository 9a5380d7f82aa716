"""streams/heads.py: the caller IDs of campaigns, as records on `resources` say, without a broker."""

from collections.abc import Callable

import pytest
from samples import plan_of

from schemas.resources import Number, resource_key
from schemas.topics import RESOURCES
from streams.heads import Heads

ONE, TWO = "+12125550101", "+12125550102"
Put = Callable[..., None]


@pytest.fixture
def heads() -> Heads:
    return Heads("nowhere:9092")


@pytest.fixture
def put(heads: Heads) -> Put:
    def put(e164: str, *, gone: bool = False, **fields: object) -> None:
        number = Number.model_construct(number=e164, **({"tags": ["sales"]} | fields))
        heads._take(RESOURCES.name, resource_key(number), None if gone else number.model_dump_json().encode())

    return put


def numbers(heads: Heads) -> list[str]:
    return [caller.e164 for caller in heads.pool(plan_of()).callers]


def test_a_campaigns_numbers_are_those_that_are_declared_now(heads: Heads, put: Put) -> None:
    assert numbers(heads) == []
    put(ONE)
    put(TWO)
    assert numbers(heads) == [ONE, TWO]
    put(ONE, tags=["service"])
    assert numbers(heads) == [TWO]
    put(TWO, gone=True)
    assert numbers(heads) == []


def test_numbers_are_looked_up_anew_only_when_some_number_has_changed(heads: Heads, put: Put) -> None:
    put(ONE)
    pool = heads.pool(plan_of())
    put(ONE)
    assert heads.pool(plan_of()) is pool
    put(ONE, daily_cap=5)
    assert heads.pool(plan_of()) is not pool


@pytest.mark.parametrize("fields", [{"resting": "soon"}, {"daily_cap": 0}])
def test_a_number_that_cannot_be_leaves_what_there_was(heads: Heads, put: Put, fields: dict[str, object]) -> None:
    put(ONE)
    put(ONE, **fields)
    put("+19995550101")
    assert numbers(heads) == [ONE]
    assert heads.pool(plan_of()).free


def test_numbers_that_change_together_are_told_of_once(heads: Heads, put: Put) -> None:
    told: list[str] = []
    heads.subscribe_held(lambda: told.append("changed"))
    for e164 in (ONE, TWO):
        put(e164)
    heads.tell_numbers()
    heads.tell_numbers()
    put(ONE)  # as it was
    heads.tell_numbers()
    assert told == ["changed"]
