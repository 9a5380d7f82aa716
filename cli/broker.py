"""`outdial broker up|down|status`: the embedded Kafka broker."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.broker import Broker, BrokerStatus
from deploy.jars import Progress as ProgressTold
from outdial.settings import Settings

app = typer.Typer(help="The embedded Kafka broker.\n\nExample: outdial broker up", no_args_is_help=True)


@app.command()
def up() -> None:
    """Start the broker unless it runs, and wait until it answers.

    Example: outdial broker up
    """
    settings = Settings()
    with shown_progress() as progress:
        status = Broker(settings).up(progress)
    _say(status)


@app.command()
def down() -> None:
    """Stop the broker cleanly. Its data stays.

    Example: outdial broker down
    """
    _say(Broker(Settings()).down())


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="Print one JSON object.")) -> None:
    """Say whether the broker runs, its pid, port, version and the size of its data.

    Example: outdial broker status --json
    """
    found = Broker(Settings()).status()
    if as_json:
        print(json.dumps(found.as_dict()))
    else:
        _say(found)


@contextmanager
def shown_progress() -> Iterator[ProgressTold]:
    """Shows what a long start is doing: a bar on a terminal, else one line on stderr for each thing that begins."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _OneLineEach(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("Looking", total=None)
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total or None)


class _OneLineEach:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def __call__(self, what: str, _done: int, _total: int) -> None:
        if what != self._last:
            self._last = what
            self._console.print(f"{what} ...", highlight=False, soft_wrap=True)


def _say(status: BrokerStatus) -> None:
    Console(soft_wrap=True, highlight=False).print(sentence(status))


def sentence(status: BrokerStatus) -> str:
    """The status in one line."""
    size = f"{decimal(status.data_bytes)} of data"
    match status.state:
        case "external":
            return f"OUTDIAL_BOOTSTRAP is set: the broker at {status.bootstrap} is used; no embedded broker is started or stopped."
        case "running":
            return f"Broker running: Kafka {status.version} at {status.bootstrap}, pid {status.pid}, {size}."
        case "starting":
            return f"Broker not answering yet: pid {status.pid}, {status.bootstrap}, {size}; {status.log} may say why."
        case "stopped":
            return f"Broker stopped, {size}. Start it with `outdial broker up`."
