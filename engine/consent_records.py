"""Consent as people and systems write it, as records: a word, one record, or a list of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.complaints import listed
from engine.rulepack import KINDS
from schemas.rows import Consent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHANNELS = ("all", "call", "sms", "email")
_SCOPES = ("all", "marketing", "informational", "collections")
#: What lists write for a kind. A bare yes is not in writing.
_WORDS = {
    **dict.fromkeys(("yes", "y", "true", "1", "opt-in", "opted in", "express"), "express"),
    **dict.fromkeys(("no", "n", "false", "0", "none", "opt-out", "opted out", "denied"), "none"),
    **dict.fromkeys(("written", "express written", "express_written", "express-written", "pewc"), "express_written"),
}


def consents_of(written: Any, problems: list[str]) -> tuple[Consent, ...]:
    """The records that a contact brings. What cannot be read counts for nothing, and is a problem in words. Never raises."""
    if written is None or written == "":
        return ()
    found = []
    for each in written if isinstance(written, list) else [written]:
        try:
            found.append(_record(each))
        except (ValueError, TypeError, OverflowError) as error:
            problems.append(f"consent {each!r} cannot be read, so it counts for nothing: {error}")
    return tuple(found)


def kind_of(word: str) -> str | None:
    """The kind that a word means; None if it is none."""
    return _WORDS.get(" ".join(word.casefold().split()))


def _record(each: Any) -> Consent:
    if isinstance(each, bool):
        return Consent(kind="express" if each else "none")
    if isinstance(each, str):
        return Consent(kind=_kind(each))
    if not isinstance(each, dict):
        raise ValueError("write a word or a record")
    scope = str(each.get("scope", "all"))
    if scope not in _SCOPES and not scope.startswith("campaign:"):
        raise ValueError(f"scope {scope!r} is none of {listed(_SCOPES)}, or campaign:<id>")
    channel = str(each.get("channel", "all"))
    if channel not in _CHANNELS:
        raise ValueError(f"channel {channel!r} is none of {listed(_CHANNELS)}")
    source = each.get("source")
    times = {name: _instant(each.get(name)) for name in ("at", "expires_at", "revoked_at")}
    return Consent(
        kind=_kind(str(each.get("kind", ""))), channel=channel, scope=scope, source=str(source) if source else None, **times
    )


def _kind(word: str) -> str:
    kind = kind_of(word)
    if kind is None:
        raise ValueError(f"{word!r} is no kind of consent: write {listed(KINDS)}")
    return kind


def _instant(value: Any) -> int | None:
    """UTC ms, of ms or of ISO 8601; without an offset it is UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    moment = datetime.fromisoformat(str(value))
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
