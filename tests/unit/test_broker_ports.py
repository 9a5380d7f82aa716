"""A port that a killed broker is still letting go of is waited for; one that somebody uses is told of."""

import socket
from threading import Timer

import pytest

from deploy.broker import _require_free
from engine.errors import OutdialError
from tests.ports import free_pair


def listening(port: int) -> socket.socket:
    """Somebody who listens there."""
    held = socket.socket()
    held.bind(("127.0.0.1", port))
    held.listen()
    return held


def test_a_port_that_becomes_free_in_a_moment_is_free() -> None:
    held = listening(port := free_pair())
    Timer(0.3, held.close).start()
    _require_free(port)


def test_a_port_that_is_used_gets_one_sentence() -> None:
    with listening(port := free_pair()), pytest.raises(OutdialError, match=f"Port {port} on 127.0.0.1 is used by another process"):
        _require_free(port)
