"""Turns a campaign file into a Plan. A file with faults becomes none: engine/faults.py finds them all at once."""

from collections.abc import Mapping
from typing import Any

from engine.caps import Cap
from engine.compile_actions import compile_action, email_of
from engine.compile_hours import fixed_zone, hours_of, window_of, zone_of
from engine.compile_lifecycle import limits_of, resume_of
from engine.conditions import compile_condition
from engine.delays import length_of, parse_delay, parse_ms
from engine.errors import OutdialError
from engine.faults import Fault, faults
from engine.phone import parse_phone
from engine.plan import Channel, Contacting, Exiting, Late, Plan, Reentry, Retry, Step, Waiting
from engine.quotas import MILLION, PRIORITIES, Budget, Quota
from engine.resources import ResourceIndex
from engine.rulepack import load_pack
from engine.rules import Rules
from engine.time import Delay
from engine.weekly import parse_time
from schemas.campaign import CampaignFile, CapPart, LatePart, ReentryPart, RetryPart, RulesPart, StepPart, Timing

__all__ = ["Fault", "ResourceIndex", "compile_plan", "faults"]


def compile_plan(file: CampaignFile | Mapping[str, Any], version: int, resources: ResourceIndex | None = None) -> Plan:
    """The plan of a campaign file. Raises OutdialError with every fault.

    Without `resources` the names it refers to are not looked up: a version was checked when it was applied, and must stay readable
    when a number or an agent of it is gone.
    """
    data = file.model_dump(by_alias=True, exclude_unset=True) if isinstance(file, CampaignFile) else dict(file)
    if found := faults(data, resources):
        what = "; ".join(str(fault) for fault in found)
        raise OutdialError(f"campaign {data.get('id')!r} cannot be used: {what}")
    return _plan(CampaignFile.model_validate(data), version)


def _plan(file: CampaignFile, version: int) -> Plan:
    fixed = fixed_zone(file.window)
    return Plan(
        campaign=file.id,
        version=version,
        line=file.line,
        steps=tuple(_step(step, file.agent, fixed_zone(file.window)) for step in file.flow),
        window=window_of(file.window),
        fallback_zone=None if fixed else zone_of(file.window.timezone.fallback),
        fixed_zone=fixed,
        exits=frozenset(file.exit),
        numbers_tag=file.numbers.tag if file.numbers else None,
        presence=file.numbers.presence if file.numbers else "any",
        rotate=file.numbers.rotate if file.numbers else "person",
        purpose=file.purpose,
        resume=resume_of(file),
        pause_when=limits_of(file),
        rules=_rules(file),
        caps=tuple(map(_cap, file.caps)),
        meanings=dict(file.dispositions),
        callbacks=file.callbacks,
        max_call=parse_ms(file.max_call),
        goals=frozenset(file.goals),
        reentry=_reentry(file.reentry),
        actions=tuple(compile_action(part, file.id) for part in file.actions),
        quota=_quota(file, fixed or zone_of(file.window.timezone.fallback)),
        lists=tuple((part.id, length_of(part.max_age)) for part in file.lists),
        countries=None if file.countries is None else frozenset(file.countries),
        numbers_list=tuple(sorted({parse_phone(text).e164 for text in (file.numbers and file.numbers.listed) or ()})),
    )


def _cap(part: CapPart) -> Cap:
    """A gap is a limit of one attempt."""
    most, per = (1, part.gap) if part.gap else (part.max or 0, part.per or "")
    return Cap(most, parse_ms(per), part.scope == "all", None if part.channel == "any" else part.channel)


def _quota(file: CampaignFile, zone: str | None) -> Quota:
    """Money in the file is in the provider's currency unit; the day is that of the campaign's zone."""
    part, budget = file.budget, None
    if part is not None:
        budget = Budget(part.calls, None if part.money is None else round(part.money * MILLION), zone or "UTC")
    return Quota(file.weight * PRIORITIES[file.priority], file.concurrency, budget)


def _rules(file: CampaignFile) -> Rules | None:
    if not isinstance(file.rules, RulesPart) or file.purpose is None:
        return None
    return Rules(load_pack(file.rules.pack, file.rules.version), file.purpose)


def _reentry(part: ReentryPart | None) -> Reentry | None:
    if part is None:
        return None
    return Reentry(part.max, parse_delay(part.after) if part.after else Delay())


def _step(step: StepPart, agent: str | None, zone: str | None) -> Step:
    way: dict[str, Any] = {
        "when": compile_condition(step.when) if step.when is not None else None,
        "then": step.then,
        "otherwise": step.otherwise,
        "max_visits": step.max_visits,
    }
    if step.wait is not None:
        return Waiting(step.id, parse_delay(step.wait), **way)
    if step.exit is not None:
        return Exiting(step.id, step.exit, **way)
    return Contacting(step.id, **way, **_contact(step, agent), **_timing(step, zone))


def _contact(step: StepPart, agent: str | None) -> dict[str, Any]:
    """How the person is contacted."""
    if step.sms is not None:
        return {"channel": Channel.SMS, "template": step.sms.template}
    if step.email is not None:
        return {"channel": Channel.EMAIL, **email_of(step.email)}
    own = step.call.agent if step.call else None
    return {"channel": Channel.CALL, "agent": own or agent}


def _timing(step: StepPart, zone: str | None) -> dict[str, Any]:
    """When, how late, and how often."""
    at = step.timing.at if isinstance(step.timing, Timing) else None
    return {
        "hours": hours_of(step, zone),
        "at": None if at is None else parse_time(at),
        "late": _late(step.late),
        "retry": {name: _retry(part) for name, part in step.retry.items()},
        "max_attempts": step.max_attempts,
    }


def _late(part: LatePart | None) -> Late | None:
    return None if part is None else Late(length_of(part.after), part.do)


def _retry(part: RetryPart) -> Retry:
    return Retry(parse_delay(part.after), part.max, part.backoff, parse_ms(part.another_time) if part.another_time else 0)
