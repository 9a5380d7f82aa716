"""Ten thousand keys produced to the real broker lie where `partition_of` says."""

from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

from outdial.kafka import admin, producer, reader
from outdial.settings import Settings
from streams.partitions import partition_of

PARTITIONS = 61  # a prime: every bit of the hash counts


def test_a_real_client_puts_ten_thousand_keys_where_we_expect_them(broker: Settings) -> None:
    keys = [f"+1212{n:07}" for n in range(4_000)] + [f"contact-{n}" for n in range(4_000)]
    keys += [f"zoë.{n}@exämple.org" for n in range(2_000)]
    client = admin(broker)
    client.create_topics([NewTopic("murmur2", PARTITIONS, 1)])["murmur2"].result()
    sender = producer(broker)
    for key in keys:
        sender.produce("murmur2", b"", key)
    assert sender.flush(30) == 0
    found: dict[str, int] = {}
    tail = reader(broker)
    tail.assign([TopicPartition("murmur2", p, 0) for p in range(PARTITIONS)])
    while len(found) < len(keys):
        for message in tail.consume(1_000, timeout=10):
            if message.error() is None:
                found[message.key().decode()] = message.partition()
    tail.close()
    assert found == {key: partition_of(key, PARTITIONS) for key in keys}
