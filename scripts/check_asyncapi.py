"""Checks docs/reference/asyncapi.yaml with the AsyncAPI project's own parser: `python scripts/check_asyncapi.py [FILE...]`.

The parser runs on Node; scripts/asyncapi/ pins it and all it needs. It is installed once, under OUTDIAL_CACHE (.outdial/cache).
Exit status 0: without errors, 1: errors, each with its line, 3: it could not be checked here, and why.
"""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "scripts" / "asyncapi"
DOCUMENT = ROOT / "docs" / "reference" / "asyncapi.yaml"
UNCHECKED = 3


def main(arguments: list[str]) -> int:
    """Installs what is not there yet, and checks."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        print(f"not checked: {' and '.join(missing)} cannot be found; install Node 20 or later", file=sys.stderr)
        return UNCHECKED
    place = _place()
    if not place.exists() and (why := _install(place)):
        print(f"not checked: npm cannot install the parser: {why}", file=sys.stderr)
        return UNCHECKED
    shutil.copy(PINNED / "check.mjs", place)
    return subprocess.run(["node", str(place / "check.mjs"), *(arguments or [str(DOCUMENT)])], check=False).returncode


def _place() -> Path:
    """A folder for just this lock file."""
    cache = Path(os.environ.get("OUTDIAL_CACHE") or ROOT / ".outdial" / "cache")
    return cache / f"asyncapi-{sha256((PINNED / 'package-lock.json').read_bytes()).hexdigest()[:12]}"


def _install(place: Path) -> str | None:
    """Installs aside, then moves it into place, so that what was interrupted is not taken for whole. Returns what went wrong."""
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.copytree(PINNED, draft)
    # Nothing that a package brings is run while it is installed.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"]
    done = subprocess.run(command, cwd=draft, capture_output=True, text=True, check=False)
    if done.returncode == 0 and not place.exists():
        draft.rename(place)
    shutil.rmtree(draft, ignore_errors=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it says nothing"])[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
