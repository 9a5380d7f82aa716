"""Rule packs: legal rules as data, with their sources, read from engine/rulepacks/. What they mean is engine/rules.py's.

A pack's file is `<pack>-<version>.yaml`. A version never changes once campaigns use it: a new law is a new version, or a row with a
later `from`. Not legal advice.
"""

from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.caps import LONGEST
from engine.complaints import listed, nearest
from engine.delays import parse_ms
from engine.holiday_sets import code_of
from engine.weekly import parse_weekly
from engine.windows import timezone

Kind = Literal["none", "express", "express_written"]
#: From the least to the most.
KINDS: tuple[Kind, ...] = ("none", "express", "express_written")
Purpose = Literal["marketing", "informational", "collections"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attempts(_Part):
    """At most so many in any time of this length, for each number and each person."""

    max: int = Field(ge=1)
    per: str

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if parse_ms(self.per) > LONGEST:
            raise ValueError(f"{self.per!r} is too long: attempts are kept for 31 days")
        return self


class Rule(_Part):
    """One row: of where, from when on, where it is written, and exactly one of hours, attempts, consent."""

    id: str = Field(min_length=1)
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z]{2,3})?$")]
    since: date = Field(alias="from")
    source: str = Field(min_length=1)
    reviewed: bool
    hours: dict[str, list[str]] | None = None
    holidays: list[str] = []
    zone: str | None = None
    attempts: Attempts | None = None
    consent: dict[Purpose, Kind] | None = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if sum(each is not None for each in (self.hours, self.attempts, self.consent)) != 1:
            raise ValueError(f"rule {self.id}: has exactly one of hours, attempts and consent")
        if self.hours is None and (self.holidays or self.zone):
            raise ValueError(f"rule {self.id}: holidays and zone belong to hours")
        if self.hours is not None:
            parse_weekly(self.hours)
        for preset in self.holidays:
            code_of(preset)
        if self.zone is not None:
            timezone(self.zone)
        return self


class Pack(_Part):
    """One version of a pack. divisions: its states have rules of their own, and one without any is not covered."""

    pack: str
    version: str
    country: str
    divisions: bool
    notice: str
    rules: list[Rule]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError("two rules have one id")
        if away := [rule.id for rule in self.rules if rule.jurisdiction.partition("-")[0] != self.country]:
            raise ValueError(f"rules of other countries than {self.country}: {', '.join(away)}")
        if not any(rule.hours and rule.jurisdiction == self.country for rule in self.rules):
            raise ValueError(f"needs hours of the whole country {self.country}")
        return self


@lru_cache(maxsize=1)
def packs() -> dict[str, tuple[str, ...]]:
    """The packs there are, with their versions, the newest last."""
    files = sorted(
        each.name.removesuffix(".yaml") for each in resources.files("engine.rulepacks").iterdir() if each.name.endswith(".yaml")
    )
    found: dict[str, tuple[str, ...]] = {}
    for name in files:
        pack, _, version = name.partition("-")
        found[pack] = (*found.get(pack, ()), version)
    return found


@lru_cache(maxsize=32)
def load_pack(pack: str, version: str) -> Pack:
    """One version of a pack. Raises ValueError: a sentence with those there are."""
    if pack not in packs():
        raise ValueError(f"there is no rule pack {pack!r}: there are {listed(packs())}{nearest(pack, packs())}")
    if version not in packs()[pack]:
        there = packs()[pack]
        raise ValueError(f"rule pack {pack} has no version {version!r}: there are {listed(there)}{nearest(version, there)}")
    text = resources.files("engine.rulepacks").joinpath(f"{pack}-{version}.yaml").read_text(encoding="utf-8")
    return Pack.model_validate(yaml.safe_load(text))
