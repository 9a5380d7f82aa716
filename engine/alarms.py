"""When a campaign pauses itself: error after error of its settings, too many who want out, too few who answer.

Counts what one worker reads. Of the last `over` calls (those that rang) and no earlier ones: a share is looked at once there are so
many. Pure; the shell says when a campaign was started or resumed, from when on everything is counted anew.
"""

from collections import deque
from dataclasses import dataclass, field

from engine.retries import Disposition, effect
from schemas.outcome import Outcome

_CONFIG_ERROR, _ANSWERED = Disposition.CONFIG_ERROR, Disposition.ANSWERED


@dataclass(frozen=True, slots=True)
class Limits:
    """`pause_when` of a campaign. Shares are 0 to 1; None: not looked at."""

    config_errors: int | None = None
    opt_outs: float | None = None  # so many, or more
    answered: float | None = None  # less than so many
    over: int = 200


@dataclass(frozen=True, slots=True)
class Alarm:
    """What went over its limit (a key of `pause_when`), how far, and the calls that it was counted over."""

    what: str
    value: float
    limit: float
    over: int

    def words(self) -> str:
        match self.what:
            case "config_errors":
                return f"{self.value:g} config_error in a row: the provider refuses the campaign's settings"
            case "opt_out_rate":
                return f"{self.value:.1%} of the last {self.over} calls asked not to be contacted again (limit {self.limit:.1%})"
            case _:
                return f"{self.value:.1%} of the last {self.over} calls were answered by a person (limit {self.limit:.1%})"


@dataclass(slots=True)
class Tally:
    """What was counted of one campaign since its state last changed."""

    errors: int = 0
    calls: deque[tuple[bool, bool]] = field(default_factory=deque)  # (opted out, answered)
    opted_out: int = 0
    answered: int = 0
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=1_000))  # dial_ids: a crash may repeat outcomes

    def add(self, outcome: Outcome, limits: Limits) -> Alarm | None:
        """Counts a closing; the first limit that is passed with it."""
        if outcome.dial_id in self.recent:
            return None
        self.recent.append(outcome.dial_id)
        if outcome.disposition == _CONFIG_ERROR:
            self.errors += 1
        elif effect(outcome.disposition).rang:
            self.errors = 0
            if outcome.channel == "call":
                self._call(bool(outcome.opt_out), outcome.disposition == _ANSWERED, limits.over)
        return self._alarm(limits)

    def _call(self, opted_out: bool, answered: bool, over: int) -> None:
        self.calls.append((opted_out, answered))
        self.opted_out += opted_out
        self.answered += answered
        if len(self.calls) > over:
            gone_out, gone_answered = self.calls.popleft()
            self.opted_out -= gone_out
            self.answered -= gone_answered

    def _alarm(self, limits: Limits) -> Alarm | None:
        if limits.config_errors is not None and self.errors >= limits.config_errors:
            return Alarm("config_errors", self.errors, limits.config_errors, 0)
        calls = len(self.calls)
        if calls < limits.over:
            return None
        if limits.opt_outs is not None and self.opted_out >= limits.opt_outs * calls:
            return Alarm("opt_out_rate", self.opted_out / calls, limits.opt_outs, calls)
        if limits.answered is not None and self.answered < limits.answered * calls:
            return Alarm("answer_rate_below", self.answered / calls, limits.answered, calls)
        return None
