"""The reference of the commands, from the tree that the console script runs."""

from collections.abc import Iterator
from typing import Any

import typer

from cli.main import app
from scripts.reference.markdown import code, fence, page, table

INTRO = """# Commands

Written by `python -m scripts.reference` from the commands themselves; `outdial COMMAND --help` shows the same. Exit status: 0 done,
1 failed, 2 used wrongly, 130 interrupted. `--json` prints for programs: one object, or one a line where it is a list.

`outdial --install-completion` has the shell complete commands, options, their values and file names; it asks no broker.

| variable | meaning | unset |
|---|---|---|
| `OUTDIAL_HOME` | where the embedded broker, locks and the ledger of imports are kept | `.outdial` |
| `OUTDIAL_BOOTSTRAP` | a Kafka that is already there, `host:port[,host:port...]` | the embedded broker |
| `OUTDIAL_BROKER_PORT` | port of the embedded broker; the next one is its controller's | 19092 |
| `OUTDIAL_PARTITIONS` | partitions of each topic, before the first `topics apply` | 8 |
| `OUTDIAL_CLOCK` | a shifted and accelerated campaign clock, `"2026-06-01T12:30:00Z x60"` | real time |
| `OUTDIAL_PROVIDER_URL` | where the provider listens | `http://127.0.0.1:18080` |
| `OUTDIAL_SIMULATOR_PORT`, `OUTDIAL_WEBHOOK_PORT` | where `simulator` and `webhooks` listen | 18080, 18081 |
| `OUTDIAL_WEBHOOK_SECRET` | signs and checks webhooks | one for this machine alone |"""


def commands() -> str:
    """docs/reference/commands.md."""
    root = typer.main.get_command(app)
    return page(INTRO, *(_section(path, command) for path, command in _leaves(root, "outdial")))


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", {})
    if not below:
        yield path, command
    for name, each in below.items():
        yield from _leaves(each, f"{path} {name}")


def _section(path: str, command: Any) -> str:
    told, example = (command.help or "").split("Example: ", 1)
    context = command.make_context(path, [], resilient_parsing=True)
    arguments = [_name(param) for param in command.params if param.param_type_name == "argument"]
    usage = " ".join([path, *arguments, *(["[OPTIONS]"] if len(command.params) > len(arguments) else [])])
    rows = [_row(param, context) for param in command.params if param.name != "help"]
    options = table(("", "meaning", "unset"), rows) if rows else ""
    return page(f"## {path}", told.strip(), fence(usage), options, f"Example: {code(example.splitlines()[0])}")


def _row(param: Any, context: Any) -> tuple[str, str, str]:
    """How a parameter is written, its help, its default."""
    written = code(_name(param))
    if param.param_type_name == "option":
        kind = param.metavar or param.display_type_rich(ctx=context)
        names = [*param.opts, *param.secondary_opts]
        written = ", ".join(code(name if param.is_flag else f"{name} {kind}") for name in names)
    default = param.get_default(context, call=False)
    unset = "" if default in (None, True, False, "", [], ()) else code(f"{default:g}" if isinstance(default, float) else default)
    return written, param.help or "", unset


def _name(param: Any) -> str:
    """An argument as the help shows it."""
    name = param.metavar or param.name.upper() + ("..." if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"
