"""The harder examples, each by its one command: everybody leaves for a reason that the campaign is about, and it all adds up."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.campaigns import EXAMPLES
from tests.acceptance.places import read_addresses
from tests.acceptance.shows import PEOPLE, shown
from tests.acceptance.witness import People, Report, campaign, digits, read_area_codes, read_contacts, witness


def test_appointments_are_reminded_of_by_phone_when_it_suits_or_by_text(tmp_path: Path) -> None:
    campaigns, log = shown(tmp_path, "appointment-reminder")
    one = campaigns["appointment-reminder"]
    assert one["enrolled"] == PEOPLE
    assert one["exits"]["answered"] > PEOPLE / 10  # half of them, unless the machine is so busy that their day ends before
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
    assert one["exits"]["answered"] > PEOPLE / 10
    calls = Counter((line["number"], line["received_campaign_ms"] // 86_400_000) for line in log if line["channel"] == "call")
    assert calls
    assert max(calls.values()) <= 2  # one in 24 hours: two dates in UTC, at the most
    report = seen_by_the_law(log)
    assert not report.problems, report.summary()


#: What is left of the campaign's own hours (mon-fri 8-20, sat 9-13) under the law of each state. Elsewhere it is mon-fri 10-18.
LAWFUL = {
    "FL OK AL LA MS MD MA IL": {"mon-fri": ["08:00-20:00"], "sat": ["09:00-13:00"]},
    "CT NV MI MN NM": {"mon-fri": ["09:00-20:00"], "sat": ["09:00-13:00"]},
    "KY": {"mon-fri": ["10:00-20:00"], "sat": ["10:00-13:00"]},
    "PA": {"mon-fri": ["08:00-20:00"], "sat": ["09:00-12:00"]},
    "RI": {"mon-fri": ["09:00-18:00"]},
}


def seen_by_the_law(log: list[dict[str, Any]]) -> Report:
    """The independent witness: hours by the state of each person, in all zones that the person may be in."""
    people = read_contacts(EXAMPLES / "customers.csv")
    of = {digits(person["phone"]): person for person in people}
    weekly = {state: hours for states, hours in LAWFUL.items() for state in states.split()}
    files = [
        {"id": state, "window": {"weekly": weekly.get(state, {"mon-fri": ["10:00-18:00"]}), "timezone": {}}}
        for state in {person["state"] for person in people}
    ]
    calls = [
        {"dial_id": line["dial_id"], "address": line["number"], "contact_id": person["id"], "campaign": person["state"]}
        for line in log
        if (person := of[digits(line["number"])])
    ]
    return witness(log, calls, People(people, read_area_codes(), read_addresses()), dict(map(campaign, files)))


def test_two_campaigns_share_a_line_by_their_weights(tmp_path: Path) -> None:
    campaigns, log = shown(tmp_path, "two-on-a-line")
    everybody = {"unreachable": 320}  # nobody answers, and there is one try
    assert {name: one["exits"] for name, one in campaigns.items()} == {"sales-push": everybody, "service-notes": everybody}
    speakers = [line["agent"] for line in sorted(log, key=lambda line: line["received_real_us"])]
    assert len(speakers) == sum(one["enrolled"] for one in campaigns.values())
    together = speakers[40 : 40 + 240]  # both are there, and neither is through
    # Of what was granted it is three in four (test_sharing counts that); a slot that a busy machine lets lapse is nobody's call.
    assert together.count("renewals-agent") == pytest.approx(180, abs=24)
