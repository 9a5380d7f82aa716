"""Kafka's own hash of keys given as hex, one a line: `JAVA_HOME=... python kafka_murmur2.py JARS... < keys`.

Its class is called as it lies in the jar, so that no Java that compiles is needed. In a process of its own: a Java machine takes
over signals, and once it is in a process it never leaves.
"""

import sys

import jpype


def main() -> None:
    jpype.startJVM("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", classpath=sys.argv[1:])
    utils = jpype.JClass("org.apache.kafka.common.utils.Utils")
    for line in sys.stdin:
        print(utils.murmur2(bytes.fromhex(line)) & 0xFFFFFFFF)


if __name__ == "__main__":
    main()
