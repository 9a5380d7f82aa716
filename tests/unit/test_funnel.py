import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli import plot
from cli.funnel import Funnel, Rate, funnel_of, hours
from cli.summary import CampaignSummary
from engine.errors import OutdialError, UsageError
from engine.time import DAY, HOUR
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Exit, Profile, State
from tests.unit.samples import NOW, PLAN, PROFILE, outcome_of, plan_of, row_of
from tests.unit.towns import snapshot

#: NOW is 15:00 UTC: 10 o'clock in New York, 7 in Los Angeles.
PLACES = {"c7": PROFILE, "c8": Profile(contact_id="c8", zones=("America/Los_Angeles",))}


def call(disposition: str, who: str = "c7", seq: int = 1, **fields: object) -> Outcome:
    known = {"enrollment_id": who, "contact_id": who, "requested_at": NOW}
    return replace(outcome_of(disposition, seq), **(known | fields))


def funnel(*outcomes: Outcome, rows: tuple[EnrollmentRow, ...] = (), people: int = 4) -> Funnel:
    return funnel_of(CampaignSummary("spring", "running", 1, people), rows, outcomes, PLACES, snapshot(PLAN))


def test_people_got_as_far_as_their_best_call() -> None:
    found = funnel(
        call("busy"),
        call("voicemail", seq=2),
        call("answered", "c8"),
        call("provider_error", "c9"),
        call("not_dialed", "c10"),
    )
    assert found.stages == {"enrolled": 4, "attempted": 2, "reached": 2, "answered": 1, "exited": 0}
    assert found.calls == {"busy": 1, "voicemail": 1, "answered": 1}


def test_rates_by_the_hour_where_people_live_and_by_attempt() -> None:
    found = funnel(
        call("busy"),
        call("not_dialed", seq=2),  # uses up no attempt
        call("answered", seq=3, requested_at=NOW + HOUR),
        call("no_answer", "c8"),
        call("answered", "c8", seq=2, requested_at=None, ended_at=NOW + DAY),
    )
    assert hours(found) == [(7, Rate(2, 1)), (10, Rate(1, 0)), (11, Rate(1, 1))]
    assert found.by_attempt == {1: Rate(2, 0), 2: Rate(2, 2)}
    assert [rate.rate for _, rate in hours(found)] == [0.5, 0.0, 1.0]
    assert Rate().rate is None


def test_messages_are_no_calls() -> None:
    found = funnel(call("sent", channel="sms"))
    assert (found.stages["attempted"], found.messages, found.calls, found.by_hour) == (1, {"sent": 1}, {}, {})


def test_people_without_a_zone_are_an_hour_of_their_own() -> None:
    plans = snapshot(plan_of(fallback_zone=None))
    found = funnel_of(CampaignSummary("spring", "running", 1, 1), (), [call("busy", "c9")], PLACES, plans)
    assert hours(found) == [(None, Rate(1, 0))]


def test_what_rows_know_counts_although_the_closings_have_expired() -> None:
    done = row_of(State.EXITED, attempts=2, reached=True, exit=Exit("answered", "x", NOW), enrollment_id="c7")
    found = funnel(call("answered"), rows=(done, replace(done, enrollment_id="c8")))
    assert found.stages == {"enrolled": 4, "attempted": 2, "reached": 2, "answered": 2, "exited": 0}


def test_json() -> None:
    body = funnel(call("answered")).as_dict()
    assert body["by_hour"] == [{"hour": 10, "calls": 1, "answered": 1, "rate": 1.0}]
    assert body["by_attempt"] == [{"attempt": 1, "calls": 1, "answered": 1, "rate": 1.0}]
    assert body["counted_from"] is None


# --- pictures ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
@pytest.mark.parametrize("outcomes", [(), (call("answered"), call("busy", "c9"))])
def test_a_picture_is_drawn(tmp_path: Path, name: str, begins: bytes, outcomes: tuple[Outcome, ...]) -> None:
    target = tmp_path / name
    plot.check(target)
    plot.plot(funnel(*outcomes), target)
    assert target.read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_picture_needs_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OutdialError, match=r"--plot needs matplotlib, which is not installed: pip install 'outdial\[plot\]'"):
        plot.check(Path("a.png"))


def test_a_picture_needs_a_format_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.bmp: no known format: name a file that ends in \.png, \.svg, \.pdf"):
        plot.check(Path("a.bmp"))
    with pytest.raises(OutdialError, match="cannot be written"):
        plot.plot(funnel(), tmp_path / "missing" / "a.png")
