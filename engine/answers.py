"""What a check of the gate answers: yes, *not asked here*, or a no with when it turns: at an instant, by an event, or never."""

from collections import deque

import msgspec

from engine.retries import rank
from engine.time import MINUTE, Instant
from schemas.decision import AnswerRecord

#: What is in the way only while a command is open there is asked again after this long (campaign ms).
BUSY_AGAIN = MINUTE


class At(msgspec.Struct, frozen=True, gc=False):
    """The no turns to a yes at this instant."""

    instant: Instant


class When(msgspec.Struct, frozen=True, gc=False):
    """The no turns when something happens: started, resumed, contact_free, halt_lifted, list_imported, number."""

    event: str


class Never(msgspec.Struct, frozen=True, gc=False):
    """It stays a no: the enrollment ends with this exit reason; or the step is passed over, if only its channel is meant."""

    reason: str
    skips: bool = False


Until = At | When | Never


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One check's answer: True, False with `until`, or None for *not asked here*."""

    check: str
    ok: bool | None
    until: Until | None = None
    detail: str | None = None  # what there is to say besides, in words


#: In the order in which they are written down.
CHECKS = (
    "lifecycle",
    "halt",
    "exit",
    "suppression",
    "lists",
    "consent",
    "window",
    "holidays",
    "law",
    "number_caps",
    "person_caps",
    "number",
    "contact_busy",
    "number_busy",
    "slot",
)
#: The reason of a refusal goes by the name of its check, but for these.
_REASONS = {"number": "no_number"}
#: The answers without more to say: most of them, and the same each time.
YES = {check: Answer(check, True) for check in CHECKS}
NOT_ASKED = {check: Answer(check, None) for check in CHECKS}


#: The records of those, by identity.
_PLAIN = {id(a): AnswerRecord(a.check, a.ok) for a in (*YES.values(), *NOT_ASKED.values())}


def reason_of(check: str) -> str:
    """What a check's no is called in outcomes, `status` and `explain`."""
    return _REASONS.get(check, check)


def weight(answer: Answer) -> tuple[int, int]:
    """Which of several refusals speaks: one that ends or skips, else one that waits for an event, else the latest instant."""
    match answer.until:
        case Never(reason, skips):
            return (2 if skips else 3, -rank(reason))
        case When():
            return (1, 0)
        case At(instant):
            return (0, instant)
        case _:
            return (0, 0)


def record(answer: Answer) -> AnswerRecord:
    """The answer as it is written to `decisions`."""
    match answer.until:
        case At(instant):
            return AnswerRecord(answer.check, answer.ok, int(instant), answer.detail)
        case When(event):
            return AnswerRecord(answer.check, answer.ok, f"when:{event}", answer.detail)
        case Never(reason):
            return AnswerRecord(answer.check, answer.ok, "never", answer.detail or reason)
        case None:
            return _PLAIN.get(id(answer)) or AnswerRecord(answer.check, answer.ok, None, answer.detail)


#: A vector of answers, whether none is a no, and its records.
Told = tuple[tuple[Answer, ...], bool, tuple[AnswerRecord, ...]]
#: The last few vectors without a no. Nearly all are one of these, which takes no time to see: the answers are the same objects.
_AGREED: deque[Told] = deque(maxlen=4)


def told(answers: tuple[Answer, ...]) -> Told:
    """What a vector comes to."""
    for known in _AGREED:
        if known[0] == answers:
            return known
    found = (answers, all(a.ok is not False for a in answers), tuple([record(a) for a in answers]))
    if found[1]:
        _AGREED.append(found)
    return found
