"""Which column of a list holds what: by `--map`, by its name, by what its cells look like. All other columns are variables.

The names are those in the exports of HubSpot, Salesforce, GoHighLevel, Google and Outlook contacts, and of daily use.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import pycountry

from cli.column_names import ABOUT_CONSENT, NAMES, REJECT_COLUMNS, field_of, plain
from engine.errors import OutdialError, UsageError
from engine.zones import civil_zone

#: The share of a column's cells that have to look alike.
_SHARE = 0.6
_ZIP = re.compile(r"\d{5}(?:-\d{4})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds which field; all other columns are variables. how: field -> `--map`, `name` or `contents`."""

    width: int
    fields: dict[str, int]
    alt_phones: tuple[int, ...]
    variables: dict[str, int]
    how: dict[str, str] = field(default_factory=dict, compare=False)
    titles: tuple[str, ...] = field(default=(), compare=False)

    def columns(self) -> dict[str, str | list[str]]:
        """Field -> the column that holds it; alt_phone -> all that do."""
        alt_phones = {"alt_phone": [self.titles[i] for i in self.alt_phones]} if self.alt_phones else {}
        return {name: self.titles[i] for name, i in self.fields.items()} | alt_phones


def mapping_of(options: Iterable[str]) -> dict[str, str]:
    """`--map phone=phone1,email=mail` as field -> column; several alt_phone are joined by a comma. Raises UsageError."""
    found: dict[str, str] = {}
    for part in (part for option in options for part in option.split(",")):
        name, equals, column = (text.strip() for text in part.partition("="))
        if not equals or not column:
            raise UsageError(f"--map {part!r} is not FIELD=COLUMN: write for example --map phone=phone1")
        if name not in NAMES:
            raise UsageError(f"--map {part!r}: there is no field {name!r}: fields are {', '.join(NAMES)}")
        found[name] = f"{found[name]},{column}" if name == "alt_phone" and name in found else column
    return found


def layout_of(
    header: list[str],
    mapping: dict[str, str],
    sample: Iterable[list[str]] = (),
    is_phone: Callable[[str], bool] = lambda _: False,
    reach: Collection[str] = ("phone", "email"),
) -> Layout:
    """Matches columns to fields: `mapping` (field -> column, as --map gives it) first, then by name, then by the cells of `sample`.

    Raises UsageError for a mapping that names no column, OutdialError for a list without addresses (`reach`: their kinds).
    """
    columns = {plain(title): i for i, title in enumerate(header)}
    fields, alt_phones = _mapped(columns, header, mapping)
    how = dict.fromkeys(mapping, "--map")
    free = {name: i for name, i in columns.items() if i not in {*fields.values(), *alt_phones} and name not in REJECT_COLUMNS}
    _by_name(free, header, fields, alt_phones, how, bool(mapping.get("alt_phone")))
    _without_consent(free, header, fields, how)
    if "phone" not in fields and alt_phones:
        fields["phone"], how["phone"] = alt_phones.pop(0), how.get("alt_phone", "name")
    _by_contents(free, list(sample), fields, how, is_phone)
    if not any(kind in fields for kind in reach):
        raise OutdialError(f"no column holds {_nothing(reach)}, one of {titles(header)}")
    return Layout(len(header), fields, tuple(alt_phones), free, how, tuple(header))


def titles(header: Iterable[str]) -> str:
    """As they are shown in a sentence: a title in a spreadsheet may have several lines."""
    return ", ".join(" ".join(title.split()) for title in header)


def _nothing(reach: Collection[str]) -> str:
    """What a list lacks, and how to name the column."""
    kinds = [kind for kind in ("phone", "email") if kind in reach]
    words = {"phone": "phone numbers", "email": "email addresses"}
    return f"{' or '.join(words[kind] for kind in kinds)}: add {' or '.join(f'--map {kind}=COLUMN' for kind in kinds)}"


def _mapped(columns: dict[str, int], header: list[str], mapping: dict[str, str]) -> tuple[dict[str, int], list[int]]:
    fields: dict[str, int] = {}
    alt_phones: list[int] = []
    for name, given in mapping.items():
        for column in given.split(","):
            if plain(column) not in columns:
                raise UsageError(f"--map {name}={column}: the file has no column {column!r}: it has {titles(header)}")
            if name == "alt_phone":
                alt_phones.append(columns[plain(column)])
            else:
                fields[name] = columns[plain(column)]
    return fields, alt_phones


def _by_name(
    free: dict[str, int], header: list[str], fields: dict[str, int], alt_phones: list[int], how: dict[str, str], mapped: bool
) -> None:
    """Takes from `free` the columns whose names are known. Further phones are alternatives, unless those are mapped."""
    meant = {name: field_of(header[i]) for name, i in free.items()}
    for wanted in NAMES:
        named = sorted((name for name, found in meant.items() if found == wanted), key=lambda name: _rank(wanted, name))
        if wanted != "alt_phone" and named and wanted not in fields:
            fields[wanted], how[wanted] = free.pop(named[0]), "name"
    for name, found in meant.items():
        if found in ("phone", "alt_phone") and name in free and not mapped:
            alt_phones.append(free.pop(name))
            how["alt_phone"] = "name"


def _without_consent(free: dict[str, int], header: list[str], fields: dict[str, int], how: dict[str, str]) -> None:
    """Where no column holds consent, what tells more of it is a variable. Raises UsageError if it was mapped."""
    for name in ABOUT_CONSENT if "consent" not in fields else ():
        if how.get(name) == "--map":
            column = titles([header[fields[name]]])
            raise UsageError(f"--map {name}={column}: no column holds the consent: add --map consent=COLUMN")
        if name in fields:
            i = fields.pop(name)
            free[plain(header[i])] = i
            del how[name]


def _rank(wanted: str, name: str) -> int:
    return NAMES[wanted].index(name) if name in NAMES[wanted] else len(NAMES[wanted])


def _by_contents(
    free: dict[str, int], sample: list[list[str]], fields: dict[str, int], how: dict[str, str], is_phone: Callable[[str], bool]
) -> None:
    """Takes from `free` the columns whose cells tell what they are, for fields that no name has told."""
    looks: dict[str, Callable[[str], bool]] = {
        "email": lambda text: bool(_EMAIL.fullmatch(text)),
        "timezone": lambda text: "/" in text and civil_zone(text)[0] is not None,
        "phone": is_phone,
        "state": lambda text: text in _states(),
        "postal_code": lambda text: bool(_ZIP.fullmatch(text)),
    }
    for wanted, look in looks.items():
        shares = {name: _share(sample, i, look) for name, i in free.items()} if wanted not in fields else {}
        best = max(shares, key=shares.__getitem__, default=None)
        if best is not None and shares[best] >= _SHARE:
            fields[wanted], how[wanted] = free.pop(best), "contents"


def _share(sample: list[list[str]], column: int, look: Callable[[str], bool]) -> float:
    cells = [cells[column].strip() for cells in sample if column < len(cells) and cells[column].strip()]
    return sum(map(look, cells)) / len(cells) if cells else 0.0


@lru_cache(maxsize=1)
def _states() -> frozenset[str]:
    return frozenset(str(state.code).removeprefix("US-") for state in pycountry.subdivisions.get(country_code="US"))  # type: ignore[no-untyped-call]
