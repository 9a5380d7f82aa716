"""Who is active in campaigns, and at which numbers: what an import must not run into. As the broker tells it, at this moment.

Active are the enrollments whose row has not exited, and those on `enrollments` that no worker has read yet. Their numbers are those
of the profiles, and of the contacts that no worker has read yet. All goes into the ledger's temporary tables, not into memory.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from cli.group import committed
from cli.read import Raw, read_records
from cli.row_ledger import RowLedger, key_of
from engine.errors import RecordError
from engine.phone import canonical_address, parse_phone
from outdial.settings import Settings
from schemas.base import decoder
from schemas.rows import EnrollmentRow, Profile, State, TimerRow
from schemas.topics import CONTACT_PROFILES, CONTACTS, ENROLLMENTS, STEP_TIMERS, TopicSpec

_BATCH = 10_000


class _Asked(msgspec.Struct):
    """What matters here of a record on `enrollments`."""

    kind: str
    contact_id: str
    campaign: str = ""
    entry: int = 1


class _Reached(msgspec.Struct):
    """What matters here of a record on `contacts`."""

    id: str
    phone: str | None = None
    email: str | None = None
    country: str | None = None


def learn(settings: Settings, campaigns: Collection[str], ledger: RowLedger) -> None:
    """Reads who is active in the campaigns into the ledger. Raises OutdialError if the broker does not answer."""
    if not campaigns:
        return
    keys = {campaign: key_of(campaign) for campaign in campaigns}
    with ledger.together():
        _learn(settings, keys, ledger)


def _learn(settings: Settings, keys: dict[str, int], ledger: RowLedger) -> None:
    if not _fill(ledger, _enrolled(settings, keys)) + _fill(ledger, _waiting(settings, keys)):
        return
    for numbers in (_profiles(settings), _contacts(settings)):
        for part in _parts(numbers):
            _add_numbers(ledger, part, keys.values())


def _fill(ledger: RowLedger, rows: Iterable[tuple[int, int, int, int]]) -> int:
    count = 0
    for part in _parts(rows):
        ledger.learn(part)
        count += len(part)
    return count


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    found = iter(rows)
    while part := list(islice(found, _BATCH)):
        yield part


def _enrolled(settings: Settings, keys: dict[str, int]) -> Iterator[tuple[int, int, int, int]]:
    """(key, epoch, seq, live) of the campaigns' rows. A tombstone is that of a row that exited long ago."""
    decode = decoder(TimerRow).decode
    for raw in read_records(settings, STEP_TIMERS):
        contact, _, rest = (raw.key or "").rpartition("/")[0].rpartition("/")
        if rest in keys and raw.value is not None:
            row = decode(raw.value)
            if isinstance(row, EnrollmentRow):
                yield key_of(contact) ^ keys[rest], *row.stamp, int(row.state is not State.EXITED)


def _waiting(settings: Settings, keys: dict[str, int]) -> Iterator[tuple[int, int, int, int]]:
    """Those who have entered or left, and no worker knows it yet: later than any row, in the order of their records."""
    for raw, asked in _unread(settings, ENROLLMENTS, _Asked):
        if asked.campaign in keys and asked.kind in ("enroll", "unenroll"):
            yield key_of(asked.contact_id) ^ keys[asked.campaign], 1 << 62, raw.offset, int(asked.kind == "enroll")


def _profiles(settings: Settings) -> Iterator[tuple[int, str]]:
    decode = decoder(Profile).decode
    for raw in read_records(settings, CONTACT_PROFILES):
        if raw.value is not None and (addresses := decode(raw.value).addresses):
            yield key_of(raw.key or ""), addresses[0]


def _contacts(settings: Settings) -> Iterator[tuple[int, str]]:
    for _, contact in _unread(settings, CONTACTS, _Reached):
        try:
            if contact.phone or not contact.email:
                yield key_of(contact.id), parse_phone(contact.phone or "", contact.country).e164
            else:
                yield key_of(contact.id), canonical_address("email", contact.email)
        except RecordError:
            continue  # nobody is reached there


def _unread(settings: Settings, spec: TopicSpec, model: Any) -> Iterator[tuple[Raw, Any]]:
    """The records of a topic that no worker has finished with. What cannot be read is left out: the workers report it."""
    read, decode = committed(settings, spec.name), decoder(model).decode
    for raw in read_records(settings, spec):
        if raw.value is not None and raw.offset >= read.get(raw.partition, 0):
            try:
                yield raw, decode(raw.value)
            except msgspec.DecodeError:
                continue


def _add_numbers(ledger: RowLedger, people: list[tuple[int, str]], campaigns: Iterable[int]) -> None:
    for campaign in campaigns:
        live = ledger.look_up("active", "live", [person ^ campaign for person, _ in people])
        there = ((key_of(phone) ^ campaign, person) for person, phone in people if live.get(person ^ campaign, (0,))[0])
        ledger.put("number", there)
