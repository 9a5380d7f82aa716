"""Free ports for tests, which may run in several processes at the same time."""

from deploy.ports import free_ports


def free_pair() -> int:
    """A port that is this process's, together with the one after it."""
    return free_ports(2)[0]
