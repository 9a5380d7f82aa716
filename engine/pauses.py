"""What the pauses of a campaign mean for its people: when a step is due after all, and whether it is taken at all.

A head keeps its pauses as history; no row is rewritten when a campaign is resumed, so a crash in the middle changes nothing. A
paused campaign keeps everybody where they are: waits do not end either, so that it makes no difference whether a worker ran.

| policy | a step that fell due in the pause |
|---|---|
| hold | stays due when it was: it is overdue at the end |
| shift | is due later by the length of the pause |
| draft | the time before the start: is due at the start, so that nobody is late on the first day |
| expire | is skipped, if the pause has held it up for longer than `older`; one that was overdue already is, too |

A call that the person has asked for is not moved, for nobody asked for another time, and does not wait on a ramp.

With a ramp, what is overdue at the end is let out over that time, at a rate that grows evenly from nothing. Who comes when is a
hash of the person's enrollment: nothing is kept, and whoever asks gets the same answer.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from zlib import crc32

from msgspec.structs import replace

from engine.time import Instant
from schemas.campaign import Pause
from schemas.rows import EnrollmentRow, State

#: Pauses that a head keeps. Beyond, the oldest go: first those without consequences.
MOST = 50

_WAITING = State.WAITING
_HASHES = 1 << 32


def consequential(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """Those that are over and change anything: all that the functions below need to be given."""
    return tuple(p for p in pauses if p.end is not None and (p.policy != "hold" or p.ramp))


def bounded(pauses: Sequence[Pause]) -> list[Pause]:
    """At most MOST, the newest: beyond, those without consequences are left out first."""
    kept = list(pauses)
    if len(kept) > MOST:
        matter = consequential(kept)
        kept = [p for p in kept if p in matter or p.end is None]
    return kept[-MOST:]


def due_after(due: Instant, pauses: Sequence[Pause]) -> Instant:
    """When a step is due that fell due at `due`. Given what it returns, it returns the same."""
    for pause in pauses:
        if pause.policy == "shift" and pause.end is not None and pause.begin <= due < pause.end:
            due = Instant(due + pause.end - pause.begin)
        elif pause.policy == "draft" and pause.end is not None and 0 < due < pause.end:
            due = Instant(pause.end)
    return due


def expired(due: Instant, pauses: Sequence[Pause]) -> bool:
    """Whether a step that is due since `due` is skipped: a pause has held it up for too long."""
    for pause in pauses:
        if pause.policy == "expire" and pause.end is not None and pause.end - max(due, pause.begin) > pause.older:
            return True
    return False


def let_out(row: EnrollmentRow, pauses: Sequence[Pause]) -> Instant:
    """Not before this instant: what was overdue at the end of a pause waits for its turn on the ramp; others need not wait."""
    at = row.due
    if row.promised:
        return Instant(at)
    for pause in pauses:
        if pause.ramp and pause.end is not None and row.due < pause.end:
            at = max(at, pause.end + int(pause.ramp * sqrt(_share(row.enrollment_id, pause.end))))
    return Instant(at)


def moved(row: EnrollmentRow, pauses: Sequence[Pause]) -> EnrollmentRow:
    """The row with the instant at which its step is due after all."""
    if row.state is not _WAITING:
        return row
    if row.promised:
        pauses = [pause for pause in pauses if pause.policy == "draft"]
    due = due_after(Instant(row.due), pauses)
    if due == row.due:
        return row
    return replace(row, due=due, fell_due=due_after(Instant(row.fell_due), pauses))


def _share(enrollment: str, end: int) -> float:
    """In [0, 1), evenly over people, another order after each pause."""
    return crc32(f"{enrollment}{end}".encode()) / _HASHES
