"""The harder examples, each by its one command: everybody leaves for a reason that the campaign is about, and it all adds up."""

from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.shows import PEOPLE, shown

pytestmark = pytest.mark.timeout(280)


def test_appointments_are_reminded_of_by_phone_when_it_suits_or_by_text(tmp_path: Path) -> None:
    campaigns, log = shown(tmp_path, "appointment-reminder")
    one = campaigns["appointment-reminder"]
    assert one["enrolled"] == PEOPLE
    assert one["exits"]["answered"] > PEOPLE / 4
    assert one["exits"]["completed"] > PEOPLE / 10  # by text, after a machine
    assert set(one["exits"]) <= {"answered", "completed", "opted_out", "unreachable", "expired", "campaign_ended"}
    asked = [line for line in log if line.get("callback_ms")]
    assert len(asked) > 5
    again = Counter(line["number"] for line in log if line["channel"] == "call")
    assert any(again[line["number"]] > 1 for line in asked)  # who asked was called back
    assert {line["channel"] for line in log} == {"call", "sms"}


def test_payments_are_reminded_of_under_the_law_and_with_consent_alone(tmp_path: Path) -> None:
    campaigns, log = shown(tmp_path, "payment-reminder")
    one = campaigns["payment-reminder"]
    assert one["enrolled"] == PEOPLE
    assert one["exits"]["no_consent"] > 5  # whoever has agreed to nothing
    assert one["exits"]["answered"] > PEOPLE / 5
    calls = Counter((line["number"], line["received_campaign_ms"] // 86_400_000) for line in log if line["channel"] == "call")
    assert calls
    assert max(calls.values()) <= 2  # one in 24 hours: two dates in UTC, at the most


def test_two_campaigns_share_a_line_by_their_weights(tmp_path: Path) -> None:
    campaigns, log = shown(tmp_path, "two-on-a-line")
    assert set(campaigns) == {"sales-push", "service-notes"}
    speakers = [line["agent"] for line in sorted(log, key=lambda line: line["received_real_us"])]
    assert len(speakers) == sum(one["enrolled"] for one in campaigns.values())
    together = speakers[40 : 40 + 240]  # both are there, and neither is through
    # Of what was granted it is three in four (test_sharing counts that); a slot that a busy machine lets lapse is nobody's call.
    assert together.count("renewals-agent") == pytest.approx(180, abs=24)
