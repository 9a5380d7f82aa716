"""`outdial resources apply|schema|list`: agents, caller IDs and lines, declared in a file and referred to by name.

What a new file leaves out stays declared unless `--prune` is given: campaigns may still refer to it. No file may take away what a
campaign that has not ended refers to, be it a line, an agent or the last number with its tag.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.difference import Difference, differences, show
from cli.documents import Document, load, refuse
from cli.publish import Publisher
from cli.read import Snapshot, read_heads, read_resources
from engine.callers import slips
from engine.compile import faults
from engine.complaints import complaint, listed
from engine.places import Place
from engine.resources import ResourceIndex
from outdial.settings import Settings
from schemas.campaign import CampaignState
from schemas.export import schema_of
from schemas.resources import Agent, Line, Number, Resource, Resources, resource_key
from schemas.topics import RESOURCES

app = typer.Typer(help="Agents, caller IDs and lines.\n\nExample: outdial resources list", no_args_is_help=True)

_PARTS: dict[str, type[Agent | Number | Line]] = {"agents": Agent, "numbers": Number, "lines": Line}


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

    def differences(self, prune: bool, before: dict[str, Resource]) -> list[Difference]:
        """What becomes other than it was, value by value."""
        gone = self.absent if prune else ()
        touched = [*self.added, *self.changed, *gone]
        now = self.added | self.changed
        return differences(
            {key: _data(before[key]) for key in touched if key in before}, {key: _data(now[key]) for key in touched if key in now}
        )

    def summary(self, prune: bool) -> dict[str, list[str]]:
        """The keys, for --json."""
        removed, kept = (self.absent, ()) if prune else ((), self.absent)
        parts = {"added": self.added, "changed": self.changed, "unchanged": self.unchanged, "removed": removed, "kept": kept}
        return {name: sorted(keys) for name, keys in parts.items()}


@app.command("apply")
def apply_command(
    file: Annotated[Path, typer.Argument(help="The file resources.yaml.")],
    prune: Annotated[bool, typer.Option("--prune", help="Remove what is declared but not in the file.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, show what would change, write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a file of resources, all or nothing, show what it changes, and declare what it holds.

    Example: outdial resources apply resources.yaml --dry-run
    """
    settings = Settings()
    document = load(file)
    declared, found = resources_of(document)
    snapshot = read_heads(settings)
    before = read_resources(settings)
    change = difference(before, declared)
    refuse(found or broken(change.after(prune, before), snapshot, document))
    changes = change.differences(prune, before)
    if not as_json:
        show(changes, Console(soft_wrap=True, highlight=False))
    if not dry_run:
        publish(settings, change, prune)
    _report(change.summary(prune), changes, dry_run, as_json)
    if not as_json:
        print("".join(f"note: {note}\n" for note in thin(change.added | change.changed, settings.partitions)), end="")


def publish(settings: Settings, change: Change, prune: bool) -> None:
    """Writes what is new or other, and with `prune` takes away what the file leaves out."""
    with Publisher(settings, RESOURCES) as publisher:
        for key, resource in (change.added | change.changed).items():
            publisher.send(RESOURCES, key, resource)
        for key in change.absent if prune else ():
            publisher.send(RESOURCES, key, None)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the file resources.yaml, for editors that complete and check YAML.

    Example: outdial resources schema > resources.schema.json
    and as the first line of the file: # yaml-language-server: $schema=resources.schema.json
    """
    print(schema_of(Resources), end="")


@app.command("list")
def list_command(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False) -> None:
    """List what is declared.

    Example: outdial resources list
    """
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
    """What a file declares, by key, and every fault it has. What is faulty is left out of the first, and hides nothing."""
    found: list[tuple[Place, str]] = []
    try:
        Resources.model_validate(document.data)
    except ValidationError as error:
        found += [complaint(each, Resources) for each in error.errors(include_url=False)]
    declared: dict[str, Resource] = {}
    for place, resource in _placed(document.data):
        key = resource_key(resource)
        if key in declared:
            found.append((place, f"{resource.kind} {resource.id!r} stands here a second time: keep one of the two"))
        declared[key] = resource
        found += [((*place, key), why) for key, why in (slips(resource) if isinstance(resource, Number) else ())]
        found += [((*place, "inbound"), why) for why in _unreserved(resource)]
    if not declared and not found:
        found.append(((), f"declares nothing: it needs {listed(_PARTS)}"))
    return declared, document.told(found)


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


def thin(declared: Mapping[str, Resource], partitions: int) -> list[str]:
    """Numbers whose cap is too low for everybody to be called from them each day."""
    numbers = ((each.number, each.daily_cap) for each in declared.values() if isinstance(each, Number))
    return [
        f"{number} may make {cap} calls a day, which are divided among {partitions} partitions: "
        f"each day the people of {partitions - cap} of these are not called from it"
        for number, cap in numbers
        if cap is not None and cap < partitions
    ]


def _unreserved(resource: Resource) -> list[str]:
    """What is wrong with the calls that a line keeps free."""
    if not isinstance(resource, Line) or not resource.inbound:
        return []
    if resource.concurrency is None:
        return ["keeps calls free of a line that has any number: say how many it has, as concurrency"]
    if resource.inbound >= resource.concurrency:
        return [f"keeps {resource.inbound} of {resource.concurrency} calls free: at least one must be left for campaigns"]
    return []


def _placed(data: dict[str, Any]) -> Iterator[tuple[Place, Resource]]:
    """Every resource that is sound by itself, with its place."""
    for name, part in _PARTS.items():
        entries = data.get(name)
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            with suppress(ValidationError):
                yield (name, i), part.model_validate(entry)


def _data(resource: Resource) -> dict[str, Any]:
    """What a file says of a resource beside its name."""
    return resource.model_dump(exclude={"kind", "id", "number"}, exclude_unset=True)


def _about(resource: Resource) -> str:
    match resource:
        case Agent():
            return resource.name or ""
        case Number():
            return _about_number(resource)
        case Line():
            rate = "any number of" if resource.calls_per_second is None else f"{resource.calls_per_second:g}"
            at_once = "any number" if resource.concurrency is None else str(resource.concurrency)
            inbound = f", {resource.inbound} of them free for people who call in" if resource.inbound else ""
            return f"{rate} calls a second, {at_once} at a time{inbound}"


def _about_number(number: Number) -> str:
    """`sales-us, east; at most 300 calls a day; resting until 2026-12-01`."""
    rest = f"resting until {number.resting}" if isinstance(number.resting, str) else "resting" if number.resting else ""
    most = f"at most {number.daily_cap:,} calls a day" if number.daily_cap else ""
    place = ", ".join(filter(None, (number.state, number.country)))
    return "; ".join(filter(None, (", ".join(number.tags), place, most, rest)))


def _report(summary: dict[str, list[str]], changes: list[Difference], dry_run: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary | {"written": not dry_run, "changes": [each.summary() for each in changes]}))
        return
    print(", ".join(f"{len(keys)} {name}" for name, keys in summary.items() if keys))
    if summary["kept"]:
        print(f"not in the file but still declared: {', '.join(summary['kept'])}; --prune removes them")
    if dry_run:
        print("dry run: nothing was written")
