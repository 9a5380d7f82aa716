"""Rows of a list: each is accepted, merged or rejected with a reason, whatever the file looks like."""

from pathlib import Path

import pytest

from cli.columns import Layout, layout_of, mapping_of
from cli.importing import Reject, enrollment, person_of
from cli.listing import survey
from engine.errors import OutdialError, UsageError
from engine.intake import profile_of
from schemas.base import encode
from schemas.contact import Contact
from tests.unit.lists import imported

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "contacts.csv"


EITHER, CALLS, EMAILS = ("phone", "email"), ("phone",), ("email",)


def person(header: str, row: str, country: str = "US", reach: tuple[str, ...] = EITHER) -> Contact:
    found = person_of(2, row.split(","), layout_of(header.split(","), {}), country, reach=reach)
    assert not isinstance(found, Reject), found
    return found.contact


def reason(header: str, row: str, country: str = "US", reach: tuple[str, ...] = EITHER) -> str:
    found = person_of(2, row.split(","), layout_of(header.split(","), {}), country, reach=reach)
    assert isinstance(found, Reject)
    return found.reason


def test_the_example_accounts_for_every_row() -> None:
    found = imported(EXAMPLE, reach=["phone"])
    tally = found.which.tally
    assert (tally.rows, tally.accepted, tally.merged, tally.rejected) == (325, 320, 2, 3)
    assert tally.zones == {"postal_code + phone": 298, "timezone": 21, "postal_code": 1}
    assert [(row, why) for row, _, why, _, _ in found.rejects] == [
        (322, "phone '12345' is too short for US"),
        (323, "has no phone number"),
        (324, "phone 'ask reception' is not a phone number"),
    ]
    assert len({c.phone for c in found.sink.contacts}) == 320
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
        ("phone,email", ",", "has no phone number"),
        ("phone,email", ",ana at example", "email 'ana at example' is not an address"),
        ("phone", "5550101", "phone '5550101' lacks its area code"),
        ("phone,country", "212-555-0101,Narnia", "country 'Narnia' is not known"),
        ("phone,company", "212-555-0101,Ash, Inc.", "has 3 cells, the header has 2"),
        ("id,phone", "x" * 257 + ",212-555-0101", "257 characters"),
    ],
)
def test_what_cannot_be_used_says_why(header: str, row: str, why: str) -> None:
    assert why in reason(header, row)


def test_an_email_alone_is_enough_where_emails_are_sent() -> None:
    contact = person("first_name,phone,email,zip", "Ana,,Ana@Example.com,94103")
    assert (contact.phone, contact.email, contact.first_name) == (None, "Ana@Example.com", "Ana")
    assert contact.id == person("email", "ana@example.com").id, "a hash of the address, however it is written"
    profile = profile_of(Contact.model_validate_json(encode(contact)))
    assert (profile.addresses, profile.zones) == (("ana@example.com",), ("America/Los_Angeles",))
    assert reason("phone,email", ",a@example.com", reach=CALLS) == "has no phone number"


def test_where_only_emails_are_sent_an_email_is_needed_and_a_number_is_not() -> None:
    assert person("phone,email", "12345,a@example.com", reach=EMAILS).phone is None
    assert person("phone,email", "212-555-0101,a@example.com", reach=EMAILS).phone == "+12125550101"
    assert reason("phone,email", "212-555-0101,", reach=EMAILS) == "has no email address, and nothing else is sent"
    assert "has no domain" in reason("phone,email", "212-555-0101,a@b", reach=EMAILS)


def test_one_email_of_two_contacts_is_refused_in_one_campaign(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,email\na,ana@example.com\nb,Ana@example.com\n")
    found = imported(file, campaigns=["spring"])
    assert [(row, code) for row, code, *_ in found.rejects] == [(3, "duplicate_email")]
    assert [enrolled.contact_id for enrolled in found.sink.enrollments] == ["a"]


def test_a_list_of_emails_under_a_title_has_its_header_found(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Newsletter,\nName,E-Mail\nAna,ana@example.com\n")
    assert imported(file).sink.contacts[0].email == "ana@example.com"


def test_of_two_rows_of_one_person_the_later_wins(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,phone,plan\na,212-555-0101,basic\nb,212-555-0102,basic\na,212-555-0109,plus\n")
    found = imported(file)
    assert (found.which.tally.accepted, found.which.tally.merged) == (2, 1)
    assert found.sink.contacts[-1].phone == "+12125550109"
    assert found.sink.contacts[-1].variables == {"plan": "plus"}


def test_a_person_who_is_rejected_the_second_time_stays(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,phone\na,212-555-0101\na,\n")
    found = imported(file)
    assert (found.which.tally.accepted, found.which.tally.rejected, found.rejects[0][0]) == (1, 1, 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_delimiters_and_byte_order_marks(tmp_path: Path, delimiter: str, bom: str) -> None:
    file = tmp_path / "list.csv"
    lines = (("phone", "first_name", "company"), ("212-555-0101", "Zoë", '"Ash, Birch; Co"'))
    file.write_text(bom + "".join(delimiter.join(line) + "\r\n" for line in lines), encoding="utf-8", newline="")
    contact = imported(file).sink.contacts[0]
    assert (contact.first_name, contact.variables) == ("Zoë", {"company": "Ash, Birch; Co"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutdialError, match=r"nobody\.csv: cannot be read \(No such file or directory\)"):
        survey(tmp_path / "nobody.csv")


def test_a_header_without_phones_is_told_what_to_map() -> None:
    with pytest.raises(OutdialError, match="no column holds phone numbers: add --map phone=COLUMN, one of first_name, city"):
        layout_of(["first_name", "city"], {}, reach=CALLS)
    with pytest.raises(OutdialError, match="phone numbers or email addresses: add --map phone=COLUMN or --map email=COLUMN"):
        layout_of(["first_name", "city"], {})


def test_titles_of_several_lines_are_named_on_one() -> None:
    for mapping in ({}, {"phone": "handy"}):
        with pytest.raises(OutdialError, match=r"First name, The city$"):
            layout_of(["First\nname", "The\r\ncity"], mapping)


def test_a_mapping_goes_before_names() -> None:
    layout = layout_of(["phone", "mobile", "ref"], mapping_of(["phone=Mobile,id=ref"]))
    assert layout == Layout(3, {"phone": 1, "id": 2}, (0,), {})


@pytest.mark.parametrize("option", ["phone", "phone=", "fone=mobile"])
def test_mappings_that_make_no_sense_are_usage_errors(option: str) -> None:
    with pytest.raises(UsageError, match="--map"):
        mapping_of([option])


def test_a_mapping_to_no_column_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="the file has no column 'handy': it has phone"):
        layout_of(["phone"], {"phone": "handy"})


@pytest.mark.parametrize(
    ("header", "row", "consent"),
    [
        ("phone,consent", "212-555-0101,yes", "yes"),
        ("phone,Consent Type", "212-555-0101,express written", "express written"),
        ("phone,consent", "212-555-0101,", None),
        ("phone,consent", "212-555-0101,none", None),  # an empty cell
        (
            "phone,consent,consent_date,consent_source,consent_expires",
            "212-555-0101,express,2026-03-01,form 7,2027-03-01",
            {"kind": "express", "at": "2026-03-01", "source": "form 7", "expires_at": "2027-03-01"},
        ),
        ("phone,consent,consent_date", "212-555-0101,,2026-03-01", None),
    ],
)
def test_columns_of_consent(header: str, row: str, consent: object) -> None:
    contact = person(header, row)
    assert (contact.consent, contact.variables) == (consent, {})


def test_what_tells_more_of_a_consent_is_a_variable_where_no_column_holds_one() -> None:
    assert person("phone,Consent Date", "212-555-0101,2026-03-01").variables == {"consent_date": "2026-03-01"}
    with pytest.raises(UsageError, match="--map consent_at=Given: no column holds the consent: add --map consent=COLUMN"):
        layout_of(["phone", "Given"], mapping_of(["consent_at=given"]))


@pytest.mark.parametrize(
    ("row", "words"),
    [("maybe,2026-03-01", "'maybe' is no kind of consent"), ("yes,1/3/2026", "at '1/3/2026' is no time: write it as 2026-03-01")],
)
def test_a_consent_that_cannot_be_read_is_noted_and_counts_for_nothing(row: str, words: str) -> None:
    header = "phone,consent,consent_at"
    found = person_of(2, ["212-555-0101", *row.split(",")], layout_of(header.split(","), {}), "US")
    assert not isinstance(found, Reject)
    (problem,) = found.problems
    assert words in problem
    assert profile_of(Contact.model_validate_json(encode(found.contact))).problems == (problem,)


def test_a_second_import_enrolls_with_the_same_id() -> None:
    first, again = enrollment("a", "spring", 1, "import:x"), enrollment("a", "spring", 2, "import:y")
    assert first.event_id == again.event_id
    assert first.event_id != enrollment("a", "autumn", 1, "import:x").event_id
