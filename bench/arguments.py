"""The command lines of benchmarks: what is no number is refused in a sentence."""

import argparse
from collections.abc import Callable
from typing import TypeVar

N = TypeVar("N", int, float)


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose --help shows the benchmark's docstring as it is written."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def integers(doc: str | None, arguments: list[str], **defaults: int) -> list[int]:
    """As many numbers as there are defaults, by position. Exits with 2 for what is none, and with 0 for --help."""
    parser = parser_of(doc)
    for name, default in defaults.items():
        shown = name.replace("_", "-")
        parser.add_argument(name, metavar=shown, type=positive(int), nargs="?", default=default, help=f"{default:,} if left out")
    given = parser.parse_args(arguments)
    return [getattr(given, name) for name in defaults]


def positive(kind: Callable[[str], N]) -> Callable[[str], N]:
    """A number of this kind, above 0."""

    def number(text: str) -> N:
        if not (found := kind(text)) > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return found

    number.__name__ = "number"  # what argparse calls it: "invalid number value: 'x'"
    return number
