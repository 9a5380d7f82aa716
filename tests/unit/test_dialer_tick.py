"""Commands whose outcome is overdue are looked at in steps that fit a record batch, however large their numbers' rows are."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.time import Instant
from outdial.clock import SystemClock
from schemas.rows import DialerRow
from schemas.topics import DIAL_LEDGER
from streams.dialer import BATCH, Dialer
from streams.heads import Heads
from streams.lead import Lead
from streams.store import Table

NOW = 1_795_532_400_000


@pytest.mark.parametrize(("fit", "looked_at"), [(3, 3), (1_000, BATCH)])
def test_a_step_ends_when_it_is_full(fit: int, looked_at: int) -> None:
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
