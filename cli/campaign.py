"""`outdial campaign ...`: schema, list and show; the other commands are in files of their own.

Files become versions (cli/apply.py), heads say which one counts (cli/moves.py). Two applies at the same moment may both take
version n+1, of which the later stays: let one person, or one pipeline, apply a campaign.
"""

import json
from collections import Counter
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli import moves
from cli.apply import apply
from cli.inside import people_inside
from cli.read import Snapshot, read_heads
from cli.report import report
from cli.versions import diff
from engine.lifecycle import about, state_at
from engine.time import Instant
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.campaign import CampaignFile, CampaignHead, CampaignState
from schemas.export import schema_of

app = typer.Typer(help="Campaigns: apply their files, start and stop them.\n\nExample: outdial campaign list", no_args_is_help=True)
app.command("apply")(apply)
app.command("report")(report)
app.command("diff")(diff)

for _command in (moves.start, moves.pause, moves.resume, moves.stop):
    app.command()(_command)

Id = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.command()
def schema() -> None:
    """Print the JSON Schema of campaign files, for editors that complete and check YAML.

    Example: outdial campaign schema > campaign.schema.json
    and as the first line of each file: # yaml-language-server: $schema=campaign.schema.json
    """
    print(schema_of(CampaignFile), end="")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the campaigns with their states; of those that admit nobody new, how many people are left.

    Example: outdial campaign list
    """
    settings = Settings()
    snapshot, now = read_heads(settings), clock_from(settings).now()
    heads = [snapshot.heads[name] for name in sorted(snapshot.heads)]
    draining = {head.id for head in heads if head.draining and head.state is not CampaignState.ENDED}
    inside = people_inside(settings, draining) if draining else Counter[tuple[str, int]]()
    left = {name: sum(n for (campaign, _), n in inside.items() if campaign == name) for name in draining}
    if as_json:
        for head in heads:
            print(json.dumps(_shown(head, snapshot, now) | ({"left": left[head.id]} if head.id in left else {})))
        return
    console, table = Console(highlight=False), Table("campaign", "state", "version", "name", box=None, pad_edge=False)
    for head in heads:
        name = escape(str(_shown(head, snapshot, now)["name"] or ""))
        table.add_row(head.id, state_at(head, now).value, str(head.version), name)
    console.print(table)
    for head in heads:
        inside_ = f"{left[head.id]:,} people are left in {head.id}" if head.id in left else None
        for told in filter(None, (about(head, now), inside_)):
            console.print(told, soft_wrap=True, markup=False)


@app.command()
def show(
    campaign: Id,
    version: Annotated[int | None, typer.Option(help="Another version than the current one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print a campaign's state and its file as it was applied.

    Example: outdial campaign show spring --version 2
    """
    settings = Settings()
    snapshot, now = read_heads(settings), clock_from(settings).now()
    head = snapshot.head(campaign)
    found = snapshot.version(campaign, version or head.version)
    if as_json:
        print(json.dumps(_shown(head, snapshot, now) | {"shown": found.version, "file": found.file}))
    else:
        print(f"# {head.id} is {state_at(head, now).value}, current version {head.version}; this is version {found.version}")
        print(yaml.safe_dump(found.file, sort_keys=False, allow_unicode=True, width=120), end="")


def _shown(head: CampaignHead, snapshot: Snapshot, now: Instant) -> dict[str, Any]:
    file = snapshot.version(head.id, head.version).file
    found = {"id": head.id, "name": file.get("name"), "state": state_at(head, now).value, "version": head.version, "at": head.at}
    return found | head.model_dump(include={"starts_at", "draining", "pauses"}, exclude_defaults=True, exclude_none=True)
