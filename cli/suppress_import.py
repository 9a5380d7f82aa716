"""`outdial suppress import`: whole lists of numbers or email addresses, such as a national one, as a stream; and `suppress lists`.

Entries carry the list's name as their source, so that a newer edition renews them, and `suppress remove --source` takes one back.
What an edition leaves out is not taken back: give entries an end (`--expires`) a little behind the next edition; it counts from
the list's own date, so that the same list again changes nothing. Last of all, when
workers have taken up every entry, the list itself is written down, with its date: campaigns that rely on it (key `lists`) look at
how old it is.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from cli.columns import titles
from cli.files import check_place
from cli.import_command import region
from cli.instants import parse_instant
from cli.listing import Listing, survey
from cli.publish import Publisher
from cli.read import read_heads
from cli.rejects import OPTION as REJECTS
from cli.rejects import Rejected, write_rejects
from cli.summary import iso
from cli.suppress import scope_of, until
from cli.taken_up import taken_up
from engine.complaints import nearest
from engine.dialable import UnusableError, numbers_of
from engine.errors import OutdialError, RecordError, UsageError
from engine.phone import canonical_address
from engine.time import DAY, Instant
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas import ids
from schemas.base import written_form
from schemas.resources import SuppressionList, resource_key
from schemas.suppression import Suppression
from schemas.topics import RESOURCES, SUPPRESSIONS

#: Records between two waits for the broker's acknowledgements.
BATCH = 20_000
#: Rejected rows that are shown.
SHOWN = 5
#: Sources of entries that no list makes: opt-outs must not be renewed, nor given an end, by a list of that name.
_TAKEN = ("call", "cli", "message", "opt_out")
#: Of the first rows' cells, so many must be addresses in the column that is taken.
_HALF = 0.5
_Written = written_form(Suppression)
_REJECTED = msgspec.json.Decoder(Rejected)


class Entry(NamedTuple):
    """What all entries of a list have in common."""

    name: str
    as_of: Instant
    scope: str
    reason: str
    expires_at: Instant | None
    now: Instant


@dataclass(slots=True)
class Done:
    """What became of the rows."""

    rows: int = 0
    addresses: int = 0
    rejected: int = 0
    current: bool = False  # the list itself was written down
    first: list[Rejected] = field(default_factory=list)  # few: a list may hold a million that are wrong

    @property
    def empty(self) -> bool:
        return not self.addresses

    def reject(self, found: Rejected) -> None:
        self.rejected += 1
        if self.rejected <= SHOWN:
            self.first.append(found)


def import_list(
    file: Annotated[Path, typer.Argument(help="CSV in any encoding and dialect, XLSX, or an address a line.")],
    name: Annotated[str, typer.Option("--list", help="The list's name: the source of its entries.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="INSTANT", help="Of when the list is: 2026-11-20.")],
    column: Annotated[str | None, typer.Option(help="The column with the addresses; left out, the one that holds them.")] = None,
    scope: Annotated[str, typer.Option(help="all, campaign:ID, channel:call, channel:sms or channel:email.")] = "all",
    reason: Annotated[str, typer.Option(help="Kept with the entries.")] = "do_not_call",
    expires: Annotated[str | None, typer.Option(metavar="WHEN", help="An instant, or how long after --as-of: 45 days.")] = None,
    country: Annotated[str, typer.Option(help="How national numbers are read.")] = "US",
    encoding: Annotated[str | None, typer.Option(help="If the one that is found is wrong.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Write all rejected rows here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Suppress every address of a list. The same list twice changes nothing; a newer edition renews its entries.

    Example: outdial suppress import dnc.csv --list us-dnc --as-of 2026-11-20
    """
    settings = Settings()
    entry = entry_of(name, as_of, scope, reason, expires, clock_from(settings).now())
    country = region(country)
    listing = survey(file, encoding, (column,) if column else (), country)
    place = column_of(listing, column, country)
    if rejects:
        check_place(rejects, REJECTS)
    _not_older(settings, entry)
    with TemporaryFile() as spool:
        done = carry_out(settings, listing, place, entry, country, spool if rejects else None)
        if rejects and done.rejected:
            spool.seek(0)
            write_rejects(rejects, listing.header, map(_REJECTED.decode, spool))
    if as_json:
        told = {"list": entry.name, "rows": done.rows, "addresses": done.addresses, "rejected": done.rejected}
        print(json.dumps(told | {"current": done.current}))
    else:
        _say(file, entry, done, rejects)
    if done.empty:
        raise OutdialError(f"{file}: none of its {done.rows} rows holds an address, so the list was not written down")
    if not done.current:
        raise OutdialError(
            f"the entries are there, but no worker takes them up, so list {entry.name} does not count yet: "
            f"start `outdial worker` and run the same command again"
        )


def lists(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False) -> None:
    """Show the imported lists, and how old they are.

    Example: outdial suppress lists
    """
    settings = Settings()
    now = clock_from(settings).now()
    found = read_heads(settings).lists
    for each in found:
        if as_json:
            print(each.model_dump_json(exclude={"v"}))
        else:
            print(f"{each.id}: of {iso(each.as_of)}, {(now - each.as_of) // DAY} days old, {each.entries:,} addresses")
    if not found and not as_json:
        print("no list has been imported")


def entry_of(name: str, as_of: str, scope: str, reason: str, expires: str | None, now: Instant) -> Entry:
    """What the options say. Raises UsageError."""
    of = parse_instant(as_of, "--as-of", now)
    if of > now:
        raise UsageError(f"--as-of {as_of!r} is still to come: write when the list was made")
    ends = None if expires is None else until(expires, of)
    if ends is not None and ends <= now:
        raise UsageError(f"--expires {expires!r} is over already for a list of {iso(of)}: its entries would never hold")
    return Entry(_named(name), of, scope_of(scope), reason, ends, now)


def carry_out(settings: Settings, listing: Listing, column: int, entry: Entry, country: str, spool: IO[bytes] | None) -> Done:
    """Publishes an entry for each address, then the list itself, once workers know all entries: a campaign that waits for the list
    goes on at that instant. Rejected rows go to `spool`, one a line. Raises OutdialError; what was published by then stays, and the
    list keeps its old date."""
    done, console = Done(), Console(stderr=True)
    hidden = not console.is_terminal
    with Publisher(settings, SUPPRESSIONS, RESOURCES) as publisher:
        for row, cells in track(listing, "Suppressing", listing.rows, console=console, disable=hidden, transient=True):
            done.rows += 1
            try:
                addresses = _addresses(cells[column] if column < len(cells) else "", country)
            except UnusableError as error:
                rejected = (row, error.code, str(error), error.fix, cells)
                done.reject(rejected)
                if spool:
                    spool.write(msgspec.json.encode(rejected) + b"\n")
                continue
            for address in addresses:
                publisher.send(SUPPRESSIONS, address, _record(address, entry))
                done.addresses += 1
                if done.addresses % BATCH == 0:
                    publisher.flush()
        publisher.flush()
        done.current = not done.empty and taken_up(settings, SUPPRESSIONS, console)
        if done.current:
            written = SuppressionList(id=entry.name, as_of=entry.as_of, entries=done.addresses, at=entry.now)
            publisher.send(RESOURCES, resource_key(written), written)
    return done


def _not_older(settings: Settings, entry: Entry) -> None:
    """Raises UsageError for an edition older than the one that is there: its entries would give newer ones an earlier end."""
    there = next((each for each in read_heads(settings).lists if each.id == entry.name), None)
    if there and there.as_of > entry.as_of:
        raise UsageError(
            f"list {entry.name} is of {iso(there.as_of)} already, --as-of {iso(entry.as_of)} is older: import the newest edition"
        )


def _record(address: str, entry: Entry) -> Suppression:
    return _Written(
        event_id=ids.digest("suppression list", entry.name, entry.as_of, entry.scope, address),
        cause=f"list:{entry.name}",
        address=address,
        scope=entry.scope,
        reason=entry.reason,
        source=entry.name,
        spoke=False,
        at=entry.now,
        expires_at=entry.expires_at,
    )


def _addresses(cell: str, country: str) -> list[str]:
    """The addresses of a cell. Raises UnusableError."""
    text = cell.strip()
    if "@" not in text:
        return [phone.e164 for phone in numbers_of(text, country).phones]
    try:
        return [canonical_address("email", text)]
    except RecordError as error:
        raise UnusableError("invalid_email", str(error), "correct the address") from error


def column_of(listing: Listing, named: str | None, country: str) -> int:
    """Which column holds the addresses. Raises UsageError if that cannot be told."""
    if named is not None:
        if named not in listing.header:
            raise UsageError(f"--column {named!r} is none of {titles(listing.header)}{nearest(named, listing.header)}")
        return listing.header.index(named)
    shares = [(_share(listing, i, country), -i) for i in range(len(listing.header))]
    best, place = max(shares, default=(0.0, 0))
    if best < _HALF:
        raise UsageError(f"{listing.path}: no column holds numbers or email addresses in half of its rows: name it with --column")
    return -place


def _share(listing: Listing, i: int, country: str) -> float:
    """The part of a column's first cells that are addresses."""
    return sum(_readable(cells[i] if i < len(cells) else "", country) for cells in listing.sample) / max(1, len(listing.sample))


def _readable(cell: str, country: str) -> bool:
    try:
        return bool(_addresses(cell, country))
    except UnusableError:
        return False


def _named(name: str) -> str:
    if name in _TAKEN:
        raise UsageError(f"--list {name!r} is the source of other entries: choose another name, such as us-national")
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name) or name != name.lower():
        raise UsageError(f"--list {name!r} is no name: small letters, digits, - and _, such as us-national")
    return name


def _say(file: Path, entry: Entry, done: Done, rejects: Path | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    what = f"{done.addresses:,} addresses suppressed for {entry.scope}, {done.rejected:,} rows rejected"
    console.print(f"{escape(str(file))}: {done.rows:,} rows = {what}")
    for line in _first(done):
        console.print(f"  {escape(line)}")
    if done.current:
        console.print(f"list {entry.name} is of {iso(entry.as_of)} now")
    if rejects is not None and done.rejected:
        console.print(f"the rejected rows are in {escape(str(rejects))}")


def _first(done: Done) -> Iterator[str]:
    """The first few rejects."""
    for row, _, reason, fix, _ in done.first:
        yield f"row {row}: {reason}: {fix}"
    if done.rejected > SHOWN:
        yield f"... and {done.rejected - SHOWN:,} more: --rejects FILE keeps them all"
