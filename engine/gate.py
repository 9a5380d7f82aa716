"""The gate: may this person be contacted at this instant? One function for first calls, retries and messages alike.

Asked three times for each attempt, of the same code, with more facts each time:

1. by the scheduler, when a step falls due (the contact's half: what the address's ledger row knows answers *not asked*),
2. by the dialer, before it reserves the attempt in the ledger,
3. by the sender, right before the request, with nothing awaited in between.

Every check answers. A *no* says when it turns: at an instant, when something happens, or never. Only *never* ends the enrollment,
with its reason. The vector of answers is the decision record.
"""

from collections.abc import Mapping

import msgspec

from engine import hours
from engine.answers import BUSY_AGAIN, NOT_ASKED, YES, Answer, At, Never, Until, When, reason_of, told, weight
from engine.caps import MOST_ATTEMPTS, OWN, number_caps, person_caps
from engine.consent import consented
from engine.halts import halted
from engine.lifecycle import ALIVE
from engine.numbers import NextFree, no_number
from engine.plan import Channel, Contacting, Plan, Terms
from engine.suppression import lists_current, suppressed
from engine.time import HOUR, Instant
from schemas.campaign import CampaignState
from schemas.decision import AnswerRecord
from schemas.line import Slot
from schemas.resources import Halt
from schemas.rows import Attempt, CallState, Consent, LedgerRow, OptOutEntry

#: Real ms that must be left of the window right before a request, for its transit.
TRANSIT_MS = 250
#: Real ms that a slot may lie ahead when it is granted: who becomes ready must still be inside the window then. On a clock that
#: runs fast it is at most half an hour of the campaign's; who is late for the window's end is refused by the dialer and waits on.
SLOT_AHEAD_MS = 1_000


#: Members by name: Python 3.11 takes as long to find one in its class as for ten comparisons, and these are asked for all the time.
_RUNNING, _RESERVED, _CALL = CampaignState.RUNNING, CallState.RESERVED, Channel.CALL
_SCHEDULED = CampaignState.SCHEDULED


class Facts(msgspec.Struct, frozen=True, gc=False):
    """All that the gate looks at. `ledger`, `slot` and `contact_busy` are None where they are not known: not asked."""

    plan: Plan
    campaign_state: CampaignState
    zones: tuple[str, ...]  # as plan.zones() gives them
    step: Contacting
    jurisdictions: tuple[str, ...] = ()  # all places whose law may hold for the person
    consents: tuple[Consent, ...] = ()
    opt_outs: tuple[OptOutEntry, ...] = ()  # by the person's own profile
    attempts: tuple[Attempt, ...] | None = None  # the person's, over all addresses
    halts: tuple[Halt, ...] = ()  # all that stand
    lists: Mapping[str, int] | None = None  # suppression lists that were imported -> of when they are
    abroad: bool | None = None  # the number is of a country that the campaign leaves out; None: it leaves none out
    no_number: NextFree | None = None  # the campaign has none to contact the person from; None: it has
    starts_at: int | None = None  # of a scheduled campaign, campaign ms
    exiting: str | None = None  # the enrollment is leaving: the reason
    contact_busy: bool | None = None  # another command of this contact is open
    dial_id: str | None = None
    ledger: LedgerRow | None = None
    slot: Slot | None = None
    provider_back: Instant | None = None  # the provider fails, and is tried again then; None: it does not
    real_us: int = 0
    transit: int = 0  # campaign ms that must be left of the window (TRANSIT_MS at the clock's rate)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The vector of answers; if all hours are open now, until when, else from when (campaign ms, less the transit)."""

    answers: tuple[Answer, ...]
    open_until: Instant | None = None
    opens: Instant | None = None

    @property
    def ok(self) -> bool:
        return told(self.answers)[1]

    @property
    def refusals(self) -> tuple[Answer, ...]:
        return tuple([a for a in self.answers if a.ok is False])

    @property
    def ends(self) -> str | None:
        """The exit reason, if any check said never of the person; of several the strongest."""
        return until.reason if isinstance(until := self.until, Never) and not until.skips else None

    @property
    def skips(self) -> str | None:
        """Why the step is passed over, if a check said never of its channel alone."""
        return until.reason if isinstance(until := self.until, Never) and until.skips else None

    @property
    def reason(self) -> str | None:
        """The check that speaks for the refusal: one that ends, else one that waits for an event, else the latest instant."""
        return None if self.ok else reason_of(max(self.refusals, key=weight).check)

    @property
    def until(self) -> Until | None:
        """When to ask again: the strongest of the refusals' answers; None if it is a yes. Not before all hours are open at once."""
        if self.ok:
            return None
        until = max(self.refusals, key=weight).until
        return At(max(until.instant, self.opens)) if isinstance(until, At) and self.opens is not None else until

    def records(self) -> tuple[AnswerRecord, ...]:
        """The answers as they are written to `decisions`."""
        return told(self.answers)[2]


def lifecycle(state: CampaignState, starts_at: int | None, now: Instant) -> Answer:
    """Whether a campaign goes on at this moment: before its start and in a pause nothing of it moves, waits neither."""
    if state is _RUNNING or state is CampaignState.DRAINING:
        return YES["lifecycle"]
    if state is _SCHEDULED and starts_at is not None:
        return YES["lifecycle"] if starts_at <= now else Answer("lifecycle", False, At(Instant(starts_at)))
    if state is CampaignState.PAUSED:
        return Answer("lifecycle", False, When("resumed"))
    if state is CampaignState.DRAFT or state is _SCHEDULED:
        return Answer("lifecycle", False, When("started"))
    return Answer("lifecycle", False, Never("campaign_ended"))


def _country(abroad: bool) -> Answer:
    """Answered for campaigns that name countries, and no others."""
    return Answer("country", False, Never("country_not_allowed")) if abroad else Answer("country", True)


def _provider(back: Instant) -> Answer:
    """Answered while the provider fails, and at no other time."""
    return Answer("provider", False, At(back))


def _contact_busy(facts: Facts) -> Answer:
    if facts.contact_busy is None:
        return NOT_ASKED["contact_busy"]
    return Answer("contact_busy", False, When("contact_free")) if facts.contact_busy else YES["contact_busy"]


def _number_busy(facts: Facts, now: Instant) -> Answer:
    if facts.ledger is None:
        return NOT_ASKED["number_busy"]
    if facts.step.channel is not _CALL:
        return YES["number_busy"]  # messages take no number lock (design rule 15)
    for call in facts.ledger.calls.values():
        if call.state is _RESERVED and call.channel == _CALL and call.dial_id != facts.dial_id:
            return Answer("number_busy", False, At(Instant(now + BUSY_AGAIN)))
    return YES["number_busy"]


def _slot(facts: Facts, now: Instant) -> Answer:
    if facts.slot is None:
        return NOT_ASKED["slot"]
    return YES["slot"] if facts.real_us < facts.slot.end else Answer("slot", False, At(now))


def room(rate: float) -> int:
    """Campaign ms of the window that somebody who becomes ready needs before its end, on a clock that runs `rate` times as fast."""
    return int(TRANSIT_MS * rate + min(SLOT_AHEAD_MS * rate, HOUR // 2))


def decide(facts: Facts, now: Instant) -> Verdict:
    """Every check's answer at `now` (campaign ms), in the order of CHECKS; the country's and the provider's if they matter."""
    plan, step, ledger = facts.plan, facts.step, facts.ledger
    terms = plan.terms(step, facts.jurisdictions)
    until = hours.open_until(terms.window, facts.zones, facts.transit, now)
    open_now = until is not None and until > now
    opens = None if open_now else hours.opens_next(terms.window, facts.zones, facts.transit, now)
    answers: tuple[Answer, ...] = (
        lifecycle(facts.campaign_state, facts.starts_at, now),
        YES["halt"] if not facts.halts else halted(facts.halts, plan.line, facts.jurisdictions),
        Answer("exit", False, Never(facts.exiting)) if facts.exiting else YES["exit"],
        suppressed(facts.opt_outs, ledger, plan.campaign, step.channel, now, only=len(plan.channels) == 1),
        YES["lists"] if not plan.lists else lists_current(plan.lists, facts.lists or {}, now),
        YES["consent"] if not terms.consent else consented(terms.consent, facts.consents, plan, step.channel, now),
        *(_OPEN if open_now else hours.closed(terms.window, facts.zones, facts.transit, now, opens)),
        *(_caps(facts, terms, now) if terms.caps or _crowded(facts) else _UNCAPPED),
        YES["number"] if facts.no_number is None else no_number(facts.no_number),
        _contact_busy(facts),
        _number_busy(facts, now),
        _slot(facts, now),
    )
    if facts.abroad is not None:
        answers = (*answers, _country(facts.abroad))
    if facts.provider_back is not None:
        answers = (*answers, _provider(facts.provider_back))
    return Verdict(answers, until, opens)


#: What the hours answer while all of them are open.
_OPEN = (YES["window"], YES["holidays"], YES["law"])


#: What the limits answer where there are none.
_UNCAPPED = (YES["number_caps"], YES["person_caps"])


def _crowded(facts: Facts) -> bool:
    """Whether a row may be full: Outdial's own limit, which is far from anybody's who has another."""
    ledger, attempts = facts.ledger, facts.attempts
    return (ledger is not None and len(ledger.attempts) >= MOST_ATTEMPTS) or (
        attempts is not None and len(attempts) >= MOST_ATTEMPTS
    )


def _caps(facts: Facts, terms: Terms, now: Instant) -> tuple[Answer, Answer]:
    """The address's and the person's: the stricter wins."""
    campaign, caps = facts.plan.campaign, (*terms.caps, OWN)
    return (
        NOT_ASKED["number_caps"] if facts.ledger is None else number_caps(caps, facts.ledger, campaign, facts.dial_id, now),
        NOT_ASKED["person_caps"] if facts.attempts is None else person_caps(caps, facts.attempts, campaign, now),
    )


def holds(state: CampaignState, busy: bool, until: Instant, now: Instant, stopped: bool = False) -> bool:
    """Whether the yes that made somebody ready still holds: the campaign runs (one that is scheduled had begun by then), no other
    command of the contact is open, the range that was open until `until` still is, no halt means the person. What else it rests on
    is the profile's, and with a new profile all is decided anew."""
    return (state is _RUNNING or state in ALIVE) and not busy and not stopped and now < until
