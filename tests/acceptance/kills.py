"""A worker is killed in mid-run and started again: when, and what must not have come of it.

The moment is chosen by progress, from a seed, never by the time. In half of the kills the broker has stopped taking the worker's
writes (tests/acceptance/quota.py) a moment before, and the last third of the people enter only then, so that much is handled and
sent which no acknowledgement has come for: what the order of writes is for. The same seed makes the same kill, whatever part of the
protocol is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from schemas.rows import State
from streams.partitions import partition_of
from tests.acceptance.quota import writes_held_back
from tests.acceptance.world import BATCH, Findings, World, people_of, within
from tests.wait import until

#: The worker that is killed.
WORKER = "one"
#: People of each kill.
PEOPLE = 300
#: Real seconds for which writes are held back before the kill.
HELD = 1.0
#: Real seconds in which everybody has to have left after a kill.
PATIENCE = 60.0


@dataclass(frozen=True)
class Moment:
    """When the worker is killed: once `progress` state rows (intake) or requests (dialing) more are there than before."""

    stage: str  # intake | dialing
    progress: int
    held: bool  # writes are held back before
    again: bool  # killed once more as soon as it does something

    @classmethod
    def of(cls, seed: int) -> "Moment":
        """Stages and manners take turns, so that a few seeds have them all; the rest is the seed's."""
        stage = ("dialing", "intake")[seed % 2]
        return cls(stage, Random(seed).randrange(5, PEOPLE // 2), held=seed % 4 < 2, again=seed % 5 == 4)

    def __str__(self) -> str:
        how = (", writes held back" if self.held else "") + (", twice" if self.again else "")
        return f"{self.stage} at {self.progress}{how}"


def kill(world: World, seed: int) -> Findings:
    """One kill while people of its own enter and are called; what became of them."""
    moment, people = Moment.of(seed), people_of(seed, PEOPLE)
    reached = _progress(world, moment)
    late = people[-PEOPLE // 3 :] if moment.held else []
    world.enroll(people[: PEOPLE - len(late)])
    until(reached, every=0.002)
    _kill(world, moment.held, late)
    world.start_worker(WORKER)
    if moment.again:
        until(_progress(world, Moment("intake", 1, held=False, again=False)))
        _kill(world, held=False)
        world.start_worker(WORKER)
    stuck = () if settled(world, seed) else active(world)
    return replace(world.examine(people), stuck=stuck)


def _progress(world: World, moment: Moment) -> Callable[[], bool]:
    count = world.changes if moment.stage == "intake" else world.requested
    target = count() + moment.progress

    def reached() -> bool:
        world.nobody_died()
        return count() >= target

    return reached


def _kill(world: World, held: bool, late: Sequence[str] = ()) -> None:
    if not held:
        world.kill(WORKER)
        return
    with writes_held_back(world.settings.bootstrap_servers(), f"outdial-{WORKER}"):
        world.enroll(list(late))
        within(HELD, lambda: False)  # for as long as it takes to handle what has been fetched: nothing outside tells
        world.kill(WORKER)


def active(world: World) -> tuple[str, ...]:
    """Who is still in, and where."""
    return tuple(str(row) for row in world.rows().values() if row.state not in (State.EXITED, State.AWAITING_CONTACT))


def settled(world: World, seed: int) -> bool:
    """Returns when nobody is active any more whom the worker has not lost; False if that takes too long.

    Latecomers, one in each partition, tell: their records lie behind all others', so who still awaits a contact when they have
    left waits for ever.
    """
    latecomers = set(one_in_each(seed, world.settings.partitions))
    world.enroll(sorted(latecomers))

    def over() -> bool:
        world.nobody_died()
        rows = world.rows().values()
        left = {row.contact_id for row in rows if row.state is State.EXITED}
        return latecomers <= left and all(row.state in (State.EXITED, State.AWAITING_CONTACT) for row in rows)

    return within(PATIENCE, over, every=0.3)


def one_in_each(batch: int, partitions: int) -> list[str]:
    """One person for each partition."""
    found: dict[int, str] = {}
    for person in people_of(batch, BATCH - PEOPLE, first=PEOPLE):
        found.setdefault(partition_of(person, partitions), person)
    assert len(found) == partitions
    return list(found.values())
