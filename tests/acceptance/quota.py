"""A broker that takes no more writes from one client, and everything else: a client quota of one byte a second.

The broker answers the first write that exceeds the quota, and then leaves the connection unread for as long as the quota asks for
(KIP-219), here hours. Commits go over another connection and pass. No client library at hand can set quotas, so the request (API
key 49, AlterClientQuotas, version 0) is written by hand.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

ALTER_CLIENT_QUOTAS = 49


@contextmanager
def writes_held_back(server: str, client_id: str) -> Iterator[None]:
    """Inside, the broker at `server` (host:port) takes no writes from `client_id`.

    Its connections of that time stay unread afterwards.
    """
    _alter(server, client_id, rate=1.0)
    try:
        yield
    finally:
        _alter(server, client_id, rate=None)


def _alter(server: str, client_id: str, rate: float | None) -> None:
    """Sets (None: removes) the bytes a second that a client may write. Raises OSError if the broker refuses."""
    quota = _text("producer_byte_rate") + struct.pack(">d?", rate or 0.0, rate is None)
    entity = _text("client-id") + _text(client_id)
    body = b"".join((_array(_array(entity) + _array(quota)), struct.pack(">?", False)))
    header = struct.pack(">hhi", ALTER_CLIENT_QUOTAS, 0, 1) + _text("acceptance")
    host, _, port = server.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as broker:
        broker.sendall(struct.pack(">i", len(header + body)) + header + body)
        answer = _receive(broker, *struct.unpack(">i", _receive(broker, 4)))
    # correlation id, throttle time, number of entries, error code of the first
    error = struct.unpack_from(">iiih", answer)[3]
    if error:
        raise OSError(f"the broker refused the quota: error {error}")


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _array(*items: bytes) -> bytes:
    return struct.pack(">i", len(items)) + b"".join(items)


def _receive(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        chunk = connection.recv(count - len(found))
        if not chunk:
            raise OSError("the broker closed the connection: it does not know the request")
        found += chunk
    return found
