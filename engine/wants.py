"""What could be granted on a line at this moment: by campaign and partition, within what each of them may take."""

from collections import defaultdict
from collections.abc import Callable, Mapping


class Wants:
    """Slots that the campaigns of a line could use, and how many each partition may take at all."""

    def __init__(self) -> None:
        self.limits: dict[str, int] = {}  # campaign -> slots that it could use and may have
        self._ready: dict[str, dict[int, int]] = defaultdict(dict)
        self._left: dict[int, int] = {}

    def add(self, p: int, left: int, ready: Mapping[str, int]) -> None:
        """A partition that may take `left` slots, above 0, and could use so many of each campaign (0 and less: none)."""
        self._left[p] = left
        for campaign, n in ready.items():
            if n > 0:
                self._ready[campaign][p] = n

    def limit(self, room: Callable[[str], int | None]) -> None:
        """No campaign gets more than its room (None: not limited). To be called once, when all partitions are added."""
        for campaign in self._ready:
            wanted, most = sum(self.of(campaign).values()), room(campaign)
            if (limit := wanted if most is None else min(wanted, most)) > 0:
                self.limits[campaign] = limit

    @property
    def total(self) -> int:
        """Slots that all of them together could use."""
        wanted = sum(self.limits.values())
        return min(wanted, sum(self._left.values())) if wanted else 0

    def of(self, campaign: str) -> dict[int, int]:
        """Slots that a campaign could still use, by partition."""
        return {p: k for p, n in self._ready[campaign].items() if (k := min(n, self._left[p])) > 0}

    def take(self, p: int, n: int) -> None:
        """A partition gets n of them."""
        self._left[p] -= n
