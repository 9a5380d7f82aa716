"""Exited rows are tombstoned after a week, and counted: in rows that do not grow with the number of campaigns."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.time import Instant
from outdial.clock import SystemClock
from schemas.base import encode
from schemas.rows import EnrollmentRow, Exit, State, TimerRow, TotalsRow
from schemas.topics import CONTACT_PROFILES, STEP_TIMERS
from streams.flows import Flows
from streams.heads import Heads
from streams.store import Table

NOW = 1_795_532_400_000
P = 3


class Desk:
    """Flows of one partition; `written`: bytes of the rows that one call of `retire` puts."""

    def __init__(self) -> None:
        self.written = 0
        made: Any = SimpleNamespace
        lane = made(real_ms=NOW, partitions=8, now=lambda: NOW, put=self.put, tick=lambda _fn: None, on_assigned=[], on_revoked=[])
        self.rows = Table[TimerRow](STEP_TIMERS, EnrollmentRow | TotalsRow)
        self.flows = Flows(lane, SystemClock(), Heads("nowhere:9092"), Table(CONTACT_PROFILES, Any), self.rows)

    def put(self, table: Table[TimerRow], p: int, key: str, row: TimerRow | None) -> None:
        self.written += len(encode(row)) if row is not None else 0
        table.set(p, key, row)

    def exited(self, campaign: str) -> None:
        row = EnrollmentRow(
            enrollment_id="e", contact_id=f"c-{campaign}", campaign=campaign, entry=1, version=1, state=State.EXITED, attempts=2,
            exit=Exit("answered", "cause", NOW),
        )  # fmt: skip
        self.rows.set(P, row.key, row)
        self.flows.index[P].retirees.put(Instant(NOW - 1), row.key, None)

    def retire(self) -> int:
        self.written = 0
        self.flows.retire(P)
        return self.written

    def totals(self) -> list[TotalsRow]:
        return [row for row in self.rows.rows(P).values() if isinstance(row, TotalsRow)]


def test_everybody_is_counted_once_beside_what_older_rows_have() -> None:
    desk = Desk()
    older = TotalsRow(partition=P, exits={"spring": {"answered": 7}}, attempts={"spring": 9})
    desk.rows.set(P, older.key, older)
    desk.exited("spring")
    desk.exited("autumn")
    desk.retire()
    assert {row.key for row in desk.totals()} == {"totals/3", "totals/3/spring/all", "totals/3/autumn/all"}
    assert sum(row.exits.get("spring", {}).get("answered", 0) for row in desk.totals()) == 8
    assert sum(row.attempts.get("spring", 0) for row in desk.totals()) == 11
    assert not [row for row in desk.rows.rows(P).values() if isinstance(row, EnrollmentRow)]


@pytest.mark.parametrize("campaigns", [1, 2_000])
def test_a_step_is_small_however_many_campaigns_there_have_been(campaigns: int) -> None:
    desk, most = Desk(), 0
    for i in range(campaigns):
        desk.exited(f"campaign-{i:05}")
    while desk.flows.index[P].retirees.next() is not None:
        most = max(most, desk.retire())
    assert len(desk.totals()) == campaigns
    assert most < 10_000
