"""What the hours answer at the gate: the campaign's window, its closed dates, and the law; and when a request may leave."""

from engine.answers import YES, Answer, At, Never
from engine.time import Instant
from engine.windows import HORIZON, Window, open_range


def open_until(window: Window, zones: tuple[str, ...], transit: int, now: Instant) -> Instant | None:
    """Until when a request may leave if it may leave now: the end of the open range, less the transit; None: not open now."""
    found = open_range(window, zones, now)
    if found is None or found.start > now:
        return None
    return Instant(found.end - transit)


def opens_next(window: Window, zones: tuple[str, ...], transit: int, now: Instant) -> Instant | None:
    """The next instant at which a request may leave, `now` being too late or too early; None: the window never opens again."""
    at = now
    while (found := open_range(window, zones, at)) is not None and found.start <= now + HORIZON:
        if found.end - transit > max(found.start, now):
            return Instant(max(found.start, now))
        at = Instant(found.end)
    return None


def closed(window: Window, zones: tuple[str, ...], transit: int, now: Instant) -> tuple[Answer, Answer, Answer]:
    """The answers of window, holidays and law, at an instant when at least one of them is closed."""
    again = opens_next(window, zones, transit, now)
    return Answer("window", False, Never("no_window") if again is None else At(again)), YES["holidays"], YES["law"]
