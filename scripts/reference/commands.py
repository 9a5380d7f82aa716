"""The reference of the commands, from the tree that the console script runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli.main import app
from outdial.settings import Settings
from scripts.reference.markdown import code, fence, page, table

ROOT = Path(__file__).resolve().parents[2]

INTRO = """# Commands

Written by `python -m scripts.reference` from the commands themselves; `outdial COMMAND --help` shows the same. Exit status: 0 done,
1 failed, 2 used wrongly, 130 interrupted. `--json` prints for programs: one object, or one a line where it is a list.

`outdial --install-completion` has the shell complete commands, options, their values and file names; it asks no broker."""

#: Setting -> what it says, and what holds if its variable is not set and that is no value. Each setting has to stand here.
SETTINGS: dict[str, tuple[str, str]] = {
    "home": ("where the embedded broker, locks, the clock and the ledger of imports are kept", ""),
    "cache": ("where the broker's jars are kept; several homes may share them", "`cache` in the home"),
    "bootstrap": ("a Kafka that is already there, `host:port[,host:port...]`", "the embedded broker"),
    "broker_port": ("port of the embedded broker; the next one is its controller's", ""),
    "partitions": ("partitions of each topic, from the first `topics apply` on", ""),
    "clock": ("a shifted and accelerated campaign clock, `2026-06-01T12:30:00Z x60`", "real time"),
    "provider_url": ("where the provider listens", ""),
    "webhook_host": ("where `webhooks` listens", ""),
    "webhook_port": ("where `webhooks` listens", ""),
    "simulator_port": ("where `simulator` listens", ""),
    "webhook_secret": (
        "signs webhooks: `whsec_` and the base64 of 24 to 64 random bytes",
        "`simulator` and `webhooks` do not start",
    ),
    "worker_name": ("a worker's name in the group", "the first free one of the home"),
    "provider": ("`simulator`, or `inprocess` for benchmarks, whose calls end at once", ""),
}
INTERNAL = {"test_ablate"}


def commands() -> str:
    """docs/reference/commands.md."""
    root = typer.main.get_command(app)
    rows = [_setting(name) for name in Settings.model_fields if name not in INTERNAL]
    return page(
        INTRO,
        table(("variable", "meaning", "unset"), rows),
        *(_section(path, command) for path, command in _leaves(root, "outdial")),
    )


def _setting(name: str) -> tuple[str, str, str]:
    meaning, unset = SETTINGS[name]
    return code(f"OUTDIAL_{name.upper()}"), meaning, unset or code(Settings.model_fields[name].default)


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
    return written, param.help or "", _default(param.get_default(context, call=False))


def _default(value: Any) -> str:
    """What counts if the option is left out; nothing for a switch, or for none."""
    if isinstance(value, bool) or value is None or str(value) in ("", "[]", "()"):
        return ""
    if isinstance(value, Path):
        return code(value.relative_to(ROOT))
    return code(f"{value:g}" if isinstance(value, float) else value)


def _name(param: Any) -> str:
    """An argument as the help shows it."""
    name = param.metavar or param.name.upper() + ("..." if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"
