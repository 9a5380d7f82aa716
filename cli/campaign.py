"""`outdial campaign apply|schema|list|show|start|pause|resume|stop`: files become versions, heads say which one counts.

Commands are not serialised: of two that change one campaign at the same moment, the one whose head is written last counts, and two
applies may both take version n+1, of which the later stays. Let one person, or one pipeline, apply a campaign.
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

#: Command -> states it may find, state it leaves.
TRANSITIONS: dict[str, tuple[frozenset[CampaignState], CampaignState]] = {
    "start": (frozenset({CampaignState.DRAFT}), CampaignState.RUNNING),
    "pause": (frozenset({CampaignState.RUNNING}), CampaignState.PAUSED),
    "resume": (frozenset({CampaignState.PAUSED}), CampaignState.RUNNING),
    "stop": (frozenset(CampaignState) - {CampaignState.ENDED}, CampaignState.ENDED),
}

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


@app.command()
def start(campaign: Id, as_json: AsJson = False) -> None:
    """Start a campaign that is a draft.

    Example: outdial campaign start spring
    """
    _transition("start", campaign, as_json)


@app.command()
def pause(campaign: Id, as_json: AsJson = False) -> None:
    """Pause a running campaign: calls in progress end as they will, no further one is placed.

    Example: outdial campaign pause spring
    """
    _transition("pause", campaign, as_json)


@app.command()
def resume(campaign: Id, as_json: AsJson = False) -> None:
    """Let a paused campaign run on.

    Example: outdial campaign resume spring
    """
    _transition("resume", campaign, as_json)


@app.command()
def stop(campaign: Id, as_json: AsJson = False) -> None:
    """End a campaign, for ever: everybody who is still in it exits.

    Example: outdial campaign stop spring
    """
    _transition("stop", campaign, as_json)


def moved(command: str, head: CampaignHead, now: int) -> CampaignHead:
    """The head after a command. Raises OutdialError if the campaign's state does not allow it."""
    allowed, target = TRANSITIONS[command]
    if head.state in allowed:
        return head_of(head.id, head.version, target, now)
    possible = [name for name, (states, _) in TRANSITIONS.items() if head.state in states]
    remedy = f"it can be told to {' or '.join(possible)}" if possible else "that is final, apply its file under another id"
    raise OutdialError(f"campaign {head.id!r} is {head.state.value}, so it cannot {command}: {remedy}")


def _transition(command: str, campaign: str, as_json: bool) -> None:
    settings = Settings()
    snapshot = read_heads(settings)
    head = moved(command, snapshot.head(campaign), clock_from(settings).now())
    if head.state is CampaignState.RUNNING:
        _check_still_whole(snapshot, head)
    with Publisher(settings, CAMPAIGNS) as publisher:
        publisher.send(CAMPAIGNS, head.key, head)
    _say(head, {"stop": "stopped"}.get(command, f"{command.rstrip('e')}ed"), as_json)


def _check_still_whole(snapshot: Snapshot, head: CampaignHead) -> None:
    """Resources may have gone since the file was applied: a campaign without caller IDs must not start."""
    found = faults(snapshot.version(head.id, head.version).file, snapshot.resources)
    if found:
        what = "; ".join(str(fault) for fault in found)
        raise OutdialError(f"campaign {head.id!r} cannot run, {what}: apply the resources it needs, or another version of it")


def _shown(head: CampaignHead, snapshot: Snapshot) -> dict[str, Any]:
    file = snapshot.version(head.id, head.version).file
    return {"id": head.id, "name": file.get("name"), "state": head.state.value, "version": head.version, "at": head.at}


def _say(head: CampaignHead, what: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"id": head.id, "version": head.version, "state": head.state.value, "action": what}))
    else:
        print(f"{head.id}@{head.version} {what}: {head.state.value}")
