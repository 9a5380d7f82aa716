"""engine/intake.py: what is kept of a contact, and what is said of the rest."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.intake import profile_of
from schemas.base import decode, encode
from schemas.contact import Contact
from schemas.rows import Consent, OptOutEntry, Profile


def test_a_contact_becomes_a_profile() -> None:
    contact = Contact.model_validate(
        {
            "id": "c7",
            "phone": "(212) 555-0101",
            "alt_phones": ["+1 212 555 0101", "+1 416 555 0102", "416 555 0102", ""],
            "email": "Ana@Example.com",
            "first_name": "Ana",
            "country": "US",
            "consent": {"kind": "yes", "channel": "call"},
            "variables": {"balance": 12.5},
            "plan": "gold",
        }
    )
    assert profile_of(contact, None) == Profile(
        contact_id="c7",
        phone="+12125550101",
        alt_phones=("+14165550102",),
        email="ana@example.com",
        zones=("America/New_York",),
        zone_sources={"phone": ("America/New_York",)},
        jurisdictions=("US", "US-NY"),
        jurisdiction_sources={"country": ("US",), "phone": ("US-NY",)},
        consents=(Consent(kind="express", channel="call"),),
        variables={"first_name": "Ana", "email": "Ana@Example.com", "country": "US", "plan": "gold", "balance": 12.5},
    )


def test_what_cannot_be_read_is_said() -> None:
    contact = Contact.model_validate(
        {"id": "c1", "phone": "555", "country": "US", "alt_phones": ["x"], "email": "ana", "timezone": "EST"}
    )
    profile = profile_of(contact, None)
    assert (profile.phone, profile.alt_phones, profile.email) == (None, (), None)
    assert profile.zones == ("America/New_York",)
    assert [problem[:12] for problem in profile.problems] == ["phone '555' ", "phone 'x' is", "email 'ana' ", "time zone 'E"]


def test_zones_come_from_address_and_number_and_keep_their_sources() -> None:
    contact = Contact(id="c1", phone="212 555 0101", country="US", postal_code="2139", state="MA", timezone="")
    assert profile_of(contact).zone_sources == {"postal_code": ("America/New_York",), "phone": ("America/New_York",)}
    moved = profile_of(Contact(id="c1", phone="+12125550101", postal_code="94103"))
    assert moved.zones == ("America/Los_Angeles", "America/New_York")
    assert moved.zone_sources == {"postal_code": ("America/Los_Angeles",), "phone": ("America/New_York",)}
    assert decode(encode(moved), Profile) == moved
    lost = profile_of(Contact(id="c1", phone="+12125550101", postal_code="99999"))
    assert lost.zones == ("America/New_York",)
    assert lost.problems == ("postal code '99999' is not known in the US, so it is ignored: write one such as 10007",)


def test_opt_outs_stay() -> None:
    entry = OptOutEntry(scope="all", source="call", at=1, cause="e1")
    before = Profile(contact_id="c1", known=False, opt_outs=(entry,), stamp=(3, 4))
    profile = profile_of(Contact.model_validate({"id": "c1", "phone": "+12125550101"}), before)
    assert profile.opt_outs == (entry,)
    assert profile.known


TEXT = (
    st.none()
    | st.text(max_size=20)
    | st.sampled_from(["+12125550101", "2125550102", "a@b.example", "EST", "Europe/London", "US", "GB", "10007", "8014", "AZ"])
)


@settings(max_examples=300)
@given(TEXT, st.lists(TEXT.filter(lambda t: t is not None), max_size=3), TEXT, TEXT, TEXT, TEXT)
def test_any_contact_has_a_profile(
    phone: str | None, others: list[str], email: str | None, zone: str | None, country: str | None, place: str | None
) -> None:
    contact = Contact(
        id="c", phone=phone, alt_phones=others, email=email, timezone=zone, country=country, postal_code=place, state=place
    )
    profile = profile_of(contact, None)
    assert decode(encode(profile), Profile) == profile
    assert profile_of(contact, profile) == profile
    wanted = sum(bool(text and text.strip()) for text in (phone, *others, email))
    assert len(profile.addresses) + len(profile.problems) >= min(wanted, 1)
