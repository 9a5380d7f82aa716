"""`outdial campaign diff`: what differs between versions of a campaign, or a version and a file, and who is on which."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.difference import Difference, differences, show
from cli.documents import load, refuse
from cli.inside import people_inside
from cli.read import Snapshot, read_heads
from cli.summary import iso
from engine.errors import OutdialError, UsageError
from outdial.settings import Settings


def diff(
    what: Annotated[str, typer.Argument(metavar="ID|FILE", help="A campaign's id, or a file that is not applied yet.")],
    versions: Annotated[
        list[int] | None, typer.Argument(metavar="[V1 [V2]]", help="From which version, and to which; left out: the last two.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what differs between two versions of a campaign, or between the current one and a file; and who is on which version.

    Example: outdial campaign diff spring 3 4
    """
    settings = Settings()
    snapshot = read_heads(settings)
    file = _file(what, snapshot)
    if file is not None and versions:
        raise UsageError(f"{what} is a file, and is compared with the current version: leave the numbers out")
    name = str(file["id"]) if file else what
    known = sorted(v for campaign, v in snapshot.versions if campaign == name)
    old, new = (snapshot.head(name).version, None) if file else _chosen(snapshot, name, versions or [], known)
    before = snapshot.version(name, old).file
    after = file if new is None or file else snapshot.version(name, new).file
    found = differences(before, after)
    inside = people_inside(settings, {name})
    people = Counter({version: inside[name, version] for version in known})
    if as_json:
        print(json.dumps(_as_dict(name, old, new, found, people)))
    else:
        _print(snapshot, name, f"{what}" if new is None else f"version {new}", old, found, people)


def _file(what: str, snapshot: Snapshot) -> dict[str, Any] | None:
    """The data of a file, if it is one; None for an id. Raises OutdialError, or lets it be, if it is neither."""
    if what in snapshot.heads or not (Path(what).exists() or what.endswith((".yaml", ".yml"))):
        return None
    document = load(Path(what))
    refuse([text for _, text in document.unread])
    if not isinstance(document.data.get("id"), str):
        raise OutdialError(document.fault(("id",), "is missing: without it, nobody knows which campaign this is"))
    return dict(document.data)


def _chosen(snapshot: Snapshot, name: str, versions: list[int], known: list[int]) -> tuple[int, int]:
    """From which version to which. Raises OutdialError if one is not there."""
    if len(versions) > 2:
        raise UsageError("give two versions at most: from which, and to which")
    current = snapshot.head(name).version
    if len(versions) == 2:
        return versions[0], versions[1]
    if versions:
        return versions[0], current
    earlier = [version for version in known if version < current]
    if not earlier:
        raise OutdialError(f"{name} has one version, so there is nothing to compare: give a file, outdial campaign diff FILE")
    return earlier[-1], current


def _as_dict(name: str, old: int, new: int | None, found: list[Difference], people: Counter[int]) -> dict[str, Any]:
    return {"id": name, "from": old, "to": new, "changes": [each.summary() for each in found], "people": dict(people)}


def _print(snapshot: Snapshot, name: str, to: str, old: int, found: list[Difference], people: Counter[int]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{name}: from version {old} to {to}" + ("" if found else ": nothing differs"), markup=False)
    show(found, console)
    current = snapshot.head(name).version
    for version, count in sorted(people.items()):
        now = ", the current one" if version == current else ""
        console.print(f"{count:,} people in version {version}{now}, applied {iso(snapshot.version(name, version).at)}")
