"""Documents that are drawn from the code are what their script prints."""

import runpy
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from samples import NOW, PROFILE
from test_flow import inputs, plans

from engine import flow
from engine.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "draw_flow.py"))
EDGES: set[tuple[str, str, str]] = SCRIPT["edges"]()


def test_the_flow_is_drawn_as_it_is() -> None:
    assert (ROOT / "docs" / "flow.md").read_text() == SCRIPT["draw"](), "run python scripts/draw_flow.py"


def test_every_handler_says_what_it_does() -> None:
    assert all(handler.__doc__ for handler in flow.TABLE.values())


@settings(deadline=None)
@given(plans, st.lists(inputs, max_size=40))
def test_the_drawing_misses_no_change(plan: Plan, steps: list[flow.Input]) -> None:
    row = flow.enroll(flow.Enroll("c7", "spring", 1, "c"), NOW, plan, PROFILE).row
    assert ("", "Enroll", row.state) in EDGES
    for inp in steps:
        after = flow.transition(row, inp, NOW, plan, PROFILE).row
        assert after == row or (row.state, type(inp).__name__, after.state) in EDGES
        row = after
