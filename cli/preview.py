"""`outdial campaign resume --preview`: reads everybody in a campaign, and prints what its first hour would bring."""

import json
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from cli.first_hour import Asked, FirstHour
from cli.read import Snapshot, read_rows, read_table
from cli.reasons import View
from cli.words import length
from engine.pauses import consequential
from engine.time import MINUTE, Instant
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.campaign import CampaignHead
from schemas.rows import EnrollmentRow, Profile, TimerRow
from schemas.topics import CONTACT_PROFILES, STEP_TIMERS

#: Minutes that one line of the table stands for.
_EACH = 10


def preview(settings: Settings, snapshot: Snapshot, head: CampaignHead, as_json: bool) -> None:
    """`head`: what a resume at this moment would write."""
    clock = clock_from(settings)
    rows = {k: row for k, row in read_rows(settings, STEP_TIMERS, TimerRow).items() if isinstance(row, EnrollmentRow)}
    profiles = read_table(settings, CONTACT_PROFILES, Profile)
    plans = replace(snapshot, heads=snapshot.heads | {head.id: head})
    view = View.of(rows, profiles, plans, Instant(head.at), clock.rate)
    found = Asked(view, consequential(head.pauses)).count(row for row in rows.values() if row.campaign == head.id)
    line = snapshot.resources.lines.get(snapshot.plan(head.id, head.version).line)
    rate = line.calls_per_second if line else None
    placed = found.placed(None if rate is None else rate * MINUTE / 1000 / clock.rate)
    if as_json:
        print(json.dumps(_as_dict(head, found, placed)))
    else:
        _print(head, found, placed, rate)


def _as_dict(head: CampaignHead, found: FirstHour, placed: list[int]) -> dict[str, object]:
    pause = head.pauses[-1]
    how = {"policy": pause.policy, "older": pause.older, "ramp": pause.ramp}
    counts = {"people": found.people, "overdue": found.overdue, "moved": found.moved, "skipped": found.skipped}
    return {"id": head.id, **how, **counts, "first_hour": sum(placed), "by_minute": placed, "others": dict(found.others)}


def _by_minute(placed: list[int]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    for start in range(0, len(placed), _EACH):
        table.add_row(f"    minute {start:2}-{start + _EACH}", f"{sum(placed[start : start + _EACH]):,}")
    return table


def _print(head: CampaignHead, found: FirstHour, placed: list[int], rate: float | None) -> None:
    console, pause = Console(highlight=False, soft_wrap=True), head.pauses[-1]
    ramp = f", over {length(pause.ramp)}" if pause.ramp else ""
    how = f"{pause.policy} older than {length(pause.older)}" if pause.policy == "expire" else pause.policy
    console.print(f"{head.id}@{head.version}, resumed now ({how}{ramp}) after a pause of {length(head.at - pause.begin)}:")
    console.print(f"  {found.people:,} people in it, {found.overdue:,} of them overdue")
    if pause.policy == "shift":
        console.print(f"  {found.moved:,} steps that fell due meanwhile move by {length(head.at - pause.begin)}")
    if pause.policy == "expire":
        console.print(f"  {found.skipped:,} steps are skipped")
    limit = "its line has no rate" if rate is None else f"its line allows {rate:g} a second"
    console.print(f"  {sum(placed):,} calls and messages in the first hour, retries left out; {limit}")
    if any(placed):
        console.print(_by_minute(placed))
    waiting = sum(found.ready) - sum(placed)
    others = {"still wait for their line": waiting} | dict(found.others.most_common())
    if told := ", ".join(f"{n:,} {reason}" for reason, n in others.items() if n):
        console.print(f"  not in that hour: {told}")
