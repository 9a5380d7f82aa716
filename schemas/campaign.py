"""The campaign file, and the two records it becomes. Topic `campaigns` (one partition, compact).

Only keys that are enforced are in the model; any other key is refused, never ignored (design rule 19). `engine/plan.py` turns a
file into what the engine runs on and reports what the types alone cannot see.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from schemas.base import Wire

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
#: What may stand between the braces of a template.
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
#: An environment variable.
EnvName = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=200)]


class Part(BaseModel):
    """A part of the campaign file: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _described(text: str, example: Any = None, default: Any = None, **bounds: Any) -> Any:
    """An optional key with what editors and complaints say of it."""
    return Field(default, description=text, examples=None if example is None else [example], **bounds)


def _needed(text: str, example: Any, **bounds: Any) -> Any:
    """A key that must be there."""
    return Field(description=text, examples=[example], **bounds)


#: `X | a word`: complaints are about the one that was meant. The tags do not stand in files; complaints leave them out.
_WORD, _KEYS = Tag("|word"), Tag("|keys")
_MEANT = Discriminator(lambda value: _KEYS.tag if isinstance(value, dict | BaseModel) else _WORD.tag)


def _one_of(*keys: str) -> ConfigDict:
    """Tells editors that exactly one of these belongs here (`a b`: both keys); engine/faults.py says it better."""
    return ConfigDict(json_schema_extra={"allOf": [{"oneOf": [{"required": [*key.split()]} for key in keys]}]})


class Numbers(Part):
    """Caller IDs: by tag, or a list of E.164 numbers, exactly one of the two; and which of them a person is called from."""

    model_config = _one_of("tag", "list")

    tag: str | None = _described("all numbers of the resources that have this tag", "sales-us")
    listed: list[str] | None = _described("numbers of the resources, in E.164", ["+12125550101"], alias="list")
    presence: Literal["local", "any"] = _described(
        "local: from a number of the called number's area code, else of the person's state, else country; any: it does not matter",
        "local",
        "any",
    )
    rotate: Literal["person", "call"] = _described(
        "person: the same number each time; call: the next one with each attempt", "call", "person"
    )


class Timezone(Part):
    """`use: contact` with a fallback for those whose zone nothing tells, or `use: fixed` with one zone for all."""

    use: Literal["contact", "fixed"] = _described("whose clock counts: the contact's own, or one for all", default="contact")
    fallback: str | None = _described("with use: contact, the IANA zone of those whose zone nothing tells", "America/New_York")
    zone: str | None = _described("with use: fixed, the IANA zone for everybody", "Europe/London")


class WindowPart(Part):
    """When people may be contacted. weekly: days (`mon`, `mon-fri`, `sat,sun`) to intervals (`09:00-12:00`)."""

    weekly: dict[str, list[str]] = _needed(
        "days to hours; 22:00-02:00 crosses midnight, 24:00 may end a day", {"mon-fri": ["09:00-12:00", "13:00-19:00"]}
    )
    timezone: Timezone = _needed("whose clock counts", {"use": "contact", "fallback": "America/New_York"})
    holidays: list[str] = _described("presets, closed all day: us-federal, or a country or subdivision", ["us-federal"], [])
    blackout: list[str] = _described("dates and ranges, closed all day", ["2026-12-24", "2026-12-28..2026-12-31"], [])
    overrides: dict[str, list[str]] = _described(
        "dates with other hours, which lift holidays, not blackouts", {"2026-11-27": ["10:00-13:00"]}, {}
    )
    ring_timeout: str = _described("how long a phone may ring: no call is placed later than this before the end", "30s", "30s")


class Timing(Part):
    """When a step is taken, within the campaign's window: in hours of its own, at a time of the person's day, or both."""

    window: dict[str, list[str]] | None = _described("days to hours, as in window.weekly", {"mon-fri": ["10:00-12:00"]})
    at: str | None = _described("not before the clock next reads this, where the person is", "10:00")


class LatePart(Part):
    """What happens to a step that could not be taken in time."""

    after: str = _needed("how much later than it fell due: 30m, 4h, 1 day", "4h")
    do: Literal["call", "skip", "exit"] = _needed(
        "call: take it all the same, as soon as it may be; skip: go on behind it; exit: leave, expired", "skip"
    )


class RulesPart(Part):
    """Legal rules: a pack and its version. Not legal advice."""

    pack: str = _needed("us or uk", "us")
    version: str = _needed("the version of the pack", "2026-11")


class CapPart(Part):
    """A limit of attempts in a rolling window, for each number and each person: `max` and `per`, or a `gap` between two."""

    model_config = _one_of("max per", "gap")

    max: int | None = _described("at most so many attempts", 3, ge=1, le=1000)
    per: str | None = _described("within any time of this length: 24h; 7 days are 168h, 31 days 744h, the longest", "24h")
    gap: str | None = _described("instead: at least so long between two attempts", "3h")
    scope: Literal["campaign", "all"] = _described("whose attempts count: this campaign's, or all campaigns'", default="campaign")
    channel: Literal["call", "sms", "email", "any"] = _described("which attempts count", default="any")


class BudgetPart(Part):
    """What may be used on one day, from midnight to midnight where the campaign is: calls, money, or both."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["calls"]}, {"required": ["money"]}]})

    calls: int | None = _described("calls that are placed on one day", 500, ge=1, le=10_000_000)
    money: float | None = _described(
        "what calls and messages may cost on one day, in the currency of the provider", 20.0, ge=0.01, le=1_000_000_000
    )


class ListPart(Part):
    """A suppression list that must have been imported, and not be too old."""

    id: Id = _needed("the list's name, as in suppress import --list", "us-national")
    max_age: str = _needed("nobody is contacted while the list is older", "31 days")


class RetryPart(Part):
    """After this disposition: try the same step again, `after` the end of the call, at most `max` times."""

    after: str = _needed("how long after the end of the call: 30s, 15m, 4h, or 1 day at the same wall time", "15m")
    max: int = _needed("how often", 2, ge=1, le=20)
    backoff: float = _described("each further time so many times as long", 2, 1, ge=1, le=10)
    another_time: str | None = _described(
        "at another time of the person's day, at least so far from those that failed, if one comes within three days", "2h"
    )


class CallPart(Part):
    """A phone call by an agent."""

    agent: str | None = _described("an agent of the resources; left out, the campaign's", "renewals-agent")


class SmsPart(Part):
    """A text message. `{{name}}` stands for a variable of the contact, `{{name|there}}` for it or, if empty, `there`."""

    template: str = _needed("the text; {{first_name}} stands for a variable of the contact", "Hi {{first_name}}", min_length=1)


class EmailPart(Part):
    """An email. `{{name}}` stands for a variable of the contact, as in a text message; in the subject too."""

    sender: str | None = _described("who it is from; left out, as the provider has it", "Ana <ana@example.com>", alias="from")
    subject: str = _needed("its subject", "Your renewal, {{first_name}}", min_length=1)
    template: str = _needed("its text", "Hi {{first_name}}, ...", min_length=1)


class StepPart(Part):
    """One step: exactly one of call, sms, email, wait, exit."""

    model_config = _one_of("call", "sms", "email", "wait", "exit")

    id: Id = _needed("the step's name in this campaign", "first-call")
    when: str | None = _described(
        "a condition (CEL) on last, attempts, contact and local; left out, always", 'last.disposition == "voicemail"'
    )
    call: CallPart | None = _described("call the person; {} with the campaign's agent", {})
    sms: SmsPart | None = _described("send a text message")
    email: EmailPart | None = _described("send an email")
    wait: str | None = _described(
        "wait: 30s, 15m, 24h are exact; 1 day is the same wall time on the next day, 2 business days skip closed ones", "1 day"
    )
    exit: Literal["completed", "goal", "expired", "unreachable"] | None = _described("leave, with this reason", "completed")
    then: Id | None = _described("the step that follows once this one is over; left out, the next; end leaves", "text")
    otherwise: Id | None = _described("the step that follows if this one is not taken; left out, the next", "second-call")
    max_visits: int | None = _described(
        "how often a person may come to this step, where a way leads back to it; after that it is not taken", 3, ge=1, le=50
    )
    timing: Annotated[Annotated[Literal["earliest"], _WORD] | Annotated[Timing, _KEYS], _MEANT] = _described(
        "when, within the campaign's window: earliest, or hours of its own", {"window": {"mon-fri": ["10:00-12:00"]}}, "earliest"
    )
    late: LatePart | None = _described("what becomes of it when it is too late; left out, it is taken as soon as it may be")
    retry: dict[str, RetryPart] = _described("after which dispositions to try again", {"busy": {"after": "15m", "max": 2}}, {})
    max_attempts: int | None = _described("attempts in this step, retries of all kinds counted", 4, ge=1, le=50)


class WebhookPart(Part):
    """An HTTP request (POST, JSON), signed as Standard Webhooks has it, and repeated until it is answered 2xx."""

    url: str = _needed("where to: https, or http to this machine", "https://crm.example.com/outdial", max_length=2000)
    secret_env: EnvName = _needed("the workers' environment variable that holds the secret it is signed with", "CRM_WEBHOOK_SECRET")


class RecordPart(Part):
    """A record on the topic crm-updates."""

    name: Id = _needed("what it is called there", "renewal-reached")


class SuppressPart(Part):
    """No further contacts: the number that was called; after an exit, all the addresses of the person."""

    scope: Literal["all", "campaign", "call", "sms", "email"] = _needed(
        "for everything, for this campaign, or by one channel", "campaign"
    )


class ActionPart(Part):
    """What is done after an outcome or an exit: exactly one of webhook, sms, email, event, suppress."""

    model_config = _one_of("webhook", "sms", "email", "event", "suppress")

    id: Id = _needed("the action's name in this campaign", "tell-crm")
    on: list[str] = _needed(
        "after which outcomes: dispositions, opt_out, callback, or exited:<reason>", ["answered", "exited:goal"], min_length=1
    )
    webhook: WebhookPart | None = _described("tell a server of it")
    sms: SmsPart | None = _described("send the person a text message")
    email: EmailPart | None = _described("send the person an email")
    event: RecordPart | None = _described("write a record for a CRM", {"name": "renewal-reached"})
    suppress: SuppressPart | None = _described("contact the person no more", {"scope": "campaign"})


class ReentryPart(Part):
    """Whether somebody who has left may enter again."""

    max: int = _needed("how often a person may enter, the first time counted", 3, ge=1, le=1000)
    after: str | None = _described("how long after the exit before, at the earliest", "30 days")


class ExpirePart(Part):
    """A resume policy: what a pause has held up for longer than this is skipped."""

    expire: str = _needed("steps that a pause has held up for longer are skipped", "24h")


class PauseWhenPart(Part):
    """When a worker pauses the campaign by itself, and says so with an `alert` event. Each worker counts what it reads itself."""

    config_errors: int | None = _described("so many config_error in a row", 3, ge=1, le=1000)
    opt_out_rate: str | None = _described("this share of the last calls, or more, asked not to be contacted again", "5%")
    answer_rate_below: str | None = _described("less than this share of the last calls was answered by a person", "5%")
    over: str = _described("how many calls that is: before there are so many, no rate is looked at", "200 calls", "200 calls")


class CampaignFile(Part):
    """A campaign: who calls, when, in which steps, and when to stop."""

    id: Id = _needed("the campaign's name in commands, for ever", "spring-renewals")
    name: str | None = _described("what people call it", "Spring renewals")
    purpose: Literal["marketing", "informational", "collections"] | None = _described("what it is for")
    countries: list[str] | None = _described("whose numbers may be contacted (ISO 3166); left out: all", ["US", "CA"], min_length=1)
    agent: str | None = _described("an agent of the resources: who calls, unless a step names another", "renewals-agent")
    numbers: Numbers | None = _described("the caller IDs; needed by calls and text messages", {"tag": "sales-us"})
    line: str = _needed("a line of the resources: its rate and concurrency hold", "main")
    concurrency: int | None = _described("this campaign's calls at a time; left out, as many as its line has", 10, ge=1)
    weight: int = _described(
        "its part of the line beside other campaigns: one of 3 gets three slots where one of 1 gets one", 3, 1, ge=1, le=100
    )
    priority: Literal["high", "normal", "low"] = _described("counts ten times, once, or a tenth of the weight", "high", "normal")
    budget: BudgetPart | None = _described("what may be used on one day", {"calls": 500, "money": 20.0})
    variables: list[Name] | None = _described(
        "names that contacts bring beside their fields; once given, templates may use no others", ["plan", "renewal_date"]
    )
    window: WindowPart = _needed("when people may be contacted", {})
    rules: Annotated[Annotated[Literal["none"], _WORD] | Annotated[RulesPart, _KEYS], _MEANT] | None = _described(
        "the legal rules that hold; without any, write none", {"pack": "us", "version": "2026-11"}
    )
    caps: list[CapPart] = _described("limits of attempts in rolling windows", [{"max": 3, "per": "24h"}], [])
    lists: list[ListPart] = _described(
        "suppression lists that must be there and up to date", [{"id": "us-national", "max_age": "31 days"}], []
    )
    flow: list[StepPart] = _needed("the steps, in order", [{"id": "call", "call": {}}], min_length=1)
    dispositions: dict[str, str] = _described(
        "dispositions that mean another one in this campaign, those of a provider's own too", {"answered_silent": "answered"}, {}
    )
    callbacks: int = _described(
        "how often a person may ask to be called back; after that an answer is an answer", 3, 3, ge=0, le=20
    )
    max_call: str = _described("how long a call may take, from the answer", "10m", "1h")
    goals: list[Name] = _described("events from outside that end it for a person, with the reason goal", ["paid", "called_us"], [])
    reentry: ReentryPart | None = _described("whether people may enter again; left out, once and never again")
    actions: list[ActionPart] = _described(
        "what is done after outcomes and exits, beside the flow",
        [{"id": "tell-crm", "on": ["answered"], "event": {"name": "reached"}}],
        [],
    )
    exit: list[Literal["answered", "opted_out", "unreachable"]] = _described(
        "what ends it for a person, before the flow does", default=["answered", "opted_out", "unreachable"]
    )
    resume: Annotated[Annotated[Literal["hold", "shift"], _WORD] | Annotated[ExpirePart, _KEYS], _MEANT] = _described(
        "what a pause means for steps that fall due in it: hold (they are overdue), shift (they move by its length), or expire",
        {"expire": "24h"},
        "hold",
    )
    ramp: str | None = _described("over how long what is overdue after a pause is let out, ever faster; left out: at once", "10m")
    pause_when: PauseWhenPart | None = _described("when a worker pauses it by itself", {"config_errors": 3})


class CampaignState(StrEnum):
    """Lifecycle of a campaign. docs/lifecycle.md has the diagram."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"  # runs from the head's `starts_at` on
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"  # runs for those inside, admits nobody new
    ENDED = "ended"  # for ever


class Pause(BaseModel):
    """One pause of a campaign, in a head. Instants are UTC ms on the campaign's clock."""

    model_config = ConfigDict(extra="allow", frozen=True)

    begin: int = Field(description="from when on nobody was contacted")
    end: int | None = Field(default=None, description="when it was resumed; left out: it has not been")
    policy: str = Field(default="hold", description="what became of steps that fell due in it: hold, shift, expire, draft")
    older: int = Field(default=0, description="with expire: ms for which the pause had to hold up a step to have it skipped")
    ramp: int = Field(default=0, description="ms over which what was overdue at its end was let out; 0: at once")
    reason: str | None = Field(default=None, description="why, if a worker paused it or somebody said")


class CampaignVersion(Wire):
    """An immutable version of a campaign file. Key: id@version."""

    id: str = Field(description="id of the campaign")
    version: int = Field(ge=1, description="counts from 1")
    file: dict[str, Any] = Field(description="the campaign file, as it was applied")
    at: int = Field(description="UTC ms on the campaign's clock")

    @property
    def key(self) -> str:
        return f"{self.id}@{self.version}"


class CampaignHead(Wire):
    """What a campaign is now: its state and current version. Key: id."""

    id: str = Field(description="id of the campaign")
    version: int = Field(ge=1, description="the current version")
    state: CampaignState = Field(description="draft, scheduled, running, paused, draining or ended, which is final")
    at: int = Field(description="UTC ms on the campaign's clock, since when it is in this state")
    starts_at: int | None = Field(default=None, description="scheduled: UTC ms on the campaign's clock, from when on it runs")
    draining: bool = Field(default=False, description="nobody new is admitted any more, not after a pause either")
    pauses: list[Pause] = Field(default=[], description="its pauses, the newest last; old ones without consequences are left out")

    @property
    def key(self) -> str:
        return self.id
