"""Second imports, interrupted ones, undone ones: the row ledger knows what became of whom."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cli import import_run
from cli.import_run import Job, carry_out
from cli.importing import layout_for
from cli.listing import survey
from cli.row_ledger import DONE, RUNNING, RowLedger, key_of, opened
from engine.errors import OutdialError
from engine.time import Instant
from tests.unit.lists import Collected, imported

ROWS = "id,phone,plan\n" + "".join(f"c-{i},212-555-01{i:02},basic\n" for i in range(40))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Forty people."""
    path = tmp_path / "list.csv"
    path.write_text(ROWS)
    return path


class Failing(Collected):
    """A broker that goes away after so many batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def flush(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OutdialError("the broker went away")


def test_an_interrupted_import_goes_on_behind_its_last_batch(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_run, "BATCH", 10)
    listing = survey(file)
    job = Job(listing, layout_for(listing, {}, "US"), "US", ("spring",), None, Instant(1))
    sinks: Sequence[Collected] = (Failing(2), Collected())
    with opened(tmp_path, "cluster") as ledger, pytest.raises(OutdialError, match="went away"):
        carry_out(job, ledger.begin("a", {"file": "f", "campaigns": ["spring"]}, 1), ledger, sinks[0])
    with opened(tmp_path, "cluster") as ledger:
        again = ledger.begin("a", {}, 2)
        assert (again.state, again.row, again.tally.rows) == (RUNNING, 21, 20)
        carry_out(job, again, ledger, sinks[1])
        assert (again.state, again.tally.rows, again.tally.accepted, again.tally.enrolled) == (DONE, 40, 40, 40)
    # Batches that were noted are not sent again; the one that was not is, with the same ids.
    assert [c.id for c in sinks[1].contacts] == [f"c-{i}" for i in range(20, 40)]
    once = {e.event_id for e in [*sinks[0].enrollments, *sinks[1].enrollments]}
    assert len(once) == 40


def test_a_second_list_publishes_what_has_changed_and_enrolls_nobody_twice(file: Path, tmp_path: Path) -> None:
    ledger = RowLedger(None)
    imported(file, campaigns=["spring"], ledger=ledger)
    more = tmp_path / "more.csv"
    more.write_text(ROWS.replace("c-7,212-555-0107,basic", "c-7,212-555-0107,plus") + "new,212-555-0199,basic\n")
    found = imported(more, campaigns=["spring"], ledger=ledger)
    assert (found.which.tally.accepted, found.which.tally.merged) == (1, 40)
    assert [c.id for c in found.sink.contacts] == ["c-7", "new"]
    assert [e.contact_id for e in found.sink.enrollments] == ["new"]


def test_another_campaign_is_entered_without_publishing_anybody_again(file: Path, tmp_path: Path) -> None:
    ledger = RowLedger(None)
    imported(file, ledger=ledger)
    copy = tmp_path / "copy.csv"
    copy.write_text(ROWS + "\n")
    found = imported(copy, campaigns=["spring", "autumn"], ledger=ledger)
    assert (found.sink.contacts, found.which.tally.merged, found.which.tally.enrolled) == ([], 40, 80)


def test_numbers_that_are_active_for_somebody_else_are_refused(file: Path) -> None:
    ledger, spring = RowLedger(None), key_of("spring")
    ledger.put("number", [(key_of("+12125550103") ^ spring, key_of("somebody"))])
    ledger.learn([(key_of("c-5") ^ spring, 1, 1, 1), (key_of("c-6") ^ spring, 1, 1, 1), (key_of("c-6") ^ spring, 1, 2, 0)])
    found = imported(file, campaigns=["spring"], ledger=ledger)
    assert [(row, code) for row, code, *_ in found.rejects] == [(5, "duplicate_number")]
    entered = {e.contact_id for e in found.sink.enrollments}
    assert entered == {f"c-{i}" for i in range(40)} - {"c-3", "c-5"}  # c-5 is in already, c-6 has left


def test_a_dry_run_leaves_the_ledger_as_it_was(file: Path, tmp_path: Path) -> None:
    with opened(tmp_path, "cluster") as ledger:
        imported(file, ledger=ledger)
    with opened(tmp_path, "cluster", keep=False) as ledger:
        assert imported(file, campaigns=["spring"], ledger=ledger).which.tally.rows == 40
        file.write_text(ROWS + "new,212-555-0199,basic\n")
        assert imported(file, ledger=ledger).which.tally.accepted == 1
    with opened(tmp_path, "cluster") as ledger:
        assert len(ledger.imports()) == 1
        assert imported(file, ledger=ledger).which.tally.accepted == 1


def test_a_dry_run_without_a_ledger_makes_none(file: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "home", "cluster", keep=False) as ledger:
        imported(file, ledger=ledger)
    assert not (tmp_path / "home").exists()


def test_one_import_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path, "cluster"),
        pytest.raises(OutdialError, match="another import of this home is running"),
        opened(tmp_path, "b"),
    ):
        pass


def test_a_place_that_cannot_hold_a_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "imports").write_text("a file")
    with pytest.raises(OutdialError, match="the ledger of imports cannot be kept there"), opened(tmp_path, "cluster"):
        pass
