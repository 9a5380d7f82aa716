"""`outdial halt` and `outdial resume`: the kill switch. Every worker reads it, and asks it right before each request."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.publish import Publisher
from cli.read import Snapshot, read_heads
from engine.countries import country_of
from engine.errors import OutdialError, UsageError
from engine.halts import words
from engine.jurisdictions import jurisdictions_of
from engine.states import state_code
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.resources import Halt, resource_key
from schemas.topics import RESOURCES

Line = Annotated[str | None, typer.Option(help="Only what goes by this line.")]
Country = Annotated[str | None, typer.Option(help="Only people of this country: US, United Kingdom.")]
State = Annotated[str | None, typer.Option(help="Only people who may be in this state of the US: TX, Texas.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def halt(
    line: Line = None,
    country: Country = None,
    state: State = None,
    reason: Annotated[str | None, typer.Option(help="Why; `status` and `explain` tell it.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Change nothing, list what is halted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop every new call and message at once: all, or those by a line, to a country, to a state. Calls that go on are not cut off.

    Example: outdial halt --state TX --reason "state of emergency"
    """
    settings = Settings()
    snapshot = read_heads(settings)
    if not show:
        known_line(line, snapshot)
        one = _since(of(line, country, state, reason, clock_from(settings).now()), snapshot)
        with Publisher(settings, RESOURCES) as publisher:
            publisher.send(RESOURCES, resource_key(one), one)
        _say([one], as_json)
    elif snapshot.halts or as_json:
        _say(snapshot.halts, as_json)
    else:
        print("nothing is halted")


def resume(line: Line = None, country: Country = None, state: State = None, as_json: AsJson = False) -> None:
    """Lift a halt, named as it was given. Campaigns that were paused stay so: `outdial campaign resume`.

    Example: outdial resume --state TX
    """
    settings = Settings()
    one = of(line, country, state, None, 0)
    standing = {each.id: each for each in read_heads(settings).halts}
    if one.id not in standing:
        there = "; ".join(sorted(map(_options, standing.values()))) or "nothing is"
        raise OutdialError(f"this is not halted ({there})")
    with Publisher(settings, RESOURCES) as publisher:
        publisher.send(RESOURCES, resource_key(one), None)
    print(json.dumps({"lifted": one.id}) if as_json else f"lifted: {words(standing[one.id])}")


def of(line: str | None, country: str | None, state: str | None, reason: str | None, now: int) -> Halt:
    """The halt that the options name. Raises UsageError for a line without a name, a country or state that nobody knows."""
    if line == "":
        raise UsageError("--line '' names no line: leave it out for all of them")
    nation, place = _place(country, state)
    parts = (("line", line), ("state", place) if place else ("country", nation))
    name = "+".join(f"{kind}/{what}" for kind, what in parts if what) or "all"
    return Halt(id=name, line=line, country=nation, state=place, reason=reason or None, at=now)


def _place(country: str | None, state: str | None) -> tuple[str | None, str | None]:
    """(country, state) as the gate knows them: Puerto Rico is US-PR."""
    nation = None if country is None else country_of(country)
    if country is not None and nation is None:
        raise UsageError(f"--country {country!r} is no country: write a code or a name, such as US")
    if state is None:
        known = jurisdictions_of(None, None, None, nation)[0]
        return (known[0][:2], known[0] if "-" in known[0] else None) if known else (None, None)
    whose, _, named = state.rpartition("-")
    code = state_code(named, "US") if whose.upper() in ("", "US") else None
    if code is None or nation not in (None, "US"):
        raise UsageError(f"--state {state!r} is no state of the US: write its code or name, such as TX; others go by --country")
    return "US", f"US-{code}"


def _since(one: Halt, snapshot: Snapshot) -> Halt:
    """One that stands already stands since it did; a new reason is taken."""
    for halt in snapshot.halts:
        if halt.id == one.id:
            return one.model_copy(update={"at": halt.at, "reason": one.reason or halt.reason})
    return one


def known_line(line: str | None, snapshot: Snapshot) -> None:
    """Raises UsageError for a line that is not declared: nothing would stop."""
    if line is not None and line not in snapshot.resources.lines:
        known = ", ".join(sorted(snapshot.resources.lines)) or "none"
        raise UsageError(f"--line {line!r} is not declared (declared: {known})")


def _options(halt: Halt) -> str:
    named = (("line", halt.line), ("state", halt.state) if halt.state else ("country", halt.country))
    return f"halted: {' '.join(f'--{name} {value}' for name, value in named if value) or 'everything'}"


def _say(halts: "list[Halt] | tuple[Halt, ...]", as_json: bool) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for each in halts:
        if as_json:
            print(each.model_dump_json(exclude_none=True))
        else:
            console.print(escape(words(each)))
