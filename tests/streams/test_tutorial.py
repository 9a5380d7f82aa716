"""docs/tutorial.md is run as it stands, on a broker, provider and worker of its own, and prints what it says it prints.

Blocks marked `sh` are run in one shell, in order; lines of blocks marked `text` must have been printed. Four things differ from
what a reader does: the checkout is there already, the board is left when everybody has left the campaign, the clock runs
faster, and the ports are free ones.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.broker import Broker
from outdial.settings import Settings
from tests.conftest import CACHE
from tests.ports import free_pair

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Ids of imports are hashes of the broker's own id, among others.
IMPORT = re.compile(r"\b[0-9a-f]{10}\b")
PEOPLE = 10
REPLACED = {
    "outdial status --watch": f"outdial status --watch --json | grep -m1 -q '\"exited\": {PEOPLE}'",
    'Z x60"': 'Z x300"',
}


def blocks(language: str) -> list[str]:
    return [body for marked, body in BLOCK.findall(TUTORIAL.read_text()) if marked == language]


def script() -> str:
    """What a reader types, after the first block, which clones and sets up."""
    setup, *typed = blocks("sh")
    assert "make setup" in setup
    text = "\n".join(["set -e", *typed])
    for reader, test in REPLACED.items():
        assert reader in text
        text = text.replace(reader, test)
    return text


def environment() -> dict[str, str]:
    """Free ports, and the checkout's own command. What the tutorial sets is not set here."""
    broker, servers = free_pair(), free_pair()
    ports = {"OUTDIAL_BROKER_PORT": broker, "OUTDIAL_SIMULATOR_PORT": servers, "OUTDIAL_WEBHOOK_PORT": servers + 1}
    chosen = {name: str(port) for name, port in ports.items()} | {"OUTDIAL_PROVIDER_URL": f"http://127.0.0.1:{servers}"}
    return os.environ | chosen | {"OUTDIAL_CACHE": str(CACHE), "COLUMNS": "100"}


@contextmanager
def shell(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell that runs the tutorial in a copy of the checkout; nothing that it started is left."""
    for name in ("examples", ".venv"):
        (place / name).symlink_to(ROOT / name)
    known = environment()
    with (place / "said").open("w") as said:
        process = subprocess.Popen(
            ["bash", "-c", script()], cwd=place, env=known, text=True, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        home = place / ".outdial" / "tutorial"
        Broker(Settings(home=home, cache=CACHE, bootstrap=None, broker_port=int(known["OUTDIAL_BROKER_PORT"]))).down()


def normal(text: str) -> list[str]:
    """Lines without what differs from run to run."""
    return [IMPORT.sub("IMPORT", line.rstrip()) for line in text.splitlines()]


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    with shell(tmp_path) as process:
        status = process.wait(280)
        said = (tmp_path / "said").read_text()
        assert status == 0, said
    printed = normal(said)
    told = [line for block in blocks("text") for line in normal(block) if line and line != "..."]
    assert [line for line in told if line not in printed] == [], said
    assert len(told) > 40
