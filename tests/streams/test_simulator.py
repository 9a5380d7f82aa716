"""The simulator as a process over HTTP: its log, look-ups, webhooks, drills. Its adapter, against providers that misbehave too."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from engine.errors import OutdialError
from outdial.clock import SystemClock
from outdial.settings import Settings
from providers.port import Request
from providers.simlog import Log, read_log
from providers.simulator import SimulatorProvider
from providers.simwire import News, to_receipt
from schemas.receipt import Receipt, ReceiptKind
from tests.ports import free_pair
from tests.streams.servers import SECRET, Collector, Server, http, serving
from tests.wait import until

TO = "+12125550101"
Start = Callable[..., AbstractContextManager[Server]]
Ask = Callable[[SimulatorProvider], Awaitable[Any]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "simulator.jsonl"


@pytest.fixture
def simulator(settings: Settings, environment: Callable[[Settings], dict[str, str]], log: Path) -> Start:
    """Starts a simulator whose calls take milliseconds: a campaign minute passes in 10 ms."""
    clock = f"2026-11-24T15:00:00Z@{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} x6000"
    env = environment(settings) | {"OUTDIAL_WEBHOOK_SECRET": SECRET, "OUTDIAL_CLOCK": clock}

    @contextmanager
    def start(*drills: str, webhooks: str = "none", mix: str = "answered", path: Path = log, rate: int = 6000) -> Iterator[Server]:
        port, paced = free_pair(), env | {"OUTDIAL_CLOCK": clock.replace("x6000", f"x{rate}")}
        chosen = ("--port", str(port), "--log", str(path), "--webhooks", webhooks, "--mix", mix, *drills)
        with serving("simulator", port, "/v1/health", paced, *chosen) as server:
            yield server

    return start


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector(lambda _: 204) as collector:
        yield collector


def call(dial_id: str = "d1", to: str = TO, **facts: Any) -> Request:
    """A request; `facts` say what is other than usual of it."""
    return Request(**({"dial_id": dial_id, "channel": "call", "address": to, "caller": "+12125550100", "agent": "a"} | facts))


def ask(url: str, question: Ask, timeout_ms: int = 20_000) -> Any:
    """Asks a started adapter."""

    async def run() -> Any:
        provider = SimulatorProvider(url, SystemClock(), timeout_ms)
        await provider.start()
        try:
            return await question(provider)
        finally:
            await provider.close()

    return asyncio.run(run())


def dial(url: str, *requests: Request, timeout_ms: int = 20_000) -> list[Receipt]:
    async def all_at_once(provider: SimulatorProvider) -> list[Receipt]:
        return list(await asyncio.gather(*(provider.request(request) for request in requests)))

    found: list[Receipt] = ask(url, all_at_once, timeout_ms)
    return found


def look_up(url: str, dial_id: str = "d1", to: str = TO) -> Receipt:
    found: Receipt = ask(url, lambda provider: provider.lookup(dial_id, to))
    return found


# --- one call ---


def test_a_call_is_logged_before_its_answer_and_told_of_when_it_ends(simulator: Start, collector: Collector, log: Path) -> None:
    with simulator(webhooks=collector.url) as server:
        (accepted,) = dial(server.url, call())
        (line,) = read_log(log)
        (told,) = until(lambda: list(collector.taken))
        found = look_up(server.url)
    assert (accepted.kind, accepted.provider_call_id) == (ReceiptKind.ACCEPTED, line["call_id"])
    assert (line["dial_id"], line["channel"], line["number"], line["caller"]) == ("d1", "call", TO, "+12125550100")
    assert (told.news["type"], told.news["disposition"], told.news["talk_ms"]) == ("call.ended", "answered", line["talk_ms"])
    assert told.news["started_at"] == line["received_campaign_ms"]
    assert told.news["ended_at"] == line["received_campaign_ms"] + line["ring_ms"] + line["talk_ms"]
    assert abs(line["received_real_us"] - SystemClock().real_us()) < 60_000_000
    assert (found.kind, found.disposition, found.source) == (ReceiptKind.ENDED, "answered", "lookup")
    assert found.ended_at == told.news["ended_at"]


def test_a_call_that_goes_on_is_found_as_accepted(simulator: Start) -> None:
    with simulator(rate=1) as server:
        dial(server.url, call())
        assert look_up(server.url).kind == ReceiptKind.ACCEPTED
        assert look_up(server.url, "another").kind == ReceiptKind.NOT_FOUND


def test_a_message_is_accepted_and_its_status_told_later(simulator: Start, collector: Collector, log: Path) -> None:
    with simulator(webhooks=collector.url) as server:
        (accepted,) = dial(server.url, call(channel="sms", text="Hi Ada", agent=None))
        (told,) = until(lambda: list(collector.taken))
        assert look_up(server.url).kind == ReceiptKind.ACCEPTED
    assert accepted.kind == ReceiptKind.ACCEPTED
    assert (told.news["type"], told.news["disposition"]) == ("message.status", "delivered")
    assert [(line["channel"], line["text"]) for line in read_log(log)] == [("sms", "Hi Ada")]


EMAIL = {"channel": "email", "to": "ana@example.com", "agent": None, "caller": None}


def test_an_email_is_sent_with_its_subject_and_its_bounce_told_later(
    simulator: Start, collector: Collector, log: Path, tmp_path: Path
) -> None:
    mix = tmp_path / "mix.yaml"
    mix.write_text("emails: {undelivered: 1}\npermanent: 1.0\nprices: {email: 250}\n")
    with simulator(webhooks=collector.url, mix=str(mix)) as server:
        request = call(**EMAIL, subject="Your renewal", text="Hi Ada", sender="Acme <news@acme.example>")
        (accepted,) = dial(server.url, request)
        (told,) = until(lambda: list(collector.taken))
        assert look_up(server.url, to="ana@example.com").kind == ReceiptKind.ACCEPTED
    assert (accepted.kind, accepted.cost) == (ReceiptKind.ACCEPTED, 250)
    assert (told.news["type"], told.news["disposition"], told.news["permanent"]) == ("message.status", "undelivered", True)
    (line,) = read_log(log)
    assert (line["channel"], line["subject"], line["text"]) == ("email", "Your renewal", "Hi Ada")
    assert line["caller"] == "Acme <news@acme.example>"


def test_an_answered_call_brings_a_recording_a_summary_its_cost_and_a_callback(
    simulator: Start, collector: Collector, tmp_path: Path
) -> None:
    mix = tmp_path / "mix.yaml"
    mix.write_text("calls: {answered: 1}\nopt_out: 0\ncallback: 1\ncallback_ms: 600000\nprices: {call: 20000}\n")
    with simulator(webhooks=collector.url, mix=str(mix)) as server:
        dial(server.url, call(variables={"plan": "gold"}))
        (told,) = until(lambda: list(collector.taken))
    news = told.news
    assert news["recording_url"] == f"https://recordings.simulator.example/{news['call_id']}.wav"
    assert news["summary"].startswith("A person answered and talked for ")
    assert news["summary"].endswith("They asked to be called back.")
    assert news["cost"] == 20_000 * -(-news["talk_ms"] // 60_000)
    wanted = datetime.fromisoformat(news["callback_at"]).timestamp() * 1000
    assert wanted == news["ended_at"] + 600_000


@pytest.mark.parametrize(
    ("body", "kind", "address", "opt_out"),
    [
        ({"from": TO, "text": "STOP"}, ReceiptKind.INBOUND, TO, "all"),
        ({"from": "Ana@Example.com", "text": "Stop.\n> Hi"}, ReceiptKind.INBOUND, "ana@example.com", "channel:email"),
        ({"from": "ana@example.com", "subject": "Re: hi", "text": "Thanks"}, ReceiptKind.INBOUND, "ana@example.com", None),
        ({"from": TO}, ReceiptKind.CALLED, TO, None),
    ],
)
def test_persons_who_write_or_call(
    simulator: Start, collector: Collector, body: dict[str, str], kind: str, address: str, opt_out: str | None
) -> None:
    with simulator(webhooks=collector.url) as server:
        assert http(server.url + "/v1/inbound", json.dumps(body).encode())[0] == 201
        (told,) = until(lambda: list(collector.taken))
    receipt = to_receipt(msgspec.convert(told.news, News), "webhook")
    assert (receipt.kind, receipt.address, receipt.opt_out, receipt.dial_id) == (kind, address, opt_out, "")


@pytest.mark.parametrize("wrong", [{}, {"from": "Ana"}, {"from": TO, "text": ""}])
def test_nobody_writes_or_calls_without_an_address_or_without_words(one_for_all: Server, wrong: dict[str, str]) -> None:
    assert http(one_for_all.url + "/v1/inbound", json.dumps(wrong).encode())[0] == 400


@pytest.mark.parametrize(("status", "disposition"), [(503, "provider_error"), (429, "provider_throttled")])
def test_in_an_outage_nobody_is_dialed_until_it_ends(simulator: Start, log: Path, status: int, disposition: str) -> None:
    with simulator() as server:
        assert http(server.url + "/v1/outage", json.dumps({"status": status}).encode())[0] == 204
        (refused,) = dial(server.url, call())
        assert (refused.kind, refused.disposition) == (ReceiptKind.REJECTED, disposition)
        assert server.health("/v1/health")["refused"] == 1
        assert http(server.url + "/v1/outage", b'{"status": 500}')[0] == 400
        assert http(server.url + "/v1/outage", b"{}")[0] == 204
        (accepted,) = dial(server.url, call("d2"))
    assert accepted.kind == ReceiptKind.ACCEPTED
    assert [line["dial_id"] for line in read_log(log)] == ["d2"]


def test_the_contacts_variables_reach_the_agent_of_the_call() -> None:
    """Whatever they are: text, numbers, lists."""
    known = {"first_name": "Ana", "balance": 12.5, "orders": ["a", "b"]}

    async def run() -> dict[str, Any]:
        seen: list[dict[str, Any]] = []

        async def take(request: web.Request) -> web.Response:
            seen.append(await request.json())
            return web.json_response({"call_id": "c1"}, status=201)

        app = web.Application()
        app.router.add_post("/v1/calls", take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port := free_pair()).start()
        provider = SimulatorProvider(f"http://127.0.0.1:{port}", SystemClock())
        await provider.request(call(variables=known))
        await provider.close()
        await runner.cleanup()
        return seen[0]

    asked = asyncio.run(run())
    assert (asked["agent"], asked["variables"]) == ("a", known)


def test_a_dial_id_requested_twice_is_two_calls(simulator: Start, collector: Collector, log: Path) -> None:
    with simulator(webhooks=collector.url) as server:
        receipts = dial(server.url, call(), call())
        until(lambda: len(collector.taken) == 2)
    assert [line["dial_id"] for line in read_log(log)] == ["d1", "d1"]
    assert len({receipt.provider_call_id for receipt in receipts}) == 2
    assert len(set(collector.ids())) == 2


# --- refusals ---


def test_a_provider_that_fails_rings_nobody(simulator: Start, log: Path) -> None:
    with simulator(mix="failing") as server:
        (refused,) = dial(server.url, call())
        assert look_up(server.url).kind == ReceiptKind.NOT_FOUND
    assert (refused.kind, refused.disposition) == (ReceiptKind.REJECTED, "provider_error")
    assert list(read_log(log)) == []


@pytest.mark.parametrize(
    ("wrong", "disposition"),
    [
        ({"to": "12125550101"}, "invalid_number"),
        ({"to": "+0"}, "invalid_number"),
        ({"agent": None}, "config_error"),
        ({"channel": "sms"}, "config_error"),
        ({"channel": "email", "to": "ana@example.com", "text": "Hi"}, "config_error"),
        ({"channel": "email", "text": "Hi", "subject": "Hi"}, "invalid_number"),
        ({"ring_timeout_ms": 0}, "config_error"),
        ({"variables": {"it": object()}}, "config_error"),
        ({"not_after": 1}, "provider_error"),
    ],
)
def test_wrong_requests_are_refused(one_for_all: Server, wrong: dict[str, Any], disposition: str) -> None:
    (refused,) = dial(one_for_all.url, call(**wrong))
    assert (refused.kind, refused.disposition) == (ReceiptKind.REJECTED, disposition)
    assert one_for_all.health("/v1/health")["accepted"] == 0


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port, path = free_pair(), tmp_path_factory.mktemp("simulator")
    env = {"OUTDIAL_HOME": str(path)}
    with serving("simulator", port, "/v1/health", env, "--port", str(port), "--webhooks", "none") as server:
        yield server


def test_a_body_that_is_not_json_is_refused(one_for_all: Server) -> None:
    status, body = http(one_for_all.url + "/v1/calls", b"hello")
    assert status == 400
    assert json.loads(body)["error"] == "config_error"


def test_a_request_that_waited_in_a_buffer_is_refused(one_for_all: Server) -> None:
    late = {"dial_id": "late", "to": TO, "agent": "a", "not_after": SystemClock().real_ms() - 1}
    status, body = http(one_for_all.url + "/v1/calls", json.dumps(late).encode())
    assert (status, json.loads(body)["error"]) == (503, "provider_error")
    assert look_up(one_for_all.url, "late").kind == ReceiptKind.NOT_FOUND


# --- drills ---


def test_a_request_that_hangs_is_unknown_though_it_was_dialed(simulator: Start, collector: Collector, log: Path) -> None:
    with simulator("--hang", "1", webhooks=collector.url) as server:
        (receipt,) = dial(server.url, call(), timeout_ms=1_000)
        until(lambda: list(collector.taken))
        assert look_up(server.url).kind == ReceiptKind.ENDED
    assert receipt.kind == ReceiptKind.UNKNOWN
    assert [line["drills"] for line in read_log(log)] == [["hang"]]


def test_repeated_webhooks_have_one_id(simulator: Start, collector: Collector) -> None:
    with simulator("--repeat", "1", webhooks=collector.url) as server:
        dial(server.url, call())
        until(lambda: len(collector.taken) == 2)
    assert len(set(collector.ids())) == 1
    assert collector.taken[0].news == collector.taken[1].news


def test_a_silent_call_is_known_to_the_look_up_alone(simulator: Start, collector: Collector) -> None:
    with simulator("--silent", "1", webhooks=collector.url) as server:
        dial(server.url, call())
        until(lambda: look_up(server.url).kind == ReceiptKind.ENDED)
        until(lambda: server.health("/v1/health")["going_on"] == 0)
        assert server.health("/v1/health")["pending_webhooks"] == 0
    assert collector.taken == []


def test_a_webhook_is_repeated_until_somebody_takes_it(simulator: Start) -> None:
    with Collector(lambda n: 503 if n < 3 else 204) as collector, simulator(webhooks=collector.url) as server:
        dial(server.url, call())
        until(lambda: server.health("/v1/health")["pending_webhooks"] == 0 and len(collector.taken) == 4)
    assert [taken.status for taken in collector.taken] == [503, 503, 503, 204]
    assert len(set(collector.ids())) == 1


# --- its end, and its return ---


def test_it_ends_at_once_and_tries_what_is_pending(simulator: Start) -> None:
    with Collector(lambda _: 503) as collector, simulator("--hang", "1", webhooks=collector.url) as server:
        dial(server.url, call(), timeout_ms=1_000)
        # After some failures the next attempt lies seconds ahead.
        tried = until(lambda: len(collector.taken) >= 4 and len(collector.taken))
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 5
        assert len(collector.taken) > tried


def test_after_a_kill_it_knows_what_it_logged(simulator: Start, collector: Collector, log: Path) -> None:
    with simulator(rate=1) as server:
        (first,) = dial(server.url, call("d1"))
        server.process.kill()
        server.process.wait()
    with log.open("ab") as file:
        file.write(b'{"call_id":"torn","dial_')
    assert [line["dial_id"] for line in read_log(log)] == ["d1"]
    with simulator(webhooks=collector.url) as server:
        (taken,) = until(lambda: list(collector.taken))
        assert look_up(server.url).kind == ReceiptKind.ENDED
        (second,) = dial(server.url, call("d2"))
    assert taken.news["call_id"] == first.provider_call_id
    assert [(line["dial_id"], line["attempt"]) for line in read_log(log)] == [("d1", 1), ("d2", 2)]
    assert second.provider_call_id != first.provider_call_id


def test_numbers_meet_the_same_fates_in_another_run(simulator: Start, tmp_path: Path) -> None:
    requests = [call(f"d{n}", f"+1212555{n % 40:04}") for n in range(60)]

    def run(path: Path, order: list[Request]) -> set[tuple[str, int, str, int]]:
        with simulator(mix="realistic", path=path) as server:
            dial(server.url, *order)
        return {(line["number"], line["attempt"], line["disposition"], line["talk_ms"]) for line in read_log(path)}

    assert run(tmp_path / "one.jsonl", requests) == run(tmp_path / "other.jsonl", requests[::-1])


def test_a_log_has_one_writer_and_one_kind_of_lines(tmp_path: Path) -> None:
    Log(tmp_path / "log.jsonl")
    with pytest.raises(OutdialError, match="Another simulator writes"):
        Log(tmp_path / "log.jsonl")
    (tmp_path / "other").write_text('{"call_id": 1}\n')
    with pytest.raises(OutdialError, match=r"other:1 is not from a simulator"):
        Log(tmp_path / "other")


# --- the adapter and providers that misbehave ---


def against(answer: bytes | None, question: Ask) -> Any:
    """Asks an adapter whose provider answers each request with these bytes, or hangs up on it (None)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if answer is not None and not head.startswith(b"GET /v1/health"):
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", port := free_pair())
        provider = SimulatorProvider(f"http://127.0.0.1:{port}", SystemClock(), 1_000)
        await provider.start()
        try:
            return await question(provider)
        finally:
            await provider.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(run())


def answering(status: str, body: str = "", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n{body}".encode()


@pytest.mark.parametrize(
    ("answer", "kind", "disposition"),
    [
        (None, ReceiptKind.UNKNOWN, None),
        (answering("201 Created", "{"), ReceiptKind.ACCEPTED, None),  # it said yes, whatever its body says
        (answering("201 Created")[:-20], ReceiptKind.UNKNOWN, None),
        (answering("500 Oh"), ReceiptKind.UNKNOWN, None),
        (answering("502 Bad Gateway"), ReceiptKind.UNKNOWN, None),
        (answering("409 Conflict"), ReceiptKind.UNKNOWN, None),
        (answering("307 There", headers="location: /v1/calls?again\r\n"), ReceiptKind.UNKNOWN, None),
        (answering("429 Slow down"), ReceiptKind.REJECTED, "provider_throttled"),
        (answering("503 Busy", headers="retry-after: 1\r\n"), ReceiptKind.REJECTED, "provider_error"),
        (answering("401 Who"), ReceiptKind.REJECTED, "config_error"),
        (answering("400 Bad", '{"error": "invalid_number"}'), ReceiptKind.REJECTED, "invalid_number"),
        (answering("400 Bad", '{"error": "answered"}'), ReceiptKind.REJECTED, "config_error"),
    ],
)
def test_what_is_not_certain_is_unknown(answer: bytes | None, kind: ReceiptKind, disposition: str | None) -> None:
    receipt = against(answer, lambda provider: provider.request(call()))
    assert (receipt.kind, receipt.disposition, receipt.source) == (kind, disposition, "request")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, ReceiptKind.UNKNOWN),
        (answering("404 Not Found", "<html>"), ReceiptKind.UNKNOWN),  # somebody else's 404
        (answering("404 Not Found", '{"error": "not_found"}'), ReceiptKind.NOT_FOUND),
        (answering("200 OK", "[]"), ReceiptKind.UNKNOWN),
        (answering("200 OK", '{"type": "call.ended", "dial_id": "d2", "to": "+12125550101"}'), ReceiptKind.UNKNOWN),
        (answering("200 OK", f'{{"type": "call.ended", "dial_id": "d1", "to": "{TO}"}}'), ReceiptKind.ENDED),
        (answering("503 Busy"), ReceiptKind.UNKNOWN),
    ],
)
def test_only_the_providers_own_word_counts_as_not_found(answer: bytes | None, kind: ReceiptKind) -> None:
    assert against(answer, lambda provider: provider.lookup("d1", TO)).kind == kind


def test_nobody_there_is_a_refusal_for_nothing_left() -> None:
    url = f"http://127.0.0.1:{free_pair()}"
    (refused,) = dial(url, call())
    assert (refused.kind, refused.disposition) == (ReceiptKind.REJECTED, "provider_error")
    assert refused.detail is not None
    assert refused.detail.startswith("not reached")
    assert look_up(url).kind == ReceiptKind.UNKNOWN
