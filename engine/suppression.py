"""Whom nobody may contact: opt-outs and other entries, each of a scope, and how old the lists are that some of them come from.

A scope is `all`, `campaign:<id>` or `channel:<call, sms or email>`. What covers person or campaign ends the enrollment, what covers
a channel passes its steps over; if the campaign has no others, it ends too. An entry with an end is waited for if it ends within
the horizon of windows.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from engine.answers import NOT_ASKED, YES, Answer, At, Never, Until, When, weight
from engine.calendars import HORIZON
from engine.complaints import nearest
from engine.errors import RecordError
from engine.time import DAY, Instant, date_text
from schemas.rows import LedgerRow, OptOutEntry, SuppressionEntry

CHANNELS = ("call", "sms", "email")
_CAMPAIGN = re.compile(r"campaign:[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


class ScopeError(RecordError, ValueError):
    """What is no scope, in a record or an option."""


def parse_scope(text: str) -> str:
    """A scope as it is kept. Raises ScopeError: a sentence with what there is."""
    scope = text.strip()
    known = ("all", *(f"channel:{channel}" for channel in CHANNELS))
    if scope in known or _CAMPAIGN.fullmatch(scope):
        return scope
    raise ScopeError(
        f"{text!r} is no scope: write all, campaign:<id>, channel:call, channel:sms or channel:email{nearest(scope, known)}"
    )


def known_scope(said: str) -> str:
    """The scope that an outsider names; one that nobody knows means all."""
    try:
        return parse_scope(said)
    except ScopeError:
        return "all"


def leaves(scope: str, campaign: str, channels: Collection[str]) -> bool:
    """Whether an opt-out of this scope ends an enrollment of this campaign, which uses these channels: it does if nothing is left;
    else steps of its channel are passed over."""
    known = known_scope(scope)
    return known in ("all", f"campaign:{campaign}") or [*channels] == [known.removeprefix("channel:")]


def covers(scope: str, campaign: str, channel: str) -> bool:
    """Whether a scope covers contacts of this campaign by this channel. One that nobody knows covers all."""
    kind, _, what = scope.partition(":")
    return what == campaign if kind == "campaign" else what == channel if kind == "channel" else True


def suppressed(
    opt_outs: tuple[OptOutEntry, ...], ledger: LedgerRow | None, campaign: str, channel: str, now: Instant, only: bool = False
) -> Answer:
    """What the person asked for, and what is known of the address; of several the strongest speaks.

    only: the campaign uses no other channel, so that nothing is left to be done.
    """
    if not opt_outs:
        if ledger is None:
            return NOT_ASKED["suppression"]
        if not ledger.suppressions:
            return YES["suppression"]
    found = [
        *(_by_person(each, only) for each in opt_outs if covers(each.scope, campaign, channel)),
        *_by_address(ledger, campaign, channel, now, only),
    ]
    return max(found, key=weight, default=NOT_ASKED["suppression"] if ledger is None else YES["suppression"])


def lists_current(needed: tuple[tuple[str, int], ...], lists: Mapping[str, int], now: Instant) -> Answer:
    """Whether each list that the campaign relies on was imported, and is not older than it may be (ms)."""
    for name, max_age in needed:
        as_of = lists.get(name)
        if as_of is None:
            return Answer("lists", False, When("list_imported"), f"list {name} has not been imported")
        if now - as_of > max_age:
            old = f"list {name} is of {date_text(as_of)}, and may be {max_age // DAY} days old"
            return Answer("lists", False, When("list_imported"), old)
    return YES["lists"]


def holds(entry: SuppressionEntry, now: Instant) -> bool:
    """Whether an entry has not ended."""
    return entry.expires_at is None or now < entry.expires_at


def _by_person(entry: OptOutEntry, only: bool) -> Answer:
    detail = f"the person opted out of {entry.scope} at {date_text(entry.at)} ({entry.source})"
    return Answer("suppression", False, Never("opted_out", skips=_skips(entry.scope, only)), detail)


def _by_address(ledger: LedgerRow | None, campaign: str, channel: str, now: Instant, only: bool) -> Iterator[Answer]:
    for entry in ledger.suppressions if ledger else ():
        if holds(entry, now) and covers(entry.scope, campaign, channel):
            detail = f"the address is suppressed for {entry.scope} since {date_text(entry.at)}: {entry.reason} ({entry.source})"
            yield Answer("suppression", False, _until(entry, now, only), detail)


def _until(entry: SuppressionEntry, now: Instant, only: bool) -> Until:
    if entry.expires_at is not None and entry.expires_at <= now + HORIZON:
        return At(Instant(entry.expires_at))
    return Never("opted_out" if entry.reason == "opted_out" else "suppressed", skips=_skips(entry.scope, only))


def _skips(scope: str, only: bool) -> bool:
    return not only and scope.startswith("channel:")
