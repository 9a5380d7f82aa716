"""Limits of attempts in rolling windows: an attempt at T counts in [T, T + per).

What counts is what reached the network: voicemail, busy and unknown count, and messages that were sent; what never rang does not
(engine/retries.py). T is the latest instant at which the provider can have had the request, so that whoever measures at the
provider's side finds no two closer than the limit says.

Every limit holds for the address, over all people who share it, and for the person, over all addresses and enrollments. The
address's attempts are its ledger row's, the person's are the profile's. A command that is under way at the address counts in any
case, for its T is not known yet. The person's needs no such care: a contact has one command open at a time, and the next is asked
for when it has closed and entered its attempt.
"""

from collections.abc import Iterable
from typing import NamedTuple

from engine.answers import BUSY_AGAIN, YES, Answer, At
from engine.time import DAY, HOUR, MINUTE, SECOND, Instant
from schemas.outcome import Outcome
from schemas.rows import Attempt, CallState, LedgerRow

#: The longest time that a limit may look back (campaign ms), and so how long attempts are kept.
LONGEST = 31 * DAY

#: The most attempts that an address's row, or a person's, may hold: more of them would outgrow a record.
MOST_ATTEMPTS = 1_000

_RESERVED = CallState.RESERVED  # by name, which is faster (see engine/gate.py)
_NOUNS = {None: "attempt", "call": "call", "sms": "text message", "email": "email"}


class Cap(NamedTuple):
    """At most `max` attempts within any `per` ms."""

    max: int
    per: int
    everywhere: bool = False  # the attempts of all campaigns count; else this campaign's
    counted: str | None = None  # the channel whose attempts count; None: of any
    name: str = "the campaign's limit"  # who sets it, in words
    since: int = 0  # campaign ms, from when on it holds

    def counts(self, campaign: str, channel: str, own: str) -> bool:
        """Whether an attempt of this campaign by this channel counts for campaign `own`."""
        return (self.everywhere or campaign == own) and self.counted in (None, channel)


#: Holds for everybody, whatever limits a campaign has.
OWN = Cap(MOST_ATTEMPTS, LONGEST, everywhere=True, name="Outdial's own limit")


def number_caps(caps: tuple[Cap, ...], ledger: LedgerRow, campaign: str, dial_id: str | None, now: Instant) -> Answer:
    """Of the address: what is under way there, but for `dial_id` itself, counts in any case."""
    if not ledger.attempts and not ledger.calls:
        return YES["number_caps"]
    calls = [call for call in ledger.calls.values() if call.state is _RESERVED and call.dial_id != dial_id]
    under_way = [(call.template.campaign if call.template else "", call.channel) for call in calls]
    return _answer("number_caps", caps, ledger.attempts, under_way, campaign, now)


def person_caps(caps: tuple[Cap, ...], attempts: tuple[Attempt, ...], campaign: str, now: Instant) -> Answer:
    """Of the person, over all addresses."""
    return _answer("person_caps", caps, attempts, (), campaign, now) if attempts else YES["person_caps"]


def with_attempt(attempts: tuple[Attempt, ...], new: Attempt, now: Instant) -> tuple[Attempt, ...]:
    """The attempts with one more, by time, without those that no limit looks back to; the very same tuple if it is a repeat."""
    if new.at + LONGEST <= now or new.dial_id in [each.dial_id for each in attempts]:
        return attempts
    kept = recent(attempts, now)
    if not kept or kept[-1].at <= new.at:  # nearly always
        return (*kept, new)
    return tuple(sorted((*kept, new), key=lambda each: each.at))


def recent(attempts: tuple[Attempt, ...], now: Instant) -> tuple[Attempt, ...]:
    """Those that a limit may look back to; the very same tuple if all are."""
    if not attempts or attempts[0].at + LONGEST > now:
        return attempts
    return tuple([each for each in attempts if each.at + LONGEST > now])


def _answer(
    check: str,
    caps: tuple[Cap, ...],
    attempts: tuple[Attempt, ...],
    under_way: Iterable[tuple[str, str]],
    campaign: str,
    now: Instant,
) -> Answer:
    """The limit that frees last speaks."""
    found = [full for cap in caps if (full := _full(cap, attempts, under_way, campaign, now)) is not None]
    if not found:
        return YES[check]
    at, words = max(found)
    return Answer(check, False, At(at), words)


def _full(
    cap: Cap, attempts: tuple[Attempt, ...], under_way: Iterable[tuple[str, str]], campaign: str, now: Instant
) -> tuple[Instant, str] | None:
    """From when one more is allowed, and why not before, in words; None: it is allowed now.

    That is when so many have left the window that max - 1 remain. If it takes commands under way to fill it up, nobody knows: they
    may come to nothing. So it is asked again soon.
    """
    if now < cap.since:
        return None
    counted = [a.at for a in attempts if a.at + cap.per > now and cap.counts(a.campaign, a.channel, campaign)]
    if len(counted) >= cap.max:
        return Instant(counted[-cap.max] + cap.per), _words(cap, len(counted), 0)
    more = sum(cap.counts(*each, campaign) for each in under_way)
    return None if len(counted) + more < cap.max else (Instant(now + BUSY_AGAIN), _words(cap, len(counted), more))


def _words(cap: Cap, counted: int, under_way: int) -> str:
    """`2 of 2 attempts in 24 h of any campaign: the campaign's limit`."""
    noun = _NOUNS[cap.counted] + ("s" if cap.max > 1 else "")
    whose = "any campaign" if cap.everywhere else "this campaign"
    more = f", {under_way} more under way" if under_way else ""
    return f"{counted} of {cap.max} {noun} in {_length(cap.per)} of {whose}{more}: {cap.name}"


def _length(ms: int) -> str:
    for unit, name in ((HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if ms % unit == 0:
            return f"{ms // unit} {name}"
    return f"{ms} ms"


def attempt_of(closing: Outcome, at: int) -> Attempt:
    """What limits remember of a contact, from the instant at which it counts."""
    return Attempt(at, closing.campaign, closing.channel, closing.dial_id, closing.caller, closing.cost)
