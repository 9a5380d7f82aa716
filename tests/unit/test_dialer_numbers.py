"""The dialer's gate: a number that was chosen and is not to be used any more is not called from, however far its command is."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.answers import At, When
from engine.gate import Verdict
from outdial.clock import AcceleratedClock, Anchor
from schemas.base import encode
from schemas.campaign import CampaignHead, CampaignState
from schemas.resources import Number, resource_key
from schemas.rows import DialerRow, LedgerRow
from schemas.topics import CAMPAIGNS, DIAL_LEDGER, RESOURCES
from streams.dialer import Dialer
from streams.heads import Heads
from streams.scheduler import Lead
from streams.store import Table
from tests.unit.samples import NOW, PHONE, PLAN, SLOT, dial_of

ONE, TWO = "+12125550101", "+12125550102"


def verdict(*declared: Number, caller: str | None = ONE, channel: str = "call") -> Verdict:
    """What is said right before the request, when these numbers are the campaign's."""
    heads = Heads("nowhere:9092")
    heads._plans["spring", 1] = PLAN
    heads._take(CAMPAIGNS.name, "spring", encode(CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=NOW)))
    for number in declared:
        heads._take(RESOURCES.name, resource_key(number), encode(number.model_copy(update={"tags": ["sales"]})))
    clock = AcceleratedClock(Anchor(NOW, SLOT.start, 1), lambda: SLOT.start)
    made: Any = SimpleNamespace
    dialer = Dialer(
        made(tick=lambda _fn: None),
        clock,
        heads,
        Table[DialerRow](DIAL_LEDGER, DialerRow),
        made(name="none"),
        made(),
        Lead(),
    )
    dial = dial_of(caller=caller, channel=channel, step="first" if channel == "call" else "text")
    return dialer.verdict(LedgerRow(address=PHONE), dial, NOW, SLOT.start)


def test_a_number_of_the_campaign_that_is_awake_is_called_from() -> None:
    assert verdict(Number(number=ONE)).ok


@pytest.mark.parametrize("channel", ["call", "sms"])
@pytest.mark.parametrize("declared", [(Number(number=ONE, resting=True), Number(number=TWO)), (Number(number=TWO),)])
def test_one_that_rests_or_is_not_the_campaigns_is_not_and_another_is_chosen_at_once(
    declared: tuple[Number, ...], channel: str
) -> None:
    refused = verdict(*declared, channel=channel)
    assert (refused.reason, refused.until, refused.ends, refused.skips) == ("no_number", At(NOW), None, None)


def test_without_any_the_command_waits_for_one() -> None:
    assert verdict(Number(number=ONE, resting=True)).until == When("number")
    assert verdict(caller=None).until == When("number")
