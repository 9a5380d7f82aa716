"""cli/difference.py: what changed, by path; enough to make the new file of the old one."""

import copy
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.difference import Difference, differences, show

CALL = {"id": "call", "call": {}}
WAIT = {"id": "pause", "wait": "1 day"}
LONG = {"id": "pause", "wait": "2 days"}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Difference("a", "changed", 1, 2)]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": None}, {}, [Difference("a", "removed", None)]),
        ({}, {"a": None}, [Difference("a", "added", None, None)]),
        ({"w": {"mon": ["x"]}}, {"w": {"mon": ["x", "y"]}}, [Difference("w.mon", "changed", ["x"], ["x", "y"])]),
        ({"w": {"mon": 1}}, {"w": 1}, [Difference("w", "changed", {"mon": 1}, 1)]),
        ({"flow": [CALL, WAIT]}, {"flow": [CALL, LONG]}, [Difference("flow[pause].wait", "changed", "1 day", "2 days")]),
        ({"flow": [CALL, WAIT]}, {"flow": [WAIT, CALL]}, [Difference("flow", "moved", ["call", "pause"], ["pause", "call"])]),
        ({"flow": [CALL]}, {"flow": [WAIT, CALL]}, [Difference("flow[pause]", "added", new=WAIT)]),
        ({"flow": [CALL, WAIT]}, {"flow": [CALL]}, [Difference("flow[pause]", "removed", WAIT)]),
        ({"flow": [CALL, CALL]}, {"flow": [CALL]}, [Difference("flow", "changed", [CALL, CALL], [CALL])]),
        ([{"number": "+1"}], [{"number": "+1", "tags": ["a"]}], [Difference("[+1].tags", "added", new=["a"])]),
    ],
)
def test_differences(old: Any, new: Any, found: list[Difference]) -> None:
    assert differences(old, new) == found


def test_what_people_and_programs_read() -> None:
    old = {"agent": "ann", "flow": [CALL, WAIT], "rate": 50.0, "name": "Old"}
    new = {"agent": "bob", "flow": [WAIT, CALL], "rate": 60.5, "hours": {"sat": ["10:00-12:00"]}, "on": True}
    found = differences(old, new)
    out = io.StringIO()
    show(found, Console(file=out, width=200, highlight=False))
    assert out.getvalue().splitlines() == [
        "  agent: ann -> bob",
        "  flow: order [call, pause] -> [pause, call]",
        "  rate: 50 -> 60.5",
        "  hours: added {sat: [10:00-12:00]}",
        "  on: added true",
        "  name: removed Old",
    ]
    assert found[0].summary() == {"path": "agent", "kind": "changed", "old": "ann", "new": "bob"}
    assert found[-1].summary() == {"path": "name", "kind": "removed", "old": "Old"}
    assert found[3].summary() == {"path": "hours", "kind": "added", "new": {"sat": ["10:00-12:00"]}}


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
FILES = st.dictionaries(KEYS, VALUES, max_size=3)


@given(FILES, FILES)
def test_the_differences_make_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    made = copy.deepcopy(old)
    for each in differences(old, new):
        *way, last = each.path.split(".")
        inside = made
        for key in way:
            inside = inside[key]
        if each.kind == "removed":
            del inside[last]
        else:
            inside[last] = each.new
    assert made == new
    assert (differences(old, new) == []) == (json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))
