"""What a timeline says, of people whom the engine itself has moved."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from cli import words
from cli.dossier import Dossier, Found
from cli.history import history
from cli.reasons import Why
from cli.replay import Spell, closed_spells, replay
from engine import flow
from engine.actions import of_outcome
from engine.plan import Action, Channel, Contacting, Plan, Retry, Waiting
from engine.time import DAY, HOUR, MINUTE, SECOND, Delay, Instant
from engine.weekly import parse_weekly
from engine.windows import weekly_window
from schemas.base import Wire
from schemas.campaign import Pause
from schemas.contact import Contact
from schemas.decision import AnswerRecord, Decision
from schemas.enrollment import Callback, Enroll, Goal, OptOut, Unenroll
from schemas.event import Event
from schemas.receipt import Receipt, ReceiptKind
from schemas.rows import ActionRow, EnrollmentRow, Profile
from schemas.suppression import Suppression
from tests.unit.samples import NOW as TUESDAY
from tests.unit.samples import dial_of, open_of, outcome_of
from tests.unit.towns import NOW, Town, dossier_of, town

WORKDAY = weekly_window(parse_weekly({"mon-fri": ["09:00-17:00"]}), 30_000)  # NOW is a Thursday, 08:33:20 in New York
OPENS, CLOSES = Instant(NOW + 26 * MINUTE + 40 * SECOND), Instant(NOW + 506 * MINUTE + 10 * SECOND)


def clocked(at: int) -> str:
    return f"T{at - TUESDAY:+}"


def at_work(*, retry: bool = False) -> Town:
    """A campaign whose window opens in 26 minutes."""
    again = {"busy": Retry(Delay(ms=HOUR), 1)} if retry else {}
    steps = (Contacting("first", Channel.CALL, retry=again), Waiting("pause", Delay(ms=DAY)), Contacting("second", Channel.CALL))
    return Town(Plan("spring", 1, "main", steps, WORKDAY, "America/New_York", None, frozenset({"answered"}), "us", ()))


def told(made: Town, contact: str = "ann") -> list[tuple[str, int, str]]:
    """(kind, ms since NOW, text) of each entry."""
    return [(entry.kind, entry.at - NOW, entry.text) for entry in history(dossier_of(made, contact))]


def kinds(made: Town, contact: str = "ann") -> list[str]:
    return [kind for kind, _, _ in told(made, contact)]


def later(made: Town, row: EnrollmentRow, at: int, then: Callable[[EnrollmentRow], object]) -> None:
    made.now = Instant(at)
    then(made.row(row))


# --- the order of things ----------------------------------------------------------------------------------------------------------


def test_a_call_from_its_due_instant_to_the_exit() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS + MINUTE, lambda r: made.call(r, "answered"))
    assert told(made) == [
        ("enrolled", 0, "Enrolled, on version 1 of the campaign."),
        ("due", 0, "Step first fell due."),
        ("waited", 0, "Step first waited: outside the calling window until Thu 2026-11-26 09:00:00 EST."),
        ("waited", OPENS - NOW, "Step first waited 1 min: no slot on line main came earlier."),
        (
            "issued",
            OPENS + MINUTE - NOW,
            "A call to +12125550101 from +12125550199 got a slot on line main: command 1.",
        ),
        ("decided", OPENS + MINUTE - NOW, "Allowed by the gate, before the attempt was reserved."),
        ("placed", made.now - NOW, f"The provider took the request as call-{dial_id(made)}."),
        ("ended", OPENS + MINUTE - NOW, "A human answered the call (answered)."),
        ("exited", OPENS + MINUTE - NOW, "Left the campaign: a human answered (answered), after 1 attempt."),
    ]


def test_a_goal_is_of_no_campaign() -> None:
    made = at_work()
    made.person("ann")
    one = dossier_of(made, "ann")
    one.requests.append(Found(Goal(contact_id="ann", goal="paid"), "enrollments/0/7", NOW))
    (entry,) = [each for each in history(one) if each.kind == "requested"]
    assert (entry.campaign, entry.entry, entry.text) == (None, None, "The goal paid was reached.")


def dial_id(made: Town) -> str:
    (found,) = made.world.commands
    return found


def test_a_retry_and_a_wait_have_their_due_instants() -> None:
    made = at_work(retry=True)
    row = made.person("ann")
    later(made, row, OPENS, lambda r: made.call(r, "busy"))
    later(made, row, OPENS + HOUR, lambda r: made.call(r, "busy"))
    made.now = Instant(OPENS + 25 * HOUR + MINUTE)
    due = [(kind, at, text) for kind, at, text in told(made) if kind in ("due", "retry", "now")]
    assert due == [
        ("due", 0, "Step first fell due."),
        ("retry", OPENS - NOW, "Step first is to be tried again after busy: due Thu 2026-11-26 10:00:00 EST."),
        ("due", OPENS + HOUR - NOW, "Step first fell due again."),
        ("due", OPENS + 25 * HOUR - NOW, "The wait pause is over."),
        ("now", made.now - NOW, "At step pause: is about to go on to the next step."),
    ]


def test_a_step_that_nobody_has_taken_waits_until_now() -> None:
    made = at_work()
    made.person("ann")
    made.now = Instant(NOW + MINUTE)
    assert told(made)[1:] == [
        ("due", 0, "Step first fell due."),
        ("waited", 0, "Step first waited: outside the calling window still."),
        ("now", MINUTE, "At step first: waits for the calling window, until Thu 2026-11-26 09:00:00 EST."),
    ]


def test_a_campaign_that_was_started_late_is_what_people_waited_for() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS + HOUR, lambda r: made.call(r, "answered"))
    one = dossier_of(made, "ann")
    one.plans.heads["spring"] = one.plans.heads["spring"].model_copy(update={"at": OPENS + 59 * MINUTE})
    assert [entry.text for entry in history(one) if entry.kind == "waited"][1:] == [
        "Step first waited 59 min: the campaign was started, or resumed, only then.",
        "Step first waited 1 min: no slot on line main came earlier.",
    ]


def test_another_call_to_the_person_is_what_was_waited_for() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS, lambda r: made.call(r, "answered"))
    one = dossier_of(made, "ann")
    ((other,), (closing,)) = one.commands, one.outcomes
    about = {"dial_id": "other", "enrollment_id": "other", "campaign": "autumn", "event_id": "other"}
    one.commands = [other._replace(record=replace(other.record, at=OPENS - MINUTE, **about)), other]
    one.outcomes = [closing._replace(record=replace(closing.record, ended_at=OPENS + MINUTE, **about)), closing]
    one.commands[1] = other._replace(record=replace(other.record, at=OPENS + MINUTE))
    assert [entry.text for entry in history(one) if entry.kind == "waited"][1] == (
        "Step first waited 1 min: no slot on line main came earlier; "
        "for a part of it another call to the same person was under way."
    )


def test_who_left_before_the_window_opened_waited_until_then() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, NOW + MINUTE, lambda r: made.feed(r, flow.Leave("unenrolled", "cli")))
    made.now = Instant(NOW + HOUR)
    assert told(made)[2:] == [
        ("waited", 0, "Step first waited: outside the calling window until then."),
        ("exited", MINUTE, "Left the campaign: taken out by request (unenrolled), after 0 attempts."),
    ]


def test_a_command_that_came_to_nothing_leads_to_the_same_step_again() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS, made.refuse)
    assert kinds(made) == ["enrolled", "due", "waited", "issued", "decided", "ended", "due", "now"]
    assert told(made)[5][2] == (
        "Nobody was contacted: its worker handed over to another before the slot came (handed_over). It uses up no attempt."
    )


def test_everybody_in_town_has_a_history_that_ends_where_they_are() -> None:
    made = town()
    last = {contact: kinds(made, contact)[-1] for contact in ("ann", "bob", "cid", "dan", "eve", "gus", "hal", "ida")}
    assert last == dict.fromkeys(("ann", "hal", "ida"), "exited") | dict.fromkeys(("bob", "cid", "dan", "eve", "gus"), "now")


def test_who_awaits_details_has_no_step_yet() -> None:
    assert told(town(), "gus")[-1][2] == "At step none yet: waits for the person's details, which have not arrived."


def test_details_come_before_the_enrollment_they_were_imported_with() -> None:
    made = at_work()
    made.person("ann")
    one = dossier_of(made, "ann")
    details = Contact(id="ann", phone="+12125550101")
    one.contacts = [one.events[0]._replace(record=details, appended=Instant(NOW + 40))]
    one.requests = [one.events[0]._replace(record=Enroll(contact_id="ann", campaign="spring", source="import:x"), appended=NOW)]
    found = history(one)
    assert [e.kind for e in found[:3]] == ["imported", "requested", "enrolled"]
    assert found[1].text == "Enrollment was asked for by import:x."


def test_what_a_command_does_stays_in_the_order_of_its_causes() -> None:
    """The clocks of provider, broker and workers differ: what ended was accepted before, whatever they say."""
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS, lambda r: made.call(r, "answered"))
    one = dossier_of(made, "ann")
    one.receipts = [found._replace(appended=Instant(OPENS + MINUTE)) for found in one.receipts]
    assert [e.kind for e in history(one) if e.dial_id] == ["issued", "decided", "placed", "ended"]


def test_json_has_evidence_and_both_clocks() -> None:
    made = at_work()
    made.person("ann")
    first = history(dossier_of(made, "ann"))[0].as_dict("ann")
    assert first == {
        "contact_id": "ann",
        "at": "2026-11-26T13:33:20.000Z",
        "local": "2026-11-26T08:33:20-05:00",
        "zone": "America/New_York",
        "kind": "enrolled",
        "text": "Enrolled, on version 1 of the campaign.",
        "campaign": "spring",
        "entry": 1,
        "step": None,
        "dial_id": None,
        "evidence": "topic/0/0",
    }


def test_a_campaign_that_is_gone_is_told_by_its_records_alone() -> None:
    made = town()
    one = dossier_of(made, "ann")
    one.plans.heads.clear()
    one.plans._plans.clear()
    assert [entry.kind for entry in history(one)] == ["enrolled", "issued", "decided", "placed", "ended", "exited"]


# --- folding again ----------------------------------------------------------------------------------------------------------------


def test_a_replay_ends_at_a_record_that_has_expired() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS, lambda r: made.call(r, "voicemail"))
    enrolled = next(e for events in made.world.events.values() for e in events)
    dials = {d.seq: d for found in made.world.commands.values() for d in found}
    stands = replay(enrolled, None, dials, {}, made.plan, made.world.profiles["ann"], made.now)
    assert [(s.step.id, s.seq, s.due, s.issued is not None) for s in stands] == [("first", 1, NOW, True)]


def test_a_step_falls_due_when_the_details_arrive() -> None:
    made = at_work()
    made.person("ann")
    enrolled = next(e for events in made.world.events.values() for e in events)
    (stand,) = replay(enrolled, Instant(NOW + HOUR), {}, {}, made.plan, made.world.profiles["ann"], Instant(NOW + DAY))
    assert stand.due == NOW + HOUR


def asked(made: Town, row: EnrollmentRow, at: int, wanted: str) -> Found:
    """A call that is asked for on a topic; the record."""
    made.now = Instant(at)
    made.feed(row, flow.Callback(wanted, "asked"))
    return Found(
        Callback(contact_id="ann", campaign="spring", callback_at=wanted, event_id="asked"), "enrollments/0/9", Instant(at)
    )


def due_and_waited(made: Town, *requests: Found) -> list[tuple[str, int, str]]:
    one = dossier_of(made, "ann")
    one.requests += requests
    return [(e.kind, e.at - NOW, e.text) for e in history(one) if e.kind in ("due", "waited", "now")]


def test_a_call_that_was_asked_for_elsewhere_is_due_when_it_was_asked_for() -> None:
    made = at_work()
    row = made.person("ann")
    request = asked(made, row, OPENS + MINUTE, "2026-11-26T11:00")
    later(made, row, OPENS + 2 * HOUR + 20 * MINUTE, lambda r: made.call(r, "answered"))
    assert due_and_waited(made, request) == [
        ("due", 0, "Step first fell due."),
        ("waited", 0, "Step first waited: outside the calling window until Thu 2026-11-26 09:00:00 EST."),
        ("waited", OPENS - NOW, "Step first waited 1 min: no slot on line main came earlier."),
        ("due", OPENS + 2 * HOUR - NOW, "Step first fell due again."),
        ("waited", OPENS + 2 * HOUR - NOW, "Step first waited 20 min: no slot on line main came earlier."),
    ]


def test_a_call_that_was_asked_for_during_another_comes_after_it() -> None:
    made = at_work()
    row = made.person("ann")
    made.now = OPENS
    dial = made.issue(row)
    made.accept(dial)
    request = asked(made, row, OPENS + MINUTE, "2026-11-26T11:00")
    made.now = Instant(OPENS + 2 * MINUTE)
    made._told(dial, ReceiptKind.ENDED, "webhook", "voicemail")
    made.close(dial)
    made.now = Instant(OPENS + HOUR)
    assert due_and_waited(made, request)[-1] == (
        "now",
        OPENS + HOUR - NOW,
        "At step first: has its next step due Thu 2026-11-26 11:00:00 EST.",
    )
    later(made, row, OPENS + 2 * HOUR, lambda r: made.call(r, "answered"))
    assert ("due", OPENS + 2 * HOUR - NOW, "Step first fell due again.") in due_and_waited(made, request)


def test_a_call_that_is_asked_for_too_early_or_too_late_changes_nothing() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS, lambda r: made.call(r, "answered"))
    before = due_and_waited(made)
    record = Callback(contact_id="ann", campaign="spring", callback_at="2026-11-26T11:00")
    at = [NOW - HOUR, OPENS + HOUR]
    assert due_and_waited(made, *(Found(record, f"enrollments/0/{i}", Instant(t)) for i, t in enumerate(at))) == before


def test_spells_are_when_the_window_was_closed() -> None:
    zones = ("America/New_York",)
    spells = closed_spells(WORKDAY, zones, NOW, Instant(OPENS + 25 * HOUR))
    assert spells == [Spell(NOW, OPENS), Spell(CLOSES, Instant(OPENS + DAY))]
    assert closed_spells(WORKDAY, zones, OPENS, CLOSES) == []
    assert closed_spells(WORKDAY, (), NOW, OPENS) == []
    assert len(closed_spells(WORKDAY, zones, NOW, Instant(NOW + 60 * DAY))) == 10


# --- words ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (
            (("window", True, None), ("contact_busy", None, None)),
            "Allowed by the gate, right before the request: inside the calling window.",
        ),
        (
            (("window", False, TUESDAY + 5),),
            "Refused by the gate, right before the request: outside the calling window, until T+5.",
        ),
        ((("slot", False, TUESDAY),), "Refused by the gate, right before the request: its slot is over."),
        (
            (("lifecycle", False, "when:resumed"), ("exit", False, "never")),
            "Refused by the gate, right before the request: the campaign does not run, until the campaign is resumed; "
            "the person is leaving the campaign, for good.",
        ),
        ((("new_check", False, "when:moon"),), "Refused by the gate, right before the request: new check forbids it, until moon."),
        ((("new_check", True, None),), "Allowed by the gate, right before the request: new check allows it."),
    ],
)
def test_decisions(answers: tuple[tuple[str, bool | None, int | str | None], ...], text: str) -> None:
    ok = all(answer[1] is not False for answer in answers)
    found = Decision(
        dial_id="d",
        address="+12125550101",
        contact_id="c7",
        campaign="spring",
        version=1,
        point="request",
        ok=ok,
        answers=tuple(AnswerRecord(*answer) for answer in answers),
        at=TUESDAY,
    )
    assert words.decided(found, clocked) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"disposition": "voicemail", "talk_ms": 15_400},
            "A voicemail or an answering machine took the call, 15 s of talk (voicemail).",
        ),
        (
            {"disposition": "answered", "opt_out": "all"},
            "A human answered the call (answered). The person asked not to be contacted again.",
        ),
        ({"disposition": "hologram"}, "It ended as hologram (hologram)."),
        (
            {"disposition": "not_dialed", "reason": "window", "retry_at": TUESDAY},
            "Nobody was contacted: outside the calling window (window). It uses up no attempt. To be tried again from T+0.",
        ),
        (
            {"disposition": "not_dialed", "reason": "new_check"},
            "Nobody was contacted: new check (new_check). It uses up no attempt.",
        ),
        (
            {"disposition": "answered", "callback_at": "2026-11-25T10:00"},
            "A human answered the call (answered). The person asked to be called back at 2026-11-25T10:00.",
        ),
    ],
)
def test_ends_of_commands(fields: dict[str, object], text: str) -> None:
    assert words.closed(outcome_of(**fields), clocked) == text  # type: ignore[arg-type]


def event_of(kind: str, **data: object) -> Event:
    return Event(
        kind=kind, contact_id="c7", enrollment_id="e", campaign="spring", version=2, entry=1, at=TUESDAY, step="text", data=data
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (event_of("enrolled"), "Enrolled, on version 2 of the campaign."),
        (event_of("step_skipped", reason="condition"), "Step text was skipped: its condition does not hold."),
        (event_of("step_skipped", reason="template: no plan"), "Step text was skipped: template: no plan."),
        (event_of("message_status", disposition="delivered"), "Later news of the message: delivered."),
        (event_of("exited", reason="moved_away", attempts=3), "Left the campaign: moved away (moved_away), after 3 attempts."),
        (event_of("action_done", action="tell", does="webhook", tries=0), "Action tell (webhook) was done."),
        (event_of("action_done", action="tell", does="webhook", tries=2), "Action tell (webhook) was done after 2 failed tries."),
        (
            event_of("action_failed", action="tell", does="webhook", tries=1, reason="it was answered 500"),
            "Action tell (webhook) was given up after 1 failed try: it was answered 500.",
        ),
        (
            event_of("action_skipped", action="thanks", does="sms", tries=0, reason="opted_out"),
            "Action thanks (sms) was skipped: opted_out.",
        ),
        (event_of("brand_new", x=1, y="z"), "brand_new: x 1, y z."),
        (event_of("brand_new"), "brand_new: no more is told."),
    ],
)
def test_events(event: Event, text: str) -> None:
    assert words.event(event, clocked) == text


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        ("accepted", {"provider_call_id": "p1"}, "The provider took the request as p1."),
        (
            "unknown",
            {"detail": "time-out"},
            "The provider did not say whether it took the request (time-out): it is asked later, "
            "and nobody is called again on doubt.",
        ),
        ("not_found", {}, "The provider, asked for it, knows no such request."),
        ("rejected", {"disposition": "invalid_number"}, "The provider said rejected, invalid_number."),
    ],
)
def test_receipts(kind: str, fields: dict[str, str], text: str) -> None:
    assert words.said(Receipt(dial_id="d", address="+12125550101", kind=kind, **fields)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Enroll(contact_id="c7", campaign="spring"), "Enrollment was asked for."),
        (Unenroll(contact_id="c7", campaign="spring", source="cli"), "Removal from the campaign was asked for by cli."),
        (
            OptOut(contact_id="c7", address="+12125550101", source="call"),
            "Opted out at +12125550101 by call: not to be contacted again by any campaign.",
        ),
        (Goal(contact_id="c7", goal="paid", source="crm"), "The goal paid was reached by crm."),
        (Callback(contact_id="c7", campaign="spring", callback_at="2026-11-26T17:30"), "A call was asked for: 2026-11-26T17:30."),
    ],
)
def test_requests(asked: Wire, text: str) -> None:
    assert words.requested(asked) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (None, "The person's details came (Ada Hill): +12125550101, a@example.com."),
        (
            Profile(contact_id="c7", zones=("America/New_York",), zone_sources={"phone": ("America/New_York",)}),
            "The person's details came (Ada Hill): +12125550101, a@example.com. Time zone: America/New_York from the phone.",
        ),
        (
            Profile(
                contact_id="c7",
                zone_sources={"postal_code": ("America/Boise",), "state": ("America/Denver",), "phone": ("America/Boise",)},
            ),
            "The person's details came (Ada Hill): +12125550101, a@example.com. "
            "Time zone: America/Boise from the postal code and the phone; America/Denver from the state.",
        ),
        (
            Profile(contact_id="c7", problems=("phone 'x' is no number",)),
            "The person's details came (Ada Hill): +12125550101, a@example.com. Time zone: nothing tells, the campaign decides. "
            "Could not be read: phone 'x' is no number.",
        ),
    ],
)
def test_details(profile: Profile | None, text: str) -> None:
    contact = Contact(id="c7", first_name="Ada", last_name="Hill", phone="+12125550101", email="a@example.com")
    assert words.imported(contact, profile) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Why("due later", until=Instant(TUESDAY + 9)), "has its next step due T+9"),
        (Why("pacing"), "may go now, and waits for its turn on the line"),
        (Why("window", until=TUESDAY), "waits for the calling window, until T+0"),
        (Why("caps", until=TUESDAY), "waits: caps, until T+0"),
        (Why("leaving", detail="opted_out"), "is about to leave (opted_out)"),
    ],
)
def test_what_is_waited_for(found: Why, text: str) -> None:
    assert words.waiting(found, clocked) == text


HOOK = Action("tell", frozenset(), "webhook")
KEPT = of_outcome(HOOK, outcome_of("busy"), None)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (KEPT, "Action tell after busy is not done yet."),
        (replace(KEPT, outcome=None, exit="goal"), "Action tell after the exit as goal is not done yet."),
        (
            replace(KEPT, tries=1, error="it was answered 503", due=TUESDAY),
            "Action tell after busy was tried 1 time: it was answered 503. "
            "It is tried again at 2026-11-24 15:00:00 UTC, by the real clock.",
        ),
        (replace(KEPT, open=open_of(1)), f"Action tell after busy: its message is on its way (command {open_of(1).dial_id})."),
    ],
)
def test_what_is_still_to_be_done(row: ActionRow, text: str) -> None:
    assert words.pending(row) == text


def test_a_history_ends_with_what_is_still_to_be_done() -> None:
    one = dossier_of(town(), "ann")
    one.actions = [replace(KEPT, contact_id="ann")]
    last = history(one)[-1]
    assert (last.kind, last.text) == ("now", "Action tell after busy is not done yet.")


def test_commands_and_suppressions() -> None:
    assert words.issued(dial_of(action="a1", step="@thanks", seq=0)).endswith("got a slot on line main: action thanks.")
    assert words.issued(dial_of()) == "A call to +12125550101, agent ann got a slot on line main: command 1."
    assert (
        words.suppressed(Suppression(address="+12125550101", source="opt_out"))
        == "+12125550101 was suppressed: opted out (opt_out)."
    )
    assert (
        words.suppressed(Suppression(address="x@example.com", kind="remove"))
        == "x@example.com was taken off the suppressions (cli)."
    )


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0 ms"), (4_999, "4 s"), (125_000, "2 min 5 s"), (3 * HOUR, "3 h"), (2 * DAY + 4 * HOUR, "2 d 4 h")]
)
def test_lengths(ms: int, text: str) -> None:
    assert words.length(ms) == text


# --- pauses -----------------------------------------------------------------------------------------------------------------------


def with_pause(one: Dossier, begin: int, end: int, policy: str = "hold", **how: int) -> Dossier:
    """The person's campaign had this pause."""
    pause = Pause(begin=begin, end=end, policy=policy, **how)
    one.plans.heads["spring"] = one.plans.heads["spring"].model_copy(update={"pauses": [pause], "at": end})  # type: ignore[index]
    return one


def test_a_pause_is_what_was_waited_for() -> None:
    made = at_work()
    row = made.person("ann")
    later(made, row, OPENS + 3 * HOUR, lambda r: made.call(r, "answered"))
    one = with_pause(dossier_of(made, "ann"), OPENS + MINUTE, OPENS + 2 * HOUR, ramp=HOUR)
    assert [entry.text for entry in history(one) if entry.kind == "waited"][1:] == [
        "Step first waited 1 h 59 min: the campaign was paused, and let out over 1 h."
    ]


def test_a_step_that_a_pause_has_moved_says_so() -> None:
    made = at_work()
    made.person("ann")
    made.now = Instant(OPENS + 7 * HOUR)
    one = with_pause(dossier_of(made, "ann"), NOW - MINUTE, OPENS + 2 * HOUR, "shift")
    one.now = made.now
    moved = OPENS + 2 * HOUR - (NOW - MINUTE)
    due = [(entry.at - NOW, entry.text) for entry in history(one) if entry.kind == "due"]
    assert due == [(moved, f"Step first fell due, {words.length(moved)} later because of a pause.")]


def test_a_call_that_cannot_be_placed_when_it_was_asked_for_changes_nothing() -> None:
    made = at_work()
    row = made.person("ann")
    request = asked(made, row, NOW + MINUTE, "one fine day")
    made.now = Instant(OPENS + 7 * HOUR)
    texts = []
    for requests in ([], [request]):
        one = with_pause(dossier_of(made, "ann"), NOW - MINUTE, OPENS + 2 * HOUR, "shift")
        one.now = made.now
        one.requests += requests
        texts.append([entry.text for entry in history(one) if entry.kind in ("due", "waited")])
    assert texts[0] == texts[1]
    assert "later because of a pause" in texts[0][0]


def test_a_step_that_a_pause_has_held_up_for_too_long_is_passed_in_the_replay() -> None:
    made = at_work()
    made.person("ann")
    (enrolled,) = (event for events in made.world.events.values() for event in events if event.kind == "enrolled")
    pause = Pause(begin=NOW - MINUTE, end=OPENS + 2 * HOUR, policy="expire", older=HOUR)
    stands = replay(enrolled, None, {}, {}, made.plan, made.world.profiles["ann"], Instant(NOW + 2 * DAY), (pause,))
    told = [(stand.step.id, stand.passed, stand.due - NOW) for stand in stands]
    assert told == [("first", True, 0), ("pause", True, DAY), ("second", False, DAY)]
