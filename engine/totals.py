"""What is left of people whose rows are tombstoned: counts by campaign and exit reason, a row for each campaign of a partition.

One row for all campaigns would be written again, longer, for every person, and outgrow a record batch some day. The totals row
and the tombstone are written in one step, which the lane appends as one batch, so nobody is counted twice or lost.
"""

from msgspec.structs import replace

from engine.time import DAY
from schemas.rows import EnrollmentRow, TotalsRow

#: Real ms for which an EXITED row is kept: so long a repeated enrollment or a late outcome is recognised.
KEEP_EXITED = 7 * DAY


def with_row(totals: TotalsRow, row: EnrollmentRow) -> TotalsRow:
    """The totals with one exited person more. Raises ValueError for a row that has no exit."""
    if row.exit is None:
        raise ValueError(f"{row.key} has not exited")
    reasons = totals.exits.get(row.campaign, {})
    reasons = reasons | {row.exit.reason: reasons.get(row.exit.reason, 0) + 1}
    return replace(
        totals,
        exits=totals.exits | {row.campaign: reasons},
        attempts=totals.attempts | {row.campaign: totals.attempts.get(row.campaign, 0) + row.attempts},
    )
