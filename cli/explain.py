"""`outdial explain`: may this person be contacted, and why, or why not: now, then, or at an instant to come."""

import json
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from cli import portrait, words
from cli.dossier import Archive, Dossier
from cli.explaining import Explained, explain
from cli.instants import parse_instant
from cli.summary import iso
from cli.suppress import address_of, ledger_of
from engine.errors import OutdialError, UsageError
from engine.halts import words as halt_words
from engine.suppression import holds
from engine.time import Instant
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.rows import ActionRow, LedgerRow


def explain_command(
    who: Annotated[str, typer.Argument(metavar="PHONE|CONTACT", help="A phone number, an email address, or a contact id.")],
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="Of this campaign alone.")] = None,
    at: Annotated[str | None, typer.Option(metavar="INSTANT", help="Then, or at an instant to come; left out, now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell why a person may, or may not, be contacted: every check, when each no turns, by whose rule, and what was decided before.

    Example: outdial explain +12125550142 --at 2026-11-27T14:00Z
    """
    settings = Settings()
    now = clock_from(settings).now()
    moment = now if at is None else parse_instant(at, "--at", now)
    archive = Archive(settings)
    try:
        people = archive.named(who)
    except OutdialError:
        if campaign is not None or not _unknown(settings, who, now, as_json):
            raise
        return
    ledgers = {address: ledger_of(settings, address)[0] for one in people for address in one.addresses}
    found = [(one, explain(one, ledgers, max(moment, one.now) if at is None else moment, campaign)) for one in people]
    if campaign is not None and not any(told for _, told in found):
        raise OutdialError(f"{who} is not, and was not, in campaign {campaign!r}: leave --campaign out to see where")
    if as_json:
        print(json.dumps(_as_json(who, moment, now, found, ledgers), ensure_ascii=False))
    else:
        _print(moment, now, found, ledgers)


def _unknown(settings: Settings, who: str, now: Instant, as_json: bool) -> bool:
    """Tells what is known of an address that nobody is known at; False if who is no address."""
    try:
        address = address_of(who, "US")
    except UsageError:
        return False
    row, _ = ledger_of(settings, address)
    if not row.suppressions:
        return False
    if as_json:
        print(json.dumps({"who": who, "at": iso(now), "people": [], "addresses": {address: _entries(row, now)}}))
    else:
        console = Console(soft_wrap=True, highlight=False)
        console.print(f"nobody is known at {address}; what is known of it:")
        portrait.suppressions(console, row, now)
    return True


# --- for programs -----------------------------------------------------------------------------------------------------------------

Found = list[tuple[Dossier, list[Explained]]]


def _as_json(who: str, at: Instant, now: Instant, found: Found, ledgers: dict[str, LedgerRow]) -> dict[str, Any]:
    mode = "past" if at < now else "future" if at > now else "now"
    return {
        "who": who,
        "at": iso(at),
        "mode": mode,
        "people": [_person(one, told) for one, told in found],
        "addresses": {address: _entries(row, at) for address, row in ledgers.items()},
        "halts": [halt_words(halt) for halt in found[0][0].plans.halts] if found else [],
    }


def _person(one: Dossier, told: list[Explained]) -> dict[str, Any]:
    profile = one.profile
    facts = ("zones", "zone_sources", "jurisdictions", "jurisdiction_sources", "consents", "attempts", "opt_outs", "problems")
    known = {name: msgspec.to_builtins(getattr(profile, name)) for name in facts} if profile else {}
    actions = [_action(row) for row in one.actions]
    about = {"contact_id": one.contact_id, "addresses": list(one.addresses), **known}
    return about | {"enrollments": [_enrollment(e) for e in told], "actions": actions}


def _action(row: ActionRow) -> dict[str, Any]:
    """What is still to be done after a call; `due` is real."""
    named = {name: getattr(row, name) for name in ("action", "action_id", "campaign", "entry", "tries", "error", "exit")}
    return named | {"at": iso(row.at), "due": iso(row.due or None), "disposition": row.outcome.disposition if row.outcome else None}


def _enrollment(told: Explained) -> dict[str, Any]:
    return {
        "campaign": told.campaign,
        "entry": told.entry,
        "version": told.version,
        "step": told.step or None,
        "state": told.state,
        "due": iso(told.due),
        "ok": told.ok,
        "reason": told.reason,
        "until": iso(told.until) if isinstance(told.until, int) else told.until,
        "held": {"budget": told.held[0], "until": iso(told.held[1])} if told.held else None,
        "answers": [_answer(each) for each in told.answers],
        "decided": msgspec.to_builtins(told.decision) if told.decision else None,
        "before": [{"at": iso(entry.at), "kind": entry.kind, "text": entry.text} for entry in told.before],
    }


def _answer(answer: Any) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(answer)
    return told | ({"until": iso(answer.until)} if isinstance(answer.until, int) else {})


def _entries(row: LedgerRow, at: Instant) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(entry) | {"holds": holds(entry, at)} for entry in row.suppressions if entry.at <= at]


# --- for people -------------------------------------------------------------------------------------------------------------------


def _print(at: Instant, now: Instant, found: Found, ledgers: dict[str, LedgerRow]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for one, told in found:
        portrait.who(console, one, at)
        for address in one.addresses:
            portrait.suppressions(console, ledgers[address], at)
        if not told:
            console.print("  is in no campaign, so nothing is sent")
        for each in told:
            _one(console, each, at, now)


def _one(console: Console, told: Explained, at: Instant, now: Instant) -> None:
    zone = told.zones[0] if told.zones else "UTC"

    def clocked(moment: int) -> str:
        return portrait.clock(moment, zone)

    entry = f" (entry {told.entry})" if told.entry > 1 else ""
    step = f", step {told.step}" if told.step else ""
    due = f" {clocked(told.due)}" if told.due is not None else ""
    name = f"[bold]{escape(told.campaign)}[/bold] version {told.version}"
    console.print(f"\n  campaign {name}{entry}{step}: {escape(told.state)}{due}")
    tense = "was" if at < now else "would be" if at > now else "is"
    _answers(console, told, told.decision.at if told.decision else at, tense, clocked)
    for happened in told.before:
        console.print(f"    {clocked(happened.at)}  {escape(happened.text)}")
    if told.held is not None:
        detail, until = told.held
        console.print(f"    [red]no slots[/red]: its budget of the day is used up ({escape(detail)}), until {clocked(until)}")
    elif told.ok and at == now and told.due is not None and told.due <= at:
        console.print("    it is its turn as soon as its line has room")
    if at > now and told.ok is not None:
        console.print("    computed from what is known now, if nothing else happens until then")


def _answers(console: Console, told: Explained, at: Instant | int, tense: str, clocked: words.Clocked) -> None:
    """What the gate says, or said, at an instant, and each check's answer: those that refuse first."""
    if told.ok is not None:
        verdict, allowed = ("[green]YES[/green]", "allowed") if told.ok else ("[red]NO[/red]", "refused")
        point = f", decided {words.POINTS.get(told.decision.point, told.decision.point)}" if told.decision else ""
        until = f"; {_turns(told, clocked)}" if not told.ok else ""
        console.print(f"  {verdict}  at {clocked(at)} a contact {tense} {allowed}{point}{until}")
    for answer in sorted(told.answers, key=lambda a: {False: 0, True: 1, None: 2}[a.ok]):
        mark = {False: "[red]no [/red]", True: "[green]yes[/green]", None: "-  "}[answer.ok]
        console.print(f"    {mark} {answer.check.replace('_', ' '):<14}{escape(words.answered(answer, at, clocked))}")


def _turns(told: Explained, clocked: words.Clocked) -> str:
    until = told.until
    if isinstance(until, int):
        together = all(a.until is None or a.until != until for a in told.answers if a.ok is False)
        return f"not before {clocked(until)}{', when all hours are open at once' if together else ''}"
    if until is None or until == "never":
        return "for good"
    event = until.removeprefix("when:")
    return f"until {words.EVENTS.get(event, event.replace('_', ' '))}"
