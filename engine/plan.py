"""What a campaign file becomes for the engine: names resolved, durations in ms, windows compiled. Immutable, one per version.

`schemas/campaign.py` says what may be written, `engine/compile.py` turns it into a Plan and reports every fault at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from engine.phone import region_of
from engine.time import Delay
from engine.windows import Window


class Channel(StrEnum):
    """How a person is contacted. A channel is also the kind of a step that contacts."""

    CALL = "call"
    SMS = "sms"


#: By name: calling the enum for each command would take as long as half of its checks.
CHANNELS: dict[str, Channel] = {str(channel): channel for channel in Channel}

_CALL = Channel.CALL


@dataclass(frozen=True, slots=True)
class Retry:
    """After a disposition: the same step again, `after` the end of the call, at most `max` times."""

    after: Delay
    max: int


#: A `when` condition, compiled: the variables it may see -> whether the step is taken..
Condition = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Contacting:
    """A step that contacts the person: a call by `agent`, or a message from `template`."""

    id: str
    channel: Channel
    when: Condition | None = None
    agent: str | None = None
    template: str | None = None
    retry: dict[str, Retry] = field(default_factory=dict)  # by disposition


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that only waits, counted from the end of what came before."""

    id: str
    delay: Delay
    when: Condition | None = None


Step = Contacting | Waiting


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of one campaign, ready to run."""

    campaign: str
    version: int
    line: str
    steps: tuple[Step, ...]
    window: Window
    fallback_zone: str | None  # for people whose zone nothing tells
    fixed_zone: str | None  # set: everybody is measured by this zone
    exits: frozenset[str]
    numbers_tag: str | None
    numbers_list: tuple[str, ...]
    countries: frozenset[str] | None = None  # whose numbers may be contacted (ISO 3166); None: all
    _places: dict[str, int] = field(init=False, repr=False, compare=False)  # of steps, by id

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {step.id: i for i, step in enumerate(self.steps)})  # frozen for everybody else

    def index(self, step_id: str) -> int:
        """Position of a step. Raises KeyError for a step this version does not have."""
        try:
            return self._places[step_id]
        except KeyError:
            raise KeyError(f"campaign {self.campaign}@{self.version} has no step {step_id!r}") from None

    def step(self, step_id: str) -> Step:
        """A step by its id. Raises KeyError for one this version does not have."""
        return self.steps[self.index(step_id)]

    def after(self, step_id: str) -> Step | None:
        """The step behind this one; None at the end of the flow."""
        i = self.index(step_id) + 1
        return self.steps[i] if i < len(self.steps) else None

    def window_for(self, channel: Channel) -> Window:
        """Calls must have stopped ringing when the window closes; messages do not ring."""
        return self.window if channel is _CALL else _uncut(self.window)

    def abroad(self, number: str | None) -> bool | None:
        """Whether a number (E.164) is of a country that may not be contacted; None: all may, or there is no number."""
        if self.countries is None or number is None:
            return None
        return region_of(number) not in self.countries

    def zones(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """The zones a person is measured by: all must be inside the window."""
        if self.fixed_zone:
            return (self.fixed_zone,)
        return own or ((self.fallback_zone,) if self.fallback_zone else ())


@lru_cache(maxsize=1024)
def _uncut(window: Window) -> Window:
    return replace(window, ring_cut=0)
