"""What users of other systems complain about, as far as no broker is needed; the others are in tests/acceptance."""

import pytest
from samples import NOW, PLAN, PROFILE, dial_of, outcome_of, receipt_of, row_of

from engine import flow, ledger
from engine.gate import Facts, decide
from engine.ledger import Moment
from engine.plan import Channel, Contacting
from engine.time import HOUR, MINUTE, Instant
from schemas.campaign import CampaignState
from schemas.outcome import Outcome
from schemas.rows import LedgerRow, State
from tests.unit.samples import plan_of

MOMENT = Moment(NOW, int(NOW))


@pytest.mark.parametrize("channel", ["call", "sms"])
def test_complaint_6_after_a_partial_failure_nothing_is_sent_twice(channel: str) -> None:
    """The worker died behind the request: the same command comes again, and is answered, not sent."""
    dial = dial_of(1, channel)
    step = Contacting("first", Channel(channel), agent="ann", template="Hi")
    plan = plan_of(step)
    verdict = decide(Facts(plan, CampaignState.RUNNING, ("America/New_York",), step), NOW)
    reserve = ledger.Reserve(dial, verdict, int(NOW), int(NOW) + MINUTE, NOW)
    first = ledger.apply(LedgerRow(address=dial.address), reserve, MOMENT)
    assert first.request
    assert first.row is not None
    assert not ledger.apply(first.row, reserve, MOMENT).request  # reserved: it may be under way
    said = receipt_of("accepted") if channel == "sms" else receipt_of("ended", disposition="busy")
    settled = ledger.apply(first.row, ledger.Told(said, 0), MOMENT)
    closing = next(record for record in settled.emit if isinstance(record, Outcome))
    assert settled.row is not None
    again = ledger.apply(settled.row, reserve, MOMENT)
    assert (again.request, again.row, again.emit) == (False, None, (closing,))


def test_complaint_17_a_message_that_is_blocked_is_not_scheduled_over_and_over() -> None:
    """A block that lasts ends the step, one that passes has an instant; a failing provider ends after a day."""
    row, rows = row_of(State.ISSUED, "text", last=None, unrung=0), 0
    skipped = flow.transition(
        row, flow.Closing(outcome_of("not_dialed", skips="opted_out", reason="suppression")), NOW, PLAN, PROFILE
    )
    assert skipped.row.step != "text" or skipped.row.exit is not None
    waiting = row_of(State.ISSUED)
    now = NOW
    while waiting.state is State.ISSUED:
        failed = outcome_of("provider_error", seq=waiting.seq, ended_at=int(now))
        after = flow.transition(waiting, flow.Closing(failed), now, PLAN, PROFILE).row
        if after.step != "first":
            break
        assert after.due > now
        now, rows = Instant(after.due), rows + 1
        waiting = flow.transition(after, flow.Granted(row_of(State.ISSUED).open.slot, None), now, PLAN, PROFILE).row  # type: ignore[union-attr]
    assert rows <= 12
    assert now - NOW < 48 * HOUR
