"""Free ports for test runs that may go on at the same time. Below 32768: above, a connect may meet its own ephemeral port."""

import random
import socket


def free_pair() -> int:
    """A port from 20000 to 29999 that is free on 127.0.0.1 together with the one after it."""
    for _ in range(200):
        # By the system's randomness: a seeded test must not choose the port that another run has chosen as well.
        port = random.SystemRandom().randrange(20_000, 29_999, 2)
        if _is_free(port) and _is_free(port + 1):
            return port
    raise AssertionError("no two free ports from 20000 to 29999")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
