"""Legal rules as a campaign uses them: hours, limits of attempts, and the consent that is needed, by jurisdiction.

A rule pack (engine/rulepacks/*.yaml) is data with its sources; this file says what it means for one person and one campaign.
"""

from dataclasses import dataclass

from engine.caps import Cap
from engine.layers import Layer


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of a pack, for one purpose."""

    pack: str
    version: str
    purpose: str | None

    def hours(self, jurisdictions: tuple[str, ...]) -> tuple[Layer, ...]:
        """The hours of every place the person may be in: all of them must be open."""
        return ()

    def caps(self, jurisdictions: tuple[str, ...]) -> tuple[Cap, ...]:
        """Limits of attempts, for each number and each person alike."""
        return ()

    def consent(self, jurisdictions: tuple[str, ...], channel: str) -> str:
        """The least consent that a contact by this channel needs: none, express or express_written."""
        return "none"
