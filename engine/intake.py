"""What Outdial keeps of a contact: addresses in canonical form, zones with their sources, variables. Done once, at intake.

What cannot be read becomes a problem in words: the person stays, with whatever can be read, and `explain` shows the rest.
"""

from engine.consent_records import consents_of
from engine.errors import RecordError
from engine.jurisdictions import jurisdictions_of
from engine.phone import Phone, canonical_address, parse_phone
from engine.zones import zone_set
from schemas.contact import Contact
from schemas.rows import Profile


def profile_of(contact: Contact, previous: Profile | None = None) -> Profile:
    """The contact's profile. Opt-outs are the person's: those of `previous` stay whatever the contact now says. Never raises."""
    problems: list[str] = []
    phone = _phone(contact.phone, contact.country, problems)
    others = [_phone(text, contact.country, problems) for text in contact.alt_phones]
    numbers = dict.fromkeys(other.e164 for other in others if other)
    zones = zone_set(contact.timezone, phone, contact.postal_code, contact.state, contact.country)
    email = _email(contact.email, problems)
    places, told = jurisdictions_of(phone, contact.postal_code, contact.state, contact.country)
    return Profile(
        contact_id=contact.id,
        phone=phone.e164 if phone else None,
        alt_phones=tuple(number for number in numbers if not phone or number != phone.e164),
        email=email,
        zones=zones.zones,
        zone_sources=zones.sources,
        jurisdictions=places,
        jurisdiction_sources=dict(told),
        variables=contact.all_variables(),
        consents=consents_of(contact.consent, problems),
        attempts=previous.attempts if previous else (),
        opt_outs=previous.opt_outs if previous else (),
        problems=(*problems, *zones.problems),
    )


def _phone(text: str | None, country: str | None, problems: list[str]) -> Phone | None:
    if not text or not text.strip():
        return None
    try:
        return parse_phone(text, country)
    except RecordError as error:
        problems.append(str(error))
        return None


def _email(text: str | None, problems: list[str]) -> str | None:
    if not text or not text.strip():
        return None
    try:
        return canonical_address("email", text)
    except RecordError as error:
        problems.append(str(error))
        return None
