"""The reference of the files people write, from their pydantic models."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from cli.words import DISPOSITIONS as WORDS
from engine.retries import DISPOSITIONS, Disposition, Effect
from schemas.campaign import CampaignFile
from schemas.resources import Resources
from scripts.reference.markdown import code, fence, page, table

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Schema = dict[str, Any]

CAMPAIGN = """# The campaign file

Written by `python -m scripts.reference` from `schemas/campaign.py`. YAML, one campaign a file. `outdial campaign apply` checks it
and reports every fault at once; a key that is not in these tables is refused, never ignored. `outdial campaign schema` prints the
JSON Schema, with which an editor completes and checks the file while it is written."""

RESOURCES = """# The resources file

Written by `python -m scripts.reference` from `schemas/resources.py`. YAML: the agents, caller IDs and lines that campaign files
refer to by name. `outdial resources apply` checks it and declares what it holds; `outdial resources schema` prints its schema."""

DAYS = """## Days and hours

`weekly` maps days to lists of intervals. Days: `mon` to `sun`, a range `mon-fri`, a list `sat,sun`. Hours: `"09:00-12:00"`, in
quotes. `"22:00-02:00"` crosses midnight and belongs to the day it begins on; `"18:00-24:00"` ends with the day.

The hours are those on the clock of the person, or of `zone` with `use: fixed`. A person with several zones is contacted only
while all of them are inside."""

TIMES = """## Waits

`30s`, `15m`, `24h` are exact. `1 day` is the same time on the clock, on the next calendar day; `2 business days` does not count
days on which the campaign's window is closed all day. All count from the end of the call.
A wait that ends outside the window goes on until the window opens."""

CONDITIONS = """## Conditions

`when` is an expression in CEL on the last attempt (`last.disposition`, `last.channel`, `last.step`, `last.at`), on how many there
were (`attempts`), on the person's variables (`contact.plan`) and clock (`local.hour`): [steps.md](../steps.md). `==`, `!=`,
`in ["busy", "no_answer"]`, `&&`, `||` and `!` are mostly enough."""

RETRIES = """## Dispositions

How a call or message ended. `retry` may name those that say so in the second column; `when` may ask for any. `delivered` and
`undelivered` are later news of a message and move nobody."""

LATER = (Disposition.DELIVERED, Disposition.UNDELIVERED)
MORE = {"not_dialed": "A rule forbade it, or its slot passed; the closing says which"}


def campaign_file() -> str:
    """docs/reference/campaign-file.md."""
    example = fence(_example("multi-step.yaml"), "yaml")
    return page(CAMPAIGN, example, _parts(CampaignFile), DAYS, TIMES, CONDITIONS, RETRIES, _dispositions())


def resources_file() -> str:
    """docs/reference/resources-file.md."""
    return page(RESOURCES, fence(_example("resources.yaml"), "yaml"), _parts(Resources))


def _example(name: str) -> str:
    """A file of examples/, without the lines that are for editors and readers of the folder."""
    return (EXAMPLES / name).read_text().split("\n\n", 1)[1]


def _parts(model: type[BaseModel]) -> str:
    """A section for the file, then one for each part of it, in the order in which they are mentioned."""
    schema = model.model_json_schema()
    order = _mentioned(schema, schema["$defs"])
    parts = [("The file", schema), *((_title(name), schema["$defs"][name]) for name in order)]
    return page(*(_part(title, part) for title, part in parts))


def _mentioned(part: Schema, defs: dict[str, Schema]) -> list[str]:
    found: dict[str, None] = {}
    for name in (ref.rsplit("/", 1)[1] for ref in _refs(part.get("properties", {}))):
        found |= dict.fromkeys([name, *_mentioned(defs[name], defs)])
    return list(found)


def _refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in _refs(value)]
    return [ref for value in node for ref in _refs(value)] if isinstance(node, list) else []


def _part(title: str, part: Schema) -> str:
    rows = [
        (code(name), _type(told), _default(name, told, part), told["description"], _shown(told))
        for name, told in part["properties"].items()
        if name != "kind"
    ]
    return page(f"## {title}", part["description"], table(("key", "what", "left out", "meaning", "example"), rows))


def _title(name: str) -> str:
    return name.removesuffix("Part")


def _type(told: Schema) -> str:
    """What may stand there, in words."""
    if "$ref" in told:
        name = _title(told["$ref"].rsplit("/", 1)[1])
        return f"[{name}](#{name.lower()})"
    if "anyOf" in told:
        return " or ".join(_type(each) for each in told["anyOf"] if each != {"type": "null"})
    if "enum" in told or "const" in told:
        return ", ".join(code(value) for value in told.get("enum", [told.get("const")]))
    match told.get("type"):
        case "array":
            return f"list of {_type(told['items'])}"
        case "object":
            return f"mapping to {_type(told['additionalProperties'])}"
        case "integer" | "number" as kind:
            return {"integer": "whole number", "number": "number"}[kind] + _bounds(told)
    return f"text {code(told['pattern'])}" if "pattern" in told else "text"


def _bounds(told: Schema) -> str:
    low = (
        [f"from {told['minimum']}"]
        if "minimum" in told
        else [f"above {told['exclusiveMinimum']:g}"]
        if "exclusiveMinimum" in told
        else []
    )
    high = [f"to {told['maximum']:g}"] if "maximum" in told else []
    return "".join(f" {bound}" for bound in (*low, *high))


def _default(name: str, told: Schema, part: Schema) -> str:
    if name in part.get("required", ()):
        return "needed"
    value = told.get("default")
    return code(_flow(value)) if value not in (None, [], {}) else ""


def _shown(told: Schema) -> str:
    examples = [value for value in told.get("examples", ()) if value != {} or "CallPart" in str(told)]
    return code(_flow(examples[0])) if examples else ""


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(json.loads(json.dumps(value)), default_flow_style=True, width=1000).removesuffix("...\n").strip()


def _dispositions() -> str:
    rows = [
        (code(name), "yes" if effect.retryable else "", "yes" if effect.counts else "", _then(name, effect), (WORDS | MORE)[name])
        for name, effect in DISPOSITIONS.items()
        if name not in LATER
    ]
    return table(("disposition", "retry may name it", "counts as attempt", "if the campaign says nothing", "meaning"), rows)


def _then(name: str, effect: Effect) -> str:
    if name == Disposition.NOT_DIALED:
        return "the same step, when the reason has passed"
    if effect.exit:
        return f"exit `{effect.exit}`"
    return "the next step" if effect.rang else "the same step, after a back-off"
