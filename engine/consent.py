"""What a person has agreed to, and whether that is enough."""

from collections.abc import Iterable

from engine.answers import YES, Answer, At, Never
from engine.plan import Plan
from engine.rulepack import KINDS
from engine.rules import Needed
from engine.time import NEVER, Instant
from schemas.rows import Consent


def consented(needed: Needed, consents: tuple[Consent, ...], plan: Plan, channel: str, now: Instant) -> Answer:
    """Whether one of the consents that hold now is of the kind that is needed, or a stronger one.

    It turns when a consent begins. Never: the person leaves, or the step is passed over if another channel of the campaign is
    consented to.
    """
    enough = [each for each in consents if _enough(each, needed, plan)]
    begins = [_begins(each) for each in enough if _covers(each, channel) and now < _ends(each)]
    if now < needed.since or any(at <= now for at in begins):
        return YES["consent"]
    kind = needed.kind.replace("_", " ")
    detail = f"needs {kind} consent for {plan.purpose or 'this purpose'} ({needed.source}); on record: {_words(consents)}"
    if begins:
        return Answer("consent", False, At(Instant(min(begins))), detail)
    elsewhere = any(_covers(each, other) and _begins(each) <= now < _ends(each) for each in enough for other in plan.channels)
    return Answer("consent", False, Never("no_consent", skips=elsewhere), detail)


def _enough(consent: Consent, needed: Needed, plan: Plan) -> bool:
    scopes = ("all", plan.purpose, f"campaign:{plan.campaign}")
    return consent.kind in KINDS and KINDS.index(consent.kind) >= KINDS.index(needed.kind) and consent.scope in scopes


def _covers(consent: Consent, channel: str) -> bool:
    return consent.channel in ("all", channel)


def _begins(consent: Consent) -> int:
    return consent.at or 0


def _ends(consent: Consent) -> int:
    """From when on it does not hold any more: it has expired, or was taken back."""
    return min(NEVER if at is None else at for at in (consent.expires_at, consent.revoked_at))


def _words(consents: Iterable[Consent]) -> str:
    return ", ".join(f"{each.kind.replace('_', ' ')}{_limits(each)}" for each in consents) or "nothing"


def _limits(consent: Consent) -> str:
    """` for call (marketing), revoked`: what the consent does not say is left out."""
    found = f" for {consent.channel}" if consent.channel != "all" else ""
    found += f" ({consent.scope})" if consent.scope != "all" else ""
    return found + (", taken back" if consent.revoked_at is not None else ", with an end" if consent.expires_at is not None else "")
