"""What each disposition means. One list for all providers; an unknown one is data and has the effect of `unknown`.

| disposition | counts as attempt | reached | what follows if the campaign says nothing |
|---|---|---|---|
| answered | yes | a human | exit answered |
| answered_silent, voicemail | yes | a machine, or nobody who spoke | next step |
| fax | yes | a machine | the number is bad: the next one |
| busy, no_answer, rejected, spam_blocked, unknown | yes | nobody | next step |
| invalid_number | yes | nobody | the number is bad: the next one; exit unreachable once every number is |
| provider_throttled, provider_error, config_error, canceled | no, it never rang | nobody | same step after a back-off, bounded |
| not_dialed | no | nobody | same step when its reason has passed |
| sent | yes | nobody | next step |
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.time import HOUR, MINUTE


class Disposition(StrEnum):
    """How a command ended."""

    ANSWERED = "answered"
    ANSWERED_SILENT = "answered_silent"
    VOICEMAIL = "voicemail"
    FAX = "fax"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    SPAM_BLOCKED = "spam_blocked"
    INVALID_NUMBER = "invalid_number"
    PROVIDER_THROTTLED = "provider_throttled"
    PROVIDER_ERROR = "provider_error"
    CONFIG_ERROR = "config_error"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    NOT_DIALED = "not_dialed"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Effect:
    """counts: uses up an attempt. reached: a human or a machine took the call. rang: it got as far as the network. bad: there is
    nobody to talk to at this number."""

    counts: bool = True
    reached: bool = False
    rang: bool = True
    bad: bool = False
    exit: str | None = None
    retryable: bool = True  # a campaign may name it under `retry`


_FAILED = Effect(counts=False, rang=False, retryable=False)

DISPOSITIONS: dict[str, Effect] = {
    Disposition.ANSWERED: Effect(reached=True, exit="answered", retryable=False),
    Disposition.ANSWERED_SILENT: Effect(reached=True),
    Disposition.VOICEMAIL: Effect(reached=True),
    Disposition.FAX: Effect(reached=True, bad=True),
    Disposition.BUSY: Effect(),
    Disposition.NO_ANSWER: Effect(),
    Disposition.REJECTED: Effect(),
    Disposition.SPAM_BLOCKED: Effect(),
    Disposition.INVALID_NUMBER: Effect(bad=True, exit="unreachable", retryable=False),
    Disposition.PROVIDER_THROTTLED: _FAILED,
    Disposition.PROVIDER_ERROR: _FAILED,
    Disposition.CONFIG_ERROR: _FAILED,
    Disposition.CANCELED: _FAILED,
    Disposition.UNKNOWN: Effect(retryable=False),  # never dial again on doubt (design rule 9)
    Disposition.NOT_DIALED: _FAILED,
    Disposition.SENT: Effect(retryable=False),
    Disposition.DELIVERED: Effect(retryable=False),
    Disposition.UNDELIVERED: Effect(retryable=False),
}

#: Strongest first (design, "Dispositions and exits"); what the design does not rank follows in its order of mention.
EXIT_PRECEDENCE: tuple[str, ...] = (
    "erased",
    "opted_out",
    "goal",
    "callback",
    "answered",
    "unreachable",
    "unenrolled",
    "suppressed",
    "country_not_allowed",
    "no_consent",
    "no_window",
    "no_number",
    "expired",
    "replaced",
    "campaign_ended",
    "completed",
)

#: Reasons that hold whether the campaign lists them under `exit` or not; the others of `exit` must be listed.
LISTED_EXITS = frozenset({"answered", "unreachable"})

#: Provider failures in a row after which a step is given up; with doubling back-offs from one minute that is about a day.
MAX_UNRUNG = 12


def effect(disposition: str) -> Effect:
    """What a disposition means; one that nobody has heard of means what `unknown` means."""
    return DISPOSITIONS.get(disposition, DISPOSITIONS[Disposition.UNKNOWN])


def backoff_ms(failures: int) -> int:
    """How long to wait after this many provider failures in a row (1, 2, ...): 1, 2, 4 ... minutes, at most 4 hours."""
    return int(min(MINUTE << min(failures - 1, 16), 4 * HOUR))


def stronger(a: str, b: str) -> str:
    """The exit reason that prevails. A reason that is not ranked is the weakest."""

    return a if rank(a) <= rank(b) else b


def rank(reason: str) -> int:
    """Place of an exit reason among all, the strongest 0; one that is not ranked is the last."""
    return EXIT_PRECEDENCE.index(reason) if reason in EXIT_PRECEDENCE else len(EXIT_PRECEDENCE)
