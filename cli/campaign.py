"""`outdial campaign ...`: schema, list and show; the other commands are in files of their own.

Files become versions (cli/apply.py), heads say which one counts (cli/moves.py). Two applies at the same moment may both take version
n+1, of which the later stays: let one person, or one pipeline, apply a campaign.
"""

import json
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.apply import apply, head_of
from cli.publish import Publisher
from cli.read import Snapshot, read_heads
from cli.report import report
from engine.compile import faults
from engine.errors import OutdialError
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.campaign import CampaignFile, CampaignHead, CampaignState
from schemas.export import schema_of
from schemas.topics import CAMPAIGNS

app = typer.Typer(help="Campaigns: apply their files, start and stop them.\n\nExample: outdial campaign list", no_args_is_help=True)
app.command("apply")(apply)
app.command("report")(report)

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
    """List the campaigns with their states.

    Example: outdial campaign list
    """
    snapshot = read_heads(Settings())
    heads = [snapshot.heads[name] for name in sorted(snapshot.heads)]
    if as_json:
        for head in heads:
            print(json.dumps(_shown(head, snapshot)))
        return
    table = Table("campaign", "state", "version", "name", box=None, pad_edge=False)
    for head in heads:
        table.add_row(head.id, head.state, str(head.version), escape(str(_shown(head, snapshot)["name"] or "")))
    Console().print(table)


@app.command()
def show(
    campaign: Id,
    version: Annotated[int | None, typer.Option(help="Another version than the current one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print a campaign's state and its file as it was applied.

    Example: outdial campaign show spring --version 2
    """
    snapshot = read_heads(Settings())
    head = snapshot.head(campaign)
    found = snapshot.version(campaign, version or head.version)
    if as_json:
        print(json.dumps(_shown(head, snapshot) | {"shown": found.version, "file": found.file}))
    else:
        print(f"# {head.id} is {head.state.value}, current version {head.version}; this is version {found.version}")
        print(yaml.safe_dump(found.file, sort_keys=False, allow_unicode=True, width=120), end="")


def _shown(head: CampaignHead, snapshot: Snapshot) -> dict[str, Any]:
    file = snapshot.version(head.id, head.version).file
    return {"id": head.id, "name": file.get("name"), "state": head.state.value, "version": head.version, "at": head.at}
