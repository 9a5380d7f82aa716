"""What a check of `verify` finds: how many it looked at, and which of them do not add up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cli.world import World


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not reconcile. `subject` names it, so that two readings can be compared."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """`note` tells what is no difference but worth knowing, e.g. that older records have expired."""

    name: str
    counted: int
    differences: tuple[Difference, ...] = ()
    note: str | None = None


@dataclass(slots=True)
class Finding:
    """Collects what one check finds; a subject counts once."""

    found: dict[str, str] = field(default_factory=dict)

    def add(self, subject: str, text: str) -> None:
        self.found.setdefault(subject, text)

    def check(self, name: str, counted: int, note: str | None = None) -> Check:
        return Check(name, counted, tuple(Difference(s, t) for s, t in sorted(self.found.items())), note)


Checking = Callable[[World], Check]


def persisting(before: Iterable[Check], after: Iterable[Check]) -> tuple[Check, ...]:
    """The later checks, with only those differences that the earlier had as well: what was merely under way is gone by then."""
    known = {(check.name, d.subject) for check in before for d in check.differences}
    return tuple(Check(c.name, c.counted, tuple(d for d in c.differences if (c.name, d.subject) in known), c.note) for c in after)


def expired_note(world: World, *topics: str) -> str | None:
    """That records of these topics are older than their retention; None: all are there."""
    gone = [topic for topic in topics if topic in world.expired]
    return f"older records of {', '.join(gone)} have expired: what is missing was not counted" if gone else None
