"""The only list of topics: name, key, value models, whether partitioned, cleanup, retention.

All partitioned topics have the same number of partitions and Kafka's murmur2 partitioning, so partition p of everything is on one
worker. What advances a flow is keyed by contact id; what limits an address is keyed by the address.
"""

from dataclasses import dataclass
from typing import Any, Literal

from schemas.campaign import CampaignHead, CampaignVersion
from schemas.command import Dial, Link, Revoke, Unlink
from schemas.contact import Contact
from schemas.crm import CrmUpdate
from schemas.deadletter import DeadLetter
from schemas.decision import Decision
from schemas.enrollment import Act, Callback, Enroll, Goal, OptOut, Unenroll
from schemas.event import Event
from schemas.line import Demand, Grant
from schemas.outcome import Outcome
from schemas.receipt import Receipt
from schemas.resources import Agent, Halt, Line, Number, SuppressionList
from schemas.rows import ActionRow, EnrollmentRow, LedgerRow, LinkRow, Profile, TotalsRow
from schemas.suppression import Suppression

Cleanup = Literal["compact", "delete"]
Side = Literal["in", "out", "inside"]
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. `key` says in words what it is partitioned by; `models` are the records it carries.

    side: who has to do with it beside the workers: others write what is *in*, others read what is *out*, *inside* is Outdial's own.
    about: what it holds, for the reference.
    """

    name: str
    key: str
    models: tuple[type[Any], ...]
    cleanup: Cleanup = "delete"
    retention_ms: int | None = 14 * DAY_MS
    partitioned: bool = True
    side: Side = "inside"
    about: str = ""


def _in(name: str, key: str, models: tuple[type[Any], ...], about: str) -> TopicSpec:
    return TopicSpec(name, key, models, side="in", about=about)


def _out(name: str, key: str, model: type[Any], about: str) -> TopicSpec:
    return TopicSpec(name, key, (model,), side="out", about=about)


def _compact(name: str, key: str, *models: type[Any], about: str, partitioned: bool = True, side: Side = "inside") -> TopicSpec:
    return TopicSpec(name, key, models, "compact", None, partitioned, side, about)


CAMPAIGNS = _compact(
    "campaigns",
    "id@version, id",
    CampaignVersion,
    CampaignHead,
    partitioned=False,
    about="Immutable versions of campaign files, and for each campaign a head with its state and current version. "
    "`outdial campaign` writes it.",
)
RESOURCES = _compact(
    "resources",
    "kind/id",
    Agent,
    Number,
    Line,
    Halt,
    SuppressionList,
    partitioned=False,
    about="Agents, caller IDs and lines (`outdial resources apply`), halts (`outdial halt`), imported suppression lists.",
)
CONTACTS = _compact("contacts", "contact_id", Contact, side="in", about="People, as an import or a CRM knows them.")
CONTACTS_CDC = TopicSpec("contacts-cdc", "as the connector keys it", (), about="Change records of a CRM. Nothing reads it yet.")
ENROLLMENTS = _in(
    "enrollments",
    "contact_id",
    (Enroll, Unenroll, OptOut, Callback, Goal, Act),
    "Who enters a campaign, who leaves, who opts out, who asks for a call, whose goal is reached; and actions to run again.",
)
OPT_OUTS = TopicSpec(
    "opt-outs",
    "contact_id",
    (OptOut,),
    about="Opt-outs that the dialer hands to the contacts of an address: never behind an import.",
)
CONTACT_PROFILES = _compact(
    "contact-profiles", "contact_id", Profile, about="Changelog of a table: what is known of a person, normalised."
)
STEP_TIMERS = _compact(
    "step-timers",
    "contact_id/campaign/entry, by contact_id",
    EnrollmentRow,
    TotalsRow,
    about="Changelog of a table: where each enrollment stands and when its step falls due.",
)
POST_CALL_ACTIONS = _compact(
    "post-call-actions",
    "action_id, by contact_id",
    ActionRow,
    about="Changelog of a table: webhooks and messages after calls that are not done yet, and when they are tried again.",
)
LINE_EVENTS = TopicSpec(
    "line-events", "line", (Demand,), retention_ms=DAY_MS, about="What each partition could use of a line right now."
)
LINE_SLOTS = TopicSpec(
    "line-slots", "the partition that asked", (Grant,), retention_ms=DAY_MS, about="Slots granted by a line's owner."
)
DIAL_COMMANDS = TopicSpec(
    "dial-commands", "address", (Dial, Revoke, Link, Unlink), about="Commands to the dialer of a number's partition."
)
DIAL_RECEIPTS = TopicSpec(
    "dial-receipts", "address", (Receipt,), about="All that a provider says of a command: answers, webhooks, look-ups."
)
DIAL_LEDGER = _compact(
    "dial-ledger",
    "address, address|contact_id",
    LedgerRow,
    LinkRow,
    about="Changelog of a table: all that limits a number, its commands and suppressions, and who can be reached there.",
)
SUPPRESSIONS = _in("suppressions", "address", (Suppression,), "Addresses that must not be contacted, and those that may again.")
CALL_OUTCOMES = _out("call-outcomes", "contact_id", Outcome, "How each command ended: one closing record each.")
CAMPAIGN_EVENTS = _out("campaign-events", "contact_id", Event, "What happened to each enrollment, from enrolled to exited.")
CRM_UPDATES = _out(
    "crm-updates", "contact_id", CrmUpdate, "What campaigns tell a CRM of people: the action `event` of their files."
)
DECISIONS = _out("decisions", "address", Decision, "Why a call was, or was not, placed: the gate's answers.")
DEAD_LETTERS = _out("dead-letters", "source key", DeadLetter, "Records that could not be used, untouched, and why.")

TOPICS: tuple[TopicSpec, ...] = (
    CAMPAIGNS,
    RESOURCES,
    CONTACTS,
    CONTACTS_CDC,
    ENROLLMENTS,
    OPT_OUTS,
    CONTACT_PROFILES,
    STEP_TIMERS,
    POST_CALL_ACTIONS,
    LINE_EVENTS,
    LINE_SLOTS,
    DIAL_COMMANDS,
    DIAL_RECEIPTS,
    DIAL_LEDGER,
    SUPPRESSIONS,
    CALL_OUTCOMES,
    CAMPAIGN_EVENTS,
    CRM_UPDATES,
    DECISIONS,
    DEAD_LETTERS,
)

#: Which topic carries a record of this type.
TOPIC_OF: dict[type[Any], TopicSpec] = {model: topic for topic in TOPICS for model in topic.models}
