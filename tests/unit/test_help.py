"""Every command shows an example that can be run, and the shell can complete commands without a broker."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.main import app

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"^ *Example: (outdial\b.*)$", re.MULTILINE)
#: Columns of an example's text: it has to be copied from a terminal of 80 in one piece.
WIDTH = 76


def tree(command: Any, path: tuple[str, ...] = ("outdial",)) -> Iterator[tuple[str, Any]]:
    """Every command and group with its words."""
    yield " ".join(path), command
    for name, below in getattr(command, "commands", {}).items():
        yield from tree(below, (*path, name))


ROOT_COMMAND = typer.main.get_command(app)
TREE = dict(tree(ROOT_COMMAND))


def parse(example: str, whole: bool = True) -> tuple[str, Any]:
    """The words of the command that an example runs, and its parsed options; whole: nothing that it needs may be missing.

    Raises a click exception for what does not exist.
    """
    words = shlex.split(example.split(" > ")[0])
    command, path = ROOT_COMMAND, [words.pop(0)]
    while hasattr(command, "commands") and (words or whole):
        assert words, f"{example}: names no command"
        assert words[0] in command.commands, f"{example}: no command {words[0]!r}"
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    return " ".join(path), command.make_context(path[-1], words, resilient_parsing=not whole).params


@pytest.mark.parametrize("words", TREE)
def test_each_help_has_an_example_that_parses(words: str) -> None:
    examples = EXAMPLE.findall(TREE[words].help or "")
    assert examples, f"outdial help: add a line `Example: {words} ...` to the docstring of `{words}`"
    for example in examples:
        assert len(f"Example: {example}") <= WIDTH, f"{example}: a terminal of 80 columns breaks it in two"
        assert parse(example)[0].startswith(words), f"the help of `{words}` shows another command: {example}"


@pytest.mark.parametrize(
    "wrong", ["outdial contact import a.csv", "outdial contacts import a.csv --campain x", "outdial worker a b"]
)
def test_a_wrong_example_is_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"contact|campain|extra argument"):
        parse(wrong)


def test_the_example_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["campaign", "start", "--help"])
    assert "Example: outdial campaign start spring" in capsys.readouterr().out


#: A fenced block; the lines in it that run the command, up to what the shell adds.
FENCED = re.compile(r"^ *```\w*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^ *(?:\$ )?(?:[A-Z_]+=\S+ )*(outdial [^#>|;&]+?)(?: 2?>.*| [|;&].*| +#.*)?$", re.MULTILINE)
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
INLINE = re.compile(r"`(outdial [^`]+)`")
#: What is no command to type: boards, usage lines of the reference, `outdial COMMAND --help`, several in one (`up|down`).
NO_COMMAND = re.compile(r"outdial (Mon|Tue|Wed|[A-Z]+ )|\[|\||TOPIC/PARTITION/OFFSET|--install-completion")


def told(text: str) -> Iterator[tuple[str, bool]]:
    """The commands of a document; whether they stand in a block, as they are typed, or in a sentence."""
    for block in FENCED.findall(text):
        yield from ((line, True) for line in TYPED.findall(block))
    yield from ((line, False) for line in INLINE.findall(FENCED.sub("", text)))


TOLD = [(path.name, *line) for path in DOCUMENTS for line in told(path.read_text()) if not NO_COMMAND.search(line[0])]


def test_what_documents_tell_to_type_can_be_typed() -> None:
    assert len(TOLD) > 100
    for name, line, whole in TOLD:
        try:
            parse(line, whole)
        except Exception as error:
            raise AssertionError(f"{name}: {line}: {error}") from error


def run(**environment: str) -> str:
    """What the command prints with more in its environment, in a home without a broker."""
    words = [sys.executable, "-c", "import sys; sys.argv = ['outdial']; from cli.main import main; main()"]
    done = subprocess.run(words, env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("outdial campaign st", "start stop"), ("outdial events --kind ex", "exited")],
)
def test_the_shell_completes(typed: str, offered: str) -> None:
    words = len(typed.split()) - 1
    said = run(_OUTDIAL_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(words), OUTDIAL_BOOTSTRAP="127.0.0.1:1")
    assert said.split() == offered.split()
