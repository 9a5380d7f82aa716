"""The campaign's clock: the system's, or one that is shifted and runs N times as fast.

What a person would notice (due times, windows, ring and talk time) runs on campaign time; what a machine would (slots, leases,
time-outs) on real time. An accelerated clock is a straight line through one anchor: a campaign instant at a real instant. All
processes of one home share the anchor, so they agree on campaign time as well as their system clocks agree.

`OUTDIAL_CLOCK` is `<campaign instant>@<real instant> xN`, or `<campaign instant> xN`: then the first process to read it anchors the
clock to its own now, in `<home>/clock.json`, and all others use that.
"""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.errors import OutdialError, UsageError
from engine.time import Instant

if TYPE_CHECKING:
    from outdial.settings import Settings

#: Reads real time, in microseconds UTC since 1970.
TimeSource = Callable[[], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPEC = re.compile(r"(?P<campaign>[^@\s]+)(?:@(?P<real>[^@\s]+))?\s+x(?P<rate>\d+(?:\.\d+)?)")


def system_us() -> int:
    """Microseconds UTC since 1970, as the machine says."""
    return time.time_ns() // 1_000


class Clock(Protocol):
    """Campaign time and real time. Neither ever runs backwards."""

    @property
    def rate(self) -> float:
        """Campaign seconds that pass in one real second."""
        ...

    @property
    def is_real(self) -> bool:
        """Whether campaign time is real time; only then may a real provider be asked to call."""
        ...

    def now(self) -> Instant:
        """Campaign time, milliseconds UTC."""
        ...

    def at(self, real_us: int) -> Instant:
        """Campaign time, milliseconds UTC, at an instant of real time (microseconds UTC)."""
        ...

    def real_us(self) -> int:
        """Real time, microseconds UTC."""
        ...

    def real_ms(self) -> int:
        """Real time, milliseconds UTC."""
        ...

    def real_delay(self, campaign_ms: float) -> float:
        """Real seconds in which so many campaign milliseconds pass."""
        ...


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """What OUTDIAL_CLOCK asks for. `real_us` is None if the first process is to anchor it."""

    campaign_ms: Instant
    real_us: int | None
    rate: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """A campaign instant (ms) at a real instant (us), and the rate."""

    campaign_ms: Instant
    real_us: int
    rate: float


class _Monotonic:
    """Real time that stands still rather than go back: NTP steps the system's clock, and machines wake from sleep with an old
    one. A timer fired by the later reading must not find itself early by the next."""

    def __init__(self, source: TimeSource) -> None:
        self._source = source
        self._latest = 0

    def real_us(self) -> int:
        now = self._source()
        if now > self._latest:
            self._latest = now
        return self._latest

    def real_ms(self) -> int:
        return self.real_us() // 1_000


class SystemClock(_Monotonic):
    """Campaign time is real time."""

    rate = 1.0
    is_real = True

    def __init__(self, source: TimeSource = system_us) -> None:
        super().__init__(source)

    def now(self) -> Instant:
        return self.at(self.real_us())

    def at(self, real_us: int) -> Instant:
        return Instant(real_us // 1_000)

    def real_delay(self, campaign_ms: float) -> float:
        return max(0.0, campaign_ms) / 1_000


class AcceleratedClock(_Monotonic):
    """Campaign time is a straight line through an anchor. Before the anchor's real instant it is before its campaign instant."""

    is_real = False

    def __init__(self, anchor: Anchor, source: TimeSource = system_us) -> None:
        super().__init__(source)
        self._anchor = anchor
        self.rate = anchor.rate

    def now(self) -> Instant:
        return self.at(self.real_us())

    def at(self, real_us: int) -> Instant:
        elapsed_us = real_us - self._anchor.real_us
        return Instant(self._anchor.campaign_ms + int(elapsed_us * self.rate // 1_000))

    def real_delay(self, campaign_ms: float) -> float:
        return max(0.0, campaign_ms) / self.rate / 1_000


def clock_from(settings: "Settings", source: TimeSource = system_us) -> Clock:
    """The clock that the settings ask for.

    Raises `UsageError` if OUTDIAL_CLOCK asks for another clock than the one this home was anchored to.
    """
    spec = settings.clock_spec()
    if spec is None:
        return SystemClock(source)
    if spec.real_us is not None:
        return AcceleratedClock(Anchor(spec.campaign_ms, spec.real_us, spec.rate), source)
    return AcceleratedClock(_shared_anchor(settings.home / "clock.json", spec, source), source)


def parse_clock(text: str) -> ClockSpec:
    """Reads `<campaign instant>[@<real instant>] xN`, instants as ISO 8601 with an offset. Raises ValueError."""
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise ValueError("it is not <campaign instant>[@<real instant>] xN")
    rate = float(match["rate"])
    if not 0 < rate <= 1_000_000:
        raise ValueError("the rate must be above 0 and at most 1000000")
    real = match["real"]
    return ClockSpec(Instant(_us(match["campaign"]) // 1_000), _us(real) if real else None, rate)


def _us(text: str) -> int:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text} has no offset: add Z for UTC")
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _shared_anchor(path: Path, spec: ClockSpec, source: TimeSource) -> Anchor:
    if not path.exists():
        _write_once(path, Anchor(spec.campaign_ms, source(), spec.rate))
    anchor = _read(path)
    if (anchor.campaign_ms, anchor.rate) != (spec.campaign_ms, spec.rate):
        raise UsageError(
            f"OUTDIAL_CLOCK asks for another clock than the one {path} holds: set it as it was, use another OUTDIAL_HOME, "
            "or delete that file together with this home's data"
        )
    return anchor


def _write_once(path: Path, anchor: Anchor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    body = {"campaign_ms": anchor.campaign_ms, "real_us": anchor.real_us, "rate": anchor.rate}
    # Written aside, then created exclusively by a link: whoever is second must never read a file that is half written.
    with draft.open("x") as file:
        json.dump(body, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was first: its anchor holds.
    finally:
        draft.unlink()


def _read(path: Path) -> Anchor:
    try:
        body = json.loads(path.read_text())
        return Anchor(Instant(int(body["campaign_ms"])), int(body["real_us"]), float(body["rate"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutdialError(f"{path} is no clock anchor ({error}): delete it") from error
