"""Finds everything that is wrong with a campaign file, at once: what its types say, and what only its meaning shows.

The meaning is checked on the raw data, part by part, each part only where its types are right: so a fault in one place hides
none in another, and nothing is reported twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from engine.caps import LONGEST
from engine.checking import Check
from engine.compile_lifecycle import check_lifecycle
from engine.complaints import complaint, listed, nearest
from engine.conditions import compile_condition
from engine.countries import wrong_codes
from engine.delays import length_of, parse_delay, parse_ms
from engine.faults_hours import check_hours
from engine.mentions import condition_slips, template_slips, undeclarable
from engine.phone import parse_phone
from engine.places import Place, line, path, written
from engine.resources import ResourceIndex
from engine.retries import DISPOSITIONS
from engine.rulepack import load_pack, packs
from engine.templates import names
from engine.time import HOUR, Instant
from schemas.campaign import CampaignFile

_KINDS = ("call", "sms", "wait")


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
    check.lists()
    check_lifecycle(check)
    check_hours(check, now)
    check.flow()
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

    def lists(self) -> None:
        for i in range(len(self.get(list, "lists") or ())):
            self.read(length_of, "lists", i, "max_age")

    def countries(self) -> None:
        for i, sentence in wrong_codes(self.get(list, "countries") or ()):
            self.add(("countries", i), sentence)

    # --- how ---

    def flow(self) -> None:
        steps = self.get(list, "flow") or []
        ids = Counter(step["id"] for step in steps if isinstance(step, dict) and isinstance(step.get("id"), str))
        seen: set[str] = set()
        for i, step in enumerate(steps):
            if not isinstance(step, dict):
                continue
            name = self.get(str, "flow", i, "id")
            if name is not None and ids[name] > 1 and name in seen:
                self.add(("flow", i, "id"), f"{name!r} is the id of an earlier step: each step needs its own")
            seen.add(name or "")
            self._step(i, step)

    def _step(self, i: int, step: dict[str, Any]) -> None:
        kinds = [kind for kind in _KINDS if step.get(kind) is not None]
        if len(kinds) != 1 and "email" not in step:
            empty = " (a call without options is written call: {})" if "call" in step and not kinds else ""
            have = f"has {' and '.join(kinds)}" if kinds else "has none of call, sms and wait"
            self.add(("flow", i), f"{have}: a step has exactly one of them{empty}")
        self.read(compile_condition, "flow", i, "when")
        self.read(parse_delay, "flow", i, "wait")
        self.read(names, "flow", i, "sms", "template")
        if self.resources is not None:
            self._mentions(i)
        if kinds == ["call"]:
            self._agent(i)
        self._retry(i, kinds)

    def _mentions(self, i: int) -> None:
        """What texts of a step refer to. Asked when a file is applied, as for resources: an old version stays readable."""
        listed_names = self.get(list, "variables")
        declared = None if listed_names is None else [name for name in listed_names if isinstance(name, str)]
        self._slips(lambda text: template_slips(text, declared), "flow", i, "sms", "template")
        steps = [(self.get(str, "flow", n, "id") or "", self.get(str, "flow", n, "wait")) for n in range(len(self.data["flow"]))]
        before = [name for name, wait in steps[:i] if wait is None]
        self._slips(lambda text: condition_slips(text, before, {name for name, _ in steps}), "flow", i, "when")

    def _slips(self, find: Callable[[str], Iterator[str]], *place: str | int) -> None:
        text = self.get(str, *place)
        if text is not None and place not in (found for found, _ in self.found):
            self.found += [(place, slip) for slip in find(text)]

    def _agent(self, i: int) -> None:
        self.declared("agent", (self.resources or ResourceIndex()).agents, "flow", i, "call", "agent")
        call = self.get(dict, "flow", i, "call")
        if call is not None and call.get("agent") is None and self.data.get("agent") is None:
            self.add(("flow", i, "call"), "names no agent, and the campaign has none: write agent: ... here or at the top")

    def _retry(self, i: int, kinds: list[str]) -> None:
        retry = self.get(dict, "flow", i, "retry") or {}
        if retry and kinds == ["wait"]:
            self.add(("flow", i, "retry"), "a wait has no outcome that could be retried: move it to a call")
            return
        known = [str(name) for name, effect in DISPOSITIONS.items() if effect.retryable]
        for name in retry:
            if name not in known:
                why = "is never retried" if name in DISPOSITIONS else "is not a disposition"
                self.add(("flow", i, "retry", name), f"{name!r} {why}: write {listed(known)}{nearest(name, known)}")
            self.read(parse_delay, "flow", i, "retry", name, "after")
