"""The public contract as JSON Schema: one file in `schemas/json/` for each model on a topic, and one for each file people write.

    python -m schemas.export            writes them
    python -m schemas.export --check    fails, naming file and change, if the models have moved away from the files

A contract may only grow (`v` counts changes of shape). `compatible` says what in a new schema is no mere addition: producers or
consumers that were written against the old one would break.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from schemas.base import wire_model
from schemas.campaign import CampaignFile
from schemas.resources import Resources
from schemas.topics import TOPICS

FOLDER = Path(__file__).parent / "json"
Schema = dict[str, Any]

#: The files people write, beside the records on topics.
FILES: dict[str, type[BaseModel]] = {"campaign-file": CampaignFile, "resources-file": Resources}

#: What a value must be like. Titles, descriptions and defaults may change freely.
_FACTS = ("type", "const", "format", "pattern", "additionalProperties")
_LOWER = ("minLength", "minItems", "minimum", "exclusiveMinimum")
_UPPER = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")


def models() -> dict[str, type[BaseModel]]:
    """File stem -> model, for every model of the contract."""
    found = dict[str, type[BaseModel]]()
    for spec in TOPICS:
        for model in spec.models:
            found[f"{spec.name}.{model.__name__}"] = _pydantic(model)
    return found | {f"{name}.{model.__name__}": model for name, model in FILES.items()}


def _pydantic(model: type[BaseModel] | type[msgspec.Struct]) -> type[BaseModel]:
    return model if issubclass(model, BaseModel) else wire_model(model)


def schemas() -> dict[str, Schema]:
    """File name -> JSON Schema, as the models are now."""
    return {f"{stem}.json": model.model_json_schema() for stem, model in sorted(models().items())}


def schema_of(model: type[BaseModel]) -> str:
    """The exported form of one model's schema, as it is now."""
    return text(model.model_json_schema())


def text(schema: Schema) -> str:
    """The exported form of a schema: stable, so that a diff shows the change and nothing else."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def compatible(old: Schema, new: Schema) -> list[str]:
    """What in `new` is no addition to `old`, each with its path: removed or newly required fields, changed types, lost values."""
    return list(_Comparison(old, new).nodes(old, new, "$"))


class _Comparison:
    """Walks two schemas side by side. Each pair of definitions is compared once, so that recursive models end."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old, self.new = old, new
        self.seen: set[tuple[str, str]] = set()

    def nodes(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        refs = (str(old.get("$ref")), str(new.get("$ref")))
        if "$ref" in old and "$ref" in new:
            if refs in self.seen:
                return
            self.seen.add(refs)
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        yield from self._facts(old, new, path)
        yield from self._fields(old, new, path)
        yield from self._children(old, new, path)

    def _facts(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        for fact in _FACTS:
            before, now = old.get(fact), new.get(fact)
            if before != now and not (isinstance(before, dict) and isinstance(now, dict)):
                yield f"{path}: {fact} changed from {before!r} to {now!r}"
        for bound in (*_LOWER, *_UPPER):
            if _tighter(old.get(bound), new.get(bound), 1 if bound in _LOWER else -1):
                yield f"{path}: {bound} tightened from {old.get(bound)!r} to {new.get(bound)!r}"
        lost = [v for v in old.get("enum", []) if v not in new.get("enum", [])]
        if lost or ("enum" in new and "enum" not in old):
            yield f"{path}: no longer any of {lost or 'all values'}"

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for name in sorted(before.keys() - now.keys()):
            yield f"{path}.{name}: removed"
        for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
            yield f"{path}.{name}: {'now required' if name in before else 'new and required, without a default'}"
        for name in sorted(before.keys() & now.keys()):
            yield from self.nodes(before[name], now[name], f"{path}.{name}")

    def _children(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
            before, now = old.get(key), new.get(key)
            if isinstance(before, dict) and isinstance(now, dict):
                yield from self.nodes(before, now, path + mark)
        for key in ("anyOf", "oneOf", "prefixItems"):
            variants, others = old.get(key, []), new.get(key, [])
            if len(variants) != len(others):
                yield f"{path}: type changed, {key} of {len(variants)} to {len(others)}"
                continue
            for i, (before, now) in enumerate(zip(variants, others, strict=True)):
                yield from self.nodes(before, now, f"{path}<{i}>")


def _resolved(node: Schema, root: Schema) -> Schema:
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def _tighter(before: float | None, now: float | None, sign: int) -> bool:
    """Whether a bound refuses what it let pass; sign 1 for a lower bound, -1 for an upper one."""
    return now is not None and (before is None or (now - before) * sign > 0)


def differences() -> list[str]:
    """How the exported files and the models differ: `file: change`, nothing if they agree."""
    found: list[str] = []
    now = schemas()
    for path in sorted(FOLDER.glob("*.json")):
        if path.name not in now:
            found.append(f"{path.name}: its model is gone")
    for name, schema in now.items():
        path = FOLDER / name
        if not path.exists():
            found.append(f"{name}: not exported yet")
        elif (text_then := path.read_text(encoding="utf-8")) != text(schema):
            breaks = compatible(json.loads(text_then), schema)
            found += [f"{name}: {line}" for line in breaks] or [f"{name}: additions or descriptions changed"]
    return found


def write() -> int:
    """Writes every schema and removes files whose model is gone; returns how many there are."""
    FOLDER.mkdir(exist_ok=True)
    now = schemas()
    for path in FOLDER.glob("*.json"):
        if path.name not in now:
            path.unlink()
    for name, schema in now.items():
        (FOLDER / name).write_text(text(schema), encoding="utf-8")
    return len(now)


def main(arguments: list[str]) -> int:
    """The command. Exit status 0 done, 1 they differ, 2 used wrongly."""
    if arguments == ["--check"]:
        found = differences()
        for line in found:
            print(line, file=sys.stderr)
        if found:
            print("schemas/json differs from the models: run `python -m schemas.export` and review the change", file=sys.stderr)
        return 1 if found else 0
    if arguments:
        print("usage: python -m schemas.export [--check]", file=sys.stderr)
        return 2
    print(f"{write()} schemas written to schemas/json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
