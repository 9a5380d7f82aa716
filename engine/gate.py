"""The gate: may this person be contacted at this instant? One function for first calls, retries and messages alike.

Asked three times for each attempt, of the same code, with more facts each time:

1. by the scheduler, when a step falls due (the contact's half: what the address's ledger row knows answers *not asked*),
2. by the dialer, before it reserves the attempt in the ledger,
3. by the sender, right before the request, with nothing awaited in between.

Every check answers. A *no* says when it turns: at an instant, when something happens, or never. Only *never* ends the enrollment,
with its reason. The vector of answers is the decision record.
"""

import msgspec

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


class At(msgspec.Struct, frozen=True, gc=False):
    """The no turns to a yes at this instant."""

    instant: Instant


class When(msgspec.Struct, frozen=True, gc=False):
    """The no turns when something happens: started, resumed, contact_free."""

    event: str


class Never(msgspec.Struct, frozen=True, gc=False):
    """It stays a no: the enrollment ends with this exit reason."""

    reason: str


Until = At | When | Never


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One check's answer: True, False with `until`, or None for *not asked here*."""

    check: str
    ok: bool | None
    until: Until | None = None


#: In the order in which they are written down.
CHECKS = ("lifecycle", "exit", "suppression", "window", "contact_busy", "number_busy", "slot")
#: Members by name: Python 3.11 takes as long to find one in its class as for ten comparisons, and these are asked for all the time.
_RUNNING, _RESERVED, _CALL = CampaignState.RUNNING, CallState.RESERVED, Channel.CALL
#: The answers without more to say: most of them, and the same each time.
_YES = {check: Answer(check, True) for check in CHECKS}
_NOT_ASKED = {check: Answer(check, None) for check in CHECKS}


#: The records of those, by identity.
_PLAIN = {id(a): AnswerRecord(a.check, a.ok) for a in (*_YES.values(), *_NOT_ASKED.values())}


class Facts(msgspec.Struct, frozen=True, gc=False):
    """All that the gate looks at. `ledger`, `slot` and `contact_busy` are None where they are not known: not asked."""

    plan: Plan
    campaign_state: CampaignState
    zones: tuple[str, ...]  # as plan.zones() gives them
    channel: Channel
    opted_out: bool = False  # by the person's own profile
    abroad: bool | None = None  # the number is of a country that the campaign leaves out; None: it leaves none out
    exiting: str | None = None  # the enrollment is leaving: the reason
    contact_busy: bool | None = None  # another command of this contact is open
    dial_id: str | None = None
    ledger: LedgerRow | None = None
    slot: Slot | None = None
    real_us: int = 0
    transit: int = 0  # campaign ms that must be left of the window (TRANSIT_MS at the clock's rate)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The vector of answers; if the window is open now, until when (campaign ms, less the transit)."""

    answers: tuple[Answer, ...]
    open_until: Instant | None = None

    @property
    def ok(self) -> bool:
        for answer in self.answers:  # noqa: SIM110 - asked of every contact several times, and all() makes a generator each time
            if answer.ok is False:
                return False
        return True

    @property
    def refusals(self) -> tuple[Answer, ...]:
        return tuple([a for a in self.answers if a.ok is False])

    @property
    def ends(self) -> str | None:
        """The exit reason, if any check said never; of several the strongest."""
        return until.reason if isinstance(until := self.until, Never) else None

    @property
    def reason(self) -> str | None:
        """The check that speaks for the refusal: one that ends, else one that waits for an event, else the latest instant."""
        return None if self.ok else max(self.refusals, key=_weight).check

    @property
    def until(self) -> Until | None:
        """When to ask again: the strongest of the refusals' answers; None if it is a yes."""
        return None if self.ok else max(self.refusals, key=_weight).until

    def records(self) -> tuple[AnswerRecord, ...]:
        """The answers as they are written to `decisions`."""
        return tuple([_PLAIN.get(id(a)) or _record(a) for a in self.answers])


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


def _record(answer: Answer) -> AnswerRecord:
    match answer.until:
        case At(instant):
            return AnswerRecord(answer.check, answer.ok, int(instant))
        case When(event):
            return AnswerRecord(answer.check, answer.ok, f"when:{event}")
        case None:
            return AnswerRecord(answer.check, answer.ok)
        case _:
            return AnswerRecord(answer.check, answer.ok, "never")


def _lifecycle(facts: Facts) -> Answer:
    state = facts.campaign_state
    if state is _RUNNING:
        return _YES["lifecycle"]
    if state is CampaignState.PAUSED:
        return Answer("lifecycle", False, When("resumed"))
    if state is CampaignState.DRAFT:
        return Answer("lifecycle", False, When("started"))
    return Answer("lifecycle", False, Never("campaign_ended"))


def _suppression(facts: Facts) -> Answer:
    if facts.opted_out:
        return Answer("suppression", False, Never("opted_out"))
    if facts.ledger is None:
        return _NOT_ASKED["suppression"]
    if not facts.ledger.suppressions:
        return _YES["suppression"]
    reasons = {"opted_out" if entry.reason == "opted_out" else "suppressed" for entry in facts.ledger.suppressions}
    return Answer("suppression", False, Never(min(reasons, key=rank)))


def _country(abroad: bool) -> Answer:
    """Answered for campaigns that name countries, and no others."""
    return Answer("country", False, Never("country_not_allowed")) if abroad else Answer("country", True)


def _closed_window(facts: Facts, now: Instant) -> Answer:
    again = opens_next(facts, now)
    return Answer("window", False, Never("no_window") if again is None else At(again))


def _contact_busy(facts: Facts) -> Answer:
    if facts.contact_busy is None:
        return _NOT_ASKED["contact_busy"]
    return Answer("contact_busy", False, When("contact_free")) if facts.contact_busy else _YES["contact_busy"]


def _number_busy(facts: Facts, now: Instant) -> Answer:
    if facts.ledger is None:
        return _NOT_ASKED["number_busy"]
    if facts.channel is not _CALL:
        return _YES["number_busy"]  # messages take no number lock (design rule 15)
    for call in facts.ledger.calls.values():
        if call.state is _RESERVED and call.channel == _CALL and call.dial_id != facts.dial_id:
            return Answer("number_busy", False, At(Instant(now + BUSY_AGAIN)))
    return _YES["number_busy"]


def _slot(facts: Facts, now: Instant) -> Answer:
    if facts.slot is None:
        return _NOT_ASKED["slot"]
    return _YES["slot"] if facts.real_us < facts.slot.end else Answer("slot", False, At(now))


def decide(facts: Facts, now: Instant) -> Verdict:
    """Every check's answer at `now` (campaign ms), in the order of CHECKS; behind them that of the country, if it is limited."""
    until = open_until(facts, now)
    answers = (
        _lifecycle(facts),
        Answer("exit", False, Never(facts.exiting)) if facts.exiting else _YES["exit"],
        _suppression(facts),
        _YES["window"] if until is not None and until > now else _closed_window(facts, now),
        _contact_busy(facts),
        _number_busy(facts, now),
        _slot(facts, now),
    )
    return Verdict(answers if facts.abroad is None else (*answers, _country(facts.abroad)), until)


def holds(state: CampaignState, busy: bool, until: Instant, now: Instant) -> bool:
    """Whether the yes that made somebody ready still holds: the campaign runs, no other command of the contact is open, the range
    that was open until `until` still is. What else it rests on is the profile's, and with a new profile all is decided anew."""
    return state is _RUNNING and not busy and now < until


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
