"""Ports that two processes may not both choose."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from deploy.ports import free_ports
from engine.errors import OutdialError

OTHER = "import sys; from deploy.ports import free_ports; print(*free_ports(2), flush=True); sys.stdin.read()"


def always(port: int) -> Callable[[int, int], int]:
    """Draws one port, whenever it is asked."""
    return lambda _first, _last: port


def test_ports_are_next_to_each_other_and_given_once() -> None:
    found = [port for _ in range(20) for port in free_ports(3)]
    assert len(set(found)) == 60
    assert all(20_000 <= port < 30_000 for port in found)
    assert all(last == first + 2 for first, last in zip(found[::3], found[2::3], strict=True))
    with pytest.raises(OutdialError, match="no 1 free ports"):
        free_ports(1, always(found[0]))


def test_what_one_process_has_claimed_is_no_other_s_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        claimed = [int(port) for port in other.stdout.readline().split()]
        for port in claimed:  # nobody listens there yet
            with pytest.raises(OutdialError):
                free_ports(1, always(port))
        other.kill()
    assert free_ports(2, always(claimed[0])) == claimed


def test_where_somebody_listens_nothing_is_free_and_its_neighbour_stays_so() -> None:
    shown = subprocess.run([sys.executable, "-c", OTHER], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    first, used = map(int, shown.stdout.split())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", used))
        listener.listen()
        with pytest.raises(OutdialError):
            free_ports(2, always(first))
    assert free_ports(2, always(first)) == [first, used]
