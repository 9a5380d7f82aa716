"""Imports without a broker: all of the importer but its sink, which collects what would be published."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cli.import_run import Job, Sink, carry_out
from cli.importing import layout_for
from cli.listing import survey
from cli.row_ledger import Import, RowLedger
from cli.settle import Settled
from engine.time import Instant
from schemas.contact import Contact
from schemas.enrollment import Enroll


@dataclass
class Collected(Sink):
    """Everything that was sent."""

    contacts: list[Contact] = field(default_factory=list)
    enrollments: list[Enroll] = field(default_factory=list)

    def send(self, settled: Settled) -> None:
        self.contacts += settled.contacts
        self.enrollments += settled.enrollments


@dataclass
class Imported:
    """What became of a list."""

    which: Import
    sink: Collected
    rejects: list[tuple[int, str, str, str, list[str]]]


def imported(
    file: Path,
    mapping: dict[str, str] | None = None,
    country: str = "US",
    campaigns: Iterable[str] = (),
    allowed: Iterable[str] | None = None,
    ledger: RowLedger | None = None,
    reach: Iterable[str] = ("phone", "email"),
) -> Imported:
    """Imports a file; with the ledger of an earlier one, after that. Every row is accounted for."""
    listing = survey(file, columns=tuple((mapping or {}).values()), country=country)
    layout = layout_for(listing, mapping or {}, country, frozenset(reach))
    ledger = ledger or RowLedger(None)
    which = ledger.begin(listing.checksum, {"file": str(file), "campaigns": list(campaigns)}, 1)
    sink = Collected()
    countries = None if allowed is None else frozenset(allowed)
    job = Job(listing, layout, country, tuple(campaigns), countries, Instant(1), frozenset(reach))
    carry_out(job, which, ledger, sink)
    tally = which.tally
    assert tally.rows == listing.rows == tally.accepted + tally.merged + tally.rejected
    return Imported(which, sink, list(ledger.rejects(which)))
