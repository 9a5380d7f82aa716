"""`outdial campaign apply`: checks campaign files, shows what they change, and makes each the current version.

A version (key id@version) never changes once it is written; the head (key id) names the current version and the state. The version
is acknowledged before the head that names it is sent, so that no head ever points at nothing. After a crash in between, the version
stands without a head, and the next apply takes the number behind it.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.difference import Difference, differences, show
from cli.documents import Document, load_all, refuse
from cli.publish import Publisher
from cli.read import Snapshot, read_heads
from engine.compile import faults
from engine.lifecycle import new_head, reversioned
from engine.time import Instant
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas import ids
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion
from schemas.topics import CAMPAIGNS

#: What the current version says for everybody, whatever version they entered with: its part of the line.
SHARED = frozenset({"budget", "concurrency", "priority", "weight"})


def apply(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Campaign files (YAML).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, show what would change, write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Check campaign files, all or nothing, show what they change, and make those that changed the current version.

    Example: outdial campaign apply spring.yaml --dry-run
    """
    settings = Settings()
    documents = load_all(files)
    snapshot = read_heads(settings)
    now = clock_from(settings).now()
    refuse(faults_of(documents, snapshot, now))
    versions = {document.data["id"]: next_version(document, snapshot, now) for document in documents}
    for version in versions.values():
        if version is not None and not as_json:
            _show(version, snapshot)
    changed = [version for version in versions.values() if version is not None]
    heads = {} if dry_run else publish(settings, snapshot, changed)
    for name, version in versions.items():
        _say(name, version, heads.get(name) or snapshot.heads.get(name), snapshot, dry_run, as_json)
    if dry_run and not as_json:
        print("dry run: nothing was written")


def faults_of(documents: list[Document], snapshot: Snapshot, now: Instant | None = None) -> list[str]:
    """Every fault of every file, each with file and line."""
    found: list[str] = []
    first: dict[Any, Path] = {}
    for document in documents:
        name = document.data.get("id")
        told = [
            (f.line or 1, f"{document.file}:{f.line or 1}: {f}")
            for f in faults(document.data, snapshot.resources, document.lines, now)
        ]
        found += [fault for _, fault in sorted([*told, *document.unread], key=lambda pair: pair[0])]
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
    if current_file(name, snapshot) == document.data:
        return None
    # Versions without a head count too: their number is taken.
    number = 1 + max((v for id_, v in snapshot.versions if id_ == name), default=0)
    event = ids.event_id("campaign apply", "version", f"{name}@{number}")
    return CampaignVersion(event_id=event, cause="cli", id=name, version=number, file=document.data, at=now)


def current_file(campaign: str, snapshot: Snapshot) -> dict[str, Any] | None:
    """The data of a campaign's current version; None before the first."""
    head = snapshot.heads.get(campaign)
    return snapshot.version(campaign, head.version).file if head else None


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
            heads[version.id] = head_of(version, snapshot)
            publisher.send(CAMPAIGNS, version.id, heads[version.id])
    return heads


def state_of(campaign: str, snapshot: Snapshot) -> CampaignState:
    """The state that a campaign has once its file is applied."""
    head = snapshot.heads.get(campaign)
    return head.state if head else CampaignState.DRAFT


def head_of(version: CampaignVersion, snapshot: Snapshot) -> CampaignHead:
    """The record that names a campaign's current version: its state, and its pauses, stay as they are."""
    head = snapshot.heads.get(version.id)
    now = Instant(version.at)
    return reversioned(head, version.version, now) if head else new_head(version.id, version.version, now)


def changes(version: CampaignVersion | None, snapshot: Snapshot) -> list[Difference]:
    """What a version changes of the current one; nothing for a new campaign, of which all is new."""
    before = current_file(version.id, snapshot) if version else None
    return differences(before, version.file) if version and before is not None else []


def _show(version: CampaignVersion, snapshot: Snapshot) -> None:
    """The changes, before they are written."""
    head = snapshot.heads.get(version.id)
    if head is None:
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{head.id}: what changes from version {head.version}, which is {head.state.value}, to version {version.version}")
    show(found := changes(version, snapshot), console)
    if head.state not in (CampaignState.DRAFT, CampaignState.ENDED):
        console.print("  whoever is in it already goes on with the version they entered with")
        if shared := sorted({each.path.partition(".")[0] for each in found} & SHARED):
            console.print(f"  {' and '.join(shared)}: for everybody in it, from now on")


def _say(
    name: str, version: CampaignVersion | None, head: CampaignHead | None, snapshot: Snapshot, dry_run: bool, as_json: bool
) -> None:
    action = "unchanged" if version is None else "created" if name not in snapshot.heads else "updated"
    number = version.version if version else head.version if head else 1
    state = state_of(name, snapshot).value
    if as_json:
        found = [each.summary() for each in changes(version, snapshot)]
        written = version is not None and not dry_run
        print(json.dumps({"id": name, "version": number, "state": state, "action": action, "written": written, "changes": found}))
    else:
        would = "would be " if dry_run and version is not None else ""
        print(f"{name}@{number} {would}{action}: {state}")
