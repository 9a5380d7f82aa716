"""`outdial status`: people by campaign and state, why they wait, how they left, calls, and how far behind the workers are."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cli.gather import read_each
from cli.group import GroupState, group_state
from cli.read import Snapshot, read_heads, read_rows
from cli.reasons import View
from cli.summary import CampaignSummary, Summary, Waits, count_calls, iso, summarize
from deploy.broker import Broker, BrokerStatus
from outdial.clock import clock_from
from outdial.kafka import require_broker
from outdial.settings import Settings
from schemas.outcome import Outcome
from schemas.rows import EnrollmentRow, Profile, State, TimerRow, TotalsRow
from schemas.topics import CALL_OUTCOMES, CONTACT_PROFILES, STEP_TIMERS


def status(
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """People by campaign, why they wait, how they left; calls; lag; the broker."""
    settings = Settings()
    require_broker(settings)
    snapshot = read_heads(settings)
    if campaign is not None:
        snapshot.head(campaign)  # a typing error must not look like an empty campaign
    summary, group = read_summary(settings, snapshot, campaign), group_state(settings)
    broker = Broker(settings).status()
    if as_json:
        print(json.dumps(summary.as_dict() | {"workers": group.workers, "lag": group.lag, "broker": broker.as_dict()}))
    else:
        Console().print(page(summary, group, broker))


def read_summary(settings: Settings, snapshot: Snapshot, campaign: str | None = None) -> Summary:
    """Reads rows, profiles and closings and counts them; `campaign`: only this one's people."""
    outcomes = (record for _, record in read_each(settings, CALL_OUTCOMES, Outcome))
    calls = count_calls(outcomes)
    profiles: dict[str, Profile] = read_rows(settings, CONTACT_PROFILES, Profile)
    table = read_rows(settings, STEP_TIMERS, TimerRow)
    clock = clock_from(settings)  # read after the rows, so that none of them lies in the future
    rows = {key: row for key, row in table.items() if isinstance(row, EnrollmentRow)}
    totals = [row for row in table.values() if isinstance(row, TotalsRow)]
    summary = summarize(View.of(rows, profiles, snapshot, clock.now(), clock.rate), totals, calls)
    if campaign is None:
        return summary
    return Summary(summary.at, tuple(c for c in summary.campaigns if c.campaign == campaign))


# --- for people -------------------------------------------------------------------------------------------------------------------


def page(summary: Summary, group: GroupState, broker: BrokerStatus) -> Group:
    """What is printed, and what a live board may redraw."""
    parts: list[Any] = [campaigns_table(summary)]
    parts += [reasons_table(c) for c in summary.campaigns if c.people or c.calls]
    behind = ", ".join(f"{topic} {'not read yet' if n < 0 else n}" for topic, n in group.lag.items() if n) or "none"
    parts.append(Text(f"workers {group.workers or 'none: outdial worker'} · lag: {behind}"))
    parts.append(Text(f"broker {broker.state} at {broker.bootstrap} · campaign time {iso(summary.at)}"))
    return Group(*parts)


def campaigns_table(summary: Summary) -> Table:
    """One line a campaign: people by state."""
    # "awaiting" is short for awaiting contact: the table fits a terminal of 80 columns.
    names = (state.partition("_")[0] for state in State)
    table = Table("campaign", "state", "people", *names, "attempts", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for column in table.columns[2:]:
        column.justify = "right"
    for one in summary.campaigns:
        counts = (str(one.states[state]) for state in State)
        name = f"{one.campaign}@{one.version}" if one.version else one.campaign
        table.add_row(name, one.state, str(one.people), *counts, str(one.attempts))
    return table


def reasons_table(one: CampaignSummary) -> Table:
    """Of one campaign: why people wait, how they left, how commands closed."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("", Text(one.campaign, style="bold"))
    table.add_row("waiting", ", ".join(_waits(reason, w) for reason, w in sorted(one.waiting.items())) or "nobody")
    table.add_row("exits", _counts(one.exits) or "nobody")
    table.add_row("closings", _counts(one.calls) or "none")
    return table


def _waits(reason: str, waits: Waits) -> str:
    until = f" (first at {iso(waits.until)})" if waits.until is not None else ""
    return f"{waits.count} {reason}{until}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
