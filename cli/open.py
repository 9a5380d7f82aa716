"""Which campaigns can be entered, and by whom."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cli.read import read_heads, read_records
from engine.errors import OutdialError
from engine.phone import parse_phone
from outdial.settings import Settings
from schemas.base import decoder
from schemas.campaign import CampaignState, CampaignVersion
from schemas.rows import Profile
from schemas.topics import CONTACT_PROFILES


class Entered(NamedTuple):
    """What campaigns want of a person: a number of these countries (ISO 3166, None: of any), an address of one of these kinds."""

    allowed: frozenset[str] | None
    reach: frozenset[str]


#: Kind of address -> the steps that need one.
_REACH = {"phone": ("call", "sms"), "email": ("email",)}


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


def entered_by(versions: Sequence[CampaignVersion]) -> Entered:
    """What all of these campaigns want."""
    return Entered(allowed_in(versions), reach_of(versions))


def reach_of(versions: Sequence[CampaignVersion]) -> frozenset[str]:
    """The kinds of addresses, phone and email, that the steps of these campaigns use; without a campaign, both."""
    steps = [step for version in versions for step in version.file["flow"]]
    kinds = {kind for kind, keys in _REACH.items() if any(step.get(key) is not None for step in steps for key in keys)}
    return frozenset(kinds or _REACH)


def check_countries(settings: Settings, contacts: Iterable[str], allowed: frozenset[str] | None) -> None:
    """Raises OutdialError if a contact's number is of a country that is not allowed. Of one who is not known yet the gate asks, and
    an email address is of no country."""
    if allowed is None:
        return
    wanted, found = frozenset(contacts), dict[str, str]()
    decode = decoder(Profile).decode
    for raw in read_records(settings, CONTACT_PROFILES):
        if raw.key in wanted and raw.value is not None:
            phone = decode(raw.value).phone
            if phone:
                found[raw.key] = parse_phone(phone).region
    for contact in sorted(found):
        if found[contact] not in allowed:
            raise OutdialError(
                f"contact {contact!r} has a number of {found[contact]}: the campaign allows {', '.join(sorted(allowed))}"
            )
