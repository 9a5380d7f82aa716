"""Which campaigns can be entered, and by whom."""

from collections.abc import Iterable, Sequence

from cli.read import read_heads, read_records
from engine.errors import OutdialError
from engine.phone import parse_phone
from outdial.settings import Settings
from schemas.base import decoder
from schemas.campaign import CampaignState, CampaignVersion
from schemas.rows import Profile
from schemas.topics import CONTACT_PROFILES


def check_open(settings: Settings, campaigns: Sequence[str]) -> list[CampaignVersion]:
    """The current versions of the campaigns. Raises OutdialError unless every one is there and can be entered."""
    if not campaigns:
        return []
    snapshot = read_heads(settings)
    heads = [snapshot.head(name) for name in campaigns]
    for head in heads:
        if head.state is CampaignState.ENDED:
            raise OutdialError(f"campaign {head.id!r} has ended and nobody can enter it: apply the file under another id")
        if head.draining:
            raise OutdialError(f"campaign {head.id!r} is draining and admits nobody new: apply the file under another id")
    return [snapshot.version(head.id, head.version) for head in heads]


def allowed_in(versions: Iterable[CampaignVersion]) -> frozenset[str] | None:
    """The countries (ISO 3166) whose numbers may enter all of these campaigns; None: no campaign limits them."""
    limits = [frozenset(version.file["countries"]) for version in versions if version.file.get("countries") is not None]
    return frozenset.intersection(*limits) if limits else None


def check_countries(settings: Settings, contacts: Iterable[str], allowed: frozenset[str] | None) -> None:
    """Raises OutdialError if a contact's number is of a country that is not allowed. Of one who is not known yet the gate asks."""
    if allowed is None:
        return
    wanted, found = frozenset(contacts), dict[str, str]()
    decode = decoder(Profile).decode
    for raw in read_records(settings, CONTACT_PROFILES):
        if raw.key in wanted and raw.value is not None:
            phone = decode(raw.value).phone
            found[raw.key] = parse_phone(phone).region if phone else "no country"
    for contact in sorted(found):
        if found[contact] not in allowed:
            raise OutdialError(
                f"contact {contact!r} has a number of {found[contact]}: the campaign allows {', '.join(sorted(allowed))}"
            )
