"""Writes deploy/jgo.lock.toml anew: the broker's jars with their checksums, as Maven Central has them.

To be run when KAFKA or BINDING changes.
"""

import tempfile
from pathlib import Path

from jgo.env import LockFile
from jgo.maven import MavenContext

KAFKA = "org.apache.kafka:kafka_2.13:4.1.0"
#: Kafka's jars bring log4j but not slf4j's way to it: without this the broker would log nothing at all. It is added after the
#: others are resolved, because jgo lets what a root's parent manages (here: an old kafka-clients) hold for all.
BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"


def main() -> None:
    target = Path(__file__).parent.parent / "deploy" / "jgo.lock.toml"
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=60)
        inputs, transitive = context.resolver.resolve([context.create_dependency(KAFKA)])
        jars = [*inputs, *transitive, context.create_dependency(BINDING)]
        lock = LockFile.from_resolved_dependencies(jars, environment_name="outdial-broker", min_java_version=17)
        lock.save(target)
    print(f"{target.name}: {len(lock.dependencies)} jars")


if __name__ == "__main__":
    main()
