"""Rows of a list become people, or rejects with a reason. Pure: no file, no broker; `cli/contacts.py` reads and publishes.

A person is its contact id: the id column, else a hash of the phone. Two rows with one id are one person, and the later row wins;
two ids with one phone stay two people, for a household shares its phone.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.errors import OutdialError, RecordError, UsageError
from engine.intake import profile_of
from engine.phone import parse_phone
from schemas import ids
from schemas.contact import Contact
from schemas.enrollment import Enroll
from schemas.rows import Profile

#: Field -> names of columns that mean it, the best first. Compared without case, spaces as underscores.
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "contact_id"),
    "phone": ("phone", "phone_number", "phone1"),
    "alt_phone": ("alt_phone", "alt_phones", "phone1", "phone2"),
    "email": ("email", "email_address", "e_mail"),
    "first_name": ("first_name", "firstname"),
    "last_name": ("last_name", "lastname", "surname"),
    "timezone": ("timezone", "time_zone", "tz"),
    "postal_code": ("postal_code", "zip", "zip_code", "postcode"),
    "state": ("state",),
    "country": ("country",),
}

FALLBACK = "fallback"
_PLAIN = ("email", "first_name", "last_name", "timezone", "postal_code", "state", "country")
_LONGEST_ID = 256
_MOST_NOTES = 100  # kept in words; a million different ones would not fit


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds which field; all other columns are variables."""

    width: int
    fields: dict[str, int]
    alt_phones: tuple[int, ...]
    variables: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used, and why."""

    row: int
    reason: str
    cells: list[str]


@dataclass(slots=True)
class Tally:
    """What became of the rows: `rows = accepted + merged + rejected`. `people` holds each id once, with what told its zone."""

    rows: int = 0
    merged: int = 0
    rejected: int = 0
    people: dict[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    samples: list[Reject] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.people)

    def take(self, contact: Contact, profile: Profile) -> bool:
        """Counts a usable row; whether it is the first of this person."""
        first = contact.id not in self.people
        self.merged += not first
        self.people[contact.id] = next(iter(profile.zone_sources), FALLBACK)
        for problem in profile.problems:
            self.notes[problem if problem in self.notes or len(self.notes) < _MOST_NOTES else "others"] += 1
        return first

    def refuse(self, reject: Reject, keep: int) -> None:
        """Counts a row that cannot be used; the first `keep` of them are kept to be shown."""
        self.rejected += 1
        if len(self.samples) < keep:
            self.samples.append(reject)

    def zones(self) -> dict[str, int]:
        """Source of the zone -> people."""
        return dict(Counter(self.people.values()).most_common())

    def summary(self) -> dict[str, Any]:
        """All figures, for --json."""
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "merged": self.merged,
            "rejected": self.rejected,
            "zones": self.zones(),
            "notes": dict(self.notes.most_common()),
            "rejects": [{"row": reject.row, "reason": reject.reason} for reject in self.samples],
        }


def layout_of(header: list[str], mapping: dict[str, str]) -> Layout:
    """Matches columns to fields: `mapping` (field -> column, as --map gives it) first, then by name.

    Raises UsageError for a mapping that names no field or no column, OutdialError for a header without a phone column.
    """
    columns = _columns(header)
    fields, alt_phones = _mapped(columns, mapping)
    free = {name: i for name, i in columns.items() if i not in {*fields.values(), *alt_phones}}
    for name, known in NAMES.items():
        found = [column for column in known if column in free]
        if name == "alt_phone":
            alt_phones += [free.pop(column) for column in found]
        elif found and name not in fields:
            fields[name] = free.pop(found[0])
    if "phone" not in fields:
        raise OutdialError(f"no column holds phone numbers: add --map phone=COLUMN, one of {', '.join(columns)}")
    return Layout(len(header), fields, tuple(alt_phones), free)


def person_of(row: int, cells: list[str], layout: Layout, country: str) -> tuple[Contact, Profile] | Reject:
    """One row as a person, with the facts the engine will use; or why it cannot be used."""
    if len(cells) > layout.width and any(cells[layout.width :]):
        return Reject(row, f"has {len(cells)} cells, the header has {layout.width}: quote values that contain the delimiter", cells)
    texts = [cell.strip() for cell in cells] + [""] * (layout.width - len(cells))
    value = {name: texts[i] for name, i in layout.fields.items()}
    try:
        contact = _contact(value, texts, layout, country)
    except RecordError as error:
        return Reject(row, str(error), cells)
    return contact, profile_of(contact)


def enrollment(contact_id: str, campaign: str, at: int, source: str, entry: int = 1) -> Enroll:
    """The record that enters a person into a campaign; always the same id, so that a second import of a file changes nothing."""
    cause = ids.enrollment_id(contact_id, campaign, entry)
    event = ids.event_id(cause, "enroll", contact_id)
    return Enroll(event_id=event, cause=source, contact_id=contact_id, campaign=campaign, entry=entry, at=at, source=source)


def mapping_of(options: Iterable[str]) -> dict[str, str]:
    """`--map phone=phone1,email=mail` as field -> column. Raises UsageError."""
    found: dict[str, str] = {}
    for part in (part for option in options for part in option.split(",")):
        name, equals, column = part.partition("=")
        if not equals or not column.strip():
            raise UsageError(f"--map {part!r} is not FIELD=COLUMN: write for example --map phone=phone1")
        if name.strip() not in NAMES:
            raise UsageError(f"--map {part!r}: there is no field {name.strip()!r}: fields are {', '.join(NAMES)}")
        found[name.strip()] = column.strip()
    return found


def _columns(header: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for i, title in enumerate(header):
        name = _plain(title)
        if not name:
            raise OutdialError(f"column {i + 1} of the header has no name: give it one, or remove the column")
        if name in columns:
            raise OutdialError(f"the header has two columns {title.strip()!r}: rename one of them")
        columns[name] = i
    return columns


def _plain(title: str) -> str:
    return re.sub(r"[\s.-]+", "_", title.strip().casefold())


def _mapped(columns: dict[str, int], mapping: dict[str, str]) -> tuple[dict[str, int], list[int]]:
    fields: dict[str, int] = {}
    alt_phones: list[int] = []
    for name, column in mapping.items():
        if _plain(column) not in columns:
            raise UsageError(f"--map {name}={column}: the file has no column {column!r}: it has {', '.join(columns)}")
        if name == "alt_phone":
            alt_phones.append(columns[_plain(column)])
        else:
            fields[name] = columns[_plain(column)]
    return fields, alt_phones


def _contact(value: dict[str, str], texts: list[str], layout: Layout, country: str) -> Contact:
    """Raises RecordError with the reason why this is nobody who can be called."""
    if not value["phone"]:
        raise RecordError("has no phone number")
    region = value.get("country") or country
    phone = parse_phone(value["phone"], region).e164
    contact_id = value.get("id") or ids.digest("contact", phone)
    if len(contact_id) > _LONGEST_ID:
        raise RecordError(f"its id has {len(contact_id)} characters: {_LONGEST_ID} are the most")
    facts: dict[str, Any] = {name: value[name] for name in _PLAIN if value.get(name)}
    facts["alt_phones"] = [_e164(texts[i], region) for i in layout.alt_phones if texts[i]]
    facts["variables"] = {name: texts[i] for name, i in layout.variables.items() if texts[i]}
    return Contact(id=contact_id, phone=phone, event_id=ids.digest("contact", contact_id, phone, repr(facts)), **facts)


def _e164(text: str, region: str) -> str:
    """A further number as the engine writes it; one that cannot be read stays as it is and is noted by the profile."""
    try:
        return parse_phone(text, region).e164
    except RecordError:
        return text
