"""`outdial suppress add|remove|check`: phone numbers and email addresses that must not be contacted.

`add` and `remove` publish a request, the dialer folds it into its ledger. `check` reads the ledger, and says which requests no
worker has taken up yet.
"""

import json
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from cli.instants import parse_instant
from cli.publish import Publisher
from cli.read import read_records
from cli.summary import iso
from engine.delays import length_of
from engine.errors import RecordError, UsageError
from engine.phone import canonical_address, parse_phone
from engine.suppression import holds, parse_scope
from engine.time import Instant
from outdial.clock import clock_from
from outdial.kafka import require_broker
from outdial.settings import Settings
from schemas import ids
from schemas.base import decoder
from schemas.rows import DialerRow, LedgerRow, LinkRow, SuppressionEntry
from schemas.suppression import Suppression
from schemas.topics import DIAL_LEDGER, SUPPRESSIONS, TopicSpec
from streams.partitions import partition_of

app = typer.Typer(
    help="Numbers and email addresses that must not be contacted.\n\nExample: outdial suppress check 212-555-0142",
    no_args_is_help=True,
)

Address = Annotated[
    str, typer.Argument(metavar="PHONE|EMAIL", help="A number (national ones as of --country), or an email address.")
]
Country = Annotated[str, typer.Option(help="How a national number is read.")]
Scope = Annotated[str, typer.Option(help="all, campaign:ID, channel:call, channel:sms or channel:email.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def add(
    address: Address,
    spoke: Annotated[bool, typer.Option(help="The person at this address asked: all who share it are opted out too.")] = True,
    scope: Scope = "all",
    reason: Annotated[str, typer.Option(help="Kept with the entry.")] = "opted_out",
    source: Annotated[str, typer.Option(help="Who says so; an entry of the same scope and source is replaced.")] = "cli",
    expires: Annotated[str | None, typer.Option(metavar="WHEN", help="An instant, or how long from now: 90 days.")] = None,
    country: Country = "US",
    as_json: AsJson = False,
) -> None:
    """Suppress an address: it is not contacted again, for this scope, until the entry ends.

    Example: outdial suppress add +12125550142 --scope channel:sms
    """
    now = clock_from(Settings()).now()
    ends = None if expires is None else until(expires, now)
    facts = {"scope": scope_of(scope), "reason": reason, "source": source, "spoke": spoke, "expires_at": ends}
    _publish(address_of(address, country), "add", now, facts, as_json)


@app.command()
def remove(
    address: Address,
    scope: Scope = "all",
    source: Annotated[str | None, typer.Option(help="Only the entry of this source.")] = None,
    country: Country = "US",
    as_json: AsJson = False,
) -> None:
    """Take back entries of an address, of one scope. People who have been opted out by it stay opted out.

    Example: outdial suppress remove +12125550142
    """
    facts = {"scope": scope_of(scope), "reason": "removed", "spoke": False, "of_source": source}
    _publish(address_of(address, country), "remove", clock_from(Settings()).now(), facts, as_json)


@app.command()
def check(address: Address, country: Country = "US", as_json: AsJson = False) -> None:
    """Show why an address must not be contacted, and who is linked to it.

    Example: outdial suppress check 212-555-0142 --country US
    """
    settings, found = Settings(), address_of(address, country)
    now = clock_from(settings).now()
    row, contacts = ledger_of(settings, found)
    entries = row.suppressions
    pending = pending_of(settings, found, entries)
    holding = [entry for entry in entries if holds(entry, now)]
    if as_json:
        told = [msgspec.to_builtins(entry) | {"holds": holds(entry, now)} for entry in entries]
        shown: dict[str, Any] = {"address": found, "suppressed": bool(holding), "entries": told}
        print(json.dumps(shown | {"contacts": contacts, "pending": pending.kind if pending else None}))
        return
    console = Console(soft_wrap=True, highlight=False, emoji=False)  # `channel:email:` would be an envelope
    console.print(f"{found} is {'suppressed' if holding else 'not suppressed'}, {len(contacts)} people linked to it")
    for entry in entries:
        console.print(f"  {escape(_line(entry, now))}")
    if pending:
        console.print(f"a request to {pending.kind} is waiting for a worker: `outdial worker` takes it up")


def address_of(text: str, country: str) -> str:
    """The number in E.164, or the email address in its canonical form. Raises UsageError with the reason."""
    try:
        return canonical_address("email", text) if "@" in text else parse_phone(text, country).e164
    except RecordError as error:
        raise UsageError(str(error)) from error


def scope_of(text: str) -> str:
    """A scope. Raises UsageError with those there are."""
    try:
        return parse_scope(text)
    except ValueError as error:
        raise UsageError(f"--scope {error}") from error


def until(text: str, now: Instant) -> Instant:
    """An instant, or how long from now. Raises UsageError."""
    try:
        return Instant(now + length_of(text))
    except ValueError:
        found = parse_instant(text, "--expires", now)
    if found <= now:
        raise UsageError(f"--expires {text!r} is over already: write a later instant, or how long from now: 90 days")
    return found


def ledger_of(settings: Settings, address: str) -> tuple[LedgerRow, list[str]]:
    """The ledger row of an address, empty if it has none, and the contacts who can be reached there."""
    decode = decoder(DialerRow).decode
    rows: dict[str, LedgerRow | LinkRow] = {}
    for raw in read_records(settings, DIAL_LEDGER, partitions=_place(settings, DIAL_LEDGER, address)):
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
    linked = sorted(row.contact_id for row in rows.values() if isinstance(row, LinkRow))
    return own if isinstance(own, LedgerRow) else LedgerRow(address=address), linked


def pending_of(settings: Settings, address: str, entries: tuple[SuppressionEntry, ...]) -> Suppression | None:
    """The last request about an address, if the ledger does not show it yet."""
    last: Suppression | None = None
    for raw in read_records(settings, SUPPRESSIONS, partitions=_place(settings, SUPPRESSIONS, address)):
        if raw.key == address and raw.value is not None:
            last = Suppression.model_validate_json(raw.value)
    if last is None:
        return None
    source = last.of_source if last.kind == "remove" else last.source
    there = any(each.scope == last.scope and source in (None, each.source) for each in entries)
    return last if (last.kind == "add") is not there else None


def _place(settings: Settings, spec: TopicSpec, address: str) -> set[int]:
    """The one partition of a topic that can hold something of an address."""
    topics = require_broker(settings).topics
    return {partition_of(address, len(topics[spec.name].partitions))} if spec.name in topics else set()


def _publish(address: str, kind: str, now: Instant, facts: dict[str, Any], as_json: bool) -> None:
    named = ids.digest("suppress", kind, address, facts["scope"], now)
    about = {"event_id": named, "cause": "cli", "kind": kind, "address": address, "at": now}
    record = Suppression.model_validate(about | facts)
    with Publisher(Settings(), SUPPRESSIONS) as publisher:
        publisher.send(SUPPRESSIONS, record.key, record)
    if as_json:
        print(json.dumps({"address": address, "kind": kind, "scope": record.scope, "spoke": record.spoke}))
    else:
        what = "to be suppressed" if kind == "add" else "suppression to be lifted"
        print(f"{address}: {what} ({record.scope}) as soon as a worker reads it")


def _line(entry: SuppressionEntry, now: Instant) -> str:
    """`all: opted_out, asked for at this address, since 2026-11-25 05:23 (call)`."""
    who = ", asked for at this address" if entry.spoke else f", for {entry.contact_id}" if entry.contact_id else ""
    end = "" if entry.expires_at is None else f", {'until' if holds(entry, now) else 'ended at'} {iso(entry.expires_at)}"
    return f"{entry.scope}: {entry.reason}{who}, since {iso(entry.at)}{end} ({entry.source})"
