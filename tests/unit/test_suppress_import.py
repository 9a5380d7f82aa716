"""`outdial suppress import`: which column holds the addresses, what is rejected and why, and what the options may say."""

from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli import suppress_import
from cli.listing import survey
from cli.suppress_import import SHOWN, Done, carry_out, column_of, entry_of
from engine.errors import UsageError
from engine.time import DAY, Instant
from outdial.settings import Settings
from schemas.topics import TopicSpec

NOW = Instant(1_795_532_400_000)  # 2026-11-24 15:00 UTC


class Kept:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.workers = True

    def __call__(self, *_: object) -> "Kept":
        return self

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, *_: object) -> None: ...

    def flush(self) -> None: ...

    def send(self, spec: TopicSpec, key: str, record: Any) -> None:
        self.sent.append((spec.name, key, record))

    def keys(self, topic: str) -> list[str]:
        return [key for name, key, _ in self.sent if name == topic]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    found = Kept()
    monkeypatch.setattr(suppress_import, "Publisher", found)
    monkeypatch.setattr(suppress_import, "taken_up", lambda *_: found.workers)
    return found


def imported(folder: Path, text: str, column: str | None = None, spool: BytesIO | None = None, **options: Any) -> Done:
    file = folder / "list.csv"
    file.write_text(text)
    listing = survey(file, None, (column,) if column else ())
    entry = entry_of(
        **({"name": "us-national", "as_of": "2026-11-20", "scope": "all", "reason": "r", "expires": None} | options), now=NOW
    )
    return carry_out(Settings(), listing, column_of(listing, column, "US"), entry, "US", spool)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("+12125550142\n212-555-0143\n", ["+12125550142", "+12125550143"]),
        ("phone\n(212) 555-0142\n", ["+12125550142"]),
        ("id,first_name,mobile\n1,Ada,212-555-0142\n2,Bob,212-555-0143\n", ["+12125550142", "+12125550143"]),
        ("Ada@EXAMPLE.com\nbob@example.com\n", ["ada@example.com", "bob@example.com"]),
        ("212-555-0142\nada@example.com\n", ["+12125550142", "ada@example.com"]),
        ("phone\n212-555-0142 / 212-555-0143\n", ["+12125550142", "+12125550143"]),  # never only the first of two
    ],
)
def test_the_column_that_holds_addresses_is_found(tmp_path: Path, kept: Kept, text: str, addresses: list[str]) -> None:
    done = imported(tmp_path, text)
    assert kept.keys("suppressions") == addresses
    assert (done.addresses, done.rejected) == (len(addresses), 0)
    (head,) = (record for name, _, record in kept.sent if name == "resources")
    assert kept.sent[-1][2] is head  # last of all: a list that is there is there whole
    assert (head.id, head.entries, head.at) == ("us-national", len(addresses), NOW)


@pytest.mark.parametrize(
    ("text", "column", "complaint"),
    [
        ("id,name\n1,Ada\n2,Bob\n", None, "no column holds numbers or email addresses in half of its rows: name it with --column"),
        ("area,number\n212,5550142\n212,5550143\n", None, "no column holds numbers"),
        ("phone,other\n212-555-0142,a\n", "phones", "--column 'phones' is none of phone, other. Did you mean phone?"),
    ],
)
def test_a_column_that_cannot_be_told_is_asked_for(
    tmp_path: Path, kept: Kept, text: str, column: str | None, complaint: str
) -> None:
    with pytest.raises(UsageError) as found:
        imported(tmp_path, text, column)
    assert complaint in str(found.value)
    assert not kept.sent


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": "US National"}, "--list 'US National' is no name"),
        ({"name": ""}, "--list '' is no name"),
        ({"name": "call"}, "--list 'call' is the source of other entries"),  # it would give opt-outs an end
        ({"as_of": "2026-11-25"}, "--as-of '2026-11-25' is still to come"),
        ({"as_of": "soon"}, "--as-of 'soon' is no instant"),
        ({"scope": "everybody"}, "--scope 'everybody' is no scope"),
        ({"expires": "never"}, "--expires 'never' is no instant"),
        ({"expires": "2026-11-19"}, "--expires '2026-11-19' is over already"),
        ({"expires": "3 days"}, "--expires '3 days' is over already for a list of 2026-11-20"),
    ],
)
def test_options_that_say_nothing_sensible(tmp_path: Path, kept: Kept, options: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError) as found:
        imported(tmp_path, "212-555-0142\n", **options)
    assert complaint in str(found.value)
    assert not kept.sent


def test_entries_end_by_the_lists_own_date_so_that_the_same_list_again_changes_nothing(tmp_path: Path, kept: Kept) -> None:
    imported(tmp_path, "212-555-0142\n", expires="45 days")
    imported(tmp_path, "212-555-0142\n", expires="45 days")
    one, other = (record for name, _, record in kept.sent if name == "suppressions")
    assert one.expires_at == other.expires_at == 1_795_132_800_000 + 45 * DAY  # of 2026-11-20, not of now
    assert one.event_id == other.event_id
    assert (one.scope, one.source, one.spoke, one.contact_id) == ("all", "us-national", False, None)


def test_a_list_without_any_address_is_not_written_down(tmp_path: Path, kept: Kept) -> None:
    done = imported(tmp_path, "phone\n12345\n", column="phone")
    assert done.empty
    assert not kept.sent


def test_a_list_whose_entries_no_worker_knows_is_not_written_down(tmp_path: Path, kept: Kept) -> None:
    """A campaign that waits for the list would go on at once, and call those whose entries are not there yet."""
    kept.workers = False
    done = imported(tmp_path, "212-555-0142\n")
    assert not done.current
    assert (kept.keys("suppressions"), kept.keys("resources")) == (["+12125550142"], [])


def test_complaint_15_every_failed_row_is_listed_with_its_reason_in_constant_memory(tmp_path: Path, kept: Kept) -> None:
    spool = BytesIO()
    bad = "".join(f"{i},12\n" for i in range(50))
    done = imported(tmp_path, "id,phone\n1,212-555-0142\n" + bad, column="phone", spool=spool)
    assert (done.rows, done.addresses, done.rejected, len(done.first)) == (51, 1, 50, SHOWN)
    lines = [msgspec.json.decode(line) for line in spool.getvalue().splitlines()]
    assert kept.keys("suppressions") == ["+12125550142"]
    assert [line[0] for line in lines] == list(range(3, 53))  # as a spreadsheet numbers them
    assert all("12" in line[2] and line[3] and line[4][1] == "12" for line in lines)


def test_complaint_15_letter_case_makes_no_other_address(tmp_path: Path, kept: Kept) -> None:
    imported(tmp_path, "email\nAda@Example.COM\nada@example.com\n ADA@EXAMPLE.COM \n")
    assert set(kept.keys("suppressions")) == {"ada@example.com"}
