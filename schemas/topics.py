"""The only list of topics: name, key, value models, whether partitioned, cleanup, retention.

All partitioned topics have the same number of partitions and Kafka's murmur2 partitioning, so partition p of everything is on one
worker. What advances a flow is keyed by contact id; what limits an address is keyed by the address.
"""

from dataclasses import dataclass
from typing import Any, Literal

from schemas.campaign import CampaignHead, CampaignVersion
from schemas.command import Dial, Link, Revoke, Unlink
from schemas.contact import Contact
from schemas.deadletter import DeadLetter
from schemas.decision import Decision
from schemas.enrollment import Enroll, OptOut, Unenroll
from schemas.event import Event
from schemas.line import Demand, Grant
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.resources import Agent, Line, Number
from schemas.rows import EnrollmentRow, LedgerRow, LinkRow, Profile, TotalsRow
from schemas.suppression import Suppression

Cleanup = Literal["compact", "delete"]
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. `key` says in words what it is partitioned by; `models` are the records it carries."""

    name: str
    key: str
    models: tuple[type[Any], ...]
    cleanup: Cleanup = "delete"
    retention_ms: int | None = 14 * DAY_MS
    partitioned: bool = True


def _compact(name: str, key: str, *models: type[Any], partitioned: bool = True) -> TopicSpec:
    return TopicSpec(name, key, models, "compact", None, partitioned)


CAMPAIGNS = _compact("campaigns", "id@version, id", CampaignVersion, CampaignHead, partitioned=False)
RESOURCES = _compact("resources", "kind/id", Agent, Number, Line, partitioned=False)
CONTACTS = _compact("contacts", "contact_id", Contact)
CONTACTS_CDC = TopicSpec("contacts-cdc", "as the connector keys it", ())
ENROLLMENTS = TopicSpec("enrollments", "contact_id", (Enroll, Unenroll, OptOut))
CONTACT_PROFILES = _compact("contact-profiles", "contact_id", Profile)
STEP_TIMERS = _compact("step-timers", "contact_id/campaign/entry, by contact_id", EnrollmentRow, TotalsRow)
LINE_EVENTS = TopicSpec("line-events", "line", (Demand,), retention_ms=DAY_MS)
LINE_SLOTS = TopicSpec("line-slots", "the partition that asked", (Grant,), retention_ms=DAY_MS)
DIAL_COMMANDS = TopicSpec("dial-commands", "address", (Dial, Revoke, Link, Unlink))
DIAL_RECEIPTS = TopicSpec("dial-receipts", "address", (Receipt,))
DIAL_LEDGER = _compact("dial-ledger", "address, address|contact_id", LedgerRow, LinkRow)
SUPPRESSIONS = TopicSpec("suppressions", "address", (Suppression,))
CALL_OUTCOMES = TopicSpec("call-outcomes", "contact_id", (Outcome,))
CAMPAIGN_EVENTS = TopicSpec("campaign-events", "contact_id", (Event,))
DECISIONS = TopicSpec("decisions", "address", (Decision,))
DEAD_LETTERS = TopicSpec("dead-letters", "source key", (DeadLetter,))

TOPICS: tuple[TopicSpec, ...] = (
    CAMPAIGNS,
    RESOURCES,
    CONTACTS,
    CONTACTS_CDC,
    ENROLLMENTS,
    CONTACT_PROFILES,
    STEP_TIMERS,
    LINE_EVENTS,
    LINE_SLOTS,
    DIAL_COMMANDS,
    DIAL_RECEIPTS,
    DIAL_LEDGER,
    SUPPRESSIONS,
    CALL_OUTCOMES,
    CAMPAIGN_EVENTS,
    DECISIONS,
    DEAD_LETTERS,
)

#: Which topic carries a record of this type.
TOPIC_OF: dict[type[Any], TopicSpec] = {model: topic for topic in TOPICS for model in topic.models}
