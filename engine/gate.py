"""The gate: may this person be contacted at this instant? One function for first calls, retries and messages alike.

Asked three times for each attempt, of the same code, with more facts each time:

1. by the scheduler, when a step falls due (the contact's half: what the address's ledger row knows answers *not asked*),
2. by the dialer, before it reserves the attempt in the ledger,
3. by the sender, right before the request, with nothing awaited in between.

Every check answers. A *no* says when it turns: at an instant, when something happens, or never. Only *never* ends the enrollment,
with its reason. The vector of answers is the decision record.
"""

from collections.abc import Callable
from dataclasses import dataclass

from engine.plan import Channel, Plan
from engine.retries import rank
from engine.time import MINUTE, Instant
from engine.windows import HORIZON, open_range
from schemas.campaign import CampaignState
from schemas.decision import AnswerRecord
from schemas.line import Slot
from schemas.rows import CallState, LedgerRow

#: A number that is being called right now is asked again after this long (campaign ms).
BUSY_AGAIN = MINUTE

#: Real ms that must be left of the window right before a request, for its transit.
TRANSIT_MS = 250


@dataclass(frozen=True, slots=True)
class At:
    """The no turns to a yes at this instant."""

    instant: Instant


@dataclass(frozen=True, slots=True)
class When:
    """The no turns when something happens: started, resumed, contact_free."""

    event: str


@dataclass(frozen=True, slots=True)
class Never:
    """It stays a no: the enrollment ends with this exit reason."""

    reason: str


Until = At | When | Never


@dataclass(frozen=True, slots=True)
class Answer:
    """One check's answer: True, False with `until`, or None for *not asked here*."""

    check: str
    ok: bool | None
    until: Until | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the gate looks at. `ledger`, `slot` and `contact_busy` are None where they are not known: not asked."""

    plan: Plan
    campaign_state: CampaignState
    zones: tuple[str, ...]  # as plan.zones() gives them
    channel: Channel
    opted_out: bool = False  # by the person's own profile
    exiting: str | None = None  # the enrollment is leaving: the reason
    contact_busy: bool | None = None  # another command of this contact is open
    dial_id: str | None = None
    ledger: LedgerRow | None = None
    slot: Slot | None = None
    real_us: int = 0
    transit: int = 0  # campaign ms that must be left of the window (TRANSIT_MS at the clock's rate)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The vector of answers."""

    answers: tuple[Answer, ...]

    @property
    def ok(self) -> bool:
        return all(a.ok is not False for a in self.answers)

    @property
    def refusals(self) -> tuple[Answer, ...]:
        return tuple(a for a in self.answers if a.ok is False)

    @property
    def ends(self) -> str | None:
        """The exit reason, if any check said never; of several the strongest."""
        return until.reason if isinstance(until := self.until, Never) else None

    @property
    def reason(self) -> str | None:
        """The check that speaks for the refusal: one that ends, else one that waits for an event, else the latest instant."""
        return max(self.refusals, key=_weight).check if self.refusals else None

    @property
    def until(self) -> Until | None:
        """When to ask again: the strongest of the refusals' answers; None if it is a yes."""
        return max(self.refusals, key=_weight).until if self.refusals else None

    def records(self) -> tuple[AnswerRecord, ...]:
        """The answers as they are written to `decisions`."""
        return tuple(AnswerRecord(a.check, a.ok, _written(a.until)) for a in self.answers)


def _weight(answer: Answer) -> tuple[int, int]:
    match answer.until:
        case Never(reason):
            return (2, -rank(reason))
        case When():
            return (1, 0)
        case At(instant):
            return (0, instant)
        case _:
            return (0, 0)


def _written(until: Until | None) -> int | str | None:
    match until:
        case At(instant):
            return int(instant)
        case When(event):
            return f"when:{event}"
        case Never():
            return "never"
        case _:
            return None


def _lifecycle(facts: Facts, _now: Instant) -> Answer:
    match facts.campaign_state:
        case CampaignState.RUNNING:
            return Answer("lifecycle", True)
        case CampaignState.PAUSED:
            return Answer("lifecycle", False, When("resumed"))
        case CampaignState.DRAFT:
            return Answer("lifecycle", False, When("started"))
    return Answer("lifecycle", False, Never("campaign_ended"))


def _exit(facts: Facts, _now: Instant) -> Answer:
    if facts.exiting:
        return Answer("exit", False, Never(facts.exiting))
    return Answer("exit", True)


def _suppression(facts: Facts, _now: Instant) -> Answer:
    if facts.opted_out:
        return Answer("suppression", False, Never("opted_out"))
    if facts.ledger is None:
        return Answer("suppression", None)
    reasons = {"opted_out" if entry.reason == "opted_out" else "suppressed" for entry in facts.ledger.suppressions}
    return Answer("suppression", False, Never(min(reasons, key=rank))) if reasons else Answer("suppression", True)


def _window(facts: Facts, now: Instant) -> Answer:
    until = open_until(facts, now)
    if until is not None and until > now:
        return Answer("window", True)
    again = opens_next(facts, now)
    return Answer("window", False, Never("no_window") if again is None else At(again))


def _contact_busy(facts: Facts, _now: Instant) -> Answer:
    if facts.contact_busy is None:
        return Answer("contact_busy", None)
    return Answer("contact_busy", not facts.contact_busy, When("contact_free") if facts.contact_busy else None)


def _number_busy(facts: Facts, now: Instant) -> Answer:
    if facts.ledger is None:
        return Answer("number_busy", None)
    if facts.channel is not Channel.CALL:
        return Answer("number_busy", True)  # messages take no number lock (design rule 15)
    busy = any(
        call.state is CallState.RESERVED and call.channel == Channel.CALL and call.dial_id != facts.dial_id
        for call in facts.ledger.calls.values()
    )
    return Answer("number_busy", not busy, At(Instant(now + BUSY_AGAIN)) if busy else None)


def _slot(facts: Facts, now: Instant) -> Answer:
    if facts.slot is None:
        return Answer("slot", None)
    open_ = facts.real_us < facts.slot.end
    return Answer("slot", open_, None if open_ else At(now))


#: In the order in which they are written down.
CHECKS: tuple[Callable[[Facts, Instant], Answer], ...] = (
    _lifecycle,
    _exit,
    _suppression,
    _window,
    _contact_busy,
    _number_busy,
    _slot,
)


def decide(facts: Facts, now: Instant) -> Verdict:
    """Every check's answer at `now` (campaign ms)."""
    return Verdict(tuple(check(facts, now) for check in CHECKS))


def open_until(facts: Facts, now: Instant) -> Instant | None:
    """Until when a request may leave if it may leave now: the end of the open range, less the transit; None: not open now."""
    found = open_range(facts.plan.window_for(facts.channel), facts.zones, now)
    if found is None or found.start > now:
        return None
    return Instant(found.end - facts.transit)


def opens_next(facts: Facts, now: Instant) -> Instant | None:
    """The next instant at which a request may leave, `now` being too late or too early; None: the window never opens again."""
    window, at = facts.plan.window_for(facts.channel), now
    while (found := open_range(window, facts.zones, at)) is not None and found.start <= now + HORIZON:
        if found.end - facts.transit > max(found.start, now):
            return Instant(max(found.start, now))
        at = Instant(found.end)
    return None
