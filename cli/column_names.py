"""Names of columns: those in the exports of HubSpot, Salesforce, GoHighLevel, Google and Outlook contacts, and of daily use."""

import re
import unicodedata
from functools import lru_cache

#: Field -> names of columns that mean it, the best first, as `plain` writes them.
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "contact_id", "record_id", "record_id_contact", "lead_id", "customer_id", "external_id", "person_id"),
    "phone": (
        *("phone", "phone_number", "phone1", "phone_1", "phone_1_value", "primary_phone", "main_phone"),
        *("mobile", "mobile_phone", "mobile_phone_number", "mobile_number", "cell", "cell_phone"),
        *("home_phone", "business_phone", "work_phone"),
    ),
    "alt_phone": ("alt_phone", "alt_phones", "additional_phones"),
    "email": (
        *("email", "email_address", "e_mail", "e_mail_address", "e_mail_1_value", "email_1_value"),
        *("primary_email", "work_email", "mail", "personal_email"),
    ),
    "first_name": ("first_name", "firstname", "given_name", "fname", "first", "vorname", "prenom", "nombre"),
    "last_name": ("last_name", "lastname", "surname", "family_name", "lname", "last", "nachname", "nom", "apellido", "apellidos"),
    "timezone": ("timezone", "time_zone", "tz", "iana_timezone"),
    "postal_code": (
        *("postal_code", "zip", "zip_code", "zipcode", "postcode", "post_code", "postal", "zip_postal_code"),
        *("mailing_postal_code", "mailing_zip_postal_code", "address_1_postal_code", "home_postal_code", "business_postal_code"),
        *("plz", "codigo_postal", "code_postal"),
    ),
    "state": (
        *("state", "state_region", "state_province", "province", "mailing_state", "mailing_state_province"),
        *("address_1_region", "home_state", "business_state"),
    ),
    "country": (
        *("country", "country_region", "country_code", "mailing_country", "address_1_country"),
        *("home_country_region", "business_country_region", "land", "pays", "pais"),
    ),
    "consent": ("consent", "consent_kind", "consent_type", "consent_status", "tcpa_consent"),
    "consent_at": ("consent_at", "consent_date", "consent_time", "consent_timestamp", "consent_given_at"),
    "consent_source": ("consent_source", "consent_proof", "consent_url"),
    "consent_expires_at": ("consent_expires_at", "consent_expires", "consent_expiry", "consent_until"),
}

#: What a consent column is the head of: without one they are variables.
ABOUT_CONSENT = ("consent_at", "consent_source", "consent_expires_at")

#: What the rejects file adds to the columns it was made from; left out when it is imported again.
REJECT_COLUMNS = ("rejected_row", "rejected_code", "rejected_reason", "suggested_fix")

_FIELDS = {name: field for field, names in NAMES.items() for name in names}
#: A column whose name has one of these words holds phone numbers ...
_PHONE = frozenset(
    (
        *("phone", "phones", "telephone", "telefon", "telefono", "telefone", "tel", "mobile", "mobil", "movil"),
        *("cell", "cellphone", "cellular", "celular", "handy", "portable"),
    )
)
#: ... unless it has one of these: then it tells about a number, or the number is somebody else's.
_NO_PHONE = frozenset(
    (
        *("type", "label", "ext", "extension", "opt", "optin", "consent", "verified", "status", "valid", "validated", "carrier"),
        *("code", "country", "fax", "date", "time", "at", "count", "calls", "notes", "id", "provider", "model", "os"),
        *("assistant", "assistants", "company", "emergency", "radio", "car", "tty", "tdd", "isdn", "telex", "callback", "pager"),
    )
)


@lru_cache(maxsize=4_096)
def plain(title: str) -> str:
    """A column's name in the form names are compared in, which is also the variable's: `Phone 1 - Value` is phone_1_value."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title.strip())
    return re.sub(r"[\W_]+", "_", words.casefold()).strip("_")


def field_of(title: str) -> str | None:
    """The field that a column's name means; None: it is a variable."""
    name = unicodedata.normalize("NFKD", plain(title)).encode("ascii", "ignore").decode()
    if name in _FIELDS:
        return _FIELDS[name]
    words = set(re.sub(r"(?<=[a-z])(?=\d)", "_", name).split("_"))
    return "alt_phone" if words & _PHONE and not words & _NO_PHONE else None
