"""Limits of attempts, in ledger and profiles, against a list of attempts that is counted over and over."""

import os
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from engine import ledger
from engine.answers import At
from engine.caps import Cap, with_attempt
from engine.gate import Facts, Verdict, decide
from engine.plan import Channel, Contacting, Plan
from engine.retries import DISPOSITIONS
from engine.time import HOUR, MINUTE, Instant
from engine.windows import parse_weekly, weekly_window
from schemas.campaign import CampaignState
from schemas.command import Dial
from schemas.line import Slot
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.rows import Attempt, LedgerRow

START = Instant(1_795_532_400_000)
ALWAYS = weekly_window(parse_weekly({"mon-sun": ["00:00-24:00"]}), 0)
CALL, TEXT = Contacting("call", Channel.CALL), Contacting("text", Channel.SMS, template="Hi")
CAPS = {
    "spring": (Cap(3, HOUR), Cap(2, 10 * MINUTE, everywhere=True)),
    "autumn": (Cap(1, 7 * MINUTE, everywhere=True, counted="call"), Cap(2, 20 * MINUTE, counted="sms")),
}
PLANS = {
    name: Plan(name, 1, "main", (CALL, TEXT), ALWAYS, "UTC", None, frozenset(), "t", (), caps=caps) for name, caps in CAPS.items()
}
#: Two people share the first number; the third has both, as after a change of number.
REACHED = {"ann": ("+12125550101",), "bob": ("+12125550101", "+12125550102"), "cay": ("+12125550102",)}
NUMBERS = ("+12125550101", "+12125550102")
RANG = sorted(name for name, effect in DISPOSITIONS.items() if effect.rang and name not in ("sent", "delivered", "undelivered"))
NOT_RUNG = ("provider_error", "canceled", "config_error")
EXAMPLES = int(os.environ.get("OUTDIAL_EXAMPLES", "400"))


class Made(NamedTuple):
    """An attempt as the model counts it: requests that the provider had, and that reached the network."""

    at: int
    order: int  # of two of one millisecond
    address: str
    person: str
    campaign: str
    channel: str


class Limits(RuleBasedStateMachine):
    """Whoever may be contacted is, if it is drawn; calls end as it is drawn; time passes by the millisecond."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.rows = {number: LedgerRow(address=number) for number in NUMBERS}
        self.attempts: dict[str, tuple[Attempt, ...]] = dict.fromkeys(REACHED, ())
        self.out: dict[str, tuple[Dial, int]] = {}  # commands that were requested and have not ended
        self.made: list[Made] = []
        self.number = 0

    def _facts(self, person: str, campaign: str, step: Contacting, **known: Any) -> Facts:
        busy = any(dial.contact_id == person for dial, _ in self.out.values())
        return Facts(
            PLANS[campaign], CampaignState.RUNNING, ("UTC",), step, contact_busy=busy, attempts=self.attempts[person], **known
        )

    def _ask(self, person: str, address: str, campaign: str, step: Contacting) -> Verdict:
        return decide(self._facts(person, campaign, step, ledger=self.rows[address]), self.now)

    @rule(person=st.sampled_from(sorted(REACHED)), campaign=st.sampled_from(sorted(CAPS)), text=st.booleans(), data=st.data())
    def contact(self, person: str, campaign: str, text: bool, data: st.DataObject) -> None:
        address, step = data.draw(st.sampled_from(REACHED[person])), TEXT if text else CALL
        verdict = self._ask(person, address, campaign, step)
        if not verdict.ok:
            self._turns_at_that_very_millisecond(verdict, person, address, campaign, step)
            return
        assert self._allowed(person, address, campaign, step, self.now), "the model counts too many"
        self.number += 1
        dial = Dial(
            dial_id=f"d{self.number}", enrollment_id="e", contact_id=person, campaign=campaign, version=1, entry=1, step=step.id,
            seq=1, channel=step.channel, address=address, caller=None, zones=("UTC",), slot=Slot("main", 1, 0, 1), at=self.now,
        )  # fmt: skip
        late = Instant(self.now + 2_000)
        self._apply(address, ledger.Reserve(dial, verdict, late, late + HOUR, late))
        self.out[dial.dial_id] = dial, int(self.now)

    @precondition(lambda self: self.out)
    @rule(rang=st.booleans(), disposition=st.sampled_from(RANG), heard=st.booleans(), data=st.data(), repeat=st.booleans())
    def ends(self, rang: bool, disposition: str, heard: bool, data: st.DataObject, repeat: bool) -> None:
        """heard: the provider's answer came before the end; else the time of the request is known from nothing but its slot."""
        dial_id = data.draw(st.sampled_from(sorted(self.out)))
        dial, at = self.out.pop(dial_id)
        if heard and rang:
            by = Instant(min(self.now, at + 150))
            self._apply(dial.address, ledger.Told(self._said(dial, "accepted", requested_by=int(by)), self.now + HOUR))
        if dial.channel == "sms" and heard and rang:
            ended = "sent"
        else:
            ended = disposition if rang else data.draw(st.sampled_from(NOT_RUNG))
            for _ in range(1 + repeat):
                self._apply(dial.address, ledger.Told(self._said(dial, "ended", disposition=ended), 0))
        if DISPOSITIONS[ended].rang:
            self.made.append(Made(at, int(dial.dial_id[1:]), dial.address, dial.contact_id, dial.campaign, dial.channel))

    @rule(ms=st.sampled_from([1, 149, 2_000, 2_001, MINUTE, 7 * MINUTE - 1, 10 * MINUTE, HOUR - 1]))
    def time_passes(self, ms: int) -> None:
        self.now = Instant(self.now + ms)

    def _said(self, dial: Dial, kind: str, **fields: Any) -> Receipt:
        return Receipt(event_id=f"{dial.dial_id}-{kind}", dial_id=dial.dial_id, address=dial.address, kind=kind, **fields)

    def _apply(self, address: str, inp: Any) -> None:
        result = ledger.apply(self.rows[address], inp, ledger.Moment(self.now, int(self.now)))
        self.rows[address] = result.row or self.rows[address]
        for record in result.emit:
            if isinstance(record, Outcome) and record.attempt_at is not None:
                one = Attempt(record.attempt_at, record.campaign, record.channel, record.dial_id)
                self.attempts[record.contact_id] = with_attempt(self.attempts[record.contact_id], one, self.now)

    def _allowed(self, person: str, address: str, campaign: str, step: Contacting, at: int) -> bool:
        """By the list: whether one more breaks a limit, of the number or of the person."""
        under_way = [Made(at, 0, d.address, d.contact_id, d.campaign, d.channel) for d, _ in self.out.values()]
        for cap in PLANS[campaign].terms(step, ()).caps:
            near = [m for m in (*self.made, *under_way) if m.at + cap.per > at and self._counts(cap, m, campaign)]
            if sum(m.address == address for m in near) >= cap.max or sum(m.person == person for m in near) >= cap.max:
                return False
        return True

    @staticmethod
    def _counts(cap: Cap, made: Made, campaign: str) -> bool:
        return (cap.everywhere or made.campaign == campaign) and cap.counted in (None, made.channel)

    def _turns_at_that_very_millisecond(self, verdict: Verdict, person: str, address: str, campaign: str, step: Contacting) -> None:
        """A no of a limit alone says when it turns: it is a no until then, and a yes from then on."""
        if {a.check for a in verdict.refusals} - {"number_caps", "person_caps"} or self.out or not isinstance(verdict.until, At):
            return
        facts = self._facts(person, campaign, step, ledger=self.rows[address])
        assert not decide(facts, Instant(verdict.until.instant - 1)).ok
        assert decide(facts, verdict.until.instant).ok

    def teardown(self) -> None:
        """No limit was exceeded: of each attempt that counts, those before it, in the limit's time, were fewer than the limit."""
        made = sorted(self.made)
        for n, one in enumerate(made):
            before = made[:n]
            for cap in CAPS[one.campaign]:
                if cap.counted not in (None, one.channel):
                    continue
                near = [m for m in before if m.at + cap.per > one.at and self._counts(cap, m, one.campaign)]
                assert sum(m.address == one.address for m in near) < cap.max
                assert sum(m.person == one.person for m in near) < cap.max


TestLimits = Limits.TestCase
TestLimits.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
