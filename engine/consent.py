"""What a person has agreed to, and whether that is enough.

A record holds from `at` on, until it expires, is revoked, or a later record with the kind `none`, of the same channel and scope or
a wider one, takes it back.
"""

from collections.abc import Iterable, Iterator

from engine.answers import YES, Answer, At, Never
from engine.plan import Plan
from engine.rulepack import KINDS
from engine.rules import Needed
from engine.time import NEVER, Instant, date_text
from schemas.rows import Consent

_RANK: dict[str, int] = {kind: rank for rank, kind in enumerate(KINDS)}


def consented(every: tuple[Needed, ...], consents: tuple[Consent, ...], plan: Plan, channel: str, now: Instant) -> Answer:
    """Whether one of the consents that hold now is of the kind that is needed now, or a stronger one.

    It turns when a consent begins. Never: the person leaves, or the step is passed over if another channel of the campaign is
    consented to.
    """
    needed = _in_force(every, now)
    if needed is None:
        return YES["consent"]
    scoped = [each for each in consents if each.scope in plan.scopes]
    least = _RANK[needed.kind]
    enough = [each for each in scoped if _RANK.get(each.kind, 0) >= least]
    for each in enough:
        if _covers(each, channel) and _begins(each) <= now < _ends(each, scoped, channel):
            return YES["consent"]
    return _refused(needed, consents, scoped, enough, plan, channel, now)


def _in_force(every: tuple[Needed, ...], now: Instant) -> Needed | None:
    """The most that is needed now."""
    found: Needed | None = None
    for each in every:
        if each.since <= now and (found is None or _RANK[each.kind] > _RANK[found.kind]):
            found = each
    return found


def _refused(
    needed: Needed,
    consents: tuple[Consent, ...],
    scoped: list[Consent],
    enough: list[Consent],
    plan: Plan,
    channel: str,
    now: Instant,
) -> Answer:
    """scoped: those that speak for the campaign; enough: of them, those of the kind that is needed."""

    def begins(of: str) -> Iterator[int]:
        """When those begin for a channel that hold now or are going to."""
        yield from (at for each in enough if _covers(each, of) and max(now, at := _begins(each)) < _ends(each, scoped, of))

    detail = f"needs {_kind(needed.kind)} consent for {plan.purpose} ({needed.source}); on record: {_words(consents)}"
    at = min(begins(channel), default=None)
    if at is not None:
        return Answer("consent", False, At(Instant(at)), detail)
    elsewhere = any(True for other in plan.channels for _ in begins(other))
    return Answer("consent", False, Never("no_consent", skips=elsewhere), detail)


def _covers(consent: Consent, channel: str) -> bool:
    return consent.channel in ("all", channel)


def _begins(consent: Consent) -> int:
    return consent.at or 0


def _ends(consent: Consent, scoped: list[Consent], channel: str) -> int:
    """From when on it does not hold any more, for this channel: it has expired, or was taken back."""
    end: int = NEVER if consent.expires_at is None else consent.expires_at
    if consent.revoked_at is not None and consent.revoked_at < end:
        end = consent.revoked_at
    for each in scoped:
        if each.kind == "none" and _covers(each, channel) and _begins(consent) <= _begins(each) < end:
            end = _begins(each)
    return end


def _words(consents: Iterable[Consent]) -> str:
    return ", ".join(f"{_kind(each.kind)}{_limits(each)}" for each in consents) or "nothing"


def _kind(kind: str) -> str:
    return kind.replace("_", " ")


def _limits(consent: Consent) -> str:
    """` for call (marketing) since 2026-03-01, taken back 2026-05-01`: what the consent does not say is left out."""
    found = f" for {consent.channel}" if consent.channel != "all" else ""
    found += f" ({consent.scope})" if consent.scope != "all" else ""
    times = ((" since", consent.at), (", taken back", consent.revoked_at), (", expires", consent.expires_at))
    return found + "".join(f"{word} {date_text(at)}" for word, at in times if at is not None)
