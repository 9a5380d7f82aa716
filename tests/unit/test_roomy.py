"""Ticks and grants make steps that fit a record batch, however large the rows and the records of the people are."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.time import Instant
from outdial.clock import SystemClock
from schemas.base import encode
from schemas.line import Grant
from schemas.rows import DialerRow
from schemas.topics import DIAL_LEDGER, LINE_SLOTS
from streams.circuit import ProviderCircuit
from streams.dialer import BATCH, Dialer
from streams.heads import Heads
from streams.lead import Lead
from streams.records import Record
from streams.store import Table
from tests.unit.test_breaker import Desk

NOW = 1_795_532_400_000


@pytest.mark.parametrize(("fit", "looked_at"), [(3, 3), (1_000, BATCH)])
def test_overdue_commands_are_looked_at_in_several_steps(fit: int, looked_at: int) -> None:
    made: Any = SimpleNamespace
    lane = made(tick=lambda _fn: None, real_ms=NOW, roomy=True)
    rows = Table[DialerRow](DIAL_LEDGER, DialerRow)
    dialer = Dialer(lane, SystemClock(), Heads("nowhere:9092"), rows, made(name=""), made(), Lead())
    for i in range(2 * BATCH):
        dialer.index[0].deadlines.put(Instant(NOW - 1), (f"+1{i}", f"{i}"), None)
    fed = list[str]()

    def feed(_p: int, address: str, *_: Any, **__: Any) -> None:
        fed.append(address)
        lane.roomy = len(fed) < fit

    dialer.feed = feed  # type: ignore[method-assign]
    assert dialer.tick(0, Instant(NOW)) == 0.0
    assert fed == [f"+1{i}" for i in range(looked_at)]
    lane.roomy, fit = True, 1_000
    while len(fed) < 2 * BATCH:
        dialer.tick(0, Instant(NOW))
    assert len(set(fed)) == 2 * BATCH
    assert dialer.tick(0, Instant(NOW)) is None


def test_slots_for_which_a_step_has_no_room_lapse_and_nobody_leaves_the_queue() -> None:
    desk, woken = Desk(ProviderCircuit()), list[int]()
    desk.scheduler.flows.wake = woken.append
    known = {"line": "main", "epoch": 1, "partition": 0, "number": 1, "granted": 0, "campaign": "spring"}
    grant = Grant(**known, t0=0, step=0, n=2, width=900_000)  # type: ignore[arg-type]
    desk.lane.roomy = False
    desk.scheduler.on_slots(0, Record(LINE_SLOTS.name, 0, 0, None, encode(grant), 0), Instant(NOW))
    assert desk.index.ready.demand()["main"].ready == {"spring": 2}
    assert woken == [0]
