"""What the commands need to know of campaigns and resources."""

from collections.abc import Mapping
from typing import Protocol

from engine.plan import Plan
from engine.pools import Pool
from engine.resources import ResourceIndex
from schemas.campaign import CampaignHead
from schemas.resources import Halt, SuppressionList


class Plans(Protocol):
    """Campaigns as they are now (cli.read.Snapshot)."""

    @property
    def heads(self) -> Mapping[str, CampaignHead]: ...

    @property
    def halts(self) -> tuple[Halt, ...]: ...

    @property
    def lists(self) -> tuple[SuppressionList, ...]: ...

    @property
    def resources(self) -> ResourceIndex: ...

    def pool(self, plan: Plan) -> Pool: ...

    def plan(self, campaign: str, version: int) -> Plan:
        """Raises OutdialError for a version that the topic does not hold."""
        ...
