"""bench/hours.py: how many of a list may be called at each hour, counted by hand."""

from datetime import date
from pathlib import Path

import pytest

from bench.hours import hours_of, main


def test_a_list_is_counted_at_each_hour_of_monday_and_sunday(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "list.csv"
    file.write_text("phone,zip\n305-555-0101,33130\n214-555-0102,75201\n203-555-0103,06510\n12345,33130\n")
    main([str(file), "--pack", "us@2026-11"])
    head, titles, *hours, speed = capsys.readouterr().out.splitlines()
    assert head == "list.csv under us@2026-11: 3 people, 1 under its strictest hours"
    assert titles.split() == ["hour,", "America/New_York", "Monday", "30", "Nov", "2026", "Sunday", "29", "Nov", "2026"]
    counts = {row.split()[0]: tuple(map(int, row.split()[1:])) for row in hours}
    # Florida 8 to 20, Connecticut 9 to 20 every day; Texas (an hour behind) 10 to 18, never on Sundays
    told = {"07:00": (0, 0), "08:00": (1, 1), "09:00": (2, 2), "11:00": (3, 2), "18:00": (3, 2), "19:00": (2, 2), "20:00": (0, 0)}
    assert {hour: counts[hour] for hour in told} == told
    assert len(counts) == 24
    assert speed.endswith("us an answer")


def test_the_days_on_which_clocks_change_have_23_and_25_hours() -> None:
    days = (date(2026, 3, 8), date(2026, 6, 1), date(2026, 11, 1))
    assert [len(hours_of(day, "America/New_York")) for day in days] == [23, 24, 25]
