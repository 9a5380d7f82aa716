"""Draws docs/flow.md from the table that the engine runs on, so that it cannot lie: `python scripts/draw_flow.py`.

Which state follows which is found by running every handler on sample rows; tests/unit/test_docs.py checks that the samples miss
none and that the file is what this script prints.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import replace

from engine import flow
from engine.plan import Channel, Condition, Contacting, Exiting, Plan, Step, Waiting
from engine.time import DAY, Delay, Instant
from engine.windows import parse_weekly, weekly_window
from schemas import ids
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Exit, Open, Profile, State

FILE = Path(__file__).resolve().parent.parent / "docs" / "flow.md"
NOW = Instant(1_795_532_400_000)
SLOT = Slot("main", 1, NOW * 1000, NOW * 1000 + 5_000)
INPUTS: tuple[type[Any], ...] = tuple(i for i in get_args(flow.Input) if i is not flow.Enroll)

Edge = tuple[str, str, str]  # state before ("" before the first), input, state after

INTRO = """# The enrollment's machine

Drawn from `TABLE` in `engine/flow.py` by `scripts/draw_flow.py`: change the table, run the script. What the states and inputs mean,
and why, stands at the top of `engine/flow.py`; the states are `State` in `schemas/rows.py`.
"""


def plan_of(*steps: Step) -> Plan:
    window = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)
    exits = frozenset({"answered", "opted_out", "unreachable"})
    return Plan("spring", 1, "main", steps, window, "America/New_York", None, exits, "sales", (), goals=frozenset({"paid"}))


CALL, WAIT = Contacting("call", Channel.CALL), Waiting("wait", Delay(ms=DAY))
PLANS = (
    plan_of(CALL, WAIT),
    plan_of(WAIT, CALL),
    plan_of(Waiting("wait", Delay(ms=DAY), when=Condition(lambda _: False))),
    plan_of(WAIT),
)
PROFILES = (Profile(contact_id="c7", phone="+12125550101"), Profile(contact_id="c7"), None)


def rows_of(state: State, plan: Plan) -> list[EnrollmentRow]:
    """Rows in this state: at each step, with and without an open command where both are possible."""
    rows = []
    for step in plan.steps:
        row = EnrollmentRow(
            enrollment_id="e1", contact_id="c7", campaign="spring", entry=1, version=1, state=state, step=step.id, due=NOW
        )
        command = Open(ids.dial_id("e1", 1), "call", "+12125550101", None, SLOT, NOW)
        if state in (State.EXITING, State.EXITED):
            row = replace(row, exit=Exit("campaign_ended", "cause", NOW))
        if isinstance(step, Exiting) and state in (State.WAITING, State.ISSUED):
            continue  # nobody stops there
        if isinstance(step, Contacting) and state in (State.ISSUED, State.EXITING):
            rows.append(replace(row, open=command))
        if state is not State.ISSUED:
            rows.append(row)
    return rows


def closing(disposition: str, **fields: Any) -> flow.Closing:
    known: dict[str, Any] = {
        "enrollment_id": "e1",
        "contact_id": "c7",
        "campaign": "spring",
        "version": 1,
        "entry": 1,
        "step": "call",
        "seq": 1,
    }
    outcome = Outcome(
        **(known | fields),
        dial_id=ids.dial_id("e1", 1),
        channel="call",
        address="+12125550101",
        disposition=disposition,
        ended_at=NOW,
    )
    return flow.Closing(outcome)


SAMPLES: dict[type[Any], list[Any]] = {
    flow.ContactChanged: [flow.ContactChanged("cause")],
    flow.Leave: [flow.Leave("opted_out", "cause")],
    flow.Reached: [flow.Reached("paid", "cause")],
    flow.Callback: [flow.Callback("2026-11-24T18:00Z", "cause")],
    flow.CampaignEnded: [flow.CampaignEnded("cause")],
    flow.Due: [flow.Due()],
    flow.Refused: [flow.Refused("no_window")],
    flow.Granted: [flow.Granted(SLOT, None)],
    flow.Closing: [
        closing("answered"),
        closing("voicemail"),
        closing("answered", callback_at="2026-11-24T18:00Z"),
        closing("not_dialed"),
        closing("not_dialed", ends="opted_out"),
    ],
    flow.Finish: [flow.Finish()],
}


def edges() -> set[Edge]:
    """Every change of state that the samples lead to; what leaves a row as it is is not among them."""
    found: set[Edge] = set()
    for plan in PLANS:
        for profile in PROFILES:
            entered = flow.enroll(flow.Enroll("c7", "spring", 1, "cause"), NOW, plan, profile)
            found.add(("", "Enroll", entered.row.state))
            for state, kind in flow.TABLE:
                for row in rows_of(state, plan):
                    found |= {_edge(row, inp, plan, profile) for inp in SAMPLES[kind]} - {None}  # type: ignore[arg-type]
    return found


def _edge(row: EnrollmentRow, inp: Any, plan: Plan, profile: Profile | None) -> Edge | None:
    after = flow.transition(row, inp, NOW, plan, profile).row
    return None if after == row else (row.state, type(inp).__name__, after.state)


def diagram(found: set[Edge]) -> str:
    """The changes as a mermaid state diagram, one arrow for all inputs that lead from one state to another."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    order = ["Enroll", *(i.__name__ for i in INPUTS)]
    for before, name, after in sorted(found, key=lambda e: order.index(e[1])):
        arrows[before, after].append(name)
    places = {"": -1} | {state: i for i, state in enumerate(State)}
    lines = ["```mermaid", "stateDiagram-v2"]
    for before, after in sorted(arrows, key=lambda pair: (places[pair[0]], places[pair[1]])):
        lines.append(f"    {before or '[*]'} --> {after}: {', '.join(arrows[before, after])}")
    return "\n".join([*lines, f"    {State.EXITED} --> [*]", "```"])


def table() -> str:
    """State by input, the handler in the cell; a dash changes nothing."""
    head = ["|" + "|".join([" ", *(f" {state} " for state in State)]) + "|", "|---" * (len(State) + 1) + "|"]
    body = [f"| **{kind.__name__}** | " + " | ".join(_cell(state, kind) for state in State) + " |" for kind in INPUTS]
    return "\n".join(head + body)


def _cell(state: State, kind: type[Any]) -> str:
    handler = flow.TABLE[state, kind]
    return "-" if handler is flow._stay else f"`{_name(handler)}`"


def legend() -> str:
    """Inputs and handlers, each with the first line of its docstring."""
    kinds: tuple[type[Any], ...] = (flow.Enroll, *INPUTS)
    inputs = [f"- **{kind.__name__}**: {_first_line(kind)}" for kind in kinds]
    handlers: dict[Any, None] = dict.fromkeys(h for h in flow.TABLE.values() if h is not flow._stay)
    return "\n".join([*inputs, "", "## Handlers", "", *(f"- `{_name(h)}`: {_first_line(h)}" for h in handlers)])


def _name(handler: Any) -> str:
    return str(handler.__name__).removeprefix("_")


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def draw() -> str:
    """The whole file."""
    parts = [INTRO, diagram(edges()), "", "## State by input", "", "A dash: nothing changes.", "", table(), ""]
    return "\n".join([*parts, "## Inputs", "", legend(), ""])


if __name__ == "__main__":
    FILE.write_text(draw())
