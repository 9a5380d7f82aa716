"""What an import says: how the list is read, before anything is written; a bar; what became of the rows."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from cli.import_run import Progress as Telling
from cli.importing import Layout
from cli.listing import Listing
from cli.row_ledger import Import, RowLedger
from engine.dialable import MENDS

#: Rejected rows shown at the end; `--rejects` writes all.
SHOWN = 10
#: Variables named one by one.
_NAMED = 12


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


def show_layout(console: Console, listing: Listing, layout: Layout) -> None:
    """How the list is read: encoding, delimiter, header, and which column holds what, by what, with an example."""
    console.print(f"{escape(str(listing.path))}: {escape(listing.about())}")
    table = Table("field", "column", "by", "for example", box=None, pad_edge=False)
    columns = [(name, layout.fields[name]) for name in sorted(layout.fields, key=layout.fields.__getitem__)]
    for name, i in [*columns, *(("alt_phone", i) for i in layout.alt_phones)]:
        table.add_row(name, escape(listing.header[i]), layout.how.get(name, "name"), escape(_example(listing, i)))
    console.print(table)
    if layout.variables:
        names = [*layout.variables][:_NAMED]
        more = f" and {len(layout.variables) - _NAMED} more" if len(layout.variables) > _NAMED else ""
        console.print(f"variables: {escape(', '.join(names))}{more}")


def _example(listing: Listing, column: int) -> str:
    found = next((cells[column].strip() for cells in listing.sample if column < len(cells) and cells[column].strip()), "")
    return found if len(found) <= 40 else f"{found[:39]}…"


@contextmanager
def bar(total: int, done: int) -> Iterator[Telling]:
    """A bar with the rate and the time left, on a terminal; elsewhere nothing."""
    console = Console(stderr=True)
    columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda rows: progress.update(task, completed=rows)


def as_json(which: Import, ledger: RowLedger, **about: Any) -> str:
    """One object: what was imported, `about` it, all figures, the first rejected rows."""
    rejects = [{"row": row, "code": code, "reason": why, "fix": fix} for row, code, why, fix, _ in ledger.rejects(which, SHOWN)]
    shown = {"import": which.name, "file": which.about["file"], "campaigns": which.about["campaigns"]} | about
    return json.dumps(shown | which.tally.kept() | {"rejects": rejects})


def show_result(console: Console, which: Import, ledger: RowLedger, written: bool) -> None:
    """The figures, what was mended and noted, the first rejected rows. `written`: the others go to a file."""
    tally = which.tally
    figures = f"{tally.accepted} accepted + {tally.merged} merged + {tally.rejected} rejected"
    console.print(f"{escape(which.about['file'])}: {tally.rows} rows = {figures}")
    if tally.mended:
        console.print(_table(("rows", "mended"), ((n, MENDS[mend]) for mend, n in tally.mended.most_common())))
    if tally.zones:
        told = ((name.replace("_", " "), n) for name, n in tally.zones.most_common())
        console.print(_table(("time zone from", "people"), told))
    if tally.rejected:
        rows = [(row, code, why, fix) for row, code, why, fix, _ in ledger.rejects(which, SHOWN)]
        console.print(_table(("row", "code", "reason", "suggested fix"), rows))
    if tally.rejected > SHOWN:
        codes = ", ".join(f"{n} {code}" for code, n in tally.reasons.most_common())
        hint = "" if written else ": --rejects FILE writes them with their fixes"
        console.print(f"... {tally.rejected} rejected in all ({codes}){hint}")
    if tally.notes:
        console.print(_table(("rows", "noted"), ((n, note) for note, n in tally.notes.most_common(SHOWN))))


def _table(titles: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Table:
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    return table
