"""`outdial timeline`: everything that happened to one person, in order, in words."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cli.attempts import local
from cli.dossier import Archive, Dossier
from cli.entries import Entry
from cli.history import history
from cli.summary import iso
from outdial.settings import Settings

STYLES = {"exited": "bold", "opt_out": "red", "suppressed": "red", "now": "bold cyan", "waited": "yellow"}


def timeline(
    who: Annotated[str, typer.Argument(metavar="CONTACT|PHONE", help="A contact id, a phone number, or an email address.")],
    evidence: Annotated[bool, typer.Option("--evidence", help="Also the place of each record: topic/partition/offset.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, evidence included.")] = False,
) -> None:
    """Everything that happened to one person, and why: details, enrollments, due steps, waits, decisions, calls, opt-outs, exits.

    Of a number that several people share, each of them. Topics other than tables keep records for a limited time: what is older
    than that is not told.

    Example: outdial timeline +12125550142
    """
    found = Archive(Settings()).named(who)
    for person in found:
        if as_json:
            for entry in history(person):
                print(json.dumps(entry.as_dict(person.contact_id), ensure_ascii=False))
        else:
            _print(person, history(person), evidence)


def _print(one: Dossier, entries: list[Entry], evidence: bool) -> None:
    console, shown = Console(highlight=False), one.profile
    console.print(f"[bold]{escape(one.contact_id)}[/bold]  {', '.join(one.addresses) or 'no address is known'}", soft_wrap=True)
    if shown is not None and shown.opt_outs:
        console.print(f"[red]opted out at {iso(shown.opt_outs[0].at)} ({escape(shown.opt_outs[0].source)})[/red]")
    table = Table(box=None, pad_edge=False)
    for name in ("campaign time (UTC)", "local", "what happened"):
        table.add_column(name, no_wrap=name != "what happened", overflow="fold")
    for entry in entries:
        table.add_row(*_cells(entry, evidence), style=STYLES.get(entry.kind))
    console.print(table, "")


def _cells(entry: Entry, evidence: bool) -> tuple[str, str, Text]:
    at = (iso(entry.at) or "")[:19].replace("T", " ")
    clock = local(entry.at, entry.zone).strftime("%a %H:%M %Z") if entry.zone else ""
    text = Text(f"{entry.campaign}: " if entry.campaign else "", "dim").append(entry.text, "not dim")
    if evidence and entry.evidence:
        text.append(f" [{entry.evidence}]", "dim")
    return at, clock, text
