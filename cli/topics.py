"""`outdial topics apply`: makes the broker's topics what schemas/topics.py says. Checks all that exist before it creates any."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

import typer
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs do not mark what it re-exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)
from rich.console import Console
from rich.table import Table

from deploy.process import wait_until
from engine.errors import OutdialError
from outdial.kafka import admin, require_broker
from outdial.settings import Settings
from schemas.topics import TOPICS, TopicSpec

app = typer.Typer(help="The topics on the broker.\n\nExample: outdial topics apply", no_args_is_help=True)

#: Seconds for the broker to answer one request, and to lead what it has made.
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Applied:
    """A topic as it is now."""

    topic: str
    partitions: int
    cleanup: str
    replication: int
    action: Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class _Existing:
    partitions: int
    replication: int
    config: dict[str, str]


@app.callback()
def _topics() -> None:
    """The topics on the broker."""


@app.command("apply")
def apply_command(as_json: bool = typer.Option(False, "--json", help="Print one JSON object a line.")) -> None:
    """Create the topics that are missing and check those that exist.

    Example: outdial topics apply
    """
    applied = apply(Settings())
    if as_json:
        for row in applied:
            print(json.dumps(asdict(row)))
    else:
        _print(applied)


def apply(settings: Settings, specs: tuple[TopicSpec, ...] = TOPICS) -> list[Applied]:
    """Creates what is missing, and brings timestamps and segments of what exists in line. Does nothing the second time. What it has
    created can be used when it returns.

    Raises `OutdialError`, before anything is changed, if a topic has another partition count or cleanup policy.
    """
    cluster = require_broker(settings)
    client = admin(settings)
    try:
        existing = _existing(client, [spec.name for spec in specs if spec.name in cluster.topics])
        for spec in specs:
            if spec.name in existing:
                _check(spec, existing[spec.name], settings.partitions)
        missing = [spec for spec in specs if spec.name not in existing]
        replication = min(3, len(cluster.brokers))
        _create(client, missing, settings.partitions, replication)
        wait_for_leaders(client, [spec.name for spec in missing])
        updated = _update(client, [spec for spec in specs if spec.name in existing], existing)
    except KafkaException as error:
        raise OutdialError(f"The broker refused a request about topics: {error.args[0].str()}") from error
    return [_applied(spec, existing.get(spec.name), updated, settings.partitions, replication) for spec in specs]


def topic_config(spec: TopicSpec) -> dict[str, str]:
    """The broker's settings of a topic."""
    config = {"cleanup.policy": spec.cleanup, "message.timestamp.type": "LogAppendTime"}
    if spec.cleanup == "compact":
        # The defaults (1 GiB, half dirty) would have a worker read every row many times over when it recovers.
        return config | {"segment.bytes": str(64 * 1024 * 1024), "min.cleanable.dirty.ratio": "0.2"}
    return config | {"retention.ms": str(-1 if spec.retention_ms is None else spec.retention_ms)}


def _partitions(spec: TopicSpec, partitions: int) -> int:
    return partitions if spec.partitioned else 1


def _existing(client: AdminClient, names: list[str]) -> dict[str, _Existing]:
    if not names:
        return {}
    topics = client.list_topics(timeout=TIMEOUT).topics
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    found = {}
    for resource, future in client.describe_configs(resources, request_timeout=TIMEOUT).items():
        config = {name: str(entry.value) for name, entry in future.result().items()}
        layout = topics[resource.name].partitions
        found[resource.name] = _Existing(len(layout), len(layout[0].replicas), config)
    return found


def _check(spec: TopicSpec, found: _Existing, partitions: int) -> None:
    wanted = _partitions(spec, partitions)
    if found.partitions != wanted:
        remedy = f"set OUTDIAL_PARTITIONS={found.partitions}, or " if spec.partitioned else ""
        raise OutdialError(
            f"Topic {spec.name} has {found.partitions} partitions, but should have {wanted}: {remedy}delete the topic "
            "(and its data) and apply again; nothing was changed"
        )
    cleanup = found.config["cleanup.policy"]
    if cleanup != spec.cleanup:
        raise OutdialError(
            f"Topic {spec.name} has cleanup.policy={cleanup}, but should have cleanup.policy={spec.cleanup}: make sure that "
            "the topic is Outdial's, set it with the broker's tools and apply again; nothing was changed"
        )


def _create(client: AdminClient, missing: list[TopicSpec], partitions: int, replication: int) -> None:
    if not missing:
        return
    new = [NewTopic(spec.name, _partitions(spec, partitions), replication, config=topic_config(spec)) for spec in missing]
    # Asked first: a broker that would refuse the ninth topic must not be left with eight.
    for validate_only in (True, False):
        for future in client.create_topics(new, request_timeout=TIMEOUT, validate_only=validate_only).values():
            future.result()


def wait_for_leaders(client: AdminClient, names: list[str]) -> None:
    """Returns when the broker shows the topics and leads them: it says that it has made them before, under load by seconds.

    Raises `OutdialError` after TIMEOUT.
    """
    waiting = set(names)

    def led() -> bool:
        if waiting:
            topics = client.list_topics(timeout=TIMEOUT).topics
            waiting.difference_update(n for n, topic in topics.items() if all(p.leader >= 0 for p in topic.partitions.values()))
        return not waiting

    if not wait_until(led, TIMEOUT):
        raise OutdialError(f"The broker has made {', '.join(sorted(waiting))}, but does not lead them after {TIMEOUT:.0f} s")


def _update(client: AdminClient, specs: list[TopicSpec], existing: dict[str, _Existing]) -> set[str]:
    changes = []
    for spec in specs:
        # Retention is left as it is found: whoever lengthened it would lose data.
        wanted = {name: value for name, value in topic_config(spec).items() if name != "retention.ms"}
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in wanted.items()
            if existing[spec.name].config.get(name) != value
        ]
        if entries:
            changes.append(ConfigResource(ConfigResource.Type.TOPIC, spec.name, incremental_configs=entries))
    if changes:
        for future in client.incremental_alter_configs(changes, request_timeout=TIMEOUT).values():
            future.result()
    return {change.name for change in changes}


def _applied(spec: TopicSpec, found: _Existing | None, updated: set[str], partitions: int, replication: int) -> Applied:
    action: Literal["created", "updated", "unchanged"] = (
        "created" if found is None else "updated" if spec.name in updated else "unchanged"
    )
    replicas = found.replication if found else replication
    return Applied(spec.name, _partitions(spec, partitions), spec.cleanup, replicas, action)


def _print(applied: list[Applied]) -> None:
    table = Table("topic", "partitions", "cleanup", "replication", "", box=None, pad_edge=False)
    for row in applied:
        style = "dim" if row.action == "unchanged" else "green"
        table.add_row(row.topic, str(row.partitions), row.cleanup, str(row.replication), f"[{style}]{row.action}[/{style}]")
    Console().print(table)
