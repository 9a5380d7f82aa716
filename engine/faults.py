"""Finds everything that is wrong with a campaign file, at once: what its types say, and what only its meaning shows.

The meaning is checked on the raw data, part by part, each part only where its types are right: so a fault in one place hides
none in another, and nothing is reported twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from engine.caps import LONGEST
from engine.checking import Check
from engine.compile_lifecycle import check_lifecycle
from engine.complaints import complaint, nearest
from engine.countries import wrong_codes
from engine.delays import length_of, parse_ms
from engine.faults_actions import check_actions
from engine.faults_flow import check_flow
from engine.faults_hours import check_hours
from engine.mentions import undeclarable
from engine.phone import parse_phone
from engine.places import Place, line, path, written
from engine.resources import ResourceIndex
from engine.rulepack import load_pack, packs
from engine.time import HOUR, Instant
from schemas.campaign import CampaignFile


@dataclass(frozen=True, slots=True)
class Fault:
    """path: `flow[0].wait`, empty for the whole file. message: a sentence without the path. line: from 1, if known."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def faults(
    data: Mapping[str, Any],
    resources: ResourceIndex | None = None,
    lines: Mapping[Place, int] | None = None,
    now: Instant | None = None,
) -> list[Fault]:
    """Every fault of a campaign file, in the order of its lines. Without `resources`, names are not looked up; with `now`, a window
    that never opens again is one."""
    check = _Check(data, resources)
    try:
        CampaignFile.model_validate(data)
    except ValidationError as error:
        check.found += [complaint(each) for each in error.errors(include_url=False)]
    check.references()
    check.countries()
    check.variables()
    check.rules()
    check.caps()
    check.budget()
    check.lists()
    check_lifecycle(check)
    check_hours(check, now)
    check_flow(check)
    check_actions(check)
    ordered = [Fault(path(place), message, line(place, lines or {})) for place, message in check.found]
    return sorted(ordered, key=lambda fault: fault.line or 0)


class _Check(Check):
    # --- what the file refers to ---

    def references(self) -> None:
        known = self.resources or ResourceIndex()
        self.declared("line", known.lines, "line")
        self.declared("agent", known.agents, "agent")
        numbers = self.get(dict, "numbers")
        if numbers is None:
            self._numbers_missing()
            return
        if (numbers.get("tag") is None) == (numbers.get("list") is None):
            self.add(("numbers",), 'needs either a tag or a list: write {tag: ...} or {list: ["+1..."]}')
        self.declared("number has the tag", known.tags, "numbers", "tag")
        if numbers.get("list") == []:
            self.add(("numbers", "list"), "is empty")
        for i in range(len(self.get(list, "numbers", "list") or ())):
            phone = self.read(parse_phone, "numbers", "list", i)
            if phone and self.resources is not None and phone.e164 not in known.numbers:
                self.add(
                    ("numbers", "list", i),
                    f"number {phone.e164} is not declared in the resources{nearest(phone.e164, known.numbers)}",
                )

    def _numbers_missing(self) -> None:
        """Who only sends emails needs no caller IDs."""
        steps = [step for step in self.get(list, "flow") or [] if isinstance(step, dict)]
        actions = [action for action in self.get(list, "actions") or [] if isinstance(action, dict)]
        phones = [each for each in (*steps, *actions) if each.keys() & {"call", "sms"}]
        if self.data.get("numbers") is None and (phones or not steps):
            self.add(("numbers",), "is missing: the caller IDs, such as {tag: sales-us}")

    def variables(self) -> None:
        for i in range(len(self.get(list, "variables") or ())):
            if why := undeclarable(self.get(str, "variables", i) or ""):
                self.add(("variables", i), why)

    def rules(self) -> None:
        """That there are none has to be said. Asked when a file is applied: a version of before stays readable."""
        if self.resources is not None and "rules" not in self.data:
            newest = {"pack": "us", "version": packs()["us"][-1]}
            self.add(("rules",), f"is missing: name the legal rules that hold, such as {written(newest)}, or write none")
        pack, version = self.get(str, "rules", "pack"), self.get(str, "rules", "version")
        if pack is None or version is None:
            return
        try:
            load_pack(pack, version)
        except ValueError as error:
            self.add(("rules", "version" if pack in packs() else "pack"), str(error))
            return
        if self.data.get("purpose") is None:
            self.add(
                ("purpose",), "is missing: what consent the rules need depends on it; write marketing, informational or collections"
            )

    def caps(self) -> None:
        for i, part in enumerate(self.get(list, "caps") or ()):
            if not isinstance(part, dict):
                continue
            written = {key for key in ("max", "per", "gap") if part.get(key) is not None}
            if written not in ({"max", "per"}, {"gap"}):
                self.add(("caps", i), "needs either max and per, or a gap: write {max: 3, per: 24h} or {gap: 3h}")
            for key in ("per", "gap"):
                length = self.read(parse_ms, "caps", i, key)
                if length is not None and length > LONGEST:
                    self.add(("caps", i, key), f"{part[key]!r} is too long: at most {LONGEST // HOUR}h, which are 31 days")

    def budget(self) -> None:
        budget = self.get(dict, "budget")
        if budget is not None and all(key in ("calls", "money") and part is None for key, part in budget.items()):
            self.add(("budget",), "limits nothing: write {calls: 500}, {money: 20.00}, or both")

    def lists(self) -> None:
        for i in range(len(self.get(list, "lists") or ())):
            self.read(length_of, "lists", i, "max_age")

    def countries(self) -> None:
        for i, sentence in wrong_codes(self.get(list, "countries") or ()):
            self.add(("countries", i), sentence)
