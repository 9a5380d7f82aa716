"""`outdial topics apply`: all topics as schemas/topics.py has them, twice the same, and refused before anything is changed."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import ConfigResource, NewTopic  # type: ignore[attr-defined]

from cli.topics import Applied, apply, topic_config
from engine.errors import OutdialError
from outdial import kafka
from outdial.settings import Settings
from schemas.topics import TOPICS, TopicSpec
from tests.wait import until


@pytest.fixture
def specs(broker: Settings, request: pytest.FixtureRequest) -> Iterator[tuple[TopicSpec, ...]]:
    """Two topics of the test's own, deleted afterwards."""
    prefix = request.node.name.replace("[", ".").rstrip("]")
    made = (
        TopicSpec(f"{prefix}.log", "any", ()),
        TopicSpec(f"{prefix}.rows", "any", (), "compact", None, partitioned=False),
    )
    yield made
    client = kafka.admin(broker)
    names = [spec.name for spec in made if spec.name in client.list_topics(timeout=10).topics]
    for future in client.delete_topics(names).values() if names else ():
        future.result()


def create(settings: Settings, name: str, partitions: int, config: dict[str, str]) -> None:
    client = kafka.admin(settings)
    client.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result()
    until(lambda: name in client.list_topics(timeout=10).topics)


def config_of(settings: Settings, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    client = kafka.admin(settings)  # Held by name: one that is collected takes its requests with it.
    (future,) = client.describe_configs([resource]).values()
    return {key: str(entry.value) for key, entry in future.result().items()}


def names_on(settings: Settings) -> set[str]:
    return set(kafka.admin(settings).list_topics(timeout=10).topics)


def test_every_topic_is_created_and_stays_as_it_is(broker: Settings) -> None:
    apply(broker)
    assert apply(broker) == [Applied(spec.name, 8 if spec.partitioned else 1, spec.cleanup, 1, "unchanged") for spec in TOPICS]
    for spec in TOPICS:
        config = config_of(broker, spec.name)
        assert topic_config(spec).items() <= config.items()
        assert config["message.timestamp.type"] == "LogAppendTime"
    assert config_of(broker, "step-timers")["segment.bytes"] == "67108864"


def test_another_partition_count_is_refused_before_anything_is_created(broker: Settings, specs: tuple[TopicSpec, ...]) -> None:
    create(broker, specs[1].name, 3, topic_config(specs[1]))
    with pytest.raises(OutdialError, match=rf"{specs[1].name} has 3 partitions, but should have 1: .* nothing was changed"):
        apply(broker, specs)
    assert specs[0].name not in names_on(broker)


def test_partitions_that_another_setting_made_name_that_setting(broker: Settings, specs: tuple[TopicSpec, ...]) -> None:
    create(broker, specs[0].name, 3, topic_config(specs[0]))
    with pytest.raises(OutdialError, match="set OUTDIAL_PARTITIONS=3"):
        apply(broker, specs)


def test_another_cleanup_policy_is_refused_before_anything_is_created(broker: Settings, specs: tuple[TopicSpec, ...]) -> None:
    create(broker, specs[1].name, 1, topic_config(specs[1]) | {"cleanup.policy": "delete"})
    with pytest.raises(OutdialError, match=r"cleanup\.policy=delete, but should have cleanup\.policy=compact"):
        apply(broker, specs)
    assert specs[0].name not in names_on(broker)


def test_the_brokers_own_timestamps_are_put_right_and_retention_is_left(broker: Settings, specs: tuple[TopicSpec, ...]) -> None:
    other = {"message.timestamp.type": "CreateTime", "retention.ms": "86400000"}
    create(broker, specs[0].name, 8, topic_config(specs[0]) | other)
    assert [row.action for row in apply(broker, specs)] == ["updated", "created"]
    config = config_of(broker, specs[0].name)
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["retention.ms"] == "86400000"
