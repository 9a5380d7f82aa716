"""What the hours answer at the gate: the campaign's window, its dates, and the law; when a request may leave, and what closes."""

from functools import lru_cache
from typing import NamedTuple

from engine.answers import YES, Answer, At, Never
from engine.calendars import offset_at
from engine.layers import Layer, date_of
from engine.time import MINUTE, Instant
from engine.weekly import DAY_MINUTES, DAYS
from engine.windows import HORIZON, Window, open_range, shared_window


class Closer(NamedTuple):
    """A layer that is closed at an instant, and by what."""

    check: str  # which check of the gate speaks: window, holidays or law
    name: str  # in a word or two: window, step late, Thanksgiving Day (us-federal), override 2026-11-27, or the layer's
    detail: str  # in a sentence
    layer: Layer


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


def closed(
    window: Window, zones: tuple[str, ...], transit: int, now: Instant, opens: Instant | None
) -> tuple[Answer, Answer, Answer]:
    """The answers of window, holidays and law, at an instant when no request may leave. `opens`: what opens_next says of it.

    Each says when it turns by itself.
    """
    found: dict[str, Answer] = {}
    for closer in closing(window, zones, now):
        alone = opens_next(shared_window((closer.layer,), window.ring_cut), zones, transit, now)
        until = Never("no_window") if opens is None or alone is None else At(alone)
        before = found.get(closer.check)
        if before is None or (isinstance(before.until, At) and isinstance(until, At) and before.until.instant < until.instant):
            found[closer.check] = Answer(closer.check, False, until, closer.detail)
    return (found.get("window", YES["window"]), found.get("holidays", YES["holidays"]), found.get("law", YES["law"]))


def closing(window: Window, zones: tuple[str, ...], now: Instant) -> tuple[Closer, ...]:
    """Why no request may leave at `now`: the layers that are closed; if none is, those that close before a phone has rung out."""
    found = closers(window, zones, now)
    if found:
        return found
    soon = open_range(shared_window(window.layers, 0), zones, now)
    return closers(window, zones, soon.end) if soon else ()


def never_open(window: Window, zones: tuple[str, ...], now: Instant) -> tuple[Closer, ...]:
    """Why a window never opens: the layers that never do by themselves; if each does, those that close `now` never meet."""
    alone = [layer for layer in window.layers if open_range(shared_window((layer,), window.ring_cut), zones, now) is None]
    return tuple(_never(layer, zones) for layer in alone) or closing(window, zones, now)


def closers(window: Window, zones: tuple[str, ...], t: Instant) -> tuple[Closer, ...]:
    """The layers that are closed at `t`, each by the first zone in which it is."""
    clocks = [(zone, t + offset_at(zone, t)) for zone in zones]
    found: list[Closer] = []
    for layer in window.layers:
        for zone, local in [(layer.zone, t + offset_at(layer.zone, t))] if layer.zone else clocks:
            if not layer.is_open(local):
                found.append(_told(layer, zone, local // MINUTE))
                break
    return tuple(found)


def ended_by(window: Window, zones: tuple[str, ...], end: Instant) -> tuple[Closer, ...]:
    """What ends a range of the window at `end`, the ring cut taken off: the layers that are closed when a phone would ring out."""
    return closers(window, zones, Instant(end + window.ring_cut))


@lru_cache(maxsize=4096)  # a window that closes, or opens, is asked for by everybody at once
def _told(layer: Layer, zone: str, minute: int) -> Closer:
    """What a layer says when a clock reads this minute (since 1970 by the clock)."""
    day, at = divmod(minute, DAY_MINUTES)
    clock = f"{DAYS[(day + 3) % 7].capitalize()} {date_of(day)} {_clock(at)} in {zone}"
    reason = layer.closed(day)
    if reason is not None:
        check = "law" if layer.speaker == "law" else "holidays"
        return Closer(check, reason, f"{layer.name}: closed on {reason}; it is {clock}", layer)
    name = _short(layer)
    if (of := _began(layer, minute - 1) or day) in dict(layer.overrides):
        name = f"override {date_of(of)}"
    return Closer(layer.speaker, name, f"outside {layer.name}: {_hours(layer, day)}; it is {clock}", layer)


def _never(layer: Layer, zones: tuple[str, ...]) -> Closer:
    clocks = (layer.zone,) if layer.zone else zones
    where = f"at once in {', '.join(clocks)}" if len(clocks) > 1 else f"in {clocks[0]}"
    return Closer(layer.speaker, _short(layer), f"{layer.name}: never open {where}", layer)


def _short(layer: Layer) -> str:
    return layer.label or (layer.name if layer.speaker == "law" else "window")


def _hours(layer: Layer, day: int) -> str:
    """`Tue 09:00-12:00, 22:00-02:00`: what begins on a date."""
    spans = ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in layer.intervals(day))
    return f"{DAYS[(day + 3) % 7].capitalize()} {spans or 'none'}"


def _clock(minute: int) -> str:
    """24:00 ends a day; what lies on the next day is told by its clock."""
    return f"{minute // 60 if minute <= DAY_MINUTES else minute // 60 - 24:02}:{minute % 60:02}"


def _began(layer: Layer, minute: int) -> int | None:
    """The date on which the interval began that contains a minute; None: none does."""
    today, at = divmod(minute, DAY_MINUTES)
    days = ((today, at), (today - 1, at + DAY_MINUTES))
    return next((day for day, at in days for start, end in layer.intervals(day) if start <= at < end), None)
