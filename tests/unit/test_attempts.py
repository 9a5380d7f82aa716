from pathlib import Path

import pytest

from cli.attempts import Filter, first_closings
from cli.cursor import Cursor
from cli.events import Filter as EventFilter
from cli.instants import parse_instant, since_and_until
from cli.read import Raw
from engine.errors import OutdialError, UsageError
from engine.time import DAY, HOUR, MINUTE, Instant
from schemas.event import Event
from tests.unit.samples import NOW, PHONE, outcome_of

ENDED = NOW - 2 * MINUTE  # as outcome_of has it


@pytest.mark.parametrize(
    ("kept", "keeps"),
    [
        (Filter(), True),
        (Filter(campaign="spring", contact="c7", phone=PHONE, disposition="busy", step="first", channel="call"), True),
        (Filter(step="second"), False),
        (Filter(channel="sms"), False),
        (Filter(phone="+12125550199"), False),
        (Filter(since=Instant(ENDED)), True),
        (Filter(since=Instant(ENDED + 1)), False),
        (Filter(until=Instant(ENDED)), False),
        (Filter(until=Instant(ENDED + 1)), True),
    ],
)
def test_attempts_are_kept_by_every_word_that_is_given(kept: Filter, keeps: bool) -> None:
    assert list(first_closings([outcome_of("busy")], kept)) == ([outcome_of("busy")] if keeps else [])


@pytest.mark.parametrize(
    ("kept", "keeps"), [(Filter(), False), (Filter(all_=True), True), (Filter(disposition="not_dialed"), True)]
)
def test_who_was_not_dialed_is_kept_if_asked_for(kept: Filter, keeps: bool) -> None:
    assert kept.keeps(outcome_of("not_dialed")) is keeps


@pytest.mark.parametrize(
    ("kept", "keeps"),
    [
        (EventFilter(), True),
        (EventFilter(contact="c7", campaign="spring", kinds=frozenset({"exited", "enrolled"})), True),
        (EventFilter(kinds=frozenset({"enrolled"})), False),
        (EventFilter(contact="c8"), False),
        (EventFilter(since=Instant(NOW), until=Instant(NOW + 1)), True),
        (EventFilter(since=Instant(NOW + 1)), False),
        (EventFilter(until=Instant(NOW)), False),
    ],
)
def test_events_are_kept_by_every_word_that_is_given(kept: EventFilter, keeps: bool) -> None:
    event = Event(kind="exited", contact_id="c7", enrollment_id="e", campaign="spring", version=1, entry=1, at=NOW)
    assert kept.keeps(event) is keeps


# --- instants ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24", NOW - 15 * HOUR),
        ("2026-11-24T15:00Z", NOW),
        ("2026-11-24T15:00", NOW),
        ("2026-11-24 10:00-05:00", NOW),
        ("30m", NOW - 30 * MINUTE),
        ("2h", NOW - 2 * HOUR),
        ("3 days", NOW - 3 * DAY),
    ],
)
def test_instants_as_people_write_them(text: str, instant: int) -> None:
    assert parse_instant(text, "--since", NOW) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "24.11.2026", "5", "2026-13-01"])
def test_what_is_no_instant_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"--until .* is no instant: write 2026-11-26"):
        since_and_until(None, text, NOW)


def test_until_is_later_than_since() -> None:
    assert since_and_until("2h", "1h", NOW) == (NOW - 2 * HOUR, NOW - HOUR)
    with pytest.raises(UsageError, match="not later than"):
        since_and_until("1h", "2h", NOW)


# --- cursors ----------------------------------------------------------------------------------------------------------------------


def raw(partition: int, offset: int) -> Raw:
    return Raw("campaign-events", partition, offset, None, None, 0)


def test_a_cursor_is_where_it_was_left(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path / "c", "campaign-events")
    assert cursor.places == {}
    cursor.advance([raw(0, 4), raw(1, 7), raw(0, 5)])
    cursor.advance([])
    assert Cursor(tmp_path / "c", "campaign-events").places == {("campaign-events", 0): 6, ("campaign-events", 1): 8}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"topic": "contacts", "next": {}}', '{"topic": "campaign-events", "next": {"x": 1}}']
)
def test_a_file_that_is_no_cursor_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(OutdialError, match=r"--cursor .*/c: says nowhere to go on from .* delete it to begin anew"):
        Cursor(tmp_path / "c", "campaign-events")


def test_a_cursor_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutdialError, match=r"--cursor .* cannot be written"):
        Cursor(tmp_path / "missing" / "c", "campaign-events")
