"""What the benchmarks share: invented people on topics, a campaign that may call at any time, and what a run left on the broker."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import phonenumbers
import psutil
from confluent_kafka import Producer

from cli.read import ends, read_records
from engine.errors import OutdialError
from outdial.kafka import producer_config, reader
from outdial.settings import Settings
from schemas.topics import CAMPAIGN_EVENTS, CONTACT_PROFILES, TopicSpec

CAMPAIGN = "one-call"
#: Of 100 people this many must have left: the rest waits for a retry after an error of the provider, a minute later.
LEFT = 0.97
#: Real seconds without a new event after which a run is over.
QUIET = 5.0

RESOURCES_YAML = """
agents: [{id: robin}]
numbers: [{number: "+12125550101", tags: [sales]}]
lines: [{id: main}]
"""
CAMPAIGN_YAML = f"""
id: {CAMPAIGN}
agent: robin
numbers: {{tag: sales}}
line: main
window:
  weekly: {{mon-sun: ["00:00-24:00"]}}
  timezone: {{use: fixed, zone: UTC}}
rules: none
flow:
  - {{id: call, call: {{}}}}
exit: [answered, opted_out, unreachable]
"""


def phones() -> Iterator[str]:
    """Numbers reserved for fiction (+1 NPA 555 0100 to 0199), one a person. Raises OutdialError when there are no more."""
    areas = [n for n in range(201, 990) if phonenumbers.is_valid_number(phonenumbers.parse(f"+1{n}5550100"))]
    for last in range(100, 200):
        yield from (f"+1{area}5550{last}" for area in areas)
    raise OutdialError(f"there are only {100 * len(areas)} fictional numbers: ask for fewer people")


class People:
    """Invented people, published as contacts and enrollments onto `<prefix>contacts` and `<prefix>enrollments`."""

    def __init__(self, settings: Settings, prefix: str = "") -> None:
        self._producer, self._prefix = Producer(producer_config(settings)), prefix
        self._phones, self._count = phones(), 0
        self.campaigns: dict[str, str] = {}  # by number

    def publish(self, count: int, campaign: str = CAMPAIGN) -> str:
        """So many more, acknowledged; the phone number of the last."""
        people = [(f"person-{self._count + i:06}", next(self._phones)) for i in range(count)]
        self._count += count
        self.campaigns |= dict.fromkeys((phone for _, phone in people), campaign)
        for person, phone in people:
            self._send("contacts", person, {"id": person, "phone": phone, "timezone": "America/New_York"})
        for person, _ in people:
            self._send("enrollments", person, {"kind": "enroll", "contact_id": person, "campaign": campaign})
        self._producer.flush()
        return people[-1][1]

    def _send(self, topic: str, key: str, value: dict[str, Any]) -> None:
        while True:
            try:
                self._producer.produce(self._prefix + topic, key=key.encode(), value=msgspec.json.encode(value))
                return
            except BufferError:
                self._producer.poll(0.1)


def written(settings: Settings, prefix: str, names: list[str]) -> dict[str, int]:
    """Records ever written, by topic (without the prefix)."""
    consumer = reader(settings)
    try:
        return {name: sum(ends(consumer, prefix + name).values()) for name in names}
    finally:
        consumer.close()


@dataclass
class Meter:
    """CPU seconds of a process over time, read every 50 ms by a thread of ours."""

    pid: int

    def __post_init__(self) -> None:
        self._times: list[float] = []
        self._seconds: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        process = psutil.Process(self.pid)
        while not self._stop.wait(0.05):
            try:
                used = process.cpu_times()
            except psutil.NoSuchProcess:
                return
            self._times.append(time.time())
            self._seconds.append(used.user + used.system)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def between(self, start: float, end: float) -> float:
        """CPU seconds used from one instant (seconds since 1970) to another."""
        i, j = (max(0, bisect_right(self._times, t) - 1) for t in (start, end))
        return self._seconds[j] - self._seconds[i]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Seconds from the first `enrolled` and from the first `exited` until `left` people have left."""

    name: str
    left: int
    seconds: float
    exiting_seconds: float
    cpu_seconds: float
    records: float  # written a contact, inputs included

    @property
    def rate(self) -> float:
        return self.left / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.left * 1e6


def wait_until_quiet(settings: Settings, prefix: str, people: int, timeout: float, alive: Callable[[], bool]) -> None:
    """Until most people have left and no event has come for a while. Raises OutdialError after `timeout` seconds, or if the worker
    is no longer alive."""
    deadline, last, since = time.monotonic() + timeout, -1, time.monotonic()
    while time.monotonic() < deadline and alive():
        events = written(settings, prefix, [CAMPAIGN_EVENTS.name])[CAMPAIGN_EVENTS.name]
        if events != last:
            last, since = events, time.monotonic()
        elif events >= 3 * LEFT * people and time.monotonic() - since > QUIET:
            return
        time.sleep(0.5)
    state = f"within {timeout:.0f} s" if alive() else "when the worker ended"
    raise OutdialError(f"only {last} events of {people} people {state}")


def judge(name: str, settings: Settings, prefix: str, people: int, meter: Meter, topics: list[str]) -> Run:
    """What the broker's timestamps of the events, and the meter, say of a run. It begins with whatever was written first."""
    spec = TopicSpec(prefix + CAMPAIGN_EVENTS.name, "contact_id", ())
    told = [(r.timestamp / 1000, msgspec.json.decode(r.value)["kind"]) for r in read_records(settings, spec) if r.value]
    profiles = TopicSpec(prefix + next(name for name in topics if name.startswith(CONTACT_PROFILES.name)), "contact_id", ())
    began = min(*(at for at, _ in told), *(r.timestamp / 1000 for r in read_records(settings, profiles)))
    exits = sorted(at for at, kind in told if kind == "exited")
    left = int(people * LEFT)
    if len(exits) < left:
        raise OutdialError(f"{name}: {len(exits)} of {people} have left")
    end = exits[left - 1]
    records = sum(written(settings, prefix, topics).values()) / people
    return Run(name, left, end - began, end - exits[0], meter.between(began, end), records)


def write_files(home: Path) -> tuple[Path, Path]:
    """The resources and the campaign, for `outdial apply`."""
    resources, campaign = home / "resources.yaml", home / f"{CAMPAIGN}.yaml"
    resources.write_text(RESOURCES_YAML)
    campaign.write_text(CAMPAIGN_YAML)
    return resources, campaign
