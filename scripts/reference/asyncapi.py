"""The topics as an AsyncAPI 3.0 document, from schemas/topics.py and the models."""

import json
from importlib.metadata import version
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from cli.topics import topic_config
from outdial.settings import Settings
from schemas.base import encode
from schemas.export import models
from schemas.topics import TOPICS, TopicSpec
from scripts.reference.examples import RECORDS

Node = dict[str, Any]
BINDING = "0.5.0"
HEADER = "# Written by `python -m scripts.reference` from schemas/. Change the models, and run it.\n"
INFO: Node = {
    "title": "Outdial",
    "version": version("outdial"),
    "description": "Outbound campaigns on Kafka. Seen from Outdial: it receives what others write and sends what others may read. "
    "Records are JSON, delivered at least once: keep the first of each event_id. Contracts only grow: ignore what you do not know. "
    "Keys are partitioned by murmur2, as the Java client does it (librdkafka: partitioner=murmur2_random).",
}


def asyncapi_text() -> str:
    """docs/reference/asyncapi.yaml."""
    return HEADER + yaml.dump(json.loads(json.dumps(asyncapi())), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


class _Plain(yaml.SafeDumper):
    """Writes what stands in two places twice, not as an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is yaml's
        return True


def asyncapi() -> Node:
    """The document."""
    return {
        "asyncapi": "3.0.0",
        "info": INFO,
        "defaultContentType": "application/json",
        "servers": {"embedded": _server()},
        "channels": {spec.name: _channel(spec) for spec in TOPICS},
        "operations": {name: node for spec in TOPICS for name, node in _operations(spec).items()},
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _server() -> Node:
    host = f"127.0.0.1:{Settings.model_fields['broker_port'].default}"
    return {"host": host, "protocol": "kafka", "description": "The embedded broker; OUTDIAL_BOOTSTRAP names another."}


def _channel(spec: TopicSpec) -> Node:
    config = topic_config(spec)
    kafka: Node = {
        "partitions": Settings.model_fields["partitions"].default if spec.partitioned else 1,
        "topicConfiguration": {"cleanup.policy": [config["cleanup.policy"]]}
        | {name: int(config[name]) for name in ("retention.ms",) if name in config},
        "bindingVersion": BINDING,
    }
    return {
        "address": spec.name,
        "description": f"{spec.about} Key: {spec.key}.",
        "servers": [{"$ref": "#/servers/embedded"}],
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in spec.models},
        "bindings": {"kafka": kafka},
    }


def _operations(spec: TopicSpec) -> Node:
    """What Outdial does with a topic; its own topics it both writes and reads."""
    actions = {"in": ("receive",), "out": ("send",), "inside": ("send", "receive")}[spec.side]
    return {f"{action}-{spec.name}": _operation(spec, action) for action in actions if spec.models}


def _operation(spec: TopicSpec, action: str) -> Node:
    refs = [{"$ref": f"#/channels/{spec.name}/messages/{model.__name__}"} for model in spec.models]
    return {"action": action, "channel": {"$ref": f"#/channels/{spec.name}"}, "messages": refs}


def _messages() -> Node:
    return {model.__name__: _message(spec, model) for spec in TOPICS for model in spec.models}


def _message(spec: TopicSpec, model: type[Any]) -> Node:
    told = (model.__doc__ or "").strip().split("\n")
    shown = [record for record in RECORDS if type(record) is model]
    return {
        "title": f"{model.__name__} on {spec.name}",
        "summary": told[0],
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": spec.key}, "bindingVersion": BINDING}},
        "examples": [{"name": getattr(record, "kind", model.__name__), "payload": json.loads(encode(record))} for record in shown],
    }


def _schemas() -> Node:
    """Every model and what is inside of it, each once."""
    on_topics = [model for name, model in models().items() if "-file." not in name]
    _, found = models_json_schema([(model, "validation") for model in on_topics], ref_template="#/components/schemas/{model}")
    return {name: _draft7(schema) for name, schema in found["$defs"].items()}


def _draft7(node: Any) -> Any:
    """pydantic writes tuples as JSON Schema 2020-12 has them, AsyncAPI's schemas are of draft 7. Titles only repeat the names."""
    if isinstance(node, list):
        return [_draft7(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _draft7(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    if "prefixItems" in made:
        made["items"] = made.pop("prefixItems")
    return made
