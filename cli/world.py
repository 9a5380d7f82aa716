"""All that the topics say, folded once, for `verify` to recount. Pure: cli/gather.py reads, this keeps.

Records are kept once per event_id: a crash between an output and its state repeats outputs, with the ids they had.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cli.plans import Plans
from cli.reasons import View
from cli.usage import Usage
from engine.time import Instant
from schemas.command import Dial
from schemas.deadletter import DeadLetter
from schemas.decision import Decision
from schemas.event import Event
from schemas.line import Demand
from schemas.outcome import Outcome
from schemas.receipt import Receipt, ReceiptKind
from schemas.rows import ActionRow, EnrollmentRow, LedgerRow, Profile, State, TotalsRow


class Logged(NamedTuple):
    """A request in the simulator's own log."""

    dial_id: str
    number: str


class Mark(NamedTuple):
    """At this real ms (the broker's) an address was suppressed, or no longer."""

    at: int
    on: bool


class Entered(NamedTuple):
    """Somebody whose enrollment the workers have read: who (contact/campaign/entry), and where the record lies."""

    who: str
    place: str


def keep_newest(demands: dict[tuple[str, int], Demand], demand: Demand) -> None:
    """Takes a partition's report, unless it is older than the one that is known, or a zombie's."""
    known = demands.get((demand.line, demand.partition))
    if known is None or (demand.writer, demand.at) >= (known.writer, known.at):
        demands[demand.line, demand.partition] = demand


@dataclass(slots=True)
class World:
    """One reading of all topics. `expired`: topics whose oldest records are gone, so that what is missing there proves nothing."""

    plans: Plans
    now: Instant  # campaign ms
    real_ms: int
    rate: float = 1.0
    partitions: int = 1
    workers: int = 0
    lag: Mapping[str, int] = field(default_factory=dict)
    entered: dict[str, Entered] = field(default_factory=dict)  # by enrollment
    rows: dict[str, EnrollmentRow] = field(default_factory=dict)
    totals: list[TotalsRow] = field(default_factory=list)
    actions: dict[str, ActionRow] = field(default_factory=dict)  # by action_id: those that are not done yet
    profiles: dict[str, Profile] = field(default_factory=dict)
    ledger: dict[str, LedgerRow] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))  # by enrollment, in order
    outcomes: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))  # by dial_id, in order, repeats too
    commands: dict[str, list[Dial]] = field(default_factory=lambda: defaultdict(list))  # by dial_id, repeats too
    receipts: dict[str, list[Receipt]] = field(default_factory=lambda: defaultdict(list))  # by dial_id
    decisions: dict[str, list[Decision]] = field(default_factory=lambda: defaultdict(list))  # by dial_id
    suppressed: dict[str, list[Mark]] = field(default_factory=lambda: defaultdict(list))  # by address
    opted_out: dict[str, int] = field(default_factory=dict)  # contact -> real ms of the first request to be left alone
    dead_letters: dict[str, DeadLetter] = field(default_factory=dict)  # by place of origin
    demands: dict[tuple[str, int], Demand] = field(default_factory=dict)  # the newest, by (line, partition)
    lines: frozenset[str] = frozenset()  # those that are declared
    simulator: list[Logged] | None = None
    expired: frozenset[str] = frozenset()
    _seen: set[str] = field(default_factory=set)

    # --- folding ---

    def add_event(self, event: Event) -> None:
        if event.enrollment_id and self._first(event.event_id):  # of a campaign as a whole there is nothing to recount
            self.events[event.enrollment_id].append(event)

    def add_receipt(self, receipt: Receipt, appended: int) -> None:
        """`appended`: real ms at which the broker took it."""
        if receipt.opt_out and ":" not in receipt.opt_out:
            self.suppressed[receipt.address].append(Mark(appended, True))
        if receipt.dial_id and self._first(receipt.event_id):
            self.receipts[receipt.dial_id].append(receipt)

    def add_decision(self, decision: Decision) -> None:
        if decision.dial_id and self._first(decision.event_id):
            self.decisions[decision.dial_id].append(decision)

    def add_demand(self, demand: Demand) -> None:
        keep_newest(self.demands, demand)

    def _first(self, event_id: str) -> bool:
        """Whether this is the first record with its id; a record without one is always new."""
        if event_id in self._seen:
            return False
        if event_id:
            self._seen.add(event_id)
        return True

    # --- what checks ask for ---

    def view(self) -> View:
        usage = Usage.of(self.rows, self.profiles, self.partitions, self.rate) if self.plans.resources.capped else None
        return View.of(self.rows, self.profiles, self.plans, self.now, self.rate, usage=usage)

    def by_enrollment(self) -> dict[str, EnrollmentRow]:
        return {row.enrollment_id: row for row in self.rows.values()}

    def open_commands(self) -> set[str]:
        """The dial_ids that a row names as open, of an enrollment or of an action."""
        rows: tuple[EnrollmentRow | ActionRow, ...] = (*self.rows.values(), *self.actions.values())
        return {row.open.dial_id for row in rows if row.open is not None}

    def exited(self) -> list[EnrollmentRow]:
        return [row for row in self.rows.values() if row.state is State.EXITED]

    def requested(self) -> dict[str, Dial]:
        """The commands of which the provider said that it took the request."""
        accepted = (
            d for d, said in self.receipts.items() if d in self.commands and any(r.kind == ReceiptKind.ACCEPTED for r in said)
        )
        return {dial_id: self.commands[dial_id][0] for dial_id in accepted}

    def real_since(self, instant: int) -> float:
        """Real ms that have passed since a campaign instant."""
        return (self.now - instant) / self.rate
