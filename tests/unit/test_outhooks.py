"""Webhooks that campaigns send: signed, to where the file says and nowhere else, without a word of the secret."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from providers.outhooks import Answer, OutHooks, judge
from tests.ports import free_pair

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"call.ended"}'


@contextmanager
def server(status: int, **headers: str) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A web server that answers everything so; its URL, and what it was sent."""
    taken: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            for name, value in {"content-length": "0", **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    found = ThreadingHTTPServer(("127.0.0.1", free_pair()), Handler)
    Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{found.server_port}/hooks", taken
    finally:
        found.shutdown()
        found.server_close()


def asked(act: Callable[[OutHooks], Awaitable[Answer]], **secrets: str) -> Answer:
    async def play() -> Answer:
        hooks = OutHooks(secrets or {"CRM": SECRET})
        try:
            return await act(hooks)
        finally:
            await hooks.close()

    return asyncio.run(play())


def post(url: str, **secrets: str) -> Answer:
    return asked(lambda hooks: hooks.post(url, "CRM", "a1", BODY), **secrets)


def test_who_has_the_secret_can_verify_it() -> None:
    with server(204) as (url, taken):
        assert post(url) == Answer()
    ((headers, body),) = taken
    assert headers["webhook-id"] == "a1"
    assert Webhook(SECRET).verify(body, headers) == {"type": "call.ended"}


def test_a_redirect_is_not_followed() -> None:
    with server(204) as (elsewhere, strangers), server(307, location=elsewhere) as (url, taken):
        assert "redirects are not followed" in (post(url).why or "")
    assert (len(taken), strangers) == (1, [])


@pytest.mark.parametrize(
    ("status", "retry_after", "answer"),
    [
        (200, None, Answer()),
        (299, None, Answer()),
        (404, None, Answer("it was answered 404")),
        (410, None, Answer("it was answered 410", final=True)),
        (429, "120", Answer("it was answered 429", pause=120_000)),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", Answer("it was answered 503")),
        (503, "-1", Answer("it was answered 503")),
    ],
)
def test_what_an_answer_means(status: int, retry_after: str | None, answer: Answer) -> None:
    assert judge(status, retry_after) == answer


def test_nobody_listens() -> None:
    why = post(f"http://127.0.0.1:{free_pair()}/hooks").why
    assert why is not None
    assert "could not be asked" in why


@pytest.mark.parametrize(("secrets", "says"), [({"OTHER": "x"}, "CRM is not set"), ({"CRM": " "}, "CRM is not set")])
def test_without_its_secret_it_is_not_sent(secrets: dict[str, str], says: str) -> None:
    with server(204) as (url, taken):
        assert says in (post(url, **secrets).why or "")
    assert taken == []


@pytest.mark.parametrize("secret", ["whsec_", "whsec_a", "hush!hush!hush!x"])
def test_a_secret_that_cannot_be_used_is_not_told(secret: str) -> None:
    with server(204) as (url, taken):
        why = post(url, CRM=secret).why or ""
    assert "CRM is no secret" in why
    assert secret == "whsec_" or secret not in why
    assert taken == []
