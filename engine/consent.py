"""What a person has agreed to, and whether that is enough.

A record holds from `at` on, until it expires, is revoked, or a later record with the kind `none`, of the same channel and scope or
a wider one, takes it back.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from engine.answers import YES, Answer, At, Never
from engine.plan import Plan
from engine.rulepack import KINDS
from engine.rules import Needed
from engine.time import NEVER, Instant
from schemas.rows import Consent

_RANK: dict[str, int] = {kind: rank for rank, kind in enumerate(KINDS)}


def consented(every: tuple[Needed, ...], consents: tuple[Consent, ...], plan: Plan, channel: str, now: Instant) -> Answer:
    """Whether one of the consents that hold now is of the kind that is needed now, or a stronger one.

    It turns when a consent begins. Never: the person leaves, or the step is passed over if another channel of the campaign is
    consented to.
    """
    needed = max((each for each in every if each.since <= now), key=lambda each: _RANK[each.kind], default=None)
    if needed is None:
        return YES["consent"]
    scopes = ("all", plan.purpose, f"campaign:{plan.campaign}")
    scoped = [each for each in consents if each.scope in scopes]
    enough = [each for each in scoped if _RANK.get(each.kind, 0) >= _RANK[needed.kind]]
    begins = [_begins(each) for each in enough if _covers(each, channel) and max(now, _begins(each)) < _ends(each, scoped, channel)]
    if any(at <= now for at in begins):
        return YES["consent"]
    detail = f"needs {_kind(needed.kind)} consent for {plan.purpose} ({needed.source}); on record: {_words(consents)}"
    if begins:
        return Answer("consent", False, At(Instant(min(begins))), detail)
    others = [(each, other) for each in enough for other in plan.channels if _covers(each, other)]
    elsewhere = any(max(now, _begins(each)) < _ends(each, scoped, other) for each, other in others)
    return Answer("consent", False, Never("no_consent", skips=elsewhere), detail)


def _covers(consent: Consent, channel: str) -> bool:
    return consent.channel in ("all", channel)


def _begins(consent: Consent) -> int:
    return consent.at or 0


def _ends(consent: Consent, scoped: Sequence[Consent], channel: str) -> int:
    """From when on it does not hold any more, for this channel: it has expired, or was taken back. scoped: the records that speak
    for the campaign."""
    given = _begins(consent)
    refusals = [_begins(each) for each in scoped if each.kind == "none" and _covers(each, channel) and _begins(each) >= given]
    return min([NEVER if at is None else at for at in (consent.expires_at, consent.revoked_at)] + refusals)


def _words(consents: Iterable[Consent]) -> str:
    return ", ".join(f"{_kind(each.kind)}{_limits(each)}" for each in consents) or "nothing"


def _kind(kind: str) -> str:
    return kind.replace("_", " ")


def _limits(consent: Consent) -> str:
    """` for call (marketing) since 2026-03-01, taken back 2026-05-01`: what the consent does not say is left out."""
    found = f" for {consent.channel}" if consent.channel != "all" else ""
    found += f" ({consent.scope})" if consent.scope != "all" else ""
    times = ((" since", consent.at), (", taken back", consent.revoked_at), (", expires", consent.expires_at))
    return found + "".join(f"{word} {_date(at)}" for word, at in times if at is not None)


def _date(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
