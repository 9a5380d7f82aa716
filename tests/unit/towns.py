"""A small world that is consistent because the engine itself made it: flow and ledger decide, this carries records about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cli.dossier import Dossier, Found
from cli.people import People
from cli.read import Snapshot
from cli.world import Entered, Logged, World
from engine import flow, ledger
from engine.gate import Verdict
from engine.plan import Channel, Contacting, Plan, Waiting
from engine.resources import ResourceIndex
from engine.time import DAY, HOUR, Delay, Instant
from engine.totals import with_row
from engine.weekly import parse_weekly
from engine.windows import Window, weekly_window
from schemas import ids
from schemas.base import encode
from schemas.campaign import CampaignHead, CampaignState
from schemas.command import Dial
from schemas.decision import Decision
from schemas.event import Event
from schemas.line import Demand, Slot
from schemas.outcome import Outcome
from schemas.receipt import Receipt, ReceiptKind
from schemas.resources import Number
from schemas.rows import EnrollmentRow, LedgerRow, Profile, TotalsRow

NOW = Instant(1_795_700_000_000)  # 2026-11-26 13:33:20 UTC, a Thursday
YES = Verdict(())
OPEN = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)


def plan(campaign: str = "spring", window: Window = OPEN) -> Plan:
    """A call, a day's wait, a second call."""
    steps = (Contacting("first", Channel.CALL, agent="robin"), Waiting("pause", Delay(ms=DAY)), Contacting("second", Channel.CALL))
    return Plan(campaign, 1, "main", steps, window, "America/New_York", None, frozenset({"answered", "unreachable"}), "us", ())


NUMBER = Number(number="+12125550100", tags=["us"])


def snapshot(*plans: Plan, state: CampaignState = CampaignState.RUNNING, numbers: tuple[Number, ...] = (NUMBER,)) -> Snapshot:
    heads = {p.campaign: CampaignHead(id=p.campaign, version=p.version, state=state, at=NOW - 3 * DAY) for p in plans}
    return Snapshot(heads, {}, ResourceIndex.of(numbers), {(p.campaign, p.version): p for p in plans})


@dataclass
class Town:
    """One campaign, its people, and what the topics hold of them."""

    plan: Plan = field(default_factory=plan)
    now: Instant = NOW
    numbers: int = 0
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(snapshot(self.plan), self.now, self.now, workers=1, lines=frozenset({"main"}), simulator=[])

    def person(self, contact: str, known: bool = True) -> EnrollmentRow:
        """Somebody who is enrolled."""
        self.numbers += 1
        if known:
            self.world.profiles[contact] = Profile(
                contact_id=contact, phone=f"+1212555{100 + self.numbers:04}", zones=("America/New_York",)
            )
        who = f"{contact}/{self.plan.campaign}/1"
        self.world.entered[ids.enrollment_id(contact, self.plan.campaign, 1)] = Entered(who, f"enrollments/0/{self.numbers}")
        inp = flow.Enroll(contact, self.plan.campaign, 1, f"enroll-{contact}")
        return self._apply(flow.enroll(inp, self.now, self.plan, self.world.profiles.get(contact)))

    def issue(self, row: EnrollmentRow) -> Dial:
        """A slot comes: the command is out, and reserved."""
        start = self.now * 1000
        self.feed(row, flow.Granted(Slot("main", 1, start, start + 5_000), "+12125550199"))
        dial = self.world.commands[self.row(row).open.dial_id][0]  # type: ignore[union-attr]
        self.ledger(dial.address, ledger.Reserve(dial, YES, self.now + 2_000, self.now + HOUR, Instant(self.now + 2_000)))
        return dial

    def accept(self, dial: Dial) -> None:
        self._told(dial, ReceiptKind.ACCEPTED, "request")
        assert self.world.simulator is not None
        self.world.simulator.append(Logged(dial.dial_id, dial.address))

    def call(self, row: EnrollmentRow, disposition: str, opt_out: str | None = None) -> EnrollmentRow:
        """A whole call, from the slot to what the flow makes of its end."""
        dial = self.issue(row)
        self.accept(dial)
        self._told(dial, ReceiptKind.ENDED, "webhook", disposition, opt_out)
        return self.close(dial)

    def refuse(self, row: EnrollmentRow) -> EnrollmentRow:
        """A command that comes to nothing: handed over."""
        dial = self.issue(row)
        self.ledger(dial.address, ledger.Refuse(dial.dial_id, reason="handed_over"))
        return self.close(dial)

    def close(self, dial: Dial) -> EnrollmentRow:
        key = f"{dial.contact_id}/{dial.campaign}/{dial.entry}"
        return self.feed(self.world.rows[key], flow.Closing(self.world.outcomes[dial.dial_id][0]))

    def tombstone(self, row: EnrollmentRow) -> None:
        """A week has passed since the exit."""
        self.world.totals[:] = [with_row(self.world.totals[0] if self.world.totals else TotalsRow(partition=0), row)]
        del self.world.rows[row.key]

    def row(self, row: EnrollmentRow) -> EnrollmentRow:
        return self.world.rows[row.key]

    def feed(self, row: EnrollmentRow, inp: flow.Input) -> EnrollmentRow:
        profile = self.world.profiles.get(row.contact_id)
        return self._apply(flow.transition(self.row(row), inp, self.now, self.plan, profile))

    def ledger(self, address: str, inp: ledger.Input) -> None:
        before = self.world.ledger.get(address, LedgerRow(address=address))
        result = ledger.apply(before, inp, ledger.Moment(self.now, self.now))
        self.world.ledger[address] = result.row or before
        self._take(result.emit)

    def demand(self, ready: int, at: int) -> None:
        """What the partition last told the line's owner."""
        told = Demand(
            line="main",
            partition=0,
            epoch=1,
            seen=1,
            ready={self.plan.campaign: ready},
            oldest=None,
            in_flight=0,
            lead=0,
            skew=0,
            at=at * 1000,
            writer=1,
        )
        self.world.add_demand(told)

    def _told(self, dial: Dial, kind: ReceiptKind, source: str, disposition: str | None = None, opt_out: str | None = None) -> None:
        receipt = Receipt(
            event_id=f"{dial.dial_id}-{kind}",
            dial_id=dial.dial_id,
            address=dial.address,
            kind=kind,
            provider_call_id=f"call-{dial.dial_id}",
            disposition=disposition,
            opt_out=opt_out,
            source=source,
            started_at=self.now,
            ended_at=self.now,
        )
        self.world.add_receipt(receipt, self.now)
        self.ledger(dial.address, ledger.Told(receipt, self.now + HOUR))

    def _apply(self, result: flow.Result) -> EnrollmentRow:
        self.world.rows[result.row.key] = result.row
        self._take((*result.emit, *result.after))
        return self.feed(result.row, result.then) if result.then is not None else result.row

    def _take(self, records: tuple[object, ...]) -> None:
        for record in records:
            match record:
                case Event():
                    self.world.add_event(record)
                case Dial():
                    self.world.commands[record.dial_id].append(record)
                case Outcome():
                    self.world.outcomes[record.dial_id].append(record)
                case Decision():
                    self.world.add_decision(record)


def dossier_of(made: Town, contact: str) -> Dossier:
    """What the topics hold of one person; places are made up."""
    world = made.world

    def found(records: Iterable[Any]) -> list[Found]:
        return [Found(record, f"topic/0/{i}", Instant(getattr(record, "at", None) or made.now)) for i, record in enumerate(records)]

    def mine(kept: dict[str, list[Any]]) -> list[Found]:
        return found(r for records in kept.values() for r in records if getattr(r, "contact_id", contact) == contact)

    one = Dossier(contact, snapshot(made.plan), made.now, world.rate, world.profiles.get(contact))
    one.rows = {key: row for key, row in world.rows.items() if row.contact_id == contact}
    one.events, one.commands, one.outcomes = mine(world.events), mine(world.commands), mine(world.outcomes)
    one.decisions = mine(world.decisions)
    dials = {f.record.dial_id for f in one.commands}
    one.receipts = found(r for dial_id, told in world.receipts.items() if dial_id in dials for r in told)
    return one


def people_of(world: World) -> People:
    """Everybody in a world, as their changelogs tell of them."""
    people = People(world.plans, world.rate)
    for profile in world.profiles.values():
        people.take_profile(profile.contact_id, encode(profile))
    for row in (*world.rows.values(), *world.totals):
        people.take_row(row.key, encode(row))
    return people


def town(now: Instant = NOW, planned: Plan | None = None) -> Town:
    """Somebody in each state, and somebody for each check."""
    made = Town(planned or plan(), now)
    made.now = Instant(now - 2 * HOUR)
    made.call(made.person("ann"), "answered")
    made.call(made.person("bob"), "voicemail")
    made.refuse(made.person("cid"))  # due at once, and it has been so for two hours: pacing
    made.call(made.person("hal"), "voicemail", opt_out="all")
    made.tombstone(made.call(made.person("fay"), "answered"))
    made.person("gus", known=False)
    made.now = now
    made.accept(made.issue(made.person("dan")))
    made.issue(made.person("eve"))
    made.feed(made.person("ida"), flow.Leave("unenrolled", "cli"))
    made.demand(ready=1, at=now)
    return made
