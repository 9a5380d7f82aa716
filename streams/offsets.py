"""Which source offsets may be committed: all up to the first that is not durable yet or is held."""

Place = tuple[str, int]


class Offsets:
    """Per source partition: the next offset whose predecessors' effects are all durable, and those that someone still holds."""

    def __init__(self) -> None:
        self._durable: dict[Place, int] = {}
        self._held: dict[Place, set[int]] = {}
        self._committed: dict[Place, int] = {}

    def clear(self) -> None:
        """Everything was revoked; releases that come later change nothing."""
        self._durable, self._held, self._committed = {}, {}, {}

    def durable(self, place: Place, following: int) -> None:
        """The effects of every record before offset `following` are acknowledged, but for those held."""
        self._durable[place] = max(following, self._durable.get(place, 0))

    def hold(self, place: Place, offset: int) -> "Hold":
        """Keeps the committed offset from passing this record."""
        held = self._held.setdefault(place, set())
        held.add(offset)
        return Hold(held, offset)

    def holding(self) -> int:
        """How many records are held."""
        return sum(map(len, self._held.values()))

    def committable(self) -> dict[Place, int]:
        """What a commit would move, by partition."""
        moved = {}
        for place, following in self._durable.items():
            held = self._held.get(place)
            offset = min(following, min(held)) if held else following
            if offset > self._committed.get(place, 0):
                moved[place] = offset
        return moved

    def committed(self, offsets: dict[Place, int]) -> None:
        """The broker has them."""
        self._committed.update(offsets)


class Hold:
    """One held record. It refers to the set it is in, so releasing after a revocation touches nothing that is still used."""

    __slots__ = ("_held", "_offset")

    def __init__(self, held: set[int], offset: int) -> None:
        self._held, self._offset = held, offset

    def release(self) -> None:
        """The record is dealt with. More than once is as good as once."""
        self._held.discard(self._offset)
