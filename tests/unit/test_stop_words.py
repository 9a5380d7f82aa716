"""Inbound messages that ask to stop: which words do, and what the ledger makes of them."""

import pytest
from samples import NOW, PHONE

from engine import ledger
from engine.ledger import Moment
from engine.stop_words import asks_to_stop, email_asks_to_stop
from schemas.enrollment import OptOut
from schemas.receipt import Receipt
from schemas.rows import LedgerRow

STOPS = ("STOP", "stop", " Stop. ", "StopAll", "UNSUBSCRIBE", "cancel!", "END", "quit", "Revoke", "opt out", "OPTOUT")
OTHERS = ("", "stop by tomorrow", "don't stop", "START", "yes", "the end is near", "cancelled")


@pytest.mark.parametrize("text", STOPS)
def test_words_that_ask_to_stop(text: str) -> None:
    assert asks_to_stop(text)


@pytest.mark.parametrize("text", OTHERS)
def test_words_that_do_not(text: str) -> None:
    assert not asks_to_stop(text)


def test_stop_counts_at_an_address_that_was_never_contacted_and_reaches_all_who_share_it() -> None:
    said = Receipt(event_id="m1", dial_id="", address=PHONE, kind="inbound", detail="STOP", opt_out="all")
    result = ledger.apply(LedgerRow(address=PHONE), ledger.Told(said, 0), Moment(NOW, int(NOW), ("ann",)))
    assert result.row is not None
    assert [(e.scope, e.source, e.spoke) for e in result.row.suppressions] == [("all", "message", True)]
    assert [o.contact_id for o in result.emit if isinstance(o, OptOut)] == ["ann"]
    again = ledger.apply(result.row, ledger.Told(said, 0), Moment(NOW, int(NOW), ("ann",)))
    assert again.emit == result.emit  # the very same records


@pytest.mark.parametrize(
    ("subject", "text", "stops"),
    [
        ("Re: Your renewal", "Stop\n\nAna\n\n> Hi Ana, your plan ends", True),
        ("unsubscribe", "", True),
        (None, "\n  Please unsubscribe me.\n", True),
        ("Re: Your renewal", "Thanks!\n\n> unsubscribe", False),  # what it answers to
        ("Re: stop", "When do you close?", False),
    ],
)
def test_an_email_asks_to_stop_by_its_subject_or_its_first_line(subject: str | None, text: str, stops: bool) -> None:
    assert email_asks_to_stop(subject, text) is stops
