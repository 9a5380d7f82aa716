"""The dialer reads a receipt again after a crash, later than the first time: what it closes with is the very same."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine import ledger
from engine.gate import Facts, decide
from engine.ledger import Moment
from engine.time import HOUR, MINUTE, Instant
from outdial.clock import AcceleratedClock, Anchor
from schemas.base import encode
from schemas.campaign import CampaignState
from schemas.outcome import Outcome
from schemas.rows import DialerRow, LedgerRow
from schemas.topics import DIAL_LEDGER, DIAL_RECEIPTS
from streams.dialer import Dialer
from streams.heads import Heads
from streams.records import Record
from streams.scheduler import Lead
from streams.store import Table
from tests.unit.samples import FIRST, NOW, NY, PHONE, PLAN, SLOT, dial_of, receipt_of

#: Campaign seconds in a real one.
RATE = 60


def reserved() -> LedgerRow:
    verdict = decide(Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST, slot=SLOT), NOW)
    asked = ledger.Reserve(dial_of(), verdict, NOW + 2_000, NOW + 4_000, Instant(NOW + 2_000))
    row = ledger.apply(LedgerRow(address=PHONE), asked, Moment(NOW, NOW)).row
    assert row is not None
    return row


def closing(kind: str, disposition: str, came: int, read: int) -> Outcome:
    """What a receipt leads to that came to its topic so many real ms behind the slot's begin, and is read at a campaign instant."""
    emitted: list[Any] = []
    made: Any = SimpleNamespace
    clock = AcceleratedClock(Anchor(NOW, SLOT.start, RATE), lambda: SLOT.start)
    lane = made(tick=lambda _fn: None, emit=emitted.append, put=lambda *_: None, real_ms=SLOT.start // 1000, then=lambda *_: None)
    rows = Table[DialerRow](DIAL_LEDGER, DialerRow)
    dialer = Dialer(lane, clock, Heads("nowhere:9092"), rows, made(name="none"), made(), Lead())
    row = reserved()
    dialer.ledger_row = lambda _p, _address: row  # type: ignore[method-assign]
    value = encode(receipt_of(kind, disposition=disposition))
    dialer.on_receipt(0, Record(DIAL_RECEIPTS.name, 0, 7, PHONE.encode(), value, SLOT.start // 1000 + came), Instant(read))
    (outcome,) = [record for record in emitted if isinstance(record, Outcome)]
    return outcome


@pytest.mark.parametrize(("kind", "disposition"), [("rejected", "provider_error"), ("ended", "no_answer")])
def test_read_again_it_says_the_same(kind: str, disposition: str) -> None:
    first, again = (closing(kind, disposition, 500, NOW + later) for later in (MINUTE, HOUR))
    assert first == again
    assert first.ended_at == NOW + 500 * RATE


def test_a_broker_whose_clock_is_ahead_brings_nothing_from_the_future() -> None:
    assert closing("ended", "no_answer", 60_000, NOW + MINUTE).ended_at == NOW + MINUTE
