"""Finds what is wrong with the hours of a campaign file: days, times, dates, holidays, zones, and windows that never open."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from engine.checking import Check
from engine.compile_hours import hours_of, window_of, zone_of
from engine.delays import parse_ms
from engine.holiday_sets import code_of
from engine.layers import Layer, day_of, days_of
from engine.rulepack import load_pack
from engine.rules import Rules
from engine.time import Instant
from engine.weekly import parse_days, parse_interval
from engine.windows import Window, open_range
from engine.zones import civil_zone, near_zone
from schemas.campaign import StepPart, WindowPart


def check_hours(check: Check, now: Instant | None) -> None:
    """Adds every fault of `window` and of the steps' windows. `now`: whether they ever open is asked of this instant on, too."""
    before = len(check.found)
    _weekly(check, "window", "weekly")
    _dates(check)
    if check.get(dict, "window"):
        check.read(parse_ms, "window", "ring_timeout")
    for i in range(len(check.get(list, "flow") or ())):
        if check.get(dict, "flow", i, "timing") is not None:
            _weekly(check, "flow", i, "timing", "window")
    if len(check.found) == before:
        _never(check, now)
    _timezone(check)


def _weekly(check: Check, *place: str | int) -> None:
    weekly = check.get(dict, *place)
    for day, hours in (weekly or {}).items():
        _read(check, parse_days, str(day), *place, day)
        _intervals(check, *place, day)
        if hours == []:
            check.add((*place, day), "has no hours: leave the day out")
    if weekly == {}:
        check.add(place, "has no days, so nobody could ever be contacted")


def _intervals(check: Check, *place: str | int) -> None:
    for i in range(len(check.get(list, *place) or ())):
        check.read(parse_interval, *place, i)


def _dates(check: Check) -> None:
    for i in range(len(check.get(list, "window", "holidays") or ())):
        check.read(code_of, "window", "holidays", i)
    for i in range(len(check.get(list, "window", "blackout") or ())):
        check.read(days_of, "window", "blackout", i)
    for day in check.get(dict, "window", "overrides") or {}:
        _read(check, day_of, str(day), "window", "overrides", day)
        _intervals(check, "window", "overrides", day)


def _read(check: Check, parse: Callable[[str], Any], key: str, *place: str | int) -> None:
    """A key, parsed; a fault if it cannot be."""
    try:
        parse(key)
    except ValueError as error:
        check.add(place, str(error))


def _never(check: Check, now: Instant | None) -> None:
    """Of hours without a fault: whether they open at all, and those of each step together with the campaign's. The law's are asked
    for when a file is applied: a version of before stays readable."""
    try:
        part = WindowPart.model_validate(check.get(dict, "window"))
        window = window_of(part)
    except (ValidationError, ValueError):
        return  # its types are wrong, and reported
    zones = (zone_of(part.timezone.zone or part.timezone.fallback) or "UTC",)
    if not _opens(window, zones, now):
        if _opens(_undated(window), zones, now):
            check.add(("window",), "does not open in the next 400 days: blackout, holidays and overrides close it")
        else:
            check.add(("window", "weekly"), "is never open: no interval is longer than the ring timeout")
        return
    lawful = Window((*window.layers, *(_law(check) if now is not None else ())), window.ring_cut)
    if not _opens(lawful, zones, now):
        names = ", ".join(layer.name for layer in lawful.layers[1:])
        check.add(("window", "weekly"), f"is never open while {names} allows contacts: let the two overlap")
        return
    for i, data in enumerate(check.get(list, "flow") or ()):
        _never_step(check, i, data, lawful, zones, now)


def _never_step(check: Check, i: int, data: Any, window: Window, zones: tuple[str, ...], now: Instant | None) -> None:
    step = _step(data)
    layers = hours_of(step, window.layers[0].zone) if step else ()
    if layers and not _opens(Window((*window.layers, *layers), window.ring_cut), zones, now):
        others = "window and the law's are" if len(window.layers) > 1 else "window is"
        check.add(("flow", i, "timing", "window"), f"is never open while the campaign's {others}: let them overlap")


def _law(check: Check) -> tuple[Layer, ...]:
    """The hours that the rule pack sets for everybody; none if it goes by clocks that a file does not know."""
    pack, version = check.get(str, "rules", "pack"), check.get(str, "rules", "version")
    if pack is None or version is None or check.get(str, "window", "timezone", "use") == "fixed":
        return ()
    try:
        return Rules(load_pack(pack, version), "informational").common()
    except ValueError:
        return ()  # reported where the pack is read


def _step(data: Any) -> StepPart | None:
    try:
        return StepPart.model_validate(data)
    except ValidationError:
        return None


def _opens(window: Window, zones: tuple[str, ...], now: Instant | None) -> bool:
    return open_range(_undated(window) if now is None else window, zones, now or Instant(0)) is not None


def _undated(window: Window) -> Window:
    """The window in weeks without a date that differs."""
    return Window(tuple(Layer(each.speaker, each.name, each.weekly, zone=each.zone) for each in window.layers), window.ring_cut)


def _timezone(check: Check) -> None:
    timezone = check.get(dict, "window", "timezone")
    if timezone is None:
        return
    use = timezone.get("use", "contact")
    if use not in ("contact", "fixed"):
        return
    needed, idle = ("fallback", "zone") if use == "contact" else ("zone", "fallback")
    if timezone.get(needed) is None:
        why = "for people whose zone nothing tells" if use == "contact" else "for everybody"
        check.add(("window", "timezone"), f"use: {use} needs a {needed}, the zone {why}, such as America/New_York")
    if timezone.get(idle) is not None:
        check.add(("window", "timezone", idle), f"has no effect with use: {use}: leave it out")
    check.read(_place_of_law, "window", "timezone", needed)


def _place_of_law(text: str) -> str:
    """The zone; abbreviations, which are forgiven in contacts, are faults in a file that somebody can mend."""
    zone, problem = civil_zone(text)
    if zone is None or problem:
        near = near_zone(text)
        hint = f"write {zone}" if zone else f"did you mean {near}?" if near else "write one such as America/New_York"
        raise ValueError(f"{text!r} is not an IANA time zone of a place: {hint}")
    return zone
