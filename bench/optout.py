"""How soon an opt-out counts: `python -m bench.optout [people] [people imported meanwhile]`.

Everybody waits in two campaigns and is called by a third, whose call ends with an opt-out. Measured by the broker's time stamps,
from the provider's word on `dial-receipts` to the last `exited` of the two: first on a worker that does nothing else, then on one
that takes in an import at the same time.
"""

import signal
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.arguments import integers
from bench.load import phones, written
from cli.opt_out_delays import AIM_MS, Delays, measured
from cli.publish import Publisher
from deploy.stack import Stack, clock_at
from engine.errors import OutdialError
from outdial.settings import Settings
from schemas.contact import Contact
from schemas.enrollment import Enroll
from schemas.topics import CAMPAIGN_EVENTS, CONTACTS, ENROLLMENTS

PEOPLE, IMPORTED = 1_000, 30_000
#: A clock on which most calls take some seconds; what is measured is real time.
CLOCK = 30
TIMEOUT = 180.0
#: People before those that are measured: by then every partition has its first record, for which a broker makes files.
WARM_UP = 100
RESOURCES = """
agents: [{id: robin}]
numbers: [{number: "+12125550101", tags: [sales]}]
lines: [{id: main, calls_per_second: 50}]
"""
CAMPAIGN = """
id: {name}
agent: robin
numbers: {{tag: sales}}
line: main
window:
  weekly: {{mon-sun: ["00:00-24:00"]}}
  timezone: {{use: fixed, zone: UTC}}
rules: none
flow:
{steps}
"""
CALLS, WAITS = "  - {id: call, call: {}}", "  - {id: pause, wait: 30 days}\n  - {id: call, call: {}}"
MIX = "calls: {answered: 1}\nmessages: {delivered: 1}\nopt_out: 1.0\ntalk_ms: 5000\n"


def run(imported: int, people: int, cache: Path) -> Delays:
    """One worker, the simulator and the webhooks on a broker of their own."""
    with tempfile.TemporaryDirectory() as home, Stack(Path(home) / "home", cache) as stack:
        _set_up(stack, Path(home))
        numbers = phones()
        called = [(f"called-{i:05}", next(numbers)) for i in range(people + WARM_UP)]
        _publish(stack.settings, called, "b", "c")
        stack.wait_for("everybody waits", lambda: _events(stack.settings) >= 2 * len(called), TIMEOUT)
        more = ((f"more-{i:06}", next(numbers)) for i in range(imported))
        _publish(stack.settings, called, "a")
        _publish(stack.settings, more, "b")
        stack.wait_for("all have opted out", lambda: _opted_out(stack.settings) >= len(called) * 0.97, TIMEOUT)
        found = measured(stack.settings, people)
    if found is None or found.opt_outs < people * 0.9:
        raise OutdialError(f"only {found.opt_outs if found else 0} of {people} opt-outs have ended anything")
    return found


def _set_up(stack: Stack, home: Path) -> None:
    stack.broker.up()
    stack.set_clock(clock_at(datetime(2026, 6, 1, 12, tzinfo=UTC), CLOCK, 0.0))
    files = {"resources": RESOURCES, "mix": MIX} | {
        name: CAMPAIGN.format(name=name, steps=CALLS if name == "a" else WAITS) for name in "abc"
    }
    for name, text in files.items():
        (home / f"{name}.yaml").write_text(text)
    stack.run("topics", "apply")
    stack.run("resources", "apply", str(home / "resources.yaml"))
    stack.run("campaign", "apply", *(str(home / f"{name}.yaml") for name in "abc"))
    for name in "abc":
        stack.run("campaign", "start", name)
    stack.start_provider("--mix", str(home / "mix.yaml"))
    stack.start_worker("worker-1")


def _publish(settings: Settings, people: "Iterator[tuple[str, str]] | list[tuple[str, str]]", *campaigns: str) -> None:
    with Publisher(settings, CONTACTS, ENROLLMENTS) as publisher:
        for person, phone in people:
            publisher.send(CONTACTS, person, Contact(id=person, phone=phone))
            for campaign in campaigns:
                publisher.send(ENROLLMENTS, person, Enroll(contact_id=person, campaign=campaign))


def _events(settings: Settings) -> int:
    return written(settings, "", [CAMPAIGN_EVENTS.name])[CAMPAIGN_EVENTS.name]


def _opted_out(settings: Settings) -> int:
    found = measured(settings, sys.maxsize)
    return found.opt_outs if found else 0


def show(runs: dict[str, Delays]) -> Table:
    """A line for each run."""
    table = Table(title=f"From the provider's word to the last step ended (aim: p99 {AIM_MS} ms)", title_justify="left")
    for column in ("", "opt-outs", "p50 ms", "p99 ms", "greatest ms"):
        table.add_column(column, justify="left" if not column else "right")
    for name, found in runs.items():
        table.add_row(name, f"{found.opt_outs:,}", f"{found.p50:.0f}", f"{found.p99:.0f}", f"{found.greatest:.0f}")
    return table


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the broker is not to outlive us
    people, imported = integers(__doc__, arguments, people=PEOPLE, people_imported_meanwhile=IMPORTED)
    cache = Settings().cache_dir().resolve()
    runs = {"nothing else to do": run(0, people, cache), f"while {imported:,} people are imported": run(imported, people, cache)}
    Console(width=132, highlight=False).print(show(runs))


if __name__ == "__main__":
    main(sys.argv[1:])
