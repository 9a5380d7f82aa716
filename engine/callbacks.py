"""Calls that people ask for: what an agent or a CRM writes as `callback_at`, and when that falls due.

What names a zone is an instant; what names none is the person's own clock, of several zones the latest. It is honoured within the
window and the law: if they are closed then, at the next instant at which they are open, and the move is told.
"""

from datetime import UTC, datetime

from engine import hours
from engine.time import DAY, Instant
from engine.windows import Window, instant_of, next_open

#: Nobody is called back later than that after asking: it would be a slip of whoever wrote it.
LONGEST = 400 * DAY


def callback_instant(text: str, zones: tuple[str, ...], now: Instant) -> Instant | None:
    """When is meant: ISO 8601, not before `now`. None: it cannot be read, or lies too far off."""
    try:
        said = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if said.tzinfo is not None:
        at = Instant(int(said.astimezone(UTC).timestamp() * 1000))
    elif zones:
        at = max(instant_of(said, zone) for zone in zones)
    else:
        return None
    return None if at > now + LONGEST else max(at, now)


def allowed_from(asked: Instant, window: Window, zones: tuple[str, ...]) -> tuple[Instant, str | None]:
    """The first instant from `asked` on that is open, and why it is not `asked` itself; if none is, `asked`: the gate ends it."""
    found = next_open(window, zones, asked)
    if found is None or found.start == asked:
        return asked, None
    return found.start, "; ".join(closer.detail for closer in hours.closing(window, zones, asked))
