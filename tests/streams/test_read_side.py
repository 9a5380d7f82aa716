"""The commands that read, on a real broker that holds a small world the engine has made."""

import base64
import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from cli import tail, topics, verify
from cli.group import GROUP, SOURCES, group_state
from cli.main import app
from cli.publish import Publisher
from deploy.broker import Broker
from engine.compile import compile_plan
from engine.time import Instant
from outdial.kafka import client_config, reader
from outdial.settings import Settings
from schemas.campaign import CampaignFile, CampaignHead, CampaignState, CampaignVersion
from schemas.contact import Contact
from schemas.deadletter import DeadLetter
from schemas.enrollment import Enroll, OptOut
from schemas.resources import Line, resource_key
from schemas.rows import EnrollmentRow, LedgerRow, State, SuppressionEntry
from schemas.suppression import Suppression
from schemas.topics import (
    CALL_OUTCOMES,
    CAMPAIGN_EVENTS,
    CAMPAIGNS,
    CONTACT_PROFILES,
    CONTACTS,
    DEAD_LETTERS,
    DECISIONS,
    DIAL_COMMANDS,
    DIAL_LEDGER,
    DIAL_RECEIPTS,
    ENROLLMENTS,
    LINE_EVENTS,
    RESOURCES,
    STEP_TIMERS,
    SUPPRESSIONS,
    TOPICS,
)
from tests.conftest import CACHE
from tests.ports import free_pair
from tests.unit.towns import NUMBER, Town, town
from tests.wait import until

FILE = {
    "id": "spring",
    "agent": "robin",
    "numbers": {"tag": "us"},
    "line": "main",
    "window": {"weekly": {"mon-sun": ["00:00-24:00"]}, "timezone": {"fallback": "America/New_York"}, "ring_timeout": "30s"},
    "flow": [{"id": "first", "call": {}}, {"id": "pause", "wait": "24h"}, {"id": "second", "call": {}}],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker of its own: `verify` counts all there is."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), cache=CACHE, broker_port=free_pair(), partitions=2)
    Broker(settings).up()
    topics.apply(settings)
    yield settings
    Broker(settings).down()


@pytest.fixture(scope="module")
def people(home: Settings) -> Town:
    """The world, published; its present is the real one."""
    plan = compile_plan(CampaignFile.model_validate(FILE), 1)
    made = town(Instant(int(time.time() * 1000)), plan)
    _publish(home, made)
    return made


@pytest.fixture(autouse=True)
def _environment(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _env(home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(verify, "PAUSE", 0.0)


def _env(settings: Settings) -> dict[str, str]:
    return {"OUTDIAL_HOME": str(settings.home), "OUTDIAL_BROKER_PORT": str(settings.broker_port), "OUTDIAL_PARTITIONS": "2"}


def _publish(settings: Settings, made: Town) -> None:
    world = made.world
    with Publisher(settings, *TOPICS) as out:
        line = Line(id="main", calls_per_second=1)
        for resource in (line, NUMBER):
            out.send(RESOURCES, resource_key(resource), resource)
        out.send(CAMPAIGNS, "spring@1", CampaignVersion(id="spring", version=1, file=FILE, at=made.now))
        out.send(CAMPAIGNS, "spring", CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=made.now - 10**8))
        for profile in world.profiles.values():
            out.send(CONTACT_PROFILES, profile.contact_id, profile)
        for row in (*world.rows.values(), *world.totals):
            out.send(STEP_TIMERS, row.key, row)
        for ledger in world.ledger.values():
            out.send(DIAL_LEDGER, ledger.key, ledger)
        for event in (e for events in world.events.values() for e in events):
            out.send(CAMPAIGN_EVENTS, event.key, event)
        for spec, found in (
            (DIAL_COMMANDS, world.commands),
            (CALL_OUTCOMES, world.outcomes),
            (DIAL_RECEIPTS, world.receipts),
            (DECISIONS, world.decisions),
        ):
            for record in (r for records in found.values() for r in records):
                out.send(spec, record.key, record)
        for demand in world.demands.values():
            out.send(LINE_EVENTS, demand.key, demand)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def lines(*arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]


def test_status(people: Town) -> None:
    (body,) = lines("status")
    (spring,) = body["campaigns"]  # type: ignore[misc]
    assert (spring["campaign"], spring["state"], spring["people"]) == ("spring", "running", len(people.world.rows) + 1)
    assert spring["exits"] == {"answered": 2, "opted_out": 1, "unenrolled": 1}
    assert spring["waiting"]["pacing"]["count"] == 1
    assert spring["calls"] == {"answered": 2, "voicemail": 2, "not_dialed": 1}
    assert body["broker"]["state"] == "running"  # type: ignore[index]
    shown = run("status", "--campaign", "spring").stdout
    assert "spring@1" in shown
    assert "1 due later (first at " in shown
    assert "2 answered, 1 opted_out, 1 unenrolled" in shown


@pytest.mark.usefixtures("people")
def test_calls() -> None:
    found = lines("calls")
    assert sorted(str(call["contact_id"]) for call in found) == ["ann", "bob", "fay", "hal"]
    assert len(lines("calls", "--all")) == 5
    (ann,) = lines("calls", "--contact", "ann")
    assert (ann["disposition"], ann["zone"], ann["campaign"]) == ("answered", "America/New_York", "spring")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(ann["ended_at"]))
    assert str(ann["local"]).endswith(("-05:00", "-04:00"))
    assert lines("calls", "--phone", str(ann["address"])) == [ann]
    assert [call["contact_id"] for call in lines("calls", "--disposition", "not_dialed")] == ["cid"]
    assert lines("calls", "--campaign", "autumn") == []
    assert "No calls." in run("calls", "--campaign", "autumn").stdout
    assert "not_dialed (handed_over)" in run("calls", "--all").stdout


def test_a_closing_that_was_repeated_is_one_call(home: Settings, people: Town) -> None:
    first = next(outcomes[0] for outcomes in people.world.outcomes.values() if outcomes[0].contact_id == "ann")
    with Publisher(home, CALL_OUTCOMES) as out:
        out.send(CALL_OUTCOMES, first.key, first)
    assert len(lines("calls", "--contact", "ann")) == 1


def test_events_each_once_and_in_order(home: Settings, people: Town) -> None:
    told = next(events for events in people.world.events.values() if events[0].contact_id == "ann")
    with Publisher(home, CAMPAIGN_EVENTS) as out:
        out.send(CAMPAIGN_EVENTS, "ann", told[0])
    assert [event["kind"] for event in lines("events", "--contact", "ann")] == ["enrolled", "call_placed", "call_ended", "exited"]
    shown = run("events", "--contact", "ann").stdout.splitlines()
    assert re.fullmatch(r"\S+Z exited +ann spring/1 reason=answered attempts=1 reached=True", shown[-1])


def test_events_go_on(home: Settings, people: Town) -> None:
    told = next(events[0] for events in people.world.events.values())
    seen: list[bytes] = []

    def follow() -> None:
        with tail.Follower(home, {CAMPAIGN_EVENTS: None}) as follower:
            while not any(b"brand-new" in value for value in seen):
                seen.extend(raw.value or b"" for raw in follower.read())

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    until(lambda: len(seen) >= 10)
    with Publisher(home, CAMPAIGN_EVENTS) as out:
        out.send(
            CAMPAIGN_EVENTS, "zoe", replace(told, kind="brand-new", event_id="brand-new", contact_id="zoe", enrollment_id="zoe")
        )
    follower.join(10)
    assert not follower.is_alive()


def test_events_by_kind_and_time(people: Town) -> None:
    assert {e["contact_id"] for e in lines("events", "--kind", "exited", "--campaign", "spring")} == {"ann", "fay", "hal", "ida"}
    assert lines("events", "--kind", "exited", "--kind", "enrolled", "--contact", "cid")[0]["kind"] == "enrolled"
    noon = datetime.fromtimestamp(people.now / 1000, UTC) - timedelta(hours=1)
    before = {e["contact_id"] for e in lines("events", "--until", noon.isoformat(), "--kind", "call_ended")}
    assert before == {"ann", "bob", "fay", "hal"}
    since = [str(e["contact_id"]) for e in lines("events", "--since", "1h") if e["kind"] == "enrolled"]
    assert sorted(since) == ["dan", "eve", "ida"]


def test_events_go_on_where_they_were_left(home: Settings, people: Town, tmp_path: Path) -> None:
    cursor = ("--cursor", str(tmp_path / "cursor"))
    whole = lines("events", *cursor)
    assert len(whole) >= 10
    assert lines("events", *cursor) == []
    told = next(events[0] for events in people.world.events.values())
    with Publisher(home, CAMPAIGN_EVENTS) as out:
        out.send(CAMPAIGN_EVENTS, "yan", replace(told, event_id="later", kind="later", contact_id="yan", enrollment_id="yan"))
    assert [event["contact_id"] for event in lines("events", *cursor)] == ["yan"]


def test_following_ends_well_and_goes_on_where_it_was_left(home: Settings, people: Town, tmp_path: Path) -> None:
    """Ctrl-C is the way to leave; what was printed is not printed again."""
    told = next(events[0] for events in people.world.events.values())
    command = [sys.executable, "-m", "cli.main", "events", "--follow", "--json", "--cursor", str(tmp_path / "cursor")]
    found: list[str] = []
    for name in ("first", "second"):
        with Publisher(home, CAMPAIGN_EVENTS) as out:
            out.send(CAMPAIGN_EVENTS, "xu", replace(told, event_id=name, kind=name, contact_id="xu", enrollment_id="xu"))
        with subprocess.Popen(command, env=os.environ | _env(home), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                found.append(json.loads(line)["event_id"])
                if found[-1] == name:
                    break
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
    assert len(found) == len(set(found))
    assert found[-1] == "second"


@pytest.mark.usefixtures("people")
def test_calls_by_step_channel_and_time_as_csv(tmp_path: Path) -> None:
    assert len(lines("calls", "--step", "first", "--channel", "call", "--since", "3h", "--until", "1h")) == 4
    assert lines("calls", "--channel", "sms") == lines("calls", "--step", "second") == lines("calls", "--since", "1h") == []
    target = tmp_path / "calls.csv"
    assert run("calls", "--campaign", "spring", "--csv", str(target)).stdout == f"{target}: 4 calls\n"
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["contact_id"] for row in rows) == ["ann", "bob", "fay", "hal"]
    assert {row["zone"] for row in rows} == {"America/New_York"}
    assert run("calls", "--contact", "ann", "--csv", "-").stdout.splitlines()[0].startswith("dial_id,campaign,contact_id,")


@pytest.mark.usefixtures("people")
def test_a_timeline_is_told_by_id_and_by_number() -> None:
    told = lines("timeline", "ann")
    assert [entry["kind"] for entry in told] == ["enrolled", "due", "issued", "decided", "placed", "ended", "exited"]
    assert {entry["contact_id"] for entry in told} == {"ann"}
    assert str(told[0]["evidence"]).startswith("campaign-events/")
    (ann,) = lines("calls", "--contact", "ann")
    assert lines("timeline", str(ann["address"])) == told
    shown = run("timeline", "ann", "--evidence").stdout
    assert f"ann  {ann['address']}" in shown
    assert "A human answered the call (answered). [call-outcomes/" in shown
    assert [entry["kind"] for entry in lines("timeline", "cid")][-2:] == ["due", "now"]


def test_a_timeline_has_details_requests_and_suppressions(home: Settings, people: Town) -> None:
    bob = people.world.profiles["bob"]
    with Publisher(home, CONTACTS, ENROLLMENTS) as out:
        out.send(CONTACTS, "bob", Contact(id="bob", first_name="Bob", phone=bob.phone))
        out.send(ENROLLMENTS, "bob", Enroll(contact_id="bob", campaign="spring", source="import:people.csv"))
    told = {str(entry["kind"]): entry["text"] for entry in lines("timeline", "bob")}
    assert str(told["imported"]).startswith(f"The person's details came (Bob): {bob.phone}.")
    assert told["requested"] == "Enrollment was asked for by import:people.csv."
    assert told["now"] == "At step pause: has its next step due " + str(told["now"]).split(" due ")[1]


def test_explain_now_then_and_to_come(people: Town) -> None:
    (now,) = lines("explain", "cid")
    (enrollment,) = now["people"][0]["enrollments"]  # type: ignore[index]
    assert (now["mode"], enrollment["ok"], enrollment["step"]) == ("now", True, "first")
    assert "it is its turn as soon as its line has room" in run("explain", "cid").stdout

    then = datetime.fromtimestamp((people.now - 90 * 60_000) / 1000, UTC).isoformat()
    (past,) = lines("explain", "ann", "--at", then)
    (enrollment,) = past["people"][0]["enrollments"]  # type: ignore[index]
    assert (past["mode"], enrollment["ok"], enrollment["decided"]["point"]) == ("past", True, "reserve")
    shown = run("explain", "ann", "--at", then, "--campaign", "spring").stdout
    assert "a contact was allowed, decided before the attempt was reserved" in shown
    assert "Left the campaign: a human answered (answered), after 1 attempt." in shown
    before = datetime.fromtimestamp((people.now - 10**9) / 1000, UTC).isoformat()
    assert "no record of that time is left, or there was none" in run("explain", "ann", "--at", before).stdout

    later = datetime.fromtimestamp((people.now + 25 * 3_600_000) / 1000, UTC).isoformat()
    (future,) = lines("explain", "bob", "--at", later)  # his wait is over by then
    (enrollment,) = future["people"][0]["enrollments"]  # type: ignore[index]
    assert (future["mode"], enrollment["ok"], enrollment["step"]) == ("future", True, "second")
    assert "computed from what is known now" in run("explain", "bob", "--at", later).stdout


@pytest.mark.usefixtures("people")
def test_explain_of_somebody_nobody_knows(home: Settings) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cli.main", "explain", "+12125550199"], env=os.environ | _env(home), capture_output=True, text=True
    )
    assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")
    assert "nobody has the contact id, number or address '+12125550199'" in result.stderr
    kept = SuppressionEntry(scope="all", reason="litigator", source="lawyer", at=1)
    row = LedgerRow(address="+12125550198", suppressions=(kept,))
    with Publisher(home, DIAL_LEDGER) as out:
        out.send(DIAL_LEDGER, row.key, row)
    (body,) = lines("explain", "+12125550198")
    assert body["people"] == []
    assert body["addresses"]["+12125550198"][0]["reason"] == "litigator"  # type: ignore[index]
    shown = run("explain", "212-555-0198").stdout.splitlines()
    assert shown[0] == "nobody is known at +12125550198; what is known of it:"
    assert shown[1].startswith("  suppressed     +12125550198: all, litigator, since ")


@pytest.mark.usefixtures("people")
def test_a_report(tmp_path: Path) -> None:
    (body,) = lines("campaign", "report", "spring", "--plot", str(tmp_path / "spring.png"))
    assert body["funnel"] == {"enrolled": 9, "attempted": 4, "reached": 4, "answered": 2, "exited": 4}
    assert body["exits"] == {"answered": 2, "opted_out": 1, "unenrolled": 1}
    assert body["by_attempt"] == [{"attempt": 1, "calls": 4, "answered": 2, "rate": 0.5}]
    assert [(hour["calls"], hour["answered"]) for hour in body["by_hour"]] == [(4, 2)]  # type: ignore[attr-defined]
    assert (tmp_path / "spring.png").stat().st_size > 1_000
    shown = run("campaign", "report", "spring").stdout
    assert re.search(r"answered +2 +22\.2% +█+", shown)
    assert "calls: 2 answered, 2 voicemail" in shown


@pytest.mark.usefixtures("people")
def test_a_board_goes_on(home: Settings) -> None:
    """Without a terminal it is one object a line. A row that changes is seen in the next."""
    command = [sys.executable, "-m", "cli.main", "status", "--watch", "--every", "0.2", "--json"]
    with subprocess.Popen(command, env=os.environ | _env(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["campaigns"][0]["states"]["exited"] == 4
        assert first["lines"][0]["line"] == "main"
        row = EnrollmentRow(
            enrollment_id="w", contact_id="wes", campaign="spring", entry=1, version=1, state=State.AWAITING_CONTACT
        )
        with Publisher(home, STEP_TIMERS) as out:
            out.send(STEP_TIMERS, row.key, row)
        counted = (json.loads(line)["campaigns"][0]["people"] for line in process.stdout)
        assert next(n for n in counted if n != first["campaigns"][0]["people"]) == first["campaigns"][0]["people"] + 1
        with Publisher(home, STEP_TIMERS) as out:
            out.send(STEP_TIMERS, row.key, None)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_dead_letters(home: Settings) -> None:
    assert "No dead letters." in run("dead-letters", "list").stdout
    for offset, value in enumerate((b'{"id": 7', b"\xff\xfe")):
        letter = DeadLetter(
            topic="contacts",
            partition=1,
            offset=offset,
            reason="not a contact",
            error="RecordError",
            key_base64=base64.b64encode(b"k7").decode(),
            value_base64=base64.b64encode(value).decode(),
            at=1_795_700_000_000 + offset,
        )
        with Publisher(home, DEAD_LETTERS) as out:
            out.send(DEAD_LETTERS, "k7", letter)
    (kind,) = lines("dead-letters", "list")
    assert (kind["count"], kind["topic"], kind["reason"], kind["newest"]) == (2, "contacts", "not a contact", "contacts/1/1")
    assert 'value: {"id": 7' in run("dead-letters", "show", "contacts/1/0").stdout
    assert "(hex) ff fe" in run("dead-letters", "show", "contacts/1/1").stdout
    (one,) = lines("dead-letters", "show", "contacts/1/1")
    assert (one["key"], one["value"], one["value_base64"]) == ("k7", None, "//4=")


@pytest.mark.usefixtures("people")
def test_verify_without_a_worker() -> None:
    result = run("verify")
    assert result.stdout.splitlines()[-1] == "0 unreconciled, 0 forgotten", result.stdout
    assert result.exit_code == 0
    assert "No worker is running" in result.stdout


def test_verify_and_lag_with_a_worker(home: Settings, people: Town, tmp_path: Path) -> None:
    member = Consumer(client_config(home) | {"group.id": GROUP, "enable.auto.commit": False})
    member.subscribe([spec.name for spec in SOURCES])
    try:
        until(lambda: (member.poll(0.05) or True) and group_state(home).workers == 1 and member.assignment())
        log = tmp_path / "log"
        log.write_text("".join(json.dumps(line._asdict()) + "\n" for line in people.world.simulator or ()))
        (body,) = lines("verify", "--simulator-log", str(log))
        assert (body["workers"], body["unreconciled"]) == (1, 0), body
        (status,) = lines("status")
        assert status["lag"]["call-outcomes"] >= 5  # type: ignore[index]
        places, asking = member.assignment(), reader(home)  # on the member's own connection each answer waits for its fetches
        for place in places:
            place.offset = asking.get_watermark_offsets(place)[1]
        member.commit(offsets=places, asynchronous=False)
        assert set(group_state(home).lag.values()) == {0}
    finally:
        member.close()


def test_verify_finds_what_was_broken(home: Settings, people: Town, tmp_path: Path) -> None:
    """Last: it breaks the world. A call by nobody's command, a late opt-out, a request that the log does not have."""
    dial = next(dials[0] for dials in people.world.commands.values() if dials[0].contact_id == "ann")
    known = people.world.outcomes[dial.dial_id][0]
    stray = replace(known, dial_id="stray", event_id="stray", disposition="busy", seq=9)
    with Publisher(home, CALL_OUTCOMES, SUPPRESSIONS, ENROLLMENTS) as out:
        out.send(CALL_OUTCOMES, "ann", stray)
        out.send(SUPPRESSIONS, dial.address, Suppression(address=dial.address))
        out.send(ENROLLMENTS, "bob", OptOut(contact_id="bob"))
    (tmp_path / "log").write_text("")
    result = run("verify", "--json", "--simulator-log", str(tmp_path / "log"))
    assert result.exit_code == 1
    body = json.loads(result.stdout)
    differing = {check["name"]: check["differing"] for check in body["checks"] if check["differing"]}
    assert differing == {"attempts": 1, "closings": 1, "simulator": 6}
    assert body["unreconciled"] == 8
    shown = run("verify").stdout
    assert "command stray (ann/spring/1, first) has no command" in shown
    assert shown.splitlines()[-1] == "2 unreconciled, 0 forgotten"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("status", "--campaign", "autumn"), 1, "no campaign 'autumn'"),
        (("status", "--watch"), 2, "--watch draws on a terminal"),
        (("calls", "--phone", "12"), 2, "--phone"),
        (("calls", "--since", "noon"), 2, "--since 'noon' is no instant"),
        (("calls", "--csv", "missing/calls.csv"), 1, "--csv missing/calls.csv: cannot be written"),
        (("calls", "--csv", "-", "--json"), 2, "--csv and --json"),
        (("events", "--cursor", "missing/cursor"), 1, "--cursor missing/cursor: cannot be written"),
        (("timeline", "nobody"), 1, "nobody has the contact id, number or address 'nobody'"),
        (("campaign", "report", "autumn"), 1, "no campaign 'autumn'"),
        (("campaign", "report", "spring", "--plot", "spring.bmp"), 2, "no known format"),
        (("dead-letters", "show", "contacts/9/9"), 1, "dead-letters list"),
        (("dead-letters", "show", "x"), 2, "TOPIC/PARTITION/OFFSET"),
        (("verify", "--simulator-log", "missing"), 1, "cannot be read"),
    ],
)
def test_faults_are_one_sentence(home: Settings, arguments: tuple[str, ...], status: int, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env=os.environ | _env(home),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (status, 1, "")
    assert words in done.stderr
