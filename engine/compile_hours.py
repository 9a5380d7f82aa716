"""Hours of a campaign file as layers: the campaign's window with its dates, and the windows of steps."""

from engine.delays import parse_ms
from engine.layers import Layer, day_of, days_of
from engine.weekly import parse_interval, parse_weekly
from engine.windows import Window
from engine.zones import civil_zone
from schemas.campaign import StepPart, Timing, WindowPart


def zone_of(text: str | None) -> str | None:
    """The IANA zone that a text names; None for none."""
    return civil_zone(text)[0] if text else None


def fixed_zone(window: WindowPart) -> str | None:
    """The zone by which everybody is measured; None: each by their own."""
    return zone_of(window.timezone.zone) if window.timezone.use == "fixed" else None


def window_of(part: WindowPart) -> Window:
    """The campaign's own window."""
    layer = Layer(
        "window",
        "the campaign's hours",
        parse_weekly(part.weekly),
        holidays=tuple(part.holidays),
        blackout=tuple(days_of(text) for text in part.blackout),
        overrides=tuple((day_of(day), tuple(map(parse_interval, hours))) for day, hours in part.overrides.items()),
        zone=fixed_zone(part),
    )
    return Window((layer,), parse_ms(part.ring_timeout))


def hours_of(step: StepPart, zone: str | None) -> tuple[Layer, ...]:
    """A step's own hours; none if it has none."""
    if not isinstance(step.timing, Timing) or step.timing.window is None:
        return ()
    return (Layer("window", f"the hours of step {step.id}", parse_weekly(step.timing.window), zone=zone, label=f"step {step.id}"),)
