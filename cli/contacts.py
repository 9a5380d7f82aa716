"""`outdial contacts import|zones|enroll|unenroll`: people enter campaigns.

An import may be repeated: ids are hashes of what they stand for, so a second run of a file adds nobody and enrolls nobody twice.
Nothing is written unless the file can be read to its end and every campaign is there and has not ended. Memory holds the ids.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import phonenumbers
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from cli.importing import Layout, Reject, Tally, enrollment, layout_of, mapping_of, person_of
from cli.listing import Listing, survey
from cli.publish import Publisher
from cli.read import read_heads
from cli.zones import zones
from engine.errors import OutdialError, UsageError
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas import ids
from schemas.campaign import CampaignState
from schemas.contact import Contact
from schemas.enrollment import Unenroll
from schemas.topics import CONTACTS, ENROLLMENTS

app = typer.Typer(help="The people who are contacted.", no_args_is_help=True)

#: Rejected rows shown at the end; `--rejects` writes all.
SHOWN = 10
#: The most that is accepted as a contact id (schemas/contact.py).
LONGEST_ID = 256

#: Takes each usable row: the person, and whether it is the first row of this person.
Take = Callable[[Contact, bool], None]
Refuse = Callable[[Reject], None]

Campaigns = Annotated[list[str], typer.Option("--campaign", help="A campaign they enter; may be given several times.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def _contacts() -> None:
    """The people who are contacted."""


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8, with a header.")],
    campaign: Campaigns = [],  # noqa: B006 - typer's way to say none
    mapping: Annotated[list[str], typer.Option("--map", help="FIELD=COLUMN[,FIELD=COLUMN...]")] = [],  # noqa: B006
    country: Annotated[str, typer.Option(help="How national numbers are read in rows without a country.")] = "US",
    rejects: Annotated[Path | None, typer.Option(help="Write all rejected rows here, each with its reason.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish the people of a list, and enroll them."""
    settings = Settings()
    if country.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError(f"--country {country!r} is not a code of two letters: write for example --country US")
    fields = mapping_of(mapping)
    listing = survey(file)
    layout = layout_of(listing.header, fields)
    check_open(settings, campaign)
    with _rejects(rejects, listing) as refuse, _sink(settings, campaign, f"import:{file.name}", dry_run) as take:
        tally = run(listing, layout, country, take, refuse)
    _report(tally, file, campaign, dry_run, as_json)
    if not tally.accepted:
        raise OutdialError(f"{file}: none of its {tally.rows} rows can be used: see their reasons, and --map for columns")


@app.command()
def enroll(contact: Annotated[list[str], typer.Argument(help="Contact ids.")], campaign: Campaigns) -> None:
    """Enter people into a campaign. One who is not known yet waits for the contact to arrive."""
    settings = Settings()
    check_ids(contact)
    check_open(settings, campaign)
    now = clock_from(settings).now()
    with Publisher(settings, ENROLLMENTS) as publisher:
        for record in (enrollment(person, name, now, "cli") for person in contact for name in campaign):
            publisher.send(ENROLLMENTS, record.key, record)
    _say(f"enrolled {_count(len(set(contact)), 'person', 'people')} in {', '.join(campaign)}")


@app.command()
def unenroll(contact: Annotated[list[str], typer.Argument(help="Contact ids.")], campaign: Campaigns) -> None:
    """Take people out of a campaign, at once: no further step is taken for them."""
    settings = Settings()
    check_ids(contact)
    heads = read_heads(settings)
    known = [heads.head(name).id for name in campaign]
    now = clock_from(settings).now()
    with Publisher(settings, ENROLLMENTS) as publisher:
        for person, name in ((person, name) for person in contact for name in known):
            event = ids.event_id(ids.enrollment_id(person, name, 1), "unenroll", person)
            record = Unenroll(event_id=event, cause="cli", contact_id=person, campaign=name, entry=1, at=now, source="cli")
            publisher.send(ENROLLMENTS, record.key, record)
    _say(f"took {_count(len(set(contact)), 'person', 'people')} out of {', '.join(known)}")


def run(listing: Listing, layout: Layout, country: str, take: Take, refuse: Refuse) -> Tally:
    """Every row of a list, each accepted, merged or rejected. Shows a bar on a terminal."""
    tally = Tally()
    console = Console(stderr=True)
    hidden = not console.is_terminal
    for row, cells in track(listing, "Importing", listing.rows, console=console, disable=hidden, transient=True):
        tally.rows += 1
        found = person_of(row, cells, layout, country)
        if isinstance(found, Reject):
            tally.refuse(found, SHOWN)
            refuse(found)
        else:
            take(found[0], tally.take(*found))
    return tally


def check_open(settings: Settings, campaigns: list[str]) -> None:
    """Raises OutdialError unless every campaign is there and can be entered."""
    if not campaigns:
        return
    heads = read_heads(settings)
    for name in campaigns:
        if heads.head(name).state is CampaignState.ENDED:
            raise OutdialError(f"campaign {name!r} has ended and nobody can enter it: apply the file under another id")


def check_ids(contacts: list[str]) -> None:
    """Raises UsageError for a contact id that cannot be one."""
    if any(not 0 < len(contact) <= LONGEST_ID for contact in contacts):
        raise UsageError(f"a contact id has 1 to {LONGEST_ID} characters")


@contextmanager
def _sink(settings: Settings, campaigns: list[str], source: str, dry_run: bool) -> Iterator[Take]:
    """Publishes each row's contact, and one enrollment per person and campaign; all are acknowledged when this is left."""
    if dry_run:
        yield lambda _contact, _first: None
        return
    now = clock_from(settings).now()
    with Publisher(settings, CONTACTS, ENROLLMENTS) as publisher:

        def take(contact: Contact, first: bool) -> None:
            publisher.send(CONTACTS, contact.key, contact)
            for campaign in campaigns if first else ():
                publisher.send(ENROLLMENTS, contact.key, enrollment(contact.id, campaign, now, source))

        yield take


@contextmanager
def _rejects(target: Path | None, listing: Listing) -> Iterator[Refuse]:
    """Writes rejected rows beside the target, which gets its name only when all are there."""
    if target is None:
        yield lambda _reject: None
        return
    draft = target.with_name(f"{target.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=listing.delimiter)
            writer.writerow(["row", "reason", *listing.header])
            yield lambda reject: writer.writerow([reject.row, reject.reason, *reject.cells])
        draft.replace(target)
    except OSError as error:
        raise OutdialError(f"--rejects {target}: cannot be written ({error.strerror}): name a file in a folder of yours") from error
    finally:
        draft.unlink(missing_ok=True)


def _report(tally: Tally, file: Path, campaigns: list[str], dry_run: bool, as_json: bool) -> None:
    if as_json:
        about = {"file": str(file), "campaigns": campaigns, "written": not dry_run}
        print(json.dumps(about | tally.summary()))
        return
    console = Console(soft_wrap=True, highlight=False)
    figures = f"{tally.accepted} accepted + {tally.merged} merged + {tally.rejected} rejected"
    console.print(f"{escape(str(file))}: {tally.rows} rows = {figures}")
    if tally.accepted:
        console.print(_table(("time zone from", "people"), tally.zones().items()))
    if tally.samples:
        console.print(_table(("row", "reason"), ((reject.row, reject.reason) for reject in tally.samples)))
    if tally.rejected > len(tally.samples):
        console.print(f"... and {tally.rejected - len(tally.samples)} more: --rejects FILE writes them all")
    if tally.notes:
        console.print(_table(("rows", "noted"), ((n, note) for note, n in tally.notes.most_common(SHOWN))))
    enrolled = f", enrolled in {', '.join(campaigns)}" if campaigns else ""
    console.print("dry run: nothing was written" if dry_run else f"{tally.accepted} people published{enrolled}")


def _table(titles: tuple[str, str], rows: Iterable[tuple[object, object]]) -> Table:
    table = Table(*titles, box=None, pad_edge=False)
    for left, right in rows:
        table.add_row(escape(str(left)), escape(str(right)))
    return table


def _say(sentence: str) -> None:
    Console(soft_wrap=True, highlight=False).print(escape(sentence))


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


app.command()(zones)
