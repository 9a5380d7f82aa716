"""`outdial contacts import`: a list of people goes in, whole, or goes on where it was interrupted; or comes out again (--undo).

Nothing is written unless the file can be read to its end and every campaign is there and has not ended. An import is known again by
the checksum of its file and the options that matter, so that the same command goes on, or changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import phonenumbers
import typer
from rich.console import Console

from cli.files import check_place
from cli.import_run import Job, Sink, carry_out
from cli.import_show import as_json as json_of
from cli.import_show import bar, show_layout, show_result
from cli.importing import Layout, layout_for, mapping_of
from cli.listing import Listing, survey
from cli.open import Entered, check_open, entered_by
from cli.publish import Publisher
from cli.rejects import OPTION as REJECTS
from cli.rejects import write_rejects
from cli.row_ledger import DONE, UNDONE, Import, RowLedger, opened
from cli.settle import Settled
from cli.standing import learn
from cli.undo import undo as take_back
from engine.errors import OutdialError, UsageError
from outdial.clock import clock_from
from outdial.kafka import probe, require_broker
from outdial.settings import Settings
from schemas import ids
from schemas.topics import CONTACTS, ENROLLMENTS

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def import_command(
    file: Annotated[Path | None, typer.Argument(help="CSV in any encoding and dialect, or XLSX; with a header or without.")] = None,
    campaign: Annotated[list[str], typer.Option("--campaign", help="A campaign they enter; may be given several times.")] = [],  # noqa: B006 - typer's way to say none
    mapping: Annotated[list[str], typer.Option("--map", help="FIELD=COLUMN[,FIELD=COLUMN...]")] = [],  # noqa: B006
    country: Annotated[str, typer.Option(help="How national numbers are read in rows without a country.")] = "US",
    encoding: Annotated[str | None, typer.Option(help="If the one that is found is wrong, for example windows-1250.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Write all rejected rows here, to be edited and imported again.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    undo: Annotated[str | None, typer.Option(metavar="IMPORT", help="Unenroll whom this import enrolled.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish the people of a list, and enroll them. What was interrupted goes on when the same command is run again.

    Example: outdial contacts import people.csv --campaign spring --dry-run
    """
    settings = Settings()
    if (file is None) == (undo is None):
        raise UsageError("name a FILE to import, or --undo IMPORT to take one back: `outdial contacts imports` lists them")
    if undo is not None:
        _undo(settings, undo, as_json)
        return
    assert file is not None
    asked = _Asked(file, tuple(dict.fromkeys(campaign)), mapping_of(mapping), region(country), encoding, rejects, dry_run, as_json)
    _import(settings, asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command's options."""

    file: Path
    campaigns: tuple[str, ...]
    mapping: dict[str, str]
    country: str
    encoding: str | None
    rejects: Path | None
    dry_run: bool
    as_json: bool


class _Publishing(Sink):
    """Records go to the broker."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def send(self, settled: Settled) -> None:
        for contact in settled.contacts:
            self._publisher.send(CONTACTS, contact.id, contact)
        for record in settled.enrollments:
            self._publisher.send(ENROLLMENTS, record.contact_id, record)

    def flush(self) -> None:
        self._publisher.flush()


def _import(settings: Settings, asked: _Asked) -> None:
    cluster = _cluster(settings, asked)
    entered = entered_by(check_open(settings, asked.campaigns))
    listing = survey(asked.file, asked.encoding, tuple(asked.mapping.values()), asked.country)
    layout = layout_for(listing, asked.mapping, asked.country, entered.reach)
    if asked.rejects:
        check_place(asked.rejects, REJECTS)
    console = Console(soft_wrap=True, highlight=False, quiet=asked.as_json)
    show_layout(console, listing, layout)
    with opened(settings.home, cluster, keep=not asked.dry_run) as ledger:
        which, fresh = _carried_out(settings, asked, listing, layout, entered, ledger, cluster, console)
        _report(asked, layout, which, fresh, ledger, console)
        if asked.rejects:
            delimiter = listing.dialect.delimiter if listing.dialect else ","
            write_rejects(asked.rejects, listing.header, ledger.rejects(which), delimiter)
        if not _usable(which):
            raise OutdialError(
                f"{asked.file}: none of its {which.tally.rows} rows can be used: see their reasons, and --map for columns"
            )


def _carried_out(
    settings: Settings,
    asked: _Asked,
    listing: Listing,
    layout: Layout,
    entered: Entered,
    ledger: RowLedger,
    cluster: str,
    console: Console,
) -> tuple[Import, bool]:
    """The import, done; and whether anything had to be done."""
    now = clock_from(settings).now()
    name = _name(asked, listing, entered, cluster)
    about = {"file": str(asked.file), "checksum": listing.checksum, "campaigns": list(asked.campaigns), "rows": listing.rows}
    which = ledger.begin(name, about, now)
    if which.state == DONE:
        return which, False
    if which.row:
        console.print(f"import {name} was interrupted: it goes on behind row {which.row}")
    job = Job(listing, layout, asked.country, asked.campaigns, entered.allowed, now, entered.reach)
    learn(settings, asked.campaigns, ledger)
    with _sink(settings, asked.dry_run) as sink, bar(listing.rows, which.tally.rows) as progress, _resumable(ledger, name):
        carry_out(job, which, ledger, sink, progress)
    return which, True


def _report(asked: _Asked, layout: Layout, which: Import, fresh: bool, ledger: RowLedger, console: Console) -> None:
    if asked.as_json:
        written = fresh and not asked.dry_run and _usable(which)
        print(json_of(which, ledger, columns=layout.columns(), written=written, unchanged=not fresh))
    show_result(console, which, ledger, asked.rejects is not None)
    if not _usable(which):
        return
    if asked.dry_run:
        console.print("dry run: nothing was written")
    elif not fresh:
        console.print(f"import {which.name} had been done already: nothing was written")
    else:
        where = f", {which.tally.enrolled} enrolled in {', '.join(asked.campaigns)}" if asked.campaigns else ""
        new, changed = which.tally.accepted, which.tally.published - which.tally.accepted
        people, changes = "person" if new == 1 else "people", "change" if changed == 1 else "changes"
        console.print(f"import {which.name}: {new} new {people} and {changed} {changes} published{where}")
    if asked.campaigns and which.tally.enrolled and not asked.dry_run:
        console.print(f"to take them out again: outdial contacts import --undo {which.name}")


def _usable(which: Import) -> bool:
    """Whether any row could be used."""
    return which.tally.accepted + which.tally.merged > 0


def _name(asked: _Asked, listing: Listing, entered: Entered, cluster: str) -> str:
    """What an import is known by: ten hex digits of its file, campaigns, and the options that its outcome depends on."""
    wanted = repr(entered.allowed and sorted(entered.allowed)), repr(sorted(entered.reach))
    options = (asked.country, repr(sorted(asked.mapping.items())), asked.encoding or "", *wanted)
    return ids.digest("import", cluster, listing.checksum, repr(sorted(asked.campaigns)), *options)[:10]


def _cluster(settings: Settings, asked: _Asked) -> str:
    """The broker's cluster id. A dry run without a campaign needs no broker."""
    if asked.dry_run and not asked.campaigns:
        found = probe(settings, 1.0)
        return str(found.cluster_id) if found else "none"
    return str(require_broker(settings).cluster_id)


@contextmanager
def _sink(settings: Settings, dry_run: bool) -> Iterator[Sink]:
    if dry_run:
        yield Sink()
        return
    with Publisher(settings, CONTACTS, ENROLLMENTS) as publisher:
        yield _Publishing(publisher)


@contextmanager
def _resumable(ledger: RowLedger, name: str) -> Iterator[None]:
    """An error says where the import stands."""
    try:
        yield
    except OutdialError as error:
        found = ledger.find(name)
        at = found.row if found else 0
        raise OutdialError(f"{error} (import {name} stands at row {at} and goes on from there)") from error


def region(country: str) -> str:
    """The code as the library has it. Raises UsageError for one that it does not know."""
    if country.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError(f"--country {country!r} is not a code of two letters: write for example --country US")
    return country.upper()


def _undo(settings: Settings, name: str, as_json: bool) -> None:
    cluster = str(require_broker(settings).cluster_id)
    with opened(settings.home, cluster) as ledger:
        which = ledger.find(name)
        if which is None:
            raise OutdialError(f"no import {name!r} on this broker: `outdial contacts imports` lists those there are")
        before = which.state == UNDONE
        with Publisher(settings, ENROLLMENTS) as publisher:
            count = 0 if before else take_back(which, ledger, publisher, clock_from(settings).now())
        if as_json:
            print(json_of(which, ledger, unenrolled=count))
            return
        said = "had been taken back already" if before else f"taken back: {count} enrollments ended"
        Console(soft_wrap=True, highlight=False).print(f"import {name} of {which.about['file']} {said}")


def imports(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False) -> None:
    """List the imports of this home, the newest last.

    Example: outdial contacts imports
    """
    settings = Settings()
    console = Console(soft_wrap=True, highlight=False)
    with opened(settings.home, str(require_broker(settings).cluster_id), keep=False) as ledger:
        for which in ledger.imports():
            if as_json:
                print(json_of(which, ledger, state=which.state, row=which.row))
                continue
            tally = which.tally
            figures = f"{tally.rows} of {which.about['rows']} rows, {tally.enrolled} enrolled"
            console.print(f"{which.name}  {which.state:8}  {figures}  {which.about['file']}  {' '.join(which.about['campaigns'])}")
