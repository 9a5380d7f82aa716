"""Which row of a list is its header, if any is.

A header holds names, never a phone number or an email address. Titles and notes may stand above it; the first row that names a
phone column is it, else the first that names an email column, else the first row. A list whose first row is a person's has none.
"""

import re
from dataclasses import dataclass

from cli.column_names import field_of, plain
from engine.dialable import UnusableError, numbers_of
from engine.errors import OutdialError

#: Rows that may stand above a header.
ABOVE = 20
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Header:
    """titles: one for each column, no two alike. above: rows down to the header's. named: whether there is one."""

    titles: list[str]
    above: int
    named: bool


def header_of(place: str, rows: list[tuple[int, list[str]]], columns: tuple[str, ...], country: str) -> Header:
    """The header of a list by its first rows; `columns` are names that it is known to hold. Raises OutdialError for two of them."""
    known = frozenset(plain(column) for column in columns)
    at = _header_at([cells for _, cells in rows[:ABOVE]], known, country)
    if at is None:
        return Header([f"column_{i + 1}" for i in range(_width(rows))], 0, False)
    if at + 1 < len(rows) and (_is_header(rows[at + 1][1], known, country) or _same(rows[at][1], rows[at + 1][1])):
        first, second = rows[at][0], rows[at + 1][0]
        raise OutdialError(f"{place}: rows {first} and {second} are both headers: remove one of them")
    return Header(_titles(rows[at][1]), at + 1, True)


def _header_at(rows: list[list[str]], known: frozenset[str], country: str) -> int | None:
    """The place of the header; None: there is none."""
    above = []
    for cells in rows:
        if has_data(cells, country):
            break
        above.append(cells)
    for fields in (("phone", "alt_phone"), ("email",)):
        for i, cells in enumerate(above):
            if known & {plain(cell) for cell in cells} or any(field_of(cell) in fields for cell in cells):
                return i
    return 0 if above else None


def _is_header(cells: list[str], known: frozenset[str], country: str) -> bool:
    """Whether most of a row's cells are names of columns. One cell of a person may be such a word; most are not."""
    filled = [cell for cell in cells if cell.strip()]
    named = [cell for cell in filled if field_of(cell) or plain(cell) in known]
    return 2 * len(named) > len(filled) and not has_data(cells, country)


def _same(one: list[str], other: list[str]) -> bool:
    return [plain(cell) for cell in one] == [plain(cell) for cell in other]


def has_data(cells: list[str], country: str) -> bool:
    """Whether a row holds a phone number or an email address."""
    return any(_EMAIL.fullmatch(cell.strip()) or is_phone(cell.strip(), country) for cell in cells)


def is_phone(text: str, country: str) -> bool:
    """Whether a cell can be read as a phone number."""
    if sum(c.isdigit() for c in text) < 7:
        return False
    try:
        numbers_of(text, country)
    except UnusableError as error:
        return error.code in ("premium_rate", "digits_lost")
    return True


def _width(rows: list[tuple[int, list[str]]]) -> int:
    return max(len(cells) for _, cells in rows)


def _titles(cells: list[str]) -> list[str]:
    """Each column's name: those without one get `column_3`, those that repeat one get `phone_2`."""
    titles: list[str] = []
    taken: set[str] = set()
    for i, cell in enumerate(cells):
        title = cell.strip() or f"column_{i + 1}"
        number = 1
        while plain(title) in taken or not plain(title):
            number += 1
            title = f"{cell.strip() or 'column'}_{number}" if plain(cell) else f"column_{i + 1}{'_' * (number - 2)}"
        taken.add(plain(title))
        titles.append(title)
    return titles
