"""tests/data/lists: ways in which real lists are broken, each with what has to become of its rows (expected.yaml)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import OutdialError
from tests.unit.lists import imported

LISTS = Path(__file__).parent.parent / "data" / "lists"
EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load((LISTS / "expected.yaml").read_text(encoding="utf-8"))
REFUSED = {name: expected for name, expected in EXPECTED.items() if "refused" in expected}
READ = {name: expected for name, expected in EXPECTED.items() if name not in REFUSED}


def test_every_file_has_its_figures() -> None:
    assert {path.name for path in LISTS.iterdir()} == EXPECTED.keys() | {"expected.yaml"}
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize(("name", "expected"), READ.items(), ids=READ)
def test_every_row_is_accounted_for(name: str, expected: dict[str, Any]) -> None:
    campaigns = ["spring"] if expected.get("campaign") else []
    found = imported(LISTS / name, None, expected.get("country", "US"), campaigns, expected.get("allowed"))
    tally = found.which.tally
    figures = {"accepted": tally.accepted, "merged": tally.merged, "rejected": tally.rejected}
    assert figures == {name: expected[name] for name in figures}
    assert dict(tally.mended) == expected.get("mended", {})
    assert dict(tally.reasons) == expected.get("reasons", {})
    assert tally.notes.total() == expected.get("notes", 0)
    assert all(why and fix for _, _, why, fix, _ in found.rejects)
    first = found.sink.contacts[0]
    assert {field: getattr(first, field) for field in expected.get("first", {})} == expected.get("first", {})


@pytest.mark.parametrize(("name", "expected"), REFUSED.items(), ids=REFUSED)
def test_what_is_no_list_is_refused_whole_in_one_sentence(name: str, expected: dict[str, Any]) -> None:
    with pytest.raises(OutdialError) as refused:
        imported(LISTS / name)
    assert expected["refused"] in str(refused.value)
    assert name in str(refused.value) or "--map" in str(refused.value)
    assert "\n" not in str(refused.value)
