"""`outdial worker`: one worker with every stage. Start as many as there are cores; each takes its share of the partitions."""

import typer

from outdial.kafka import require_broker
from outdial.settings import Settings


def worker(name: str = typer.Option("", help="Its name in the group; default: the first that is free in OUTDIAL_HOME.")) -> None:
    """Runs a worker until SIGTERM, which drains it: it hands its partitions over and leaves.

    Example: outdial worker --name worker-1
    """
    from outdial.logs import configure  # structlog takes a tenth of a second to import, Faust half a one: not for `--help`

    settings = Settings()
    configure()
    require_broker(settings)
    from streams.app import Name, build

    held = Name(settings.home, name or settings.worker_name)
    raise typer.Exit(build(settings, held.name).run())
