"""The catalogue of what others write to Outdial and read from it, from schemas/topics.py, the models and schemas/event.py."""

import json
from typing import Any, get_args

from cli.words import EXITS, UNDIALED
from schemas.base import encode
from schemas.event import CATALOGUE, EventKind
from schemas.export import models
from schemas.topics import CAMPAIGN_EVENTS, DAY_MS, TOPICS, Side, TopicSpec
from scripts.reference.examples import EVENTS, RECORDS
from scripts.reference.markdown import code, fence, page, table

INTRO = """# Topics and events

Written by `python -m scripts.reference` from `schemas/`. All records are JSON in UTF-8. The JSON Schema of each is in
[schemas/json](../../schemas/json); [asyncapi.yaml](asyncapi.yaml) has all of it for tools.

Rules for who reads:

- Records are delivered at least once. After a crash the last ones come again, with the `event_id` they had: keep the first.
- Records of one key are in order; between topics there is none.
- Topics only grow: expect further fields, further kinds and further values, and ignore what you do not know.
- Instants are UTC milliseconds on the campaign's clock, unless a field says otherwise.

Rules for who writes: the key decides the partition, by Kafka's murmur2, as the Java client has it; with librdkafka
(confluent-kafka) set `partitioner=murmur2_random`. A record that cannot be read goes to `dead-letters` with its reason."""

SIDES: dict[Side, str] = {"in": "Topics that others write", "out": "Topics that others read", "inside": "Outdial's own topics"}


def events() -> str:
    """docs/reference/events.md."""
    return page(INTRO, *(_side(side) for side in get_args(Side)), _feed(), _exits(), *_records())


def _side(side: Side) -> str:
    rows = [(code(spec.name), spec.key, kept(spec), _names(spec), spec.about) for spec in TOPICS if spec.side == side]
    note = "They may change with any version; read them, but build nothing on them." if side == "inside" else ""
    return page(f"## {SIDES[side]}", note, table(("topic", "key", "kept", "records", "what"), rows))


def kept(spec: TopicSpec) -> str:
    """How long, in words."""
    if spec.cleanup == "compact":
        return "the last of each key"
    days = (spec.retention_ms or 0) // DAY_MS
    return f"{days} day" if days == 1 else f"{days} days"


def _names(spec: TopicSpec) -> str:
    return ", ".join(model.__name__ for model in spec.models)


def _feed() -> str:
    rows = [
        (code(kind), meaning, ", ".join(f"`{name}`: {told}" for name, told in data.items()))
        for kind, (meaning, data) in CATALOGUE.items()
    ]
    return page(
        f"## Kinds on {code(CAMPAIGN_EVENTS.name)}",
        table(("kind", "meaning", "`data`"), rows),
        fence(json.dumps(json.loads(encode(EVENTS[EventKind.EXITED])), indent=2), "json"),
    )


def _exits() -> str:
    return page(
        "## Exit reasons and `not_dialed`",
        table(("reason of `exited`", "meaning"), [(code(name), told) for name, told in EXITS.items()]),
        table(("`reason` of `not_dialed`, beside the gate's checks", "meaning"), [(code(n), told) for n, told in UNDIALED.items()]),
        "Dispositions are listed in [the campaign file's reference](campaign-file.md#dispositions).",
    )


def _records() -> list[str]:
    """A table of fields for each record that others write or read."""
    specs = [spec for side in ("in", "out") for spec in TOPICS if spec.side == side]
    return [_record(spec, model) for spec in specs for model in spec.models]


def _record(spec: TopicSpec, model: type[Any]) -> str:
    about = (model.__doc__ or "").strip().splitlines()[0]
    shown = next(record for record in RECORDS if type(record) is model)
    example = fence(encode(shown).decode(), "json")
    fields = models()[f"{spec.name}.{model.__name__}"].model_fields
    rows = [(code(name), "needed" if field.is_required() else "", field.description or "") for name, field in fields.items()]
    return page(f"## {model.__name__} on {code(spec.name)}", about, table(("field", "", "what"), rows), example)
