"""Limits of attempts in rolling windows: an attempt at T counts in [T, T + per).

What counts is what reached the network: voicemail, busy and unknown count, and messages that were sent; what never rang does not
(engine/retries.py). T is the latest instant at which the provider can have had the request, so that whoever measures at the
provider's side finds no two closer than the limit says.

Every limit holds for the address, over all people who share it, and for the person, over all addresses and enrollments. The
address's attempts are its ledger row's, the person's are the profile's. A command that is under way at the address counts in any
case. The person's needs no such care: a contact has one command open at a time, and the next is asked for when it has closed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from engine.answers import YES, Answer, At
from engine.time import DAY, HOUR, MINUTE, SECOND, Instant
from schemas.rows import Attempt, CallState, LedgerRow

#: The longest time that a limit may look back (campaign ms), and so how long attempts are kept.
LONGEST = 31 * DAY
#: A limit that is full of commands under way is asked again after this long (campaign ms).
_AGAIN = MINUTE


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


def number_caps(caps: tuple[Cap, ...], ledger: LedgerRow, campaign: str, dial_id: str | None, now: Instant) -> Answer:
    """Of the address: what is under way there, but for `dial_id` itself, counts in any case."""
    if not ledger.attempts and not ledger.calls:
        return YES["number_caps"]
    calls = [call for call in ledger.calls.values() if call.state is CallState.RESERVED and call.dial_id != dial_id]
    under_way = [(call.template.campaign if call.template else "", call.channel) for call in calls]
    return _answer("number_caps", caps, ledger.attempts, under_way, campaign, now)


def person_caps(caps: tuple[Cap, ...], attempts: tuple[Attempt, ...], campaign: str, now: Instant) -> Answer:
    """Of the person, over all addresses."""
    return _answer("person_caps", caps, attempts, (), campaign, now) if attempts else YES["person_caps"]


def with_attempt(attempts: tuple[Attempt, ...], new: Attempt, now: Instant) -> tuple[Attempt, ...]:
    """The attempts with one more, by time, without those that no limit looks back to. A repeat changes nothing."""
    if any(each.dial_id == new.dial_id for each in attempts):
        return attempts
    return tuple(sorted((each for each in (*attempts, new) if each.at + LONGEST > now), key=lambda each: each.at))


def _answer(
    check: str,
    caps: tuple[Cap, ...],
    attempts: tuple[Attempt, ...],
    under_way: Iterable[tuple[str, str]],
    campaign: str,
    now: Instant,
) -> Answer:
    """The limit that frees last speaks."""
    found = [(at, cap) for cap in caps if (at := _frees_at(cap, attempts, under_way, campaign, now)) is not None]
    if not found:
        return YES[check]
    at, cap = max(found, key=lambda pair: pair[0])
    whose = "any campaign" if cap.everywhere else "this campaign"
    by = f" by {cap.counted}" if cap.counted else ""
    detail = f"{cap.max} of {cap.max} attempts{by} of {whose} in {_length(cap.per)}: {cap.name}"
    return Answer(check, False, At(at), detail)


def _frees_at(
    cap: Cap, attempts: tuple[Attempt, ...], under_way: Iterable[tuple[str, str]], campaign: str, now: Instant
) -> Instant | None:
    """When one more is allowed; None: now."""
    if now < cap.since:
        return None
    open_ = sum(cap.counts(*each, campaign) for each in under_way)
    counted = [a.at for a in attempts if a.at + cap.per > now and cap.counts(a.campaign, a.channel, campaign)]
    over = len(counted) + open_ - cap.max
    if over < 0:
        return None
    return Instant(counted[over] + cap.per) if over < len(counted) else Instant(now + _AGAIN)


def _length(ms: int) -> str:
    for unit, name in ((HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if ms % unit == 0:
            return f"{ms // unit} {name}"
    return f"{ms} ms"
