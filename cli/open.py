"""Which campaigns can be entered, and by whom."""

from collections.abc import Iterable, Sequence

from cli.read import read_heads
from engine.errors import OutdialError
from outdial.settings import Settings
from schemas.campaign import CampaignState, CampaignVersion


def check_open(settings: Settings, campaigns: Sequence[str]) -> list[CampaignVersion]:
    """The current versions of the campaigns. Raises OutdialError unless every one is there and can be entered."""
    if not campaigns:
        return []
    snapshot = read_heads(settings)
    heads = [snapshot.head(name) for name in campaigns]
    for head in heads:
        if head.state is CampaignState.ENDED:
            raise OutdialError(f"campaign {head.id!r} has ended and nobody can enter it: apply the file under another id")
    return [snapshot.version(head.id, head.version) for head in heads]


def allowed_in(versions: Iterable[CampaignVersion]) -> frozenset[str] | None:
    """The countries (ISO 3166) whose numbers may enter all of these campaigns; None: no campaign limits them."""
    limits = [frozenset(version.file["countries"]) for version in versions if version.file.get("countries") is not None]
    return frozenset.intersection(*limits) if limits else None
