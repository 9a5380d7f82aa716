"""The simulator and the receiver of webhooks as processes, and somebody who takes webhooks, for tests."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from standardwebhooks import Webhook

from tests.ports import free_pair
from tests.wait import until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def http(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one request; status 0 if nobody listens."""
    try:
        with urlopen(Request(url, data=body, headers=dict(headers or {})), timeout=15) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()
    except (URLError, ConnectionError):
        return 0, b""


@dataclass
class Server:
    """A process that serves HTTP."""

    url: str
    process: subprocess.Popen[bytes]

    def health(self, path: str) -> dict[str, Any]:
        status, body = http(self.url + path)
        return json.loads(body) if status == 200 else {}

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(20)


@contextmanager
def serving(command: str, port: int, health: str, environment: Mapping[str, str], *arguments: str) -> Iterator[Server]:
    """`outdial COMMAND ARGUMENTS`, ready to be asked; ended by SIGTERM, which must end it with status 0."""
    words = [sys.executable, "-m", "cli.main", command, *arguments]
    process = subprocess.Popen(words, env=dict(environment), cwd=Path(__file__).parents[2])
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        until(lambda: server.health(health) or process.poll() is not None)
        assert process.poll() is None, "it ended at once"
        yield server
        if process.poll() is None:
            assert server.terminate() == 0
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Taken:
    """A webhook that arrived with a good signature."""

    id: str
    news: dict[str, Any]
    status: int


class Collector:
    """Takes webhooks and checks their signatures. `answer`: the status for the nth webhook, from 0."""

    def __init__(self, answer: Callable[[int], int]) -> None:
        self.taken: list[Taken] = []
        self._answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", free_pair()), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"

    def __enter__(self) -> "Collector":
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ids(self) -> list[str]:
        return [taken.id for taken in self.taken]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(collector.take(body, dict(self.headers)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        return Handler

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        news = Webhook(SECRET).verify(body, headers)
        status = self._answer(len(self.taken))
        self.taken.append(Taken({k.lower(): v for k, v in headers.items()}["webhook-id"], news, status))
        return status
