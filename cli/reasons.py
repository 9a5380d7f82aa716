"""Why an enrollment is not moving: the one answer that `status`, the live board and `verify` give.

It is the scheduler's own question, asked of the same functions with the same facts (streams/flows.py, Flows.facts), so that what is
printed is what the workers act on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cli.plans import Plans
from cli.usage import Usage
from engine import flow
from engine.answers import Answer, At, Never, When
from engine.daily_caps import untouched
from engine.errors import OutdialError
from engine.gate import Facts, Verdict, decide, lifecycle, room
from engine.numbers import NextFree, none_left
from engine.pauses import consequential, expired, let_out, moved
from engine.plan import Channel, Plan
from engine.reach import address_for
from engine.time import Instant
from engine.windows import open_range
from schemas.campaign import CampaignState, Pause
from schemas.rows import EnrollmentRow, Profile, State

AWAITING_CONTACT = "awaiting contact"
DUE_LATER = "due later"
COMMAND_OPEN = "command open"
PACING = "pacing"
BUDGET = "daily budget"  # nothing else is in the way: the campaign has used up its day
MOVING = "moving on"  # a wait is over, or a step is skipped: no gate is asked
LEAVING = "leaving"  # the exit is decided, or the gate says never
NO_PLAN = "campaign version missing"
PAUSED = "paused"
NOT_STARTED = "not started"
RAMP = "let out after the pause"

#: A refusal that ends with an event, in a user's words; any other goes by the name of its check.
_EVENTS = {"resumed": PAUSED, "started": NOT_STARTED, "contact_free": "contact busy", "halt_lifted": "halted"}


#: Campaign -> what of its budget is used up, in words, and until when (campaign ms).
Used = Mapping[str, tuple[str, Instant]]


@dataclass(frozen=True, slots=True)
class Why:
    """A named reason; until when it holds, if that is an instant; since when at the earliest (both campaign ms).

    `again`: when another reason may hold though nothing happens; None: not before something does.
    """

    reason: str
    until: Instant | None = None
    since: Instant | None = None
    detail: str | None = None
    closes: Instant | None = None  # pacing: the end of the open range

    @property
    def again(self) -> Instant | None:
        return self.until if self.closes is None else self.closes


@dataclass(frozen=True, slots=True)
class View:
    """What the reasons are looked up in, at one instant."""

    profiles: Mapping[str, Profile]
    plans: Plans
    now: Instant
    rate: float
    busy: Mapping[str, str]  # contact -> the row that has an open command
    used: Used = field(default_factory=dict)  # campaigns whose budget of the day is used up: in words, and until when
    usage: Usage | None = None  # of numbers; None: none has a daily cap

    @classmethod
    def of(
        cls,
        rows: Mapping[str, EnrollmentRow],
        profiles: Mapping[str, Profile],
        plans: Plans,
        now: Instant,
        rate: float,
        used: Used | None = None,
        usage: Usage | None = None,
    ) -> "View":
        busy = {row.contact_id: row.key for row in rows.values() if row.open is not None}
        return cls(profiles, plans, now, rate, busy, used or {}, usage)

    def pauses(self, campaign: str) -> tuple[Pause, ...]:
        """Those of its pauses that change when somebody is due."""
        head = self.plans.heads.get(campaign)
        return consequential(head.pauses) if head and head.pauses else ()

    def starts_at(self, campaign: str) -> Instant:
        """When a campaign that is scheduled begins; 0 for any other."""
        head = self.plans.heads.get(campaign)
        scheduled = head is not None and head.state is CampaignState.SCHEDULED
        return Instant(head.starts_at or 0) if head is not None and scheduled else Instant(0)

    def going(self, campaign: str) -> Answer:
        """Whether the campaign goes on at this moment, as the scheduler asks it."""
        head = self.plans.heads.get(campaign)
        return lifecycle(head.state if head else CampaignState.DRAFT, head.starts_at if head else None, self.now)


def why(row: EnrollmentRow, view: View) -> Why | None:
    """Why the row stays where it is; None if it has exited."""
    match row.state:
        case State.EXITED:
            return None
        case State.AWAITING_CONTACT:
            return Why(AWAITING_CONTACT)
    if row.open is not None:
        return Why(COMMAND_OPEN)
    if row.exit is not None:
        return Why(LEAVING, since=Instant(row.exit.at), detail=row.exit.reason)
    if (starts := view.starts_at(row.campaign)) > max(view.now, row.due - 1):
        return Why(NOT_STARTED, until=starts)
    row = moved(row, view.pauses(row.campaign))
    if row.due > view.now:
        return Why(DUE_LATER, until=Instant(row.due))
    try:
        plan = view.plans.plan(row.campaign, row.version)
    except OutdialError as error:
        return Why(NO_PLAN, detail=str(error))
    return _overdue(row, plan, view)


def _overdue(row: EnrollmentRow, plan: Plan, view: View) -> Why:
    profile, due = view.profiles.get(row.contact_id), Instant(row.due)
    going, pauses, head = view.going(row.campaign), view.pauses(row.campaign), view.plans.heads.get(row.campaign)
    if flow.moves_when_due(row, plan, profile, view.now) or (going.ok and expired(due, pauses)):
        if going.ok:
            return Why(MOVING, since=Instant(max(due, head.at if head else 0)))
        return Why(_EVENTS[going.until.event]) if isinstance(going.until, When) else Why(LEAVING)
    if going.ok and (at := let_out(row, pauses)) > view.now:
        return Why(RAMP, until=at)
    facts = facts_of(row, plan, profile, view)
    verdict = decide(facts, view.now)
    match verdict.until:
        case None if verdict.ok and (held := view.used.get(row.campaign)) and held[1] > view.now:
            return Why(BUDGET, until=held[1], detail=held[0])
        case None if verdict.ok:
            return Why(PACING, since=_ready_since(row, facts, view.now, view), closes=verdict.open_until)
        case Never(reason):
            return Why(LEAVING, since=due, detail=reason)
        case At(instant):
            return Why(reason_of(verdict), until=instant)
    return Why(reason_of(verdict))


def facts_of(row: EnrollmentRow, plan: Plan, profile: Profile | None, view: View) -> Facts:
    """The contact's half of what the gate looks at: as the scheduler gathers it."""
    head = view.plans.heads.get(row.campaign)
    step = flow.contacting(row, plan)
    return Facts(
        plan=plan,
        campaign_state=head.state if head else CampaignState.DRAFT,
        starts_at=head.starts_at if head else None,
        zones=plan.zones(profile.zones if profile else ()),
        step=step,
        jurisdictions=profile.jurisdictions if profile else (),
        consents=profile.consents if profile else (),
        opt_outs=profile.opt_outs if profile else (),
        attempts=profile.attempts if profile else (),
        halts=view.plans.halts,
        lists={each.id: each.as_of for each in view.plans.lists},
        abroad=plan.abroad(address_for(profile, step.channel, row.bad)) if profile else None,
        no_number=_no_number(row, plan, step.channel, view),
        contact_busy=view.busy.get(row.contact_id, row.key) != row.key,
        transit=room(view.rate),
    )


def _no_number(row: EnrollmentRow, plan: Plan, channel: Channel, view: View) -> NextFree | None:
    """As streams/callers.py asks it."""
    pool = view.plans.pool(plan)
    if pool.free or channel is Channel.EMAIL:
        return None
    account = untouched() if view.usage is None else view.usage.account(row.contact_id)
    return none_left(pool, account, view.now, channel is Channel.CALL)


def reason_of(verdict: Verdict) -> str:
    """The name of what speaks for a refusal."""
    match verdict.until:
        case When(event) if event in _EVENTS:
            return _EVENTS[event]
        case At() if verdict.reason == "lifecycle":
            return NOT_STARTED
    return (verdict.reason or "gate").replace("_", " ")


def late(row: EnrollmentRow, view: View) -> int | None:
    """Campaign ms from the earliest instant at which the open command may have been issued until it was; None: none is open."""
    if row.open is None:
        return None
    try:
        plan = view.plans.plan(row.campaign, row.version)
    except OutdialError:
        return None
    facts = facts_of(row, plan, view.profiles.get(row.contact_id), view)
    return max(0, row.open.at - _ready_since(row, facts, Instant(row.open.at), view))


def _ready_since(row: EnrollmentRow, facts: Facts, now: Instant, view: View) -> Instant:
    """The earliest instant from which the gate may have said yes: due, window open at `now`, campaign in its present state."""
    found = open_range(facts.plan.terms(facts.step, facts.jurisdictions).window, facts.zones, now)
    head = view.plans.heads.get(row.campaign)
    begun = max(head.at, head.starts_at or 0) if head else 0
    return Instant(max(let_out(row, view.pauses(row.campaign)), found.start if found else 0, begun))
