"""The command `outdial`: every sub-command is listed here, and every user's error ends here as one sentence."""

import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from cli import (
    broker,
    calls,
    campaign,
    contacts,
    dead_letters,
    demo,
    events,
    explain,
    halt,
    opt_out_delays,
    resources,
    rules,
    simulator,
    status,
    suppress,
    suppress_import,
    timeline,
    topics,
    verify,
    webhooks,
    when,
    worker,
)
from engine.errors import OutdialError

#: `outdial <name> <command>`: one line for each module that has a typer app of its own.
GROUPS: dict[str, typer.Typer] = {
    "broker": broker.app,
    "topics": topics.app,
    "resources": resources.app,
    "campaign": campaign.app,
    "contacts": contacts.app,
    "suppress": suppress.app,
    "dead-letters": dead_letters.app,
}

suppress.app.command("import")(suppress_import.import_list)
suppress.app.command("lists")(suppress_import.lists)
suppress.app.command("delays")(opt_out_delays.delays)

#: `outdial <name>`: one line for each module that is a single command. Its docstring is the help.
COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": demo.demo,
    "worker": worker.worker,
    "webhooks": webhooks.webhooks,
    "simulator": simulator.simulator,
    "status": status.status,
    "calls": calls.calls,
    "events": events.events,
    "timeline": timeline.timeline,
    "explain": explain.explain_command,
    "when": when.when,
    "rules": rules.rules,
    "halt": halt.halt,
    "resume": halt.resume,
    "verify": verify.verify,
}


def build() -> typer.Typer:
    """The root with all that GROUPS and COMMANDS list."""
    root = typer.Typer(
        name="outdial",
        help="Outbound campaigns on a message broker: nobody called twice, nobody forgotten, every decision explained.\n\n"
        "Example: outdial demo",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, group in GROUPS.items():
        root.add_typer(group, name=name)
    for name, command in COMMANDS.items():
        root.command(name)(command)
    return root


app = build()


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
