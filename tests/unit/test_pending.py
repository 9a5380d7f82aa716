"""Post-call actions that are not done yet, counted from their changelog."""

import pytest
from msgspec import DecodeError
from rich.console import Console

from cli.pending import Pending, ToDo
from cli.status import as_dict, page
from schemas.base import encode
from schemas.rows import ActionRow
from tests.unit.test_board import drawn, look

CAMPAIGN = "campaign-with-a-long-name-0"


def row(name: str, seq: int, campaign: str = CAMPAIGN, tries: int = 0, due: int = 0) -> tuple[str, bytes]:
    made = ActionRow(
        action_id=name, action="tell", enrollment_id="e", contact_id="ada", campaign=campaign, version=1, entry=1, cause="c", at=1,
        tries=tries, due=due,
    )  # fmt: skip
    made.stamp = (1, seq)
    return made.key, encode(made)


def test_each_action_counts_as_its_newest_row_says_until_it_is_done() -> None:
    pending = Pending()
    for record in (
        row("a", 1),
        row("b", 2),
        row("b", 5, tries=2, due=9_000),
        row("b", 4, tries=1, due=3_000),  # of a writer that came too late
        row("c", 6, tries=1, due=7_000),
        row("d", 7, campaign="other"),
    ):
        pending.take(*record)
    assert pending.by_campaign() == {CAMPAIGN: ToDo(3, 2, 7_000), "other": ToDo(1)}
    for name in "acd":
        pending.take(name, None)
    assert pending.by_campaign() == {CAMPAIGN: ToDo(1, 1, 9_000)}
    with pytest.raises(DecodeError):
        pending.take("e", b"garbage")


def test_status_and_the_board_say_what_fails_and_the_board_nothing_of_what_is_new() -> None:
    failing = look(2, 1, actions={CAMPAIGN: ToDo(12, 3, 60_000), "other": ToDo(4)})
    shown = drawn(failing, width=132)
    assert f"actions  3 of 12 of {CAMPAIGN} have failed so far" in shown
    assert not any(line.startswith("actions") for line in drawn(look(2, 1, actions={CAMPAIGN: ToDo(12)})))
    assert len(drawn(failing, height=24)) <= 24
    console = Console(width=132, color_system=None)
    with console.capture() as capture:
        console.print(page(failing, 132))
    told = next(line for line in capture.get().splitlines() if line.startswith("actions")).rstrip()
    assert told.endswith("12 to do, 3 of them failed so far (the next is tried again at 1970-01-01T00:01:00.000Z, real time)")
    first, second = as_dict(failing)["campaigns"]
    assert first["actions"] == {"waiting": 12, "failing": 3, "again": "1970-01-01T00:01:00.000Z"}
    assert "actions" not in second
