"""Tables and lists in Markdown."""

from collections.abc import Iterable


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells may hold any text."""
    lines = [list(titles), *(list(row) for row in rows)]
    shown = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines]
    return "\n".join([shown[0], "|" + "---|" * len(lines[0]), *shown[1:]])


def code(text: object) -> str:
    """Text in backticks; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def fence(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def page(*parts: str) -> str:
    """Paragraphs, tables and blocks, one below the other."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
