"""Turns a campaign file into a Plan. A file with faults becomes none: engine/faults.py finds them all at once."""

from collections.abc import Mapping
from typing import Any

from engine.caps import Cap
from engine.compile_hours import fixed_zone, hours_of, window_of, zone_of
from engine.compile_lifecycle import limits_of, resume_of
from engine.conditions import compile_condition
from engine.delays import length_of, parse_delay, parse_ms
from engine.errors import OutdialError
from engine.faults import Fault, faults
from engine.phone import parse_phone
from engine.plan import Channel, Contacting, Plan, Retry, Step, Waiting
from engine.resources import ResourceIndex
from engine.rulepack import load_pack
from engine.rules import Rules
from schemas.campaign import CampaignFile, CapPart, RulesPart, StepPart

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
        numbers_tag=file.numbers.tag,
        purpose=file.purpose,
        resume=resume_of(file),
        pause_when=limits_of(file),
        rules=_rules(file),
        caps=tuple(map(_cap, file.caps)),
        lists=tuple((part.id, length_of(part.max_age)) for part in file.lists),
        countries=None if file.countries is None else frozenset(file.countries),
        numbers_list=tuple(sorted({parse_phone(text).e164 for text in file.numbers.listed or ()})),
    )


def _cap(part: CapPart) -> Cap:
    """A gap is a limit of one attempt."""
    most, per = (1, part.gap) if part.gap else (part.max or 0, part.per or "")
    return Cap(most, parse_ms(per), part.scope == "all", None if part.channel == "any" else part.channel)


def _rules(file: CampaignFile) -> Rules | None:
    if not isinstance(file.rules, RulesPart) or file.purpose is None:
        return None
    return Rules(load_pack(file.rules.pack, file.rules.version), file.purpose)


def _step(step: StepPart, agent: str | None, zone: str | None) -> Step:
    when = compile_condition(step.when) if step.when is not None else None
    if step.wait is not None:
        return Waiting(step.id, parse_delay(step.wait), when)
    retry = {name: Retry(parse_delay(rule.after), rule.max) for name, rule in step.retry.items()}
    if step.sms is not None:
        return Contacting(step.id, Channel.SMS, when, template=step.sms.template, retry=retry, hours=hours_of(step, zone))
    own = step.call.agent if step.call else None
    return Contacting(step.id, Channel.CALL, when, agent=own or agent, retry=retry, hours=hours_of(step, zone))
