"""What the processes of a test's world need: imported, and read from disk, once for all of them (tests/forks.py)."""

import gc
from importlib import import_module

from engine import postal

for name in ("cli.simulator", "cli.webhooks", "cli.worker", "streams.app"):
    import_module(name)
for name in ("serving", "simhooks", "simserver", "webhooks"):
    import_module(f"providers.{name}")
postal.load()
gc.freeze()  # a collection in a fork would copy all of it
