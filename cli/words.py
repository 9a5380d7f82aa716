"""What records say, in sentences that a compliance officer reads. Pure.

What is not in these tables (a check that was added, a disposition nobody has heard of) is told by its name: data is never a crash.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from cli.reasons import Why
from engine.hours import Closer
from engine.plan import Channel
from engine.time import HOUR, MINUTE, SECOND
from schemas.command import Dial
from schemas.contact import Contact
from schemas.decision import AnswerRecord, Decision
from schemas.enrollment import Act, Callback, Enroll, Goal, OptOut, Unenroll
from schemas.event import Event, EventKind
from schemas.outcome import Outcome
from schemas.receipt import Receipt, ReceiptKind
from schemas.rows import ActionRow, Profile
from schemas.suppression import Suppression

#: Campaign ms -> wall clock of the person.
Clocked = Callable[[int], str]

#: Check -> what a yes says, what a no says.
CHECKS = {
    "lifecycle": ("the campaign runs", "the campaign does not run"),
    "exit": ("the person is in the campaign", "the person is leaving the campaign"),
    "suppression": ("not opted out or suppressed", "opted out or suppressed"),
    "halt": ("nothing is halted", "contacts are halted"),
    "lists": ("the suppression lists are up to date", "a suppression list is missing or too old"),
    "consent": ("consented to", "not consented to"),
    "holidays": ("no holiday or blackout date", "a holiday or blackout date"),
    "law": ("inside the hours of the law", "outside the hours of the law"),
    "number_caps": ("the number's limits have room", "the number's limits are reached"),
    "person_caps": ("the person's limits have room", "the person's limits are reached"),
    "country": ("a country that the campaign calls", "a country that the campaign does not call"),
    "window": ("inside the calling window", "outside the calling window"),
    "number": ("there is a number to call from", "no number to call from"),
    "contact_busy": ("no other call to the person", "another call to the person is under way"),
    "number_busy": ("no other call to the number", "another call to the number is under way"),
    "slot": ("its slot is open", "its slot is over"),
    "provider": ("the provider works", "the provider fails, and is left alone for a while"),
}
#: Checks whose detail is a sentence of its own.
SENTENCES = frozenset({"halt", "window", "law", "number"})
POINTS = {"due": "when the step fell due", "reserve": "before the attempt was reserved", "request": "right before the request"}
EVENTS = {
    "started": "the campaign is started",
    "resumed": "the campaign is resumed",
    "contact_free": "the person's other call is over",
    "halt_lifted": "the halt is lifted",
    "list_imported": "a newer list is imported",
    "number": "a number is declared for it, or has rested",
}

DISPOSITIONS = {
    "answered": "A human answered the call",
    "answered_silent": "The call was answered, but nobody spoke",
    "voicemail": "A voicemail or an answering machine took the call",
    "fax": "A fax machine took the call",
    "busy": "The number was busy",
    "no_answer": "Nobody answered the call",
    "rejected": "The call was rejected",
    "spam_blocked": "The call was blocked as spam",
    "invalid_number": "The number, or the email address, does not exist",
    "provider_throttled": "The provider had no room for the call; it never rang",
    "provider_error": "The provider failed; it never rang",
    "config_error": "The provider refused how it was asked; it never rang",
    "canceled": "The call was canceled; it never rang",
    "unknown": "Nobody can say how the call ended; it counts as made and is not repeated",
    "sent": "The message was sent",
}
UNDIALED = {
    "revoked": "the person was leaving the campaign",
    "handed_over": "its worker handed over to another before the slot came",
    "slot": "its slot had passed",
    "provider": "the provider failed, and was left alone for a while",
    "not_requested": "the provider never got the request",
}
EXITS = {
    "answered": "a human answered",
    "opted_out": "asked not to be contacted",
    "unreachable": "nobody could be reached",
    "completed": "the last step is done",
    "unenrolled": "taken out by request",
    "goal": "a goal of the campaign was reached",
    "expired": "it was too late for the step",
    "suppressed": "the address is suppressed",
    "country_not_allowed": "the number is of a country that the campaign does not call",
    "no_window": "the calling window never opens",
    "campaign_ended": "the campaign was ended",
}
REFUSED = {
    "still_in": "an earlier passage goes on",
    "max_entries": "the campaign lets nobody in so often",
    "too_soon": "too soon after leaving",
}
WAITS = {
    "awaiting contact": "waits for the person's details, which have not arrived",
    "command open": "has a command out, which has yet to close",
    "pacing": "may go now, and waits for its turn on the line",
    "daily budget": "may go now, and waits because the campaign has used up its budget of the day",
    "moving on": "is about to go on to the next step",
    "leaving": "is about to leave",
    "window": "waits for the calling window",
    "paused": "waits for the campaign to be resumed",
    "not started": "waits for the campaign to be started",
    "halted": "waits for a halt to be lifted",
    "contact busy": "waits for another call to the same person to end",
}


def imported(contact: Contact, profile: Profile | None) -> str:
    """What a contact record brought, and what it means for when the person may be called."""
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    numbers = ", ".join(part for part in (contact.phone, *contact.alt_phones, contact.email) if part)
    text = f"The person's details came{f' ({name})' if name else ''}: {numbers or 'no address'}."
    if profile is None:
        return text
    told = _told(profile.zone_sources)
    problems = f" Could not be read: {'; '.join(profile.problems)}." if profile.problems else ""
    return f"{text} Time zone: {told or 'nothing tells, the campaign decides'}.{problems}"


def _told(sources: dict[str, tuple[str, ...]]) -> str:
    """Zones with who told them, those that are told the same once."""
    by_zones: dict[tuple[str, ...], list[str]] = {}
    for source, zones in sources.items():
        by_zones.setdefault(zones, []).append(f"the {source.replace('_', ' ')}")
    return "; ".join(f"{', '.join(zones)} from {' and '.join(names)}" for zones, names in by_zones.items())


def requested(asked: Enroll | Unenroll | OptOut | Callback | Goal | Act) -> str:
    by = f" by {asked.source}" if asked.source else ""
    match asked:
        case Enroll():
            return f"Enrollment was asked for{by}."
        case Unenroll():
            return f"Removal from the campaign was asked for{by}."
        case OptOut():
            where = f" at {asked.address}" if asked.address else ""
            return f"Opted out{where}{by}: not to be contacted again by any campaign."
        case Callback():
            return f"A call was asked for{by}: {asked.callback_at}."
        case Goal():
            return f"The goal {asked.goal} was reached{by}."
        case Act():
            return f"The action {asked.row.get('action')} was to be run again{by}."


def event(told: Event, clocked: Clocked) -> str:
    data = told.data
    match told.kind:
        case EventKind.ENROLLED:
            return f"Enrolled, on version {told.version} of the campaign."
        case EventKind.STEP_SKIPPED:
            return f"Step {told.step} was skipped: {_skipped(str(data.get('reason')))}."
        case EventKind.RETRY_SCHEDULED:
            return (
                f"Step {told.step} is to be tried again after {data.get('disposition')}: due {clocked(int(data.get('due') or 0))}."
            )
        case EventKind.CALLBACK_SCHEDULED:
            moved = f", for then it is closed ({data['moved']})" if data.get("moved") else ""
            return f"Asked to be called back at {data.get('asked')}: due {clocked(int(data.get('due') or 0))}{moved}."
        case EventKind.ENROLLMENT_REFUSED:
            return f"Was not let in again: {REFUSED.get(str(data.get('reason')), data.get('reason'))}."
        case EventKind.MESSAGE_STATUS:
            gone = ", and nothing ever will be: the address is suppressed for this channel" if data.get("permanent") else ""
            return f"Later news of the message: {data.get('disposition')}{gone}."
        case EventKind.EXITED:
            reason = str(data.get("reason"))
            made = attempts(data.get("attempts"))
            return f"Left the campaign: {EXITS.get(reason, reason.replace('_', ' '))} ({reason}), after {made}."
        case EventKind.ACTION_DONE | EventKind.ACTION_FAILED | EventKind.ACTION_SKIPPED:
            return _acted(told.kind, data)
    return f"{told.kind}: {', '.join(f'{k} {v}' for k, v in data.items()) or 'no more is told'}."


_ACTED = {EventKind.ACTION_DONE: "done", EventKind.ACTION_FAILED: "given up", EventKind.ACTION_SKIPPED: "skipped"}


def _acted(kind: str, data: dict[str, Any]) -> str:
    """What became of a post-call action."""
    tries, reason = data.get("tries"), data.get("reason")
    after = f" after {tries} failed {'try' if tries == 1 else 'tries'}" if tries else ""
    return (
        f"Action {data.get('action')} ({data.get('does')}) was {_ACTED[EventKind(kind)]}{after}{f': {reason}' if reason else ''}."
    )


def pending(row: ActionRow) -> str:
    """A post-call action that is not done yet."""
    led = row.outcome.disposition if row.outcome else f"the exit as {row.exit}"
    if row.open is not None:
        return f"Action {row.action} after {led}: its message is on its way (command {row.open.dial_id})."
    if not row.tries:
        return f"Action {row.action} after {led} is not done yet."
    when = datetime.fromtimestamp(row.due / 1000, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    tried = f"was tried {row.tries} {'time' if row.tries == 1 else 'times'}"
    return f"Action {row.action} after {led} {tried}: {row.error}. It is tried again at {when} UTC, by the real clock."


def issued(dial: Dial) -> str:
    kind = "A call" if dial.channel == Channel.CALL else f"A message ({dial.channel})"
    by = f", agent {dial.agent}" if dial.agent else ""
    caller = f" from {dial.caller}" if dial.caller else ""
    which = f"action {dial.step.removeprefix('@')}" if dial.action else f"command {dial.seq}"
    return f"{kind} to {dial.address}{caller}{by} got a slot on line {dial.slot.line}: {which}."


def decided(found: Decision, clocked: Clocked) -> str:
    """The gate's answers, all of them: a no first, with until when."""
    point = POINTS.get(found.point, found.point)
    if not found.ok:
        return f"Refused by the gate, {point}: {'; '.join(_no(a, found.at, clocked) for a in found.answers if a.ok is False)}."
    yes = "; ".join(CHECKS.get(a.check, (f"{a.check.replace('_', ' ')} allows it",))[0] for a in found.answers if a.ok)
    return f"Allowed by the gate, {point}{f': {yes}' if yes else ''}."


def answered(answer: AnswerRecord, at: int, clocked: Clocked) -> str:
    """One answer in words, whatever it is."""
    if answer.ok is False:
        return _no(answer, at, clocked)
    if answer.ok is None:
        return "not asked at this point"
    return CHECKS.get(answer.check, ("allows it", ""))[0]


def shut(closers: Iterable[Closer]) -> str:
    """Which hours are closed."""
    return " and ".join(dict.fromkeys(CHECKS[closer.check][1] for closer in closers)) or CHECKS["window"][1]


def said(receipt: Receipt) -> str:
    """What a provider said of a command, other than how it ended."""
    detail = f" ({receipt.detail})" if receipt.detail else ""
    match receipt.kind:
        case ReceiptKind.ACCEPTED:
            as_ = f" as {receipt.provider_call_id}" if receipt.provider_call_id else ""
            return f"The provider took the request{as_}{detail}."
        case ReceiptKind.UNKNOWN:
            return (
                f"The provider did not say whether it took the request{detail}: it is asked later, "
                "and nobody is called again on doubt."
            )
        case ReceiptKind.NOT_FOUND:
            return f"The provider, asked for it, knows no such request{detail}."
        case ReceiptKind.CALLED:
            return f"The person called us{detail}."
    return f"The provider said {receipt.kind}{f', {receipt.disposition}' if receipt.disposition else ''}{detail}."


def closed(outcome: Outcome, clocked: Clocked) -> str:
    """How a command ended."""
    if outcome.disposition == "not_dialed":
        reason = outcome.reason or "no reason is told"
        due = outcome.retry_at if (outcome.retry_at or 0) > outcome.ended_at else None
        again = f" To be tried again from {clocked(due)}." if due is not None else ""
        why = UNDIALED.get(reason) or CHECKS.get(reason, ("", reason.replace("_", " ")))[1]
        return f"Nobody was contacted: {why} ({reason}). It uses up no attempt.{again}"
    talk = f", {length(outcome.talk_ms)} of talk" if outcome.talk_ms else ""
    asked = " The person asked not to be contacted again." if outcome.opt_out else ""
    later = f" The person asked to be called back at {outcome.callback_at}." if outcome.callback_at else ""
    how = DISPOSITIONS.get(outcome.disposition, f"It ended as {outcome.disposition.replace('_', ' ')}")
    return f"{how}{talk} ({outcome.disposition}).{asked}{later}"


def suppressed(entry: Suppression) -> str:
    if entry.kind == "remove":
        return f"{entry.address} was taken off the suppressions ({entry.source})."
    return f"{entry.address} was suppressed: {entry.reason.replace('_', ' ')} ({entry.source})."


def waiting(found: Why, clocked: Clocked) -> str:
    """Why somebody is where they are, now."""
    until = f", until {clocked(found.until)}" if found.until is not None else ""
    detail = f" ({found.detail})" if found.detail else ""
    if found.reason == "due later":
        return f"has its next step due {clocked(found.until or 0)}"
    return f"{WAITS.get(found.reason, f'waits: {found.reason}')}{until}{detail}"


def attempts(n: object) -> str:
    return "1 attempt" if n == 1 else f"{n or 0} attempts"


def counted(n: int, one: str, many: str) -> str:
    """`1 person`, `2 people`."""
    return f"{n} {one if n == 1 else many}"


def length(ms: int) -> str:
    """A length of time, to the second: 4 s, 2 min 5 s, 3 h 10 min, 2 d 4 h."""
    for unit, size, small, less in (("d", 24 * HOUR, "h", HOUR), ("h", HOUR, "min", MINUTE), ("min", MINUTE, "s", SECOND)):
        if ms >= size:
            rest = ms % size // less
            return f"{ms // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{ms // SECOND} s" if ms >= SECOND else f"{ms} ms"


def _no(answer: AnswerRecord, at: int, clocked: Clocked) -> str:
    what = CHECKS.get(answer.check, ("", f"{answer.check.replace('_', ' ')} forbids it"))[1]
    detail = f" ({answer.detail})" if answer.detail else ""
    if answer.detail and answer.check in SENTENCES:
        what, detail = answer.detail, ""
    match answer.until:
        case int() as instant if instant > at:
            return f"{what}{detail}, until {clocked(instant)}"
        case str() as when if when.startswith("when:"):
            event = when.removeprefix("when:")
            return f"{what}{detail}, until {EVENTS.get(event, event.replace('_', ' '))}"
        case "never":
            return f"{what}{detail}, for good"
    return f"{what}{detail}"


def _skipped(reason: str) -> str:
    return {
        "condition": "its condition does not hold",
        "no_address": "the person has no address for it",
        "expired": "a pause held it up for too long",
    }.get(reason, reason)
