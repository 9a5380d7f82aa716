"""Consent: what people and systems write, when a record holds, to the millisecond, and what the gate answers."""

from typing import Any

import pytest
from samples import FIRST, NOW, TEXT, plan_of

from engine.answers import At, Never
from engine.consent import consented
from engine.consent_records import consents_of
from engine.gate import Facts, decide
from engine.intake import profile_of
from engine.rulepack import load_pack
from engine.rules import Needed, Rules
from engine.time import DAY
from schemas.base import decode, encode
from schemas.campaign import CampaignState
from schemas.contact import Contact
from schemas.rows import Consent, Profile

PLAN = plan_of(FIRST, TEXT, purpose="marketing", rules=Rules(load_pack("us", "2026-11"), "marketing"))
CALLS_ONLY = plan_of(FIRST, purpose="marketing")
EXPRESS, WRITTEN = Needed("express", "a law", 0), Needed("express_written", "a law", 0)
YES, NO, MS = (True, None), (False, Never("no_consent")), 1


def record(kind: str = "express", **fields: Any) -> Consent:
    return Consent(kind=kind, **fields)


#: needed, records -> the answer at NOW.
CASES: dict[str, tuple[Needed, list[Consent], tuple[bool, Any]]] = {
    "nothing": (EXPRESS, [], NO),
    "none": (EXPRESS, [record("none")], NO),
    "as needed": (EXPRESS, [record()], YES),
    "stronger": (EXPRESS, [record("express_written")], YES),
    "weaker": (WRITTEN, [record()], NO),
    "one of several": (WRITTEN, [record(), record("express_written")], YES),
    "a kind that nobody knows": (EXPRESS, [record("verbal")], NO),
    "given now": (EXPRESS, [record(at=NOW)], YES),
    "given in a millisecond": (EXPRESS, [record(at=NOW + MS)], (False, At(NOW + MS))),
    "the earlier of two that are to come": (EXPRESS, [record(at=NOW + DAY), record(at=NOW + 5)], (False, At(NOW + 5))),
    "expires now": (EXPRESS, [record(expires_at=NOW)], NO),
    "expires in a millisecond": (EXPRESS, [record(expires_at=NOW + MS)], YES),
    "revoked now": (EXPRESS, [record(revoked_at=NOW)], NO),
    "revoked in a millisecond": (EXPRESS, [record(revoked_at=NOW + MS)], YES),
    "revoked before it expires": (EXPRESS, [record(revoked_at=NOW - 1, expires_at=NOW + DAY)], NO),
    "to come, and revoked before": (EXPRESS, [record(at=NOW + DAY, revoked_at=NOW + DAY)], NO),
    "revoked, and given anew": (EXPRESS, [record(at=NOW - DAY, revoked_at=NOW - 5), record(at=NOW)], YES),
    "taken back by a later none": (EXPRESS, [record(at=NOW - DAY), record("none", at=NOW)], NO),
    "to be taken back in a millisecond": (EXPRESS, [record(at=NOW - DAY), record("none", at=NOW + MS)], YES),
    "given after a none": (EXPRESS, [record("none", at=NOW - DAY), record(at=NOW - DAY + MS)], YES),
    "yes and no, nobody knows when": (EXPRESS, [record(), record("none")], NO),
    "a none without a time is before all": (EXPRESS, [record("none"), record(at=NOW - DAY)], YES),
    "a none of another channel": (EXPRESS, [record(), record("none", channel="email")], YES),
    "a none of another purpose": (EXPRESS, [record(), record("none", scope="informational")], YES),
    "a none of this campaign": (EXPRESS, [record(), record("none", scope="campaign:spring", at=NOW - 1)], NO),
    "for this channel": (EXPRESS, [record(channel="call")], YES),
    "for this purpose": (EXPRESS, [record(scope="marketing")], YES),
    "for another purpose": (EXPRESS, [record(scope="informational")], NO),
    "for this campaign": (EXPRESS, [record(scope="campaign:spring")], YES),
    "for another campaign": (EXPRESS, [record(scope="campaign:autumn")], NO),
}


@pytest.mark.parametrize("name", CASES)
def test_when_a_consent_holds(name: str) -> None:
    needed, records, (ok, until) = CASES[name]
    answer = consented((needed,), tuple(records), CALLS_ONLY, "call", NOW)
    assert (answer.check, answer.ok, answer.until) == ("consent", ok, until)


@pytest.mark.parametrize(
    ("records", "skips"),
    [
        ([], False),
        ([record(channel="call")], True),
        ([record(channel="call", at=NOW + DAY)], True),  # it will be consented to
        ([record(channel="call", expires_at=NOW)], False),
        ([record(channel="call", at=NOW + DAY, revoked_at=NOW + 1)], False),
        ([record(), record("none", channel="sms")], True),
        ([record(), record("none")], False),
        ([record(channel="email")], False),  # which this campaign does not use
    ],
)
def test_a_step_is_passed_over_if_another_channel_of_the_campaign_is_consented_to(records: list[Consent], skips: bool) -> None:
    answer = consented((EXPRESS,), tuple(records), PLAN, "sms", NOW)
    assert (answer.ok, answer.until) == (False, Never("no_consent", skips=skips))


def test_a_rule_asks_from_its_day_on_and_the_stronger_one_from_its_own() -> None:
    later = (Needed("express", "old", NOW), Needed("express_written", "new", NOW + DAY))
    told = [
        [consented(later, (each,), CALLS_ONLY, "call", at).ok for at in (NOW - 1, NOW, NOW + DAY - 1, NOW + DAY)]
        for each in (record("none"), record("express"), record("express_written"))
    ]
    assert told == [[True, False, False, False], [True, True, True, False], [True] * 4]


def test_the_answer_says_what_is_needed_by_which_rule_and_what_is_on_record() -> None:
    march = 1_772_323_200_000  # 1 March 2026
    records = (record(at=march, scope="marketing"), record("express_written", channel="sms", revoked_at=march + DAY))
    assert consented((WRITTEN,), records, CALLS_ONLY, "call", NOW).detail == (
        "needs express written consent for marketing (a law); on record: express (marketing) since 2026-03-01, "
        "express written for sms, taken back 2026-03-02"
    )
    assert str(consented((WRITTEN,), (), CALLS_ONLY, "call", NOW).detail).endswith("on record: nothing")


def test_the_gate_asks() -> None:
    for records, ok in (((), False), ((record(),), False), ((record("express_written"),), True)):
        facts = Facts(PLAN, CampaignState.RUNNING, ("America/New_York",), FIRST, jurisdictions=("US-NY",), consents=records)
        answer = next(each for each in decide(facts, NOW).answers if each.check == "consent")
        assert answer.ok is ok
        assert ok or "47 CFR 64.1200(a)" in str(answer.detail)


# --- as it is written -------------------------------------------------------------------------------------------------------------

AT = 1_772_355_600_000  # 1 March 2026, 09:00 UTC


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (None, []),
        ("", []),
        ("  ", []),
        ([], []),
        ("yes", [record()]),
        (" YES ", [record()]),
        ("Y", [record()]),
        (True, [record()]),
        ("Opted In", [record()]),
        ("express", [record()]),
        ("no", [record("none")]),
        (False, [record("none")]),
        ("None", [record("none")]),
        ("opted  out", [record("none")]),
        ("Express Written", [record("express_written")]),
        ("EXPRESS_WRITTEN", [record("express_written")]),
        ({"kind": "express"}, [record()]),
        ({"kind": "express", "channel": None, "scope": None, "at": None, "source": ""}, [record()]),
        ({"kind": "Express", "channel": " SMS ", "scope": "Marketing"}, [record(channel="sms", scope="marketing")]),
        ({"kind": "yes", "scope": "campaign:Spring"}, [record(scope="campaign:Spring")]),
        ({"kind": "yes", "at": "2026-03-01T09:00:00Z"}, [record(at=AT)]),
        ({"kind": "yes", "at": "2026-03-01T04:00:00-05:00"}, [record(at=AT)]),
        ({"kind": "yes", "at": "2026-03-01 09:00"}, [record(at=AT)]),
        ({"kind": "yes", "at": AT}, [record(at=AT)]),
        ({"kind": "yes", "at": "2026-03-01"}, [record(at=AT - 9 * 3_600_000)]),
        ({"kind": "yes", "expires_at": "2026-03-01T09:00:00.001Z", "revoked_at": AT}, [record(expires_at=AT + 1, revoked_at=AT)]),
        (
            ["yes", {"kind": "none", "channel": "sms", "source": "form 7"}],
            [record(), record("none", channel="sms", source="form 7")],
        ),
    ],
)
def test_consents_are_read(written: Any, found: list[Consent]) -> None:
    problems: list[str] = []
    assert consents_of(written, problems) == tuple(found)
    assert problems == []


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("maybe", "'maybe' is no kind of consent: write none, express or express_written"),
        (7, "write a word or a record"),
        (1.5, "write a word or a record"),
        ([["yes"]], "write a word or a record"),
        ({}, "it has no kind: write none, express or express_written"),
        ({"kind": 3}, "3 is no kind of consent"),
        ({"kind": "yes", "channel": "fax"}, "channel 'fax' is none of all, call, sms or email"),
        ({"kind": "yes", "scope": "campaign:"}, "scope 'campaign:' is none of all"),
        ({"kind": "yes", "scope": "markting"}, "Did you mean marketing?"),
        ({"kind": "yes", "revokedAt": AT}, "'revokedAt' is no key of it"),
        ({"kind": "yes", "expires": AT}, "Did you mean expires_at?"),
        ({"kind": "yes", "at": "3/1/2026"}, "at '3/1/2026' is no time: write it as 2026-03-01T09:00:00Z"),
        ({"kind": "yes", "at": True}, "is no time"),
        ({"kind": "yes", "at": 1_772_355_600}, "is no time in ms since 1970 but in seconds"),
        ({"kind": "yes", "at": 10**30}, "is no time in ms since 1970"),
        ({"kind": "yes", "expires_at": -1}, "expires_at -1 is no time"),
        ({"kind": "yes", "revoked_at": "soon"}, "revoked_at 'soon' is no time"),
    ],
)
def test_what_cannot_be_read_counts_for_nothing_and_is_said(written: Any, words: str) -> None:
    problems: list[str] = []
    assert consents_of(written, problems) == ()
    (problem,) = problems
    assert words in problem
    assert "so it counts for nothing" in problem


def test_what_can_be_read_beside_stays() -> None:
    profile = profile_of(Contact(id="c1", phone="+12125550101", consent=["perhaps", "yes", "x" * 1000]))
    assert profile.consents == (record(),)
    assert len(profile.problems) == 2
    assert max(map(len, profile.problems)) < 500
    assert decode(encode(profile), Profile) == profile
