"""Rows of a list: each is accepted, merged or rejected with a reason, whatever the file looks like."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.contacts import run
from cli.importing import Layout, Reject, Tally, enrollment, layout_of, mapping_of, person_of
from cli.listing import survey
from engine.errors import OutdialError, UsageError
from schemas.contact import Contact

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "contacts.csv"


def imported(file: Path, mapping: dict[str, str] | None = None, country: str = "US") -> tuple[Tally, list[Contact], list[Reject]]:
    """The whole way but for the broker: what was counted, published and rejected."""
    listing = survey(file)
    published: list[Contact] = []
    rejects: list[Reject] = []
    layout = layout_of(listing.header, mapping or {})
    tally = run(listing, layout, country, lambda contact, _first: published.append(contact), rejects.append)
    assert tally.rows == listing.rows == tally.accepted + tally.merged + tally.rejected
    return tally, published, rejects


def person(header: str, row: str, country: str = "US") -> Contact:
    found = person_of(2, row.split(","), layout_of(header.split(","), {}), country)
    assert not isinstance(found, Reject), found
    return found[0]


def reason(header: str, row: str, country: str = "US") -> str:
    found = person_of(2, row.split(","), layout_of(header.split(","), {}), country)
    assert isinstance(found, Reject)
    return found.reason


def test_the_example_accounts_for_every_row() -> None:
    tally, published, rejects = imported(EXAMPLE)
    assert (tally.rows, tally.accepted, tally.merged, tally.rejected) == (325, 320, 2, 3)
    assert tally.zones() == {"postal_code": 299, "timezone": 21}
    assert [(r.row, r.reason) for r in rejects] == [
        (322, "phone '12345' is too short for US"),
        (323, "has no phone number"),
        (324, "phone 'ask reception' is not a phone number"),
    ]
    assert len({c.phone for c in published}) == 320
    assert any("EST" in note for note in tally.notes)


def test_columns_are_matched_by_simple_names_and_the_rest_are_variables() -> None:
    contact = person("Contact ID,First Name,PHONE,zip,Time-Zone,Favourite colour", "7,Ada,212-555-0101,10007,America/Denver,blue")
    assert (contact.id, contact.first_name, contact.phone) == ("7", "Ada", "+12125550101")
    assert (contact.postal_code, contact.timezone, contact.variables) == ("10007", "America/Denver", {"favourite_colour": "blue"})


def test_without_an_id_the_phone_is_the_person_however_it_is_written() -> None:
    one, two = person("phone", "212-555-0101"), person("phone,email", "+1 (212) 555 0101,a@example.com")
    assert one.id == two.id
    assert one.event_id != two.event_id


def test_further_phone_columns_are_alternatives() -> None:
    assert person("phone,phone1,phone2", "212-555-0101,2125550102,").alt_phones == ["+12125550102"]
    assert person("phone1,phone2", "212-555-0101,212-555-0103").alt_phones == ["+12125550103"]
    assert person("phone,alt_phone", "212-555-0101,ask").alt_phones == ["ask"]


def test_the_rows_own_country_reads_its_number() -> None:
    assert person("phone,country", "020 7946 0958,GB").phone == "+442079460958"
    assert person("phone", "020 7946 0958", country="GB").phone == "+442079460958"
    assert person("phone", "+442079460958").country is None


@pytest.mark.parametrize(
    ("header", "row", "why"),
    [
        ("phone,email", ",a@example.com", "has no phone number"),
        ("phone", "5550101", "phone '5550101' lacks its area code"),
        ("phone,country", "212-555-0101,Narnia", "country 'Narnia' is not a code"),
        ("phone,company", "212-555-0101,Ash, Inc.", "has 3 cells, the header has 2"),
        ("id,phone", "x" * 257 + ",212-555-0101", "257 characters"),
    ],
)
def test_what_cannot_be_used_says_why(header: str, row: str, why: str) -> None:
    assert why in reason(header, row)


def test_of_two_rows_of_one_person_the_later_wins(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,phone,plan\na,212-555-0101,basic\nb,212-555-0102,basic\na,212-555-0109,plus\n")
    tally, published, _ = imported(file)
    assert (tally.accepted, tally.merged) == (2, 1)
    assert published[-1].phone == "+12125550109"
    assert published[-1].variables == {"plan": "plus"}


def test_a_person_who_is_rejected_the_second_time_stays(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,phone\na,212-555-0101\na,\n")
    tally, _, rejects = imported(file)
    assert (tally.accepted, tally.rejected, rejects[0].row) == (1, 1, 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_delimiters_and_byte_order_marks(tmp_path: Path, delimiter: str, bom: str) -> None:
    file = tmp_path / "list.csv"
    lines = (("phone", "first_name", "company"), ("212-555-0101", "Zoë", '"Ash, Birch; Co"'))
    file.write_text(bom + "".join(delimiter.join(line) + "\r\n" for line in lines), encoding="utf-8", newline="")
    _, published, _ = imported(file)
    assert (published[0].first_name, published[0].variables) == ("Zoë", {"company": "Ash, Birch; Co"})


def test_empty_lines_are_no_rows_but_rows_of_empty_cells_are(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("phone,email\n\n212-555-0101\n,\n")
    tally, _, rejects = imported(file)
    assert (tally.rows, tally.accepted, [r.row for r in rejects]) == (2, 1, [4])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no rows"),
        (b"phone,email\n", "holds no rows"),
        (b"phone\n212-555-0101\nZo\xeb\n", "is not UTF-8"),
        (b'phone,name\n212-555-0101,"Ada\n212-555-0102,Bo\n', "cannot be read as CSV after row 1"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused_whole(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(content)
    with pytest.raises(OutdialError, match=sentence):
        survey(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutdialError, match=r"nobody\.csv: cannot be read \(No such file or directory\)"):
        survey(tmp_path / "nobody.csv")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (["first_name", "mobile"], "no column holds phone numbers: add --map phone=COLUMN, one of first_name, mobile"),
        (["phone", "Phone"], "two columns 'Phone'"),
        (["phone", ""], "column 2 of the header has no name"),
    ],
)
def test_headers_that_cannot_be_used(header: list[str], sentence: str) -> None:
    with pytest.raises(OutdialError, match=sentence):
        layout_of(header, {})


def test_a_mapping_goes_before_names() -> None:
    layout = layout_of(["phone", "mobile", "ref"], mapping_of(["phone=Mobile,id=ref"]))
    assert layout == Layout(3, {"phone": 1, "id": 2}, (), {"phone": 0})


@pytest.mark.parametrize("option", ["phone", "phone=", "fone=mobile"])
def test_mappings_that_make_no_sense_are_usage_errors(option: str) -> None:
    with pytest.raises(UsageError, match="--map"):
        mapping_of([option])


def test_a_mapping_to_no_column_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="the file has no column 'handy': it has phone"):
        layout_of(["phone"], {"phone": "handy"})


def test_a_second_import_enrolls_with_the_same_id() -> None:
    first, again = enrollment("a", "spring", 1, "import:x"), enrollment("a", "spring", 2, "import:y")
    assert first.event_id == again.event_id
    assert first.event_id != enrollment("a", "autumn", 1, "import:x").event_id


@given(rows=st.lists(st.lists(st.text(max_size=20), max_size=6), max_size=20))
def test_whatever_the_cells_hold_every_row_is_accounted_for(rows: list[list[str]]) -> None:
    layout = layout_of(["id", "phone", "timezone", "email"], {})
    tally = Tally()
    for row, cells in enumerate(rows, 2):
        tally.rows += 1
        found = person_of(row, cells, layout, "US")
        if isinstance(found, Reject):
            tally.refuse(found, 3)
            assert found.reason
        else:
            tally.take(*found)
    assert tally.rows == tally.accepted + tally.merged + tally.rejected
