"""Settles a batch of rows against what is known: who is new, who is merged, whose number is another's, who is enrolled.

The rules (docs/decisions/0007-merging-rows.md): a person is an id, the later row replaces the earlier whole; what has not changed
is not published again; nobody is enrolled where they are already; a number that is active in a campaign for one person is refused
for another.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cli.importing import Person, Reject, enrollment
from cli.row_ledger import ACCEPTED, MERGED, REJECTED, Entry, Import, RowLedger, key_of
from engine.time import Instant
from schemas.contact import Contact
from schemas.enrollment import Enroll

_HALF = 1 << 63
Values = dict[int, tuple[int, ...]]


class _Keys(NamedTuple):
    """The keys of a person and of the number that is called, or the email address where there is none."""

    person: int
    number: int


@dataclass(slots=True)
class Settled:
    """The records of a batch."""

    contacts: list[Contact] = field(default_factory=list)
    enrollments: list[Enroll] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """What the ledger holds of a batch's people, and what the batch adds. Keys of campaign and something: their exclusive or."""

    campaigns: dict[str, int]
    persons: Values
    enrolled: Values
    active: Values
    numbers: Values
    new_persons: dict[int, tuple[int, int]] = field(default_factory=dict)
    new_enrolled: dict[int, tuple[int, int]] = field(default_factory=dict)
    new_numbers: dict[int, int] = field(default_factory=dict)


def settle(
    batch: Sequence[tuple[int, Person | Reject]], which: Import, ledger: RowLedger, campaigns: Sequence[str], at: Instant
) -> Settled:
    """Decides on each row, counts it, writes it down; what is to be published."""
    keyed = [(row, found, _keys(found)) for row, found in batch]
    known = _look_up([keys for _, found, keys in keyed if isinstance(found, Person)], ledger, campaigns)
    settled, entries = Settled(), list[Entry]()
    for row, found, keys in keyed:
        if isinstance(found, Person):
            found = _taken(row, found, keys, known) or found
        if isinstance(found, Reject):
            which.tally.refuse(found.code)
            entries.append((row, REJECTED, None, found.code, found.reason, found.fix, json.dumps(found.cells)))
        else:
            entries.append((row, _accept(found, keys, which, known, settled, at), found.contact.id, None, None, None, None))
    _write(which, ledger, known, entries)
    which.row = batch[-1][0]
    return settled


def _keys(found: Person | Reject) -> _Keys:
    return _Keys(0, 0) if isinstance(found, Reject) else _Keys(key_of(found.contact.id), key_of(found.address))


def _look_up(people: list[_Keys], ledger: RowLedger, names: Sequence[str]) -> _Known:
    campaigns = {name: key_of(name) for name in names}
    persons = [keys.person for keys in people]
    enrolled = [person ^ campaign for campaign in campaigns.values() for person in persons]
    numbers = [keys.number ^ campaign for campaign in campaigns.values() for keys in people]
    return _Known(
        campaigns,
        ledger.look_up("person", "fact", persons),
        ledger.look_up("enrolled", "entry, import", enrolled),
        ledger.look_up("active", "live", enrolled),
        ledger.look_up("number", "person", numbers),
    )


def _taken(row: int, found: Person, keys: _Keys, known: _Known) -> Reject | None:
    """A reject, if the number is active for somebody else in a campaign."""
    for name, campaign in known.campaigns.items():
        if known.numbers.get(keys.number ^ campaign, keys[:1])[0] != keys.person:
            what, other = ("phone", "number") if found.phone else ("email", "address")
            reason = f"{what} {found.address} is active in {name} for another contact"
            fix = f"leave the row out, or give this person another {other}"
            return Reject(row, f"duplicate_{'number' if found.phone else 'email'}", reason, fix, list(found.cells))
    return None


def _accept(found: Person, keys: _Keys, which: Import, known: _Known, settled: Settled, at: Instant) -> str:
    """Counts a person, adds what is to be published and kept. The outcome."""
    contact, key = found.contact, keys.person
    before, fact = known.persons.get(key), int((contact.event_id or "")[:16], 16) - _HALF
    which.tally.take(found, before is None)
    if before is None or before[0] != fact:
        settled.contacts.append(contact)
        which.tally.published += 1
        known.persons[key] = (fact,)
        known.new_persons[key] = (fact, which.id)
    for name, campaign in known.campaigns.items():
        known.numbers[keys.number ^ campaign] = (key,)
        known.new_numbers[keys.number ^ campaign] = key
        _enroll(contact.id, key ^ campaign, name, which, known, settled, at)
    return ACCEPTED if before is None else MERGED


def _enroll(contact: str, key: int, campaign: str, which: Import, known: _Known, settled: Settled, at: Instant) -> None:
    """Enrolls a person who is not in the campaign: not by an import that still stands, nor by anybody else."""
    entry, by = known.enrolled.get(key, (0, 0))
    if by or known.active.get(key, (0,))[0]:
        return
    known.enrolled[key] = known.new_enrolled[key] = (entry + 1, which.id)
    settled.enrollments.append(enrollment(contact, campaign, at, f"import:{which.name}", entry + 1))
    which.tally.enrolled += 1


def _write(which: Import, ledger: RowLedger, known: _Known, entries: list[Entry]) -> None:
    ledger.put("person", ((key, *values) for key, values in known.new_persons.items()))
    ledger.put("enrolled", ((key, *values) for key, values in known.new_enrolled.items()))
    ledger.put("number", known.new_numbers.items())
    ledger.add_entries(which, entries)
