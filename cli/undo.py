"""Takes back an import: whoever it enrolled, and only they, leave the campaigns. In batches."""

from cli.publish import Publisher
from cli.row_ledger import ACCEPTED, UNDONE, Import, RowLedger, key_of
from engine.time import Instant
from schemas import ids
from schemas.enrollment import Unenroll
from schemas.topics import ENROLLMENTS

_BATCH = 5_000


def undo(which: Import, ledger: RowLedger, publisher: Publisher, at: Instant) -> int:
    """Unenrolls those whom the import enrolled; how many. People stay known to Outdial, but may be imported as if new."""
    count, last = 0, 0
    while people := ledger.people(which, last, _BATCH):
        with ledger.batch(which):
            for campaign in which.about["campaigns"]:
                count += _leave([person for _, _, person in people], campaign, which, ledger, publisher, at)
            ledger.forget(which, (key_of(person) for _, outcome, person in people if outcome == ACCEPTED))
            publisher.flush()
        last = people[-1][0]
    ledger.finish(which, UNDONE)
    return count


def _leave(people: list[str], campaign: str, which: Import, ledger: RowLedger, publisher: Publisher, at: Instant) -> int:
    key = key_of(campaign)
    enrolled = ledger.look_up("enrolled", "entry, import", [key_of(person) ^ key for person in people])
    left: dict[int, tuple[int, int, int]] = {}
    for person in people:
        mine = key_of(person) ^ key
        entry, by = enrolled.get(mine, (0, 0))
        if by == which.id and mine not in left:
            left[mine] = (mine, entry, 0)
            record = unenrollment(person, campaign, entry, at, f"undo:{which.name}")
            publisher.send(ENROLLMENTS, record.key, record)
    ledger.put("enrolled", left.values())
    return len(left)


def unenrollment(person: str, campaign: str, entry: int, at: Instant, source: str) -> Unenroll:
    """The record that takes a person out of a campaign; always the same id."""
    event = ids.event_id(ids.enrollment_id(person, campaign, entry), "unenroll", person)
    return Unenroll(event_id=event, cause=source, contact_id=person, campaign=campaign, entry=entry, at=at, source=source)
