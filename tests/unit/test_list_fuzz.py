"""Whatever a file holds: a sentence, or every row accepted, merged or rejected. Never a traceback, never a row that is lost."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cli.rejects import write_rejects
from engine.dialable import UnusableError, numbers_of
from engine.errors import OutdialError
from tests.unit.lists import Imported, imported

_TELLING = ["phone", "Phone Number", "id", "email", "zip", "country", "timezone", "", "note", "Mobile", "phone2"]
_CELLS = st.one_of(
    st.sampled_from(
        ["212-555-0101", "(212) 555-0102 x9", "+442079460958", "2.12555E+09", "8014", "US", "Narnia", "EST", "N/A", "911"]
    ),
    st.from_regex(r"\+?[0-9 ().\-]{3,16}(x\d+)?", fullmatch=True),
    st.text(max_size=12),
)
_TABLES = st.tuples(
    st.lists(st.sampled_from(_TELLING), min_size=1, max_size=6), st.lists(st.lists(_CELLS, max_size=7), min_size=1, max_size=12)
)
_FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder) / "list.csv"


def tried(file: Path) -> Imported | None:
    """The import, which accounts for every row (tests/unit/lists.py); None if it was refused in a sentence."""
    said = ""
    try:
        return imported(file, campaigns=["spring"])
    except OutdialError as error:
        said = str(error)
    assert said
    assert "\n" not in said
    return None


@_FEW
@given(data=st.binary(max_size=3_000))
@example(b"\xff\xfe\x00")
@example(b"PK\x03\x04xl/")
@example(b"sep=\n")
@example(b"\xef\xbb\xbf")
@example(b'"\n"\n"')
@example(b"\xff\xfe\x00\xd8a\x00")
def test_random_bytes(place: Path, data: bytes) -> None:
    place.write_bytes(data)
    tried(place)


@_FEW
@given(text=st.text(max_size=300), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"]))
def test_random_text(place: Path, text: str, encoding: str) -> None:
    place.write_bytes(("phone,name\n212-555-0101,x\n" + text).encode(encoding, "replace"))
    tried(place)


@_FEW
@given(
    table=_TABLES,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_random_tables(place: Path, table: tuple[list[str], list[list[str]]], delimiter: str, encoding: str, end: str) -> None:
    header, rows = table
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    place.write_bytes(written.getvalue().encode(encoding, "replace"))
    found = tried(place)
    if found is not None and found.rejects:
        again = place.with_name("rejects.csv")
        write_rejects(again, header, found.rejects, delimiter)
        tried(again)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.lists(
            st.one_of(
                st.none(), st.floats(), st.integers(), st.booleans(), st.dates(), st.from_regex(r"[\w +().-]{0,16}", fullmatch=True)
            ),
            max_size=5,
        ),
        max_size=8,
    )
)
def test_random_workbooks(place: Path, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Phone", "Name"])
    for row in rows:
        sheet.append(row)
    file = place.with_name("list.xlsx")
    book.save(file)
    tried(file)


@_FEW
@given(data=st.binary(min_size=1, max_size=60), at=st.integers(0, 4_000))
def test_damaged_workbooks(place: Path, data: bytes, at: int) -> None:
    whole = (Path(__file__).parent.parent / "data" / "lists" / "workbook.xlsx").read_bytes()
    place.write_bytes(whole[:at] + data + whole[at + len(data) :])
    tried(place)


@_FEW
@given(
    text=st.one_of(_CELLS, st.text(alphabet="0123456789+-(). /;,xEe#", max_size=40)),
    country=st.sampled_from(["US", "GB", "BR", "Narnia", None]),
)
def test_random_cells(text: str, country: str | None) -> None:
    try:
        found = numbers_of(text, country)
    except UnusableError as error:
        refused = error
    else:
        assert all(phone.e164.startswith("+") for phone in found.phones)
        return
    assert refused.code
    assert refused.fix
