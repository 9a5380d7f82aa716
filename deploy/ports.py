"""Free ports on loopback, of which two processes never get the same. Below 32768: above, a connect may meet its own ephemeral port.

Between choosing a port and listening on it lies the start of a process, and all that time the port looks free to everybody else.
So it is claimed: by a UDP socket on the same number, which is in nobody's way, since brokers and HTTP servers listen on TCP. The
system lets one process have it, and takes it back when that process ends, however it ends.
"""

import random
import socket
from collections.abc import Callable

from engine.errors import OutdialError

_FIRST, _LAST = 20_000, 29_999
_ATTEMPTS = 200

#: By the system's randomness: what is seeded would choose the same ones in every process.
_draw = random.SystemRandom().randint


def free_ports(count: int, draw: Callable[[int, int], int] = _draw) -> list[int]:
    """Ports next to each other that nobody listens on, this process's for as long as it runs.

    Raises OutdialError if there are none.
    """
    for _ in range(_ATTEMPTS):
        first = draw(_FIRST, _LAST + 1 - count)
        ports = list(range(first, first + count))
        if _claim(ports):
            return ports
    raise OutdialError(f"There are no {count} free ports next to each other on loopback; close some programs")


def _claim(ports: list[int]) -> bool:
    """Claims all of the ports or none of them."""
    claims = [claim for port in ports if (claim := _bound(port, socket.SOCK_DGRAM)) is not None]
    taken = len(claims) == len(ports) and all(is_free(port) for port in ports)
    for claim in claims:
        if taken:
            claim.detach()  # stays open until this process ends; a child process does not inherit it
        else:
            claim.close()
    return taken


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    listener = _bound(port, socket.SOCK_STREAM)
    if listener is not None:
        listener.close()
    return listener is not None


def _bound(port: int, kind: socket.SocketKind) -> socket.socket | None:
    """A socket on the port; None if it is somebody's."""
    bound = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:  # connections that linger in TIME_WAIT are no obstacle
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        return None
    return bound
