"""`outdial resources apply|list`: agents, caller IDs and lines, declared in a file and referred to by name.

What a new file leaves out stays declared unless `--prune` is given: campaigns may still refer to it. No file may take away what a
campaign that has not ended refers to, be it a line, an agent or the last number with its tag.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.documents import Document, load, refuse
from cli.publish import Publisher
from cli.read import Snapshot, read_heads, read_resources
from engine.compile import faults
from engine.complaints import complaint, listed, nearest
from engine.errors import RecordError
from engine.phone import parse_phone
from engine.places import Place
from engine.resources import ResourceIndex
from outdial.settings import Settings
from schemas.campaign import CampaignState, Part
from schemas.resources import Agent, Line, Number, Resource, Resources, resource_key
from schemas.topics import RESOURCES

app = typer.Typer(help="Agents, caller IDs and lines.", no_args_is_help=True)

_PARTS: dict[str, type[Part]] = {"agents": Agent, "numbers": Number, "lines": Line}


@dataclass(frozen=True, slots=True)
class Change:
    """What a file changes, by key (kind/id)."""

    added: dict[str, Resource]
    changed: dict[str, Resource]
    unchanged: dict[str, Resource]
    absent: tuple[str, ...]  # declared before, not in the file

    def after(self, prune: bool, before: dict[str, Resource]) -> ResourceIndex:
        """All that is declared once this is applied."""
        kept = [] if prune else [before[key] for key in self.absent]
        return ResourceIndex.of([*kept, *self.added.values(), *self.changed.values(), *self.unchanged.values()])

    def summary(self, prune: bool) -> dict[str, list[str]]:
        """The keys, for --json."""
        removed, kept = (self.absent, ()) if prune else ((), self.absent)
        parts = {"added": self.added, "changed": self.changed, "unchanged": self.unchanged, "removed": removed, "kept": kept}
        return {name: sorted(keys) for name, keys in parts.items()}


@app.command("apply")
def apply_command(
    file: Annotated[Path, typer.Argument(help="The file resources.yaml.")],
    prune: Annotated[bool, typer.Option("--prune", help="Remove what is declared but not in the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a file of resources, all or nothing, and declare what it holds."""
    settings = Settings()
    document = load(file)
    declared, found = resources_of(document)
    snapshot = read_heads(settings)
    before = read_resources(settings)
    change = difference(before, declared)
    refuse(found or broken(change.after(prune, before), snapshot, document))
    with Publisher(settings, RESOURCES) as publisher:
        for key, resource in (change.added | change.changed).items():
            publisher.send(RESOURCES, key, resource)
        for key in change.absent if prune else ():
            publisher.send(RESOURCES, key, None)
    _report(change.summary(prune), as_json)


@app.command("list")
def list_command(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False) -> None:
    """List what is declared."""
    declared = read_resources(Settings())
    if as_json:
        for resource in declared.values():
            print(json.dumps({"id": resource.id} | resource.model_dump(exclude_none=True)))
        return
    table = Table("kind", "id", "", box=None, pad_edge=False)
    for resource in declared.values():
        table.add_row(resource.kind, resource.id, escape(_about(resource)))
    Console().print(table)


def resources_of(document: Document) -> tuple[dict[str, Resource], list[str]]:
    """What a file declares, by key, and every fault it has."""
    try:
        parsed = Resources.model_validate(document.data)
    except ValidationError as error:
        return {}, [document.fault(*_complaint(each)) for each in error.errors(include_url=False)]
    declared: dict[str, Resource] = {}
    found: list[str] = []
    for place, resource in _placed(parsed):
        key = resource_key(resource)
        if key in declared:
            found.append(document.fault(place, f"{resource.kind} {resource.id!r} stands here a second time: keep one of the two"))
        declared[key] = resource
        found += [document.fault((*place, "number"), why) for why in _undialable(resource)]
    if not declared:
        found.append(document.fault((), f"declares nothing: it needs {listed(_PARTS)}"))
    return declared, found


def difference(before: dict[str, Resource], declared: dict[str, Resource]) -> Change:
    """What declaring these changes."""
    return Change(
        added={key: r for key, r in declared.items() if key not in before},
        changed={key: r for key, r in declared.items() if key in before and before[key] != r},
        unchanged={key: r for key, r in declared.items() if before.get(key) == r},
        absent=tuple(key for key in before if key not in declared),
    )


def broken(after: ResourceIndex, snapshot: Snapshot, document: Document) -> list[str]:
    """What campaigns that have not ended would lack."""
    found: list[str] = []
    for head in snapshot.heads.values():
        if head.state is not CampaignState.ENDED:
            file = snapshot.version(head.id, head.version).file
            already = {str(fault) for fault in faults(file, snapshot.resources)}
            lost = [fault for fault in faults(file, after) if str(fault) not in already]
            found += [document.fault((), f"campaign {head.id!r} needs what this takes away, {fault}") for fault in lost]
    return found


def _undialable(resource: Resource) -> list[str]:
    if isinstance(resource, Number):
        try:
            parse_phone(resource.number)
        except RecordError as error:
            return [str(error)]
    return []


def _placed(resources: Resources) -> Iterator[tuple[Place, Resource]]:
    for part in _PARTS:
        for i, resource in enumerate(getattr(resources, part)):
            yield (part, i), resource


def _complaint(error: Any) -> tuple[Place, str]:
    """Where and what, of one of pydantic's errors."""
    place: Place = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        part = _PARTS.get(str(place[0])) if len(place) > 1 else None
        keys = [key for key in (part or Resources).model_fields if key != "kind"]
        return place, f"is not a key here: there are {listed(keys)}{nearest(place[-1], keys)}"
    match error["type"], place[-1]:
        case "string_pattern_mismatch", "number":
            return place, f'{error["input"]!r} is no number in E.164: write it with + and its country code, such as "+12125550101"'
        case "greater_than", _:
            return place, f"must be above {error['ctx']['gt']}, not {error['input']!r}"
        case _:
            return complaint(error)


def _about(resource: Resource) -> str:
    match resource:
        case Agent():
            return resource.name or ""
        case Number():
            return ", ".join(resource.tags)
        case Line():
            rate = "any number of" if resource.calls_per_second is None else f"{resource.calls_per_second:g}"
            at_once = "any number" if resource.concurrency is None else str(resource.concurrency)
            return f"{rate} calls a second, {at_once} at a time"


def _report(summary: dict[str, list[str]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary))
        return
    print(", ".join(f"{len(keys)} {name}" for name, keys in summary.items() if keys))
    if summary["kept"]:
        print(f"not in the file but still declared: {', '.join(summary['kept'])}; --prune removes them")
