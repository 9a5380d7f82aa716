"""Workers killed in mid-run, by seed: `python -m bench.kills [--seeds 10] [--ablate one-flush|command-first]`.

One line a kill: people lost, dial_ids requested twice, requests that are no attempt. With parts of the write protocol left out
(`--ablate`) the same kills show what these are for. Exit status 0 if nothing was found.
"""

import sys
import tempfile
import time
from pathlib import Path

from bench.arguments import parser_of
from tests.acceptance.kills import PEOPLE, WORKER, Moment, kill
from tests.acceptance.world import World, drills


def main(arguments: list[str]) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="kills, from seed 0")
    parser.add_argument("--ablate", default="", help="parts of the protocol to leave out: one-flush, command-first")
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as home,
        drills(Path(home) / "home", None, WORKER, OUTDIAL_TEST_ABLATE=asked.ablate) as world,
    ):
        return show(world, asked.seeds, asked.ablate)


def show(world: World, seeds: int, ablate: str) -> int:
    """Kills and prints. The exit status."""
    lost = repeated = uncounted = failed = 0
    print(f"{seeds} kills, {PEOPLE} people each{', without ' + ablate if ablate else ''}")
    for seed in range(seeds):
        began = time.monotonic()
        found = kill(world, seed)
        print(f"{seed:3}  {Moment.of(seed)!s:42} {found}, {time.monotonic() - began:.0f} s", flush=True)
        lost, repeated = lost + len(found.lost), repeated + len(found.repeated)
        uncounted, failed = uncounted + len(found.uncounted), failed + bool(found)
    print(
        f"in all: {lost} lost, {repeated} requested twice, {uncounted} requested without an attempt; {failed} of {seeds} kills show"
    )
    print(f"{world.requested()} requests; verify: {world.verify().lines[-1]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
