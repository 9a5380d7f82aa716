"""Consent as people and systems write it, as records: a word, one record, or a list of them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from engine.complaints import listed, nearest
from engine.rulepack import KINDS
from schemas.rows import Consent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: 3 March 1973 and the end of the year 9999, in ms: a number outside counts seconds, or is none.
_FIRST, _LAST = 100_000_000_000, 253_402_300_799_999
_TIMES = ("at", "expires_at", "revoked_at")
_KEYS = ("kind", "channel", "scope", "source", *_TIMES)
_CHANNELS = ("all", "call", "sms", "email")
_SCOPES = ("all", "marketing", "informational", "collections")
#: As much of what somebody wrote as a problem quotes.
_QUOTED = 120
#: What lists write for a kind. A bare yes is not in writing.
_WORDS = {
    **dict.fromkeys(("yes", "y", "true", "1", "opt-in", "opted in", "opted-in", "express", "granted"), "express"),
    **dict.fromkeys(("no", "n", "false", "0", "none", "opt-out", "opted out", "opted-out", "denied", "revoked"), "none"),
    **dict.fromkeys(("written", "express written", "express_written", "express-written", "pewc"), "express_written"),
}


def consents_of(written: Any, problems: list[str]) -> tuple[Consent, ...]:
    """The records that a contact brings. What cannot be read counts for nothing, and is a problem in words. Never raises."""
    if written is None:
        return ()
    found = []
    for each in written if isinstance(written, list) else [written]:
        if isinstance(each, str) and not each.strip():
            continue
        try:
            found.append(_record(each))
        except (ValueError, TypeError, OverflowError) as error:
            why = f"consent {repr(each)[:_QUOTED]} cannot be read, so it counts for nothing: {error}"
            problems.append(why[: 4 * _QUOTED])
    return tuple(found)


def kind_of(word: str) -> str | None:
    """The kind that a word means; None if it is none."""
    return _WORDS.get(" ".join(word.casefold().split()))


def _record(each: Any) -> Consent:
    if isinstance(each, bool | str):
        return _of_word(str(each))
    if not isinstance(each, dict):
        raise ValueError("write a word or a record")
    # Of a key that nobody reads (revoked, expires) one cannot know what it takes away.
    for key in each:
        if key not in _KEYS:
            raise ValueError(f"{key!r} is no key of it: there are {listed(_KEYS)}{nearest(key, _KEYS)}")
    source = each.get("source")
    return Consent(
        kind=_kind(each.get("kind")),
        channel=_one_of(each.get("channel"), "channel", _CHANNELS),
        scope=_scope(each.get("scope")),
        source=str(source) if source else None,
        **{name: _instant(name, each.get(name)) for name in _TIMES},
    )


@lru_cache(maxsize=256)
def _of_word(word: str) -> Consent:
    return Consent(kind=_kind(word))


def _kind(written: Any) -> str:
    if written is None or written == "":
        raise ValueError(f"it has no kind: write {listed(KINDS)}")
    kind = kind_of(str(written))
    if kind is None:
        raise ValueError(f"{written!r} is no kind of consent: write {listed(KINDS)}")
    return kind


def _scope(written: Any) -> str:
    scope = str(written or "all").strip()
    if scope.startswith("campaign:") and len(scope) > len("campaign:"):
        return scope
    return _one_of(written, "scope", (*_SCOPES, "campaign:<id>"))


def _one_of(written: Any, name: str, allowed: tuple[str, ...]) -> str:
    """The word that was written, `all` for nothing."""
    word = str(written or "all").strip().casefold()
    if word not in allowed:
        raise ValueError(f"{name} {written!r} is none of {listed(allowed)}{nearest(word, allowed)}")
    return word


def _instant(name: str, value: Any) -> int | None:
    """UTC ms, of ms or of ISO 8601; without an offset it is UTC, a date alone is its first instant."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        if not _FIRST <= value <= _LAST:
            raise ValueError(f"{name} {value} is no time in ms since 1970{' but in seconds' if 0 < value < _FIRST else ''}")
        return value
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{name} {value!r} is no time: write it as 2026-03-01T09:00:00Z, or in ms since 1970") from None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
