"""Rows of a list become people, or rejects with a reason. Pure: no file, no broker; `cli/import_run.py` reads and publishes.

A person is its contact id: the id column, else a hash of the phone, else of the email. Two rows with one id are one person, and the
later row replaces the earlier whole (docs/decisions/0007-merging-rows.md).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from cli.column_names import plain
from cli.columns import Layout, layout_of, mapping_of
from cli.dialect import Torn
from cli.header import is_phone
from cli.listing import Listing
from engine.consent_records import consents_of
from engine.countries import country_of
from engine.dialable import Numbers, UnusableError, numbers_of
from engine.errors import RecordError
from engine.phone import Phone, canonical_address
from engine.postal import mend_zip
from engine.zones import ZoneSet, zone_set
from schemas import ids
from schemas.base import encode, written_form
from schemas.contact import Contact
from schemas.enrollment import Enroll

__all__ = ["Layout", "Person", "Reject", "enrollment", "layout_for", "layout_of", "mapping_of", "person_of"]

_PLAIN = ("email", "first_name", "last_name", "timezone", "state", "consent")
#: Columns that say more of a consent -> keys of its record.
_ABOUT_CONSENT = {"consent_at": "at", "consent_source": "source", "consent_expires_at": "expires_at"}
_LONGEST_ID = 256
#: What people and programs write into a cell that is empty.
_NOTHING = frozenset(("n/a", "#n/a", "na", "nan", "null", "none", "nil", "-", "--", "?", "unknown", "undefined", "(null)", "\\n"))
_LONGEST_NOTHING = max(map(len, _NOTHING))
_EMPTY = "an empty cell"

_CONTACT, _ENROLL = written_form(Contact), written_form(Enroll)


#: How people can be reached: an address of one of these kinds is needed.
ANY_WAY = frozenset(("phone", "email"))


class Person(NamedTuple):
    """A usable row: the record to publish, the number that is called (None: only emails reach the person), the zones, what was
    mended (MENDS), and what could not be.

    The zones are those that the intake will find (engine/intake.py); problems: in words, no reason not to call.
    """

    contact: Contact
    phone: Phone | None
    zones: ZoneSet
    mended: tuple[str, ...]
    problems: tuple[str, ...]
    cells: list[str]

    @property
    def address(self) -> str:
        """Where the person is reached: no other contact may be reached there in the same campaign."""
        return self.phone.e164 if self.phone else canonical_address("email", self.contact.email or "")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used: a stable code, why, and what its owner could do."""

    row: int
    code: str
    reason: str
    fix: str
    cells: list[str]


def layout_for(listing: Listing, mapping: dict[str, str], country: str, reach: Collection[str] = ANY_WAY) -> Layout:
    """The layout of a list, by `--map`, names and contents. Raises UsageError, OutdialError."""
    return layout_of(listing.header, mapping, listing.sample, lambda text: is_phone(text, country), reach)


def person_of(
    row: int,
    cells: list[str],
    layout: Layout,
    country: str,
    allowed: Collection[str] | None = None,
    reach: Collection[str] = ANY_WAY,
) -> Person | Reject:
    """One row as a person; or why it cannot be used.

    allowed: countries that may be called (ISO 3166), None for all. reach: kinds of addresses of which the person needs one.
    """
    try:
        return _person(cells, layout, country, allowed, reach)
    except UnusableError as error:
        return Reject(row, error.code, str(error), error.fix, cells)


def enrollment(contact_id: str, campaign: str, at: int, source: str, entry: int = 1) -> Enroll:
    """The record that enters a person into a campaign; always the same id, so that a second import of a file changes nothing."""
    cause = ids.enrollment_id(contact_id, campaign, entry)
    event = ids.event_id(cause, "enroll", contact_id)
    return _ENROLL(event_id=event, cause=source, contact_id=contact_id, campaign=campaign, entry=entry, at=at, source=source)


def _person(cells: list[str], layout: Layout, country: str, allowed: Collection[str] | None, reach: Collection[str]) -> Person:
    _whole(cells, layout)
    texts = [cell.strip() for cell in cells] + [""] * (layout.width - len(cells))
    value = {name: _filled(texts[i]) for name, i in layout.fields.items()}
    region, mended = _country(value, country)
    problems: list[str] = []
    try:
        phones = [value.get("phone", ""), *(_filled(texts[i]) for i in layout.alt_phones)]
        numbers, later = _reached(phones, value.get("email", ""), region, reach, problems)
    except UnusableError:
        _repeated(texts, layout)
        raise
    phone, *others = numbers.phones or (None,)
    if phone and allowed is not None and "phone" in reach and phone.region not in allowed:
        reason = f"phone {phone.e164} is a number of {phone.region}, and the campaign allows {', '.join(sorted(allowed))} alone"
        raise UnusableError("country_not_allowed", reason, "leave the row out, or add the country to the campaign's `countries`")
    alternatives = [*(other.e164 for other in others if other), *later]
    contact = _contact(value, texts, layout, phone, alternatives, numbers.extension, region, mended)
    if contact.consent:
        consents_of(contact.consent, problems)
    zones = zone_set(contact.timezone, phone, contact.postal_code, contact.state, contact.country)
    return Person(contact, phone, zones, (*numbers.mended, *mended), (*problems, *zones.problems), cells)


def _reached(phones: list[str], email: str, region: str, reach: Collection[str], problems: list[str]) -> tuple[Numbers, list[str]]:
    """The numbers, and what stands behind them; without any, an email must do. Raises UnusableError for whom nothing reaches."""
    wrong = _wrong_email(email)
    needed = "phone" not in reach or (not any(phones) and "email" in reach and bool(email))
    if needed and wrong:
        raise UnusableError("invalid_email", wrong, "correct the address")
    if needed and not email:
        raise UnusableError("no_email", "has no email address, and nothing else is sent", "add one, or leave the row out")
    problems += [wrong] if wrong else []
    if needed and not any(phones):
        return Numbers(()), []
    try:
        return _numbers(phones, region, problems)
    except UnusableError as error:
        if "phone" in reach:
            raise
        problems.append(str(error))
        return Numbers(()), []


def _wrong_email(email: str) -> str | None:
    """What is wrong with an email, in words."""
    try:
        canonical_address("email", email or "a@example.com")
    except RecordError as error:
        return str(error)
    return None


def _whole(cells: list[str], layout: Layout) -> None:
    """Raises UnusableError for a row that its quotes or delimiters have torn."""
    if isinstance(cells, Torn):
        raise UnusableError(
            "broken_quotes", "opens a quote and does not close it", 'close the quote; one inside a value is written ""'
        )
    if len(cells) > layout.width and any(cells[layout.width :]):
        reason = f"has {len(cells)} cells, the header has {layout.width}"
        raise UnusableError("too_many_cells", reason, "quote values that contain the delimiter")


def _repeated(texts: list[str], layout: Layout) -> None:
    """Raises UnusableError for a header in mid-list, as lists that were joined have."""
    there = [(plain(text), plain(title)) for text, title in zip(texts, layout.titles, strict=False) if text]
    if there and all(text == title for text, title in there):
        raise UnusableError("header_again", "repeats the header", "nothing is lost: leave the row out")


def _filled(text: str) -> str:
    return "" if len(text) <= _LONGEST_NOTHING and text.casefold() in _NOTHING else text


def _country(value: dict[str, str], country: str) -> tuple[str, list[str]]:
    """The country that the row's number is read in, and what was mended; a name is written as its code."""
    written = value.get("country")
    if not written:
        return country, []
    code = country_of(written)
    if code is None:
        return written, []
    value["country"] = code
    return code, [] if code == written.upper() else ["country"]


def _numbers(cells: list[str], region: str, problems: list[str]) -> tuple[Numbers, list[str]]:
    """The numbers of the first cell that has any, and what the cells behind it hold. Raises UnusableError, about the first."""
    filled = [cell for cell in cells if cell]
    if not filled:
        raise UnusableError("no_phone", "has no phone number", "add one, or leave the row out")
    _known(filled, region)
    refused: UnusableError | None = None
    for i, cell in enumerate(filled):
        try:
            found = numbers_of(cell, region)
        except UnusableError as error:
            refused = refused or error
            continue
        if i or not cells[0]:
            found = found._replace(mended=(*found.mended, "next_phone"))
        return found, [number for other in filled[i + 1 :] for number in _alternatives(other, region, problems)]
    raise refused or AssertionError(_EMPTY)


def _known(cells: list[str], region: str) -> None:
    """Raises UnusableError for a country that nobody knows, unless the numbers name theirs."""
    if country_of(region) is None and not cells[0].startswith("+"):
        raise UnusableError("unknown_country", f"country {region!r} is not known", "write a code such as US, or the number with +")


def _alternatives(text: str, region: str, problems: list[str]) -> list[str]:
    """Further numbers as the engine writes them; one that cannot be read stays as it is and is a problem."""
    try:
        return [phone.e164 for phone in numbers_of(text, region).phones]
    except UnusableError as error:
        problems.append(str(error))
        return [text]


def _contact(
    value: dict[str, str],
    texts: list[str],
    layout: Layout,
    phone: Phone | None,
    others: list[str],
    extension: str,
    region: str,
    mended: list[str],
) -> Contact:
    """Raises UnusableError for an id that cannot be one, and for text that is none (UTF-7 can write half a character)."""
    called = phone.e164 if phone else None
    contact_id = value.get("id") or ids.digest("contact", called or canonical_address("email", value["email"]))
    if len(contact_id) > _LONGEST_ID:
        reason = f"its id has {len(contact_id)} characters: {_LONGEST_ID} are the most"
        raise UnusableError("long_id", reason, "map another column: --map id=COLUMN")
    facts: dict[str, Any] = {name: value[name] for name in _PLAIN if value.get(name)}
    if value.get("country"):
        facts["country"] = value["country"]
    if "consent" in facts and (about := {key: value[name] for name, key in _ABOUT_CONSENT.items() if value.get(name)}):
        facts["consent"] = {"kind": facts["consent"]} | about
    if code := value.get("postal_code"):
        facts["postal_code"] = mend_zip(code, region)
        if facts["postal_code"] != code:
            mended.append("postal_code")
    alt_phones = [number for number in dict.fromkeys(others) if number != called]
    variables = {name: texts[i] for name, i in layout.variables.items() if texts[i]}
    if extension:
        variables["phone_extension"] = extension
    contact = _CONTACT(id=contact_id, phone=called, alt_phones=alt_phones, variables=variables, **facts)
    try:
        contact.event_id = ids.digest("contact", encode(contact).decode())
    except UnicodeEncodeError as error:
        raise UnusableError("invalid_text", "holds text that cannot be read", "save the file as UTF-8") from error
    return contact
