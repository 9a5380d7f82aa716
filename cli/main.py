"""The command `outdial`: every sub-command is listed here, and every user's error ends here as one sentence.

A sub-command is imported when it is called, or when its help is asked for: all of them together take three times as long.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from engine.errors import OutdialError

#: `outdial <name>`: its module here and, in that, a typer app, or the function that is the command; its docstring is the help.
COMMANDS = {
    "demo": "demo:demo",
    "worker": "worker:worker",
    "webhooks": "webhooks:webhooks",
    "simulator": "simulator:simulator",
    "status": "status:status",
    "calls": "calls:calls",
    "events": "events:events",
    "timeline": "timeline:timeline",
    "explain": "explain:explain_command",
    "when": "when:when",
    "rules": "rules:rules",
    "halt": "halt:halt",
    "resume": "halt:resume",
    "verify": "verify:verify",
    "broker": "broker:app",
    "topics": "topics:app",
    "resources": "resources:app",
    "campaign": "campaign:app",
    "contacts": "contacts:app",
    "suppress": "suppress_commands:app",
    "dead-letters": "dead_letters:app",
}


class _Commands(Mapping[str, Any]):
    """Name -> click command, imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _imported(name, COMMANDS[name])

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def _imported(name: str, where: str) -> Any:
    module, _, attribute = where.partition(":")
    found = getattr(import_module(f"cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


class _Root(TyperGroup):
    """A group whose commands are those above."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": _Commands()})


app = typer.Typer(
    name="outdial",
    help="Outbound campaigns on a message broker: nobody called twice, nobody forgotten, every decision explained.\n\n"
    "Example: outdial demo",
    cls=_Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _outdial() -> None:
    """Typer makes a group of an app that has a callback."""


def main() -> None:
    """The console script. Exit status: 0 done, 1 failed, 2 used wrongly, 130 interrupted."""
    try:
        app()
    except OutdialError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]error:[/red] {escape(str(error))}")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
