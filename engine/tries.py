"""Whether a step is tried once more, and when: after what never rang, by the next number, or as the step's `retry` says.

| what happened | again | counts |
|---|---|---|
| it never rang (provider_error ...) | after a back-off of 1, 2, 4 ... minutes, at most MAX_UNRUNG times in a row | no attempt |
| the number is none, or a fax | at once, by the person's next number | one |
| a disposition that `retry` names | `after` the end of the call, times `backoff` each further time, at most `max` times | one |

All of them stop at the step's `max_attempts`, and then the flow goes on.
"""

from typing import NamedTuple

from msgspec.structs import replace

from engine.plan import Contacting, Plan, Retry
from engine.reach import address_for
from engine.retries import MAX_UNRUNG, backoff_ms, effect
from engine.time import Instant
from engine.times_of_day import another_time
from engine.windows import add_delay
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Profile


class Again(NamedTuple):
    """The row with the instant at which the step falls due again, and why then, if the rule alone does not say it."""

    row: EnrollmentRow
    why: str | None = None


def again(
    row: EnrollmentRow, step: Contacting, outcome: Outcome, plan: Plan, profile: Profile | None, clocks: tuple[str, ...]
) -> Again | None:
    """The next try of the step whose attempt has just closed (`row` counts it already); None: there is none."""
    what = effect(plan.meaning(outcome.disposition))
    if not what.rang:
        return _unrung(row, outcome)
    if step.max_attempts is not None and row.taken >= step.max_attempts:
        return None
    if what.bad and profile is not None and address_for(profile, step.channel, row.bad):
        return Again(replace(row, unrung=0, due=outcome.ended_at), "next_number")
    name = outcome.disposition if outcome.disposition in step.retry else plan.meaning(outcome.disposition)
    rule, taken = step.retry.get(name), row.tries.get(name, 0)
    if rule is None or taken >= rule.max:
        return None
    due = add_delay(rule.after.times(rule.backoff**taken), Instant(outcome.ended_at), clocks, plan.window)
    tried = replace(row, unrung=0, due=due, tries=row.tries | {name: taken + 1})
    return Again(tried) if not rule.another_time else _elsewhen(tried, rule, step, outcome, plan, profile)


def _unrung(row: EnrollmentRow, outcome: Outcome) -> Again | None:
    if row.unrung >= MAX_UNRUNG:
        return None
    return Again(replace(row, unrung=row.unrung + 1, due=outcome.ended_at + backoff_ms(row.unrung + 1)))


def _elsewhen(row: EnrollmentRow, rule: Retry, step: Contacting, outcome: Outcome, plan: Plan, profile: Profile | None) -> Again:
    """Moved to another time of the person's day, if one is open within three days."""
    zones = plan.zones(profile.zones if profile else ())
    window = plan.terms(step, profile.jurisdictions if profile else ()).window
    failed = (*row.failed, outcome.ended_at)
    due = another_time(Instant(row.due), failed, rule.another_time, window, zones) if zones else Instant(row.due)
    return Again(replace(row, due=due, failed=failed), "another_time" if due != row.due else None)
