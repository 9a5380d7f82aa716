"""`outdial suppress add|remove|check`: phone numbers that must not be contacted.

`add` and `remove` publish a request, the dialer folds it into its ledger. `check` reads the ledger, and says which requests no
worker has taken up yet.
"""

import json
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.publish import Publisher
from cli.read import read_records
from engine.errors import RecordError, UsageError
from engine.phone import parse_phone
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas import ids
from schemas.base import decoder
from schemas.rows import DialerRow, LedgerRow, LinkRow, SuppressionEntry
from schemas.suppression import Suppression
from schemas.topics import DIAL_LEDGER, SUPPRESSIONS

app = typer.Typer(
    help="Phone numbers that must not be contacted.\n\nExample: outdial suppress check 212-555-0142", no_args_is_help=True
)

Phone = Annotated[str, typer.Argument(metavar="PHONE", help="With + and country code, or a national number of --country.")]
Country = Annotated[str, typer.Option(help="How a national number is read.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def add(
    phone: Phone,
    spoke: Annotated[bool, typer.Option(help="The person at this number asked: all who share it are opted out too.")] = True,
    reason: Annotated[str, typer.Option(help="Kept with the entry.")] = "opted_out",
    country: Country = "US",
    as_json: AsJson = False,
) -> None:
    """Suppress a number: it is not called or texted again.

    Example: outdial suppress add +12125550142
    """
    _publish(address_of(phone, country), "add", reason, spoke, as_json)


@app.command()
def remove(phone: Phone, country: Country = "US", as_json: AsJson = False) -> None:
    """Lift the suppression of a number. People who have been opted out by it stay opted out.

    Example: outdial suppress remove +12125550142
    """
    _publish(address_of(phone, country), "remove", "removed", False, as_json)


@app.command()
def check(phone: Phone, country: Country = "US", as_json: AsJson = False) -> None:
    """Say whether a number is suppressed, why, since when, and who can be reached there.

    Example: outdial suppress check 212-555-0142 --country US
    """
    settings = Settings()
    address = address_of(phone, country)
    entries, contacts = ledger_of(settings, address)
    pending = pending_of(settings, address, entries)
    if as_json:
        shown: dict[str, Any] = {"address": address, "suppressed": bool(entries), "entries": msgspec.to_builtins(entries)}
        print(json.dumps(shown | {"contacts": contacts, "pending": pending.kind if pending else None}))
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{address} is {'suppressed' if entries else 'not suppressed'}, {len(contacts)} people linked to it")
    if entries:
        console.print(_table(entries))
    if pending:
        console.print(f"a request to {pending.kind} is waiting for a worker: `outdial worker` takes it up")


def address_of(phone: str, country: str) -> str:
    """The number in E.164. Raises UsageError with the reason."""
    try:
        return parse_phone(phone, country).e164
    except RecordError as error:
        raise UsageError(str(error)) from error


def ledger_of(settings: Settings, address: str) -> tuple[tuple[SuppressionEntry, ...], list[str]]:
    """The suppression entries of an address, and the contacts who can be reached there."""
    decode = decoder(DialerRow).decode
    rows: dict[str, LedgerRow | LinkRow] = {}
    for raw in read_records(settings, DIAL_LEDGER):
        key = raw.key or ""
        if key.partition("|")[0] != address:  # decoding the whole ledger would take seconds
            continue
        if raw.value is None:
            rows.pop(key, None)
            continue
        row = decode(raw.value)
        if key not in rows or row.stamp >= rows[key].stamp:
            rows[key] = row
    own = rows.get(address)
    entries = own.suppressions if isinstance(own, LedgerRow) else ()
    return entries, sorted(row.contact_id for row in rows.values() if isinstance(row, LinkRow))


def pending_of(settings: Settings, address: str, entries: tuple[SuppressionEntry, ...]) -> Suppression | None:
    """The last request about an address, if the ledger does not show it yet."""
    last: Suppression | None = None
    for raw in read_records(settings, SUPPRESSIONS):
        if raw.key == address and raw.value is not None:
            last = Suppression.model_validate_json(raw.value)
    if last is None or (last.kind == "remove") != bool(entries):
        return None
    return last


def _publish(address: str, kind: str, reason: str, spoke: bool, as_json: bool) -> None:
    settings = Settings()
    now = clock_from(settings).now()
    record = Suppression.model_validate(
        {
            "event_id": ids.digest("suppress", kind, address, now),
            "cause": "cli",
            "kind": kind,
            "address": address,
            "reason": reason,
            "spoke": spoke,
            "at": now,
        }
    )
    with Publisher(settings, SUPPRESSIONS) as publisher:
        publisher.send(SUPPRESSIONS, record.key, record)
    if as_json:
        print(json.dumps({"address": address, "kind": kind, "spoke": spoke}))
    else:
        print(f"{address}: {'to be suppressed' if kind == 'add' else 'suppression to be lifted'} as soon as a worker reads it")


def _table(entries: tuple[SuppressionEntry, ...]) -> Table:
    table = Table("scope", "reason", "source", "this number asked", "since (campaign ms)", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(entry.scope, escape(entry.reason), escape(entry.source), "yes" if entry.spoke else "no", str(entry.at))
    return table
