"""`outdial campaign apply|list|show|start|pause|resume|stop`: campaign files become versions, heads say which one counts.

A version (key id@version) never changes once it is written; the head (key id) names the current version and the state. The version
is acknowledged before the head that names it is sent, so that no head ever points at nothing. After a crash in between, the version
stands without a head, and the next apply takes the number behind it.

Commands are not serialised: of two that change one campaign at the same moment, the one whose head is written last counts, and two
applies may both take version n+1, of which the later stays. Let one person, or one pipeline, apply a campaign.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.documents import Document, load, refuse
from cli.publish import Publisher
from cli.read import Snapshot, read_heads
from cli.report import report
from engine.compile import faults
from engine.errors import OutdialError
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas import ids
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion
from schemas.topics import CAMPAIGNS

app = typer.Typer(help="Campaigns: apply their files, start and stop them.", no_args_is_help=True)
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


@app.command("apply")
def apply_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Campaign files (YAML).")], as_json: AsJson = False
) -> None:
    """Check campaign files, all or nothing, and make those that changed the current version."""
    settings = Settings()
    documents = [load(file) for file in files]
    snapshot = read_heads(settings)
    refuse(faults_of(documents, snapshot))
    versions = {d.data["id"]: next_version(d, snapshot, clock_from(settings).now()) for d in documents}
    changed = [version for version in versions.values() if version is not None]
    heads = publish(settings, snapshot, changed)
    for document in documents:
        name = document.data["id"]
        version = versions[name]
        head = heads.get(name) or snapshot.heads[name]
        _say(head, "unchanged" if version is None else "created" if name not in snapshot.heads else "updated", as_json)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the campaigns with their states."""
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
    """Print a campaign's state and its file as it was applied."""
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
    """Start a campaign that is a draft."""
    _transition("start", campaign, as_json)


@app.command()
def pause(campaign: Id, as_json: AsJson = False) -> None:
    """Pause a running campaign: calls in progress end as they will, no further one is placed."""
    _transition("pause", campaign, as_json)


@app.command()
def resume(campaign: Id, as_json: AsJson = False) -> None:
    """Let a paused campaign run on."""
    _transition("resume", campaign, as_json)


@app.command()
def stop(campaign: Id, as_json: AsJson = False) -> None:
    """End a campaign, for ever: everybody who is still in it exits."""
    _transition("stop", campaign, as_json)


def faults_of(documents: list[Document], snapshot: Snapshot) -> list[str]:
    """Every fault of every file, each with file and line."""
    found: list[str] = []
    first: dict[Any, Path] = {}
    for document in documents:
        name = document.data.get("id")
        for fault in faults(document.data, snapshot.resources, document.lines):
            found.append(f"{document.file}:{fault.line or 1}: {fault}")
        if isinstance(name, str) and name in first:
            found.append(document.fault(("id",), f"{first[name]} has the id {name!r} too: give each campaign its own"))
        elif isinstance(name, str):
            first[name] = document.file
            if name in snapshot.heads and snapshot.heads[name].state is CampaignState.ENDED:
                found.append(document.fault(("id",), f"campaign {name!r} has ended for ever: apply it under another id"))
    return found


def next_version(document: Document, snapshot: Snapshot, now: int) -> CampaignVersion | None:
    """The version that this file becomes; None if it is what the current version says already."""
    name = document.data["id"]
    head = snapshot.heads.get(name)
    if head is not None and snapshot.version(name, head.version).file == document.data:
        return None
    # Versions without a head count too: their number is taken.
    number = 1 + max((v for id_, v in snapshot.versions if id_ == name), default=0)
    event = ids.event_id("campaign apply", "version", f"{name}@{number}")
    return CampaignVersion(event_id=event, cause="cli", id=name, version=number, file=document.data, at=now)


def publish(settings: Settings, snapshot: Snapshot, versions: list[CampaignVersion]) -> dict[str, CampaignHead]:
    """Writes versions, then the heads that name them; a new campaign is a draft, another keeps its state. Returns the heads."""
    heads: dict[str, CampaignHead] = {}
    if not versions:
        return heads
    with Publisher(settings, CAMPAIGNS) as publisher:
        for version in versions:
            publisher.send(CAMPAIGNS, version.key, version)
        publisher.flush()
        for version in versions:
            before = snapshot.heads.get(version.id)
            state = before.state if before else CampaignState.DRAFT
            heads[version.id] = _head(version.id, version.version, state, version.at)
            publisher.send(CAMPAIGNS, version.id, heads[version.id])
    return heads


def moved(command: str, head: CampaignHead, now: int) -> CampaignHead:
    """The head after a command. Raises OutdialError if the campaign's state does not allow it."""
    allowed, target = TRANSITIONS[command]
    if head.state in allowed:
        return _head(head.id, head.version, target, now)
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


def _head(campaign: str, version: int, state: CampaignState, now: int) -> CampaignHead:
    event = ids.digest("head", campaign, version, state.value, now)
    return CampaignHead(event_id=event, cause="cli", id=campaign, version=version, state=state, at=now)


def _shown(head: CampaignHead, snapshot: Snapshot) -> dict[str, Any]:
    file = snapshot.version(head.id, head.version).file
    return {"id": head.id, "name": file.get("name"), "state": head.state.value, "version": head.version, "at": head.at}


def _say(head: CampaignHead, what: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"id": head.id, "version": head.version, "state": head.state.value, "action": what}))
    else:
        print(f"{head.id}@{head.version} {what}: {head.state.value}")
