"""The harder examples, as their one command runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from providers.simlog import read_log
from tests.acceptance.world import CLEAN
from tests.conftest import CACHE

PEOPLE = 160


def shown(home: Path, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `outdial demo --show NAME --json` prints, and what the provider has in its log."""
    environment = {**os.environ, "OUTDIAL_HOME": str(home), "OUTDIAL_CACHE": str(CACHE)}
    command = [sys.executable, "-m", "cli.main", "demo", "--show", name, "--json"]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["verify"] == CLEAN
    for one in told["campaigns"].values():
        assert one["enrolled"] == sum(one["exits"].values()) + one["still_in"]
        assert one["still_in"] == 0
    return told["campaigns"], list(read_log(home / "demo" / "simulator.jsonl"))
