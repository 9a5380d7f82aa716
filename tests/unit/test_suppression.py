"""engine/suppression.py: which entries cover a contact, until when, to the millisecond, and what the gate makes of them."""

from typing import Any

import pytest
from msgspec.structs import replace
from samples import FIRST, NOW, PHONE, PROFILE, TEXT, outcome_of, plan_of
from samples import row_of as enrollment_of

from engine import flow, ledger
from engine.answers import NOT_ASKED, YES, At, Never, Until, When
from engine.calendars import HORIZON
from engine.gate import Facts, decide
from engine.ledger import Moment
from engine.plan import Contacting
from engine.suppression import covers, holds, lists_current, parse_scope, suppressed
from engine.time import DAY, Instant
from schemas.base import decode, encode
from schemas.campaign import CampaignState
from schemas.rows import DialerRow, LedgerRow, OptOutEntry, State, SuppressionEntry
from schemas.suppression import Suppression

PLAN = plan_of(FIRST, TEXT)
MS = 1
OPTED_OUT, SUPPRESSED, SKIPPED = Never("opted_out"), Never("suppressed"), Never("suppressed", skips=True)


def entry(scope: str = "all", reason: str = "do_not_call", **fields: Any) -> SuppressionEntry:
    return SuppressionEntry(scope=scope, reason=reason, **({"source": "us-national", "at": NOW - DAY} | fields))


def row_of(*entries: SuppressionEntry) -> LedgerRow:
    return LedgerRow(address=PHONE, suppressions=entries)


def told(*entries: SuppressionEntry, channel: str = "call", now: int = NOW) -> Until | None:
    """Until when the address's entries forbid a contact of the campaign spring."""
    return suppressed((), row_of(*entries), "spring", channel, Instant(now)).until


# --- scopes -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope", ["all", "campaign:spring", "campaign:a-b_c9", "channel:call", "channel:sms", "channel:email", " all "]
)
def test_a_scope_that_there_is(scope: str) -> None:
    assert parse_scope(scope) == scope.strip()


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "everything",
        "ALL",
        "campaign:",
        "campaign:Spring",
        "campaign:a b",
        "channel:",
        "channel:fax",
        "channel:call,sms",
        "call",
    ],
)
def test_a_scope_that_there_is_not(scope: str) -> None:
    with pytest.raises(ValueError, match="is no scope: write all, campaign:<id>, channel:call, channel:sms or channel:email"):
        parse_scope(scope)


def test_the_nearest_scope_is_offered() -> None:
    with pytest.raises(ValueError, match=r"channel:sms\?"):
        parse_scope("chanel:sms")


@pytest.mark.parametrize(
    ("scope", "spring_call", "spring_sms", "autumn_call"),
    [
        ("all", True, True, True),
        ("campaign:spring", True, True, False),
        ("campaign:autumn", False, False, True),
        ("channel:call", True, False, True),
        ("channel:sms", False, True, False),
        ("channel:email", False, False, False),
        ("of a later version", True, True, True),  # never the laxer reading
    ],
)
def test_what_a_scope_covers(scope: str, spring_call: bool, spring_sms: bool, autumn_call: bool) -> None:
    asked = [("spring", "call"), ("spring", "sms"), ("autumn", "call")]
    assert [covers(scope, *each) for each in asked] == [spring_call, spring_sms, autumn_call]


# --- what an entry says -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "until"),
    [
        ((), None),
        ((entry(),), SUPPRESSED),
        ((entry("campaign:spring"),), SUPPRESSED),
        ((entry("channel:call"),), SKIPPED),
        ((entry("channel:sms"),), None),
        ((entry("campaign:autumn"), entry("channel:email")), None),
        ((entry(reason="opted_out"),), OPTED_OUT),
        ((entry("channel:call", "opted_out"),), Never("opted_out", skips=True)),
        # of several the strongest speaks, wherever it stands
        ((entry("channel:call"), entry()), SUPPRESSED),
        ((entry(), entry("channel:call")), SUPPRESSED),
        ((entry(), entry(reason="opted_out", source="call")), OPTED_OUT),
        ((entry(expires_at=NOW + 5), entry("channel:call")), SKIPPED),
        ((entry(expires_at=NOW + 5), entry(source="b", expires_at=NOW + 9)), At(Instant(NOW + 9))),
        # one that has ended hides none that holds
        ((entry(expires_at=NOW), entry("channel:call")), SKIPPED),
        ((entry(expires_at=NOW), entry(source="b")), SUPPRESSED),
    ],
)
def test_what_the_entries_of_an_address_say(entries: tuple[SuppressionEntry, ...], until: Until | None) -> None:
    assert told(*entries) == until


@pytest.mark.parametrize("scope", ["all", "campaign:spring", "channel:call"])
@pytest.mark.parametrize(
    ("expires", "until"),
    [
        (-DAY, None),
        (-MS, None),
        (0, None),  # [since, expires_at): at the instant itself it does not hold any more
        (MS, "at"),
        (HORIZON, "at"),
        (HORIZON + MS, "never"),
    ],
)
def test_an_entry_ends_to_the_millisecond(scope: str, expires: int, until: str | None) -> None:
    found = told(entry(scope, expires_at=NOW + expires))
    never = Never("suppressed", skips=scope.startswith("channel:"))
    assert found == {None: None, "at": At(Instant(NOW + expires)), "never": never}[until]
    assert holds(entry(expires_at=NOW + expires), NOW) is (until is not None)


def test_a_no_says_who_and_since_when_and_for_what() -> None:
    by_address = suppressed((), row_of(entry()), "spring", "call", NOW)
    assert by_address.detail == "the address is suppressed for all since 2026-11-23: do_not_call (us-national)"
    by_person = suppressed((OptOutEntry("all", "call", NOW, "r1"),), None, "spring", "call", NOW)
    assert by_person.detail == "the person opted out of all at 2026-11-24 (call)"


# --- what a person asked for ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "call", "sms"),
    [
        (("all",), OPTED_OUT, OPTED_OUT),
        (("campaign:spring",), OPTED_OUT, OPTED_OUT),
        (("campaign:autumn",), None, None),
        (("channel:sms",), None, Never("opted_out", skips=True)),
        (("channel:sms", "campaign:spring"), OPTED_OUT, OPTED_OUT),
    ],
)
def test_a_persons_own_words(scopes: tuple[str, ...], call: Until | None, sms: Until | None) -> None:
    own = tuple(OptOutEntry(scope, "call", NOW, "r1") for scope in scopes)
    for ledger_row in (None, row_of()):  # the scheduler asks without the address's facts, the dialer with them
        for channel, until in (("call", call), ("sms", sms)):
            assert suppressed(own, ledger_row, "spring", channel, NOW).until == until


def test_a_check_that_has_nothing_to_say_answers_with_what_is_there() -> None:
    assert suppressed((), None, "spring", "call", NOW) is NOT_ASKED["suppression"]
    assert suppressed((), row_of(), "spring", "call", NOW) is YES["suppression"]
    assert suppressed((), row_of(entry("channel:sms")), "spring", "call", NOW) is YES["suppression"]


@pytest.mark.parametrize(
    ("step", "scope", "ends", "skips"),
    [
        (FIRST, "all", "suppressed", None),
        (FIRST, "channel:call", None, "suppressed"),
        (TEXT, "channel:sms", None, "suppressed"),
        (TEXT, "channel:call", None, None),
    ],
)
def test_the_gate_ends_the_enrollment_or_passes_the_step_over(
    step: Contacting, scope: str, ends: str | None, skips: str | None
) -> None:
    facts = Facts(PLAN, CampaignState.RUNNING, ("America/New_York",), step, ledger=row_of(entry(scope)))
    verdict = decide(facts, NOW)
    assert (verdict.ok, verdict.ends, verdict.skips) == (not (ends or skips), ends, skips)


# --- one row holds all of them ----------------------------------------------------------------------------------------------------


def after(row: LedgerRow, **fields: Any) -> LedgerRow:
    """The row once a request is folded in."""
    asked = Suppression(**({"event_id": "s1", "address": PHONE, "source": "us-national", "at": NOW} | fields))
    return ledger.apply(row, ledger.Suppress(asked, "s1"), Moment(NOW, 0)).row or row


def test_entries_of_other_scopes_sources_and_people_stand_side_by_side() -> None:
    row = row_of()
    names = [("all", "us-national", None), ("channel:sms", "us-national", None), ("all", "cli", None), ("all", "cli", "c7")]
    for scope, source, contact in names:
        row = after(row, scope=scope, source=source, contact_id=contact)
    assert [(e.scope, e.source, e.contact_id) for e in row.suppressions] == names


@pytest.mark.parametrize("first", [NOW + DAY, None])
@pytest.mark.parametrize("second", [NOW + 2 * DAY, NOW + 5, None])
def test_one_that_is_added_again_takes_the_newer_end(first: int | None, second: int | None) -> None:
    row = after(after(row_of(), scope="all", expires_at=first), scope="all", expires_at=second)
    assert [e.expires_at for e in row.suppressions] == [second]


def test_the_same_list_again_changes_nothing() -> None:
    row = after(row_of(), expires_at=NOW + DAY)
    assert after(row, expires_at=NOW + DAY, at=NOW + 5, event_id="another") is row


@pytest.mark.parametrize(
    ("scope", "of_source", "left"),
    [
        ("all", None, {("channel:sms", "us-national")}),
        ("all", "cli", {("all", "us-national"), ("channel:sms", "us-national")}),
        ("channel:sms", None, {("all", "us-national"), ("all", "cli")}),
        ("channel:sms", "cli", {("all", "us-national"), ("all", "cli"), ("channel:sms", "us-national")}),
        ("campaign:spring", None, {("all", "us-national"), ("all", "cli"), ("channel:sms", "us-national")}),
    ],
)
def test_a_removal_takes_off_its_scope_and_source_and_never_more(
    scope: str, of_source: str | None, left: set[tuple[str, str]]
) -> None:
    row = row_of(entry(), entry(source="cli"), entry("channel:sms"))
    found = after(row, kind="remove", scope=scope, of_source=of_source)
    assert {(e.scope, e.source) for e in found.suppressions} == left


def test_the_words_of_a_list_are_kept_once_for_all_its_entries() -> None:
    """A million addresses of one list have scope, reason and source in common."""
    written = encode(row_of(entry("channel:call")))
    one, other = (decode(written, DialerRow).suppressions[0] for _ in range(2))
    assert one == other
    assert all(getattr(one, name) is getattr(other, name) for name in ("scope", "reason", "source"))
    assert replace(one, reason="do_not" + "_call") == one


# --- lists ------------------------------------------------------------------------------------------------------------------------

NEEDED = (("us-national", 31 * DAY),)


@pytest.mark.parametrize(
    ("lists", "detail"),
    [
        ({"us-national": NOW}, None),
        ({"us-national": NOW - 31 * DAY}, None),
        ({"us-national": NOW - 31 * DAY - MS}, "list us-national is of 2026-10-24, and may be 31 days old"),
        ({}, "list us-national has not been imported"),
        ({"other": NOW}, "list us-national has not been imported"),
    ],
)
def test_a_list_that_is_missing_or_too_old_is_waited_for(lists: dict[str, int], detail: str | None) -> None:
    answer = lists_current(NEEDED, lists, NOW)
    assert (answer.ok, answer.detail) == (detail is None, detail)
    assert answer.until == (When("list_imported") if detail else None)


def test_a_campaign_that_needs_no_list_does_not_ask() -> None:
    assert lists_current((), {}, NOW) is YES["lists"]


LEAVE = [("all", True), ("campaign:spring", True), ("campaign:autumn", False), ("channel:sms", False), ("planet:earth", True)]


@pytest.mark.parametrize(("scope", "left"), LEAVE)
def test_an_outcome_ends_what_its_opt_out_covers(scope: str, left: bool) -> None:
    """A scope that nobody knows means all, to the flow as to the ledger."""
    closing = outcome_of("voicemail", opt_out=scope)
    result = flow.transition(enrollment_of(State.ISSUED), flow.Closing(closing), NOW, PLAN, PROFILE)
    assert (result.row.exit is not None) is left
