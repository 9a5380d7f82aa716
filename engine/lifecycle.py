"""A campaign's life: which command leads from which state to which, and what a head means at an instant. Pure.

    draft -> scheduled -> running <-> paused -> ended

`draining` is running for those who are inside, with the door shut; it can be paused and resumed like running. Ended is final: a
head that leaves it is not believed, whoever wrote it, and in whatever order commands that crossed each other came in.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.errors import OutdialError, UsageError
from engine.pauses import bounded
from engine.time import Instant
from schemas import ids
from schemas.campaign import CampaignHead, CampaignState, Pause

_DRAFT, _SCHEDULED, _RUNNING = CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.RUNNING
_PAUSED, _DRAINING, _ENDED = CampaignState.PAUSED, CampaignState.DRAINING, CampaignState.ENDED

#: Command -> states it may find.
COMMANDS: dict[str, frozenset[CampaignState]] = {
    "start": frozenset({_DRAFT, _SCHEDULED}),
    "pause": frozenset({_RUNNING, _DRAINING}),
    "resume": frozenset({_PAUSED}),
    "drain": frozenset({_RUNNING, _PAUSED}),
    "stop": frozenset(CampaignState) - {_ENDED},
}
#: States in which people are contacted, or may be as soon as it is time.
ALIVE = frozenset({_SCHEDULED, _RUNNING, _DRAINING})


@dataclass(frozen=True, slots=True)
class Resume:
    """What becomes of the overdue after a pause: hold, shift or expire (then `older`, ms), and over how many ms it is let out."""

    policy: str = "hold"
    older: int = 0
    ramp: int = 0

    def words(self) -> str:
        return self.policy if self.policy != "expire" else f"expire older than {self.older / 3_600_000:g}h"


def state_at(head: CampaignHead, now: Instant) -> CampaignState:
    """The state at an instant: who is scheduled runs once its time has come, without a record that says so."""
    if head.state is _SCHEDULED and head.starts_at is not None and head.starts_at <= now:
        return _RUNNING
    return head.state


def leaves_the_end(before: CampaignHead | None, after: CampaignHead) -> bool:
    """Whether a head claims that what has ended goes on. Such a head counts for nothing."""
    return before is not None and before.state is _ENDED and after.state is not _ENDED


def possible(state: CampaignState) -> list[str]:
    """The commands that a state allows, as they are typed."""
    typed = {"drain": "stop --drain"}
    return [typed.get(name, name) for name, states in COMMANDS.items() if state in states]


def started(head: CampaignHead, now: Instant, at: Instant | None = None) -> CampaignHead:
    """It runs; or will from `at` on. Raises OutdialError if its state does not allow it, UsageError if `at` is over."""
    _check("start", head, now)
    if at is not None and at <= now:
        raise UsageError("--at lies in the past: name an instant to come, or leave --at out to start now")
    begun = min([head.at, *(pause.begin for pause in head.pauses)])
    draft = Pause(begin=begun, end=at or now, policy="draft")
    return _next(head, now, state=_RUNNING if at is None else _SCHEDULED, starts_at=at, pauses=[draft])


def paused(head: CampaignHead, now: Instant, reason: str | None = None, cause: str = "cli") -> CampaignHead:
    """Nobody is contacted; everybody keeps their place. Raises OutdialError if its state does not allow it."""
    _check("pause", head, now)
    pause = Pause(begin=now, reason=reason)
    return _next(head, now, cause, state=_PAUSED, pauses=bounded([*head.pauses, pause]))


def resumed(head: CampaignHead, now: Instant, resume: Resume) -> CampaignHead:
    """It goes on; its pause says how. Raises OutdialError if its state does not allow it."""
    _check("resume", head, now)
    begun = current_pause(head) or Pause(begin=head.at)
    how: dict[str, Any] = {"end": now, "policy": resume.policy, "older": resume.older, "ramp": resume.ramp}
    before = [pause for pause in head.pauses if pause.end is not None]
    state = _DRAINING if head.draining else _RUNNING
    return _next(head, now, state=state, pauses=bounded([*before, begun.model_copy(update=how)]))


def drained(head: CampaignHead, now: Instant) -> CampaignHead:
    """Nobody new is admitted. Who is inside goes on; a pause lasts. Raises OutdialError if its state does not allow it."""
    _check("drain", head, now)
    state = _PAUSED if head.state is _PAUSED else _DRAINING
    return _next(head, now, state=state, draining=True)


def stopped(head: CampaignHead, now: Instant) -> CampaignHead:
    """It has ended, for ever. Raises OutdialError if it had before."""
    _check("stop", head, now)
    return _next(head, now, state=_ENDED)


def reversioned(head: CampaignHead, version: int, now: Instant) -> CampaignHead:
    """Another version is the current one; the state, and since when, stay as they are."""
    return _next(head, now, version=version, at=head.at)


def new_head(campaign: str, version: int, now: Instant) -> CampaignHead:
    """The head of a campaign that is new: a draft."""
    draft = CampaignHead(id=campaign, version=version, state=_DRAFT, at=now)
    return _next(draft, now)


def current_pause(head: CampaignHead) -> Pause | None:
    """The pause that lasts."""
    return head.pauses[-1] if head.pauses and head.pauses[-1].end is None else None


def about(head: CampaignHead, now: Instant) -> str | None:
    """What there is to say of a state, in a sentence: `spring is paused since 2026-11-25 05:23Z: wrong script`."""
    match state_at(head, now):
        case CampaignState.SCHEDULED:
            return f"{head.id} will start at {_minute(head.starts_at or 0)}"
        case CampaignState.PAUSED:
            pause = current_pause(head)
            return f"{head.id} is paused since {_minute(head.at)}" + (f": {pause.reason}" if pause and pause.reason else "")
        case CampaignState.DRAINING:
            return f"{head.id} admits nobody new since {_minute(head.at)}"
    return None


def _minute(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%MZ}"


def _check(command: str, head: CampaignHead, now: Instant) -> None:
    state = state_at(head, now)
    if state in COMMANDS[command] and not (command == "drain" and head.draining):
        return
    typed = "stop --drain" if command == "drain" else command
    choices = [name for name in possible(state) if name != typed]
    remedy = f"it can be told to {_listed(choices)}" if choices else "that is final, apply its file under another id"
    raise OutdialError(f"campaign {head.id!r} is {state.value}, so it cannot {typed}: {remedy}")


def _next(head: CampaignHead, now: Instant, cause: str = "cli", **changes: Any) -> CampaignHead:
    after = head.model_copy(update={"at": now, **changes, "cause": cause})
    return after.model_copy(update={"event_id": ids.digest("head", head.id, after.version, after.state.value, now, cause)})


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
