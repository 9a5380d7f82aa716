"""What a campaign file becomes for the engine: names resolved, durations in ms, windows compiled. Immutable, one per version.

`schemas/campaign.py` says what may be written, `engine/compile.py` turns it into a Plan and reports every fault at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from engine.alarms import Limits
from engine.caps import Cap
from engine.layers import Layer
from engine.lifecycle import Resume
from engine.phone import region_of
from engine.quotas import Quota
from engine.rules import Needed, Rules
from engine.time import HOUR, Delay
from engine.windows import Window, shared_window


class Channel(StrEnum):
    """How a person is contacted. A channel is also the kind of a step that contacts."""

    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


#: By name: calling the enum for each command would take as long as half of its checks.
CHANNELS: dict[str, Channel] = {str(channel): channel for channel in Channel}

_CALL = Channel.CALL
_WHOLE = Quota()


#: Where a way leads that leaves the flow.
END = "end"


@dataclass(frozen=True, slots=True)
class Retry:
    """After a disposition: the same step again, `after` the end of the call, at most `max` times.

    backoff: each further time so many times as long. another_time: ms of the day to keep from the times that failed; 0: any time.
    """

    after: Delay
    max: int
    backoff: float = 1.0
    another_time: int = 0


@dataclass(frozen=True, slots=True)
class Late:
    """What becomes of a step `after` ms behind its due instant: `call` (it is taken all the same), `skip` or `exit`."""

    after: int
    do: str


@dataclass(frozen=True, slots=True)
class Reentry:
    """Somebody who has left may enter again: `max` times in all, `after` the exit before."""

    max: int
    after: Delay


@dataclass(frozen=True, slots=True)
class Condition:
    """A `when`, compiled: the variables it may see -> whether it holds. names: those that it looks at."""

    holds: Callable[[dict[str, Any]], bool]
    names: frozenset[str] = frozenset({"last"})


@dataclass(frozen=True, slots=True)
class Contacting:
    """A step that contacts the person: a call by `agent`, or a message from `template`."""

    id: str
    channel: Channel
    when: Condition | None = None
    agent: str | None = None
    sender: str | None = None  # who an email is from
    subject: str | None = None
    template: str | None = None
    retry: dict[str, Retry] = field(default_factory=dict)  # by disposition
    max_attempts: int | None = None
    hours: tuple[Layer, ...] = ()  # the step's own window, inside the campaign's
    at: int | None = None  # minute of the person's day, not before which it falls due
    late: Late | None = None
    then: str | None = None
    otherwise: str | None = None
    max_visits: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that only waits, counted from the end of what came before."""

    id: str
    delay: Delay
    when: Condition | None = None
    then: str | None = None
    otherwise: str | None = None
    max_visits: int | None = None


@dataclass(frozen=True, slots=True)
class Exiting:
    """A step at which the person leaves."""

    id: str
    reason: str
    when: Condition | None = None
    then: str | None = None
    otherwise: str | None = None
    max_visits: int | None = None


Step = Contacting | Waiting | Exiting


@dataclass(frozen=True, slots=True)
class Action:
    """What is done after an outcome or an exit. on: dispositions, `opt_out`, `callback`, `exited:<reason>`.

    does: webhook (url, secret_env), event (name), suppress (scope), or sms and email (step).
    """

    id: str
    on: frozenset[str]
    does: str
    url: str = ""
    secret_env: str = ""
    name: str = ""
    scope: str = ""
    step: Contacting | None = None


class Terms(NamedTuple):
    """What holds for one step and people of these jurisdictions: the campaign's and the law's, joined."""

    window: Window
    caps: tuple[Cap, ...]  # each for the address and for the person
    consent: tuple[Needed, ...]  # all that are needed


class _ById(dict[str, Step]):
    def __missing__(self, step_id: str) -> Step:
        raise KeyError(f"this version of the campaign has no step {step_id!r}")


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
    presence: str = "any"  # local, or any (engine/numbers.py)
    rotate: str = "person"  # or call
    countries: frozenset[str] | None = None  # whose numbers may be contacted (ISO 3166); None: all
    rules: Rules | None = None
    purpose: str | None = None  # marketing, informational or collections
    caps: tuple[Cap, ...] = ()
    resume: Resume = field(default_factory=Resume)
    pause_when: Limits | None = None
    meanings: dict[str, str] = field(default_factory=dict)  # dispositions that mean another one here
    callbacks: int = 3  # calls that a person may ask for
    max_call: int = HOUR  # ms that a call may take, from the answer
    goals: frozenset[str] = frozenset()  # events from outside that end it
    reentry: Reentry | None = None
    actions: tuple[Action, ...] = ()
    quota: Quota = _WHOLE
    lists: tuple[tuple[str, int], ...] = ()  # suppression lists that must be there, and how old each may be (ms)
    by_id: dict[str, Step] = field(init=False, repr=False, compare=False)  # for the flow, which asks more often than a call is free
    channels: frozenset[Channel] = field(init=False, repr=False, compare=False)  # of all steps
    scopes: frozenset[str | None] = field(init=False, repr=False, compare=False)  # of consents that speak for this campaign
    _ways: dict[str, tuple[Step | None, Step | None]] = field(init=False, repr=False, compare=False)
    _terms: dict[tuple[str, tuple[str, ...]], Terms] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        channels = frozenset(step.channel for step in self.steps if isinstance(step, Contacting))
        object.__setattr__(self, "channels", channels)
        object.__setattr__(self, "scopes", frozenset(("all", self.purpose, f"campaign:{self.campaign}")))
        object.__setattr__(
            self, "by_id", _ById({step.id: step for step in (*self.steps, *self._messages())})
        )  # frozen for everybody else
        object.__setattr__(self, "_ways", {step.id: self._ways_of(i) for i, step in enumerate(self.steps)})

    def step(self, step_id: str) -> Step:
        """A step by its id. Raises KeyError for one this version does not have."""
        return self.by_id[step_id]

    def after(self, step_id: str) -> Step | None:
        """The step that follows once this one is over; None at the end of the flow. Raises KeyError as step."""
        return self._ways[step_id][0]

    def otherwise(self, step_id: str) -> Step | None:
        """The step that follows if this one is not taken; None at the end of the flow. Raises KeyError as step."""
        return self._ways[step_id][1]

    def meaning(self, disposition: str) -> str:
        """The disposition whose rules hold for this one."""
        return self.meanings.get(disposition, disposition) if self.meanings else disposition

    def action(self, action_id: str) -> Action | None:
        """A post-call action by its id."""
        return next((action for action in self.actions if action.id == action_id), None)

    def _messages(self) -> list[Contacting]:
        """What post-call actions send: asked for by id, as steps are, but of no flow."""
        return [action.step for action in self.actions if action.step is not None]

    def _ways_of(self, i: int) -> tuple[Step | None, Step | None]:
        step = self.steps[i]
        following = self.steps[i + 1] if i + 1 < len(self.steps) else None
        then = self._named(step.then) if step.then else following
        return then, (self._named(step.otherwise) if step.otherwise else following)

    def _named(self, step_id: str) -> Step | None:
        return None if step_id == END else self.by_id[step_id]

    def terms(self, step: Contacting, jurisdictions: tuple[str, ...]) -> Terms:
        """What holds for this step and people of these jurisdictions. Compiled once."""
        return self._terms.get((step.id, jurisdictions)) or self._compiled(step, jurisdictions)

    def _compiled(self, step: Contacting, jurisdictions: tuple[str, ...]) -> Terms:
        """Calls must have stopped ringing when the window closes; messages do not ring."""
        law = self.rules
        layers = (*self.window.layers, *step.hours, *(law.hours(jurisdictions) if law else ()))
        caps = (*self.caps, *(law.caps(jurisdictions) if law else ()))
        terms = Terms(
            window=shared_window(layers, self.window.ring_cut if step.channel is _CALL else 0),
            caps=tuple(cap for cap in caps if cap.counted in (None, step.channel)),
            consent=law.consent(jurisdictions) if law else (),
        )
        self._terms[step.id, jurisdictions] = terms
        return terms

    def abroad(self, number: str | None) -> bool | None:
        """Whether a number (E.164) is of a country that may not be contacted; None: all may, or it is no number."""
        if self.countries is None or number is None or "@" in number:
            return None
        return region_of(number) not in self.countries

    def zones(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """The zones a person is measured by: all must be inside. With a fixed zone only the law still goes by the person's."""
        if self.fixed_zone and not (own and self.rules):
            return (self.fixed_zone,)
        return own or ((self.fallback_zone,) if self.fallback_zone else ())

    def clocks(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """The zones whose calendar days a person's waits are counted in."""
        return (self.fixed_zone,) if self.fixed_zone else self.zones(own)
