"""The live board: one look at everything that goes on, as `status --watch` and `demo` show it. 80 columns and 24 lines are enough.

Pure: a Look and a size go in, lines come out. What does not fit is counted, not cut in silence: each part gets its share of the
lines, and a part that needs less leaves the rest to the others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cli.activity import Lateness, LineUse
from cli.summary import CampaignSummary, Waits
from cli.watch import Look
from engine.halts import words
from engine.time import HOUR, MINUTE, SECOND, Instant
from schemas.rows import State

T = TypeVar("T")
Row = tuple[str | Text, ...]

#: Lines of a part, beside its title, that it gets at the least: campaigns, reasons, lines.
LEAST = (2, 3, 1)
#: Lines that are always there: head, lateness, calls, exits, lag, three titles, three gaps.
FIXED = 11
#: While a worker's breaker is open.
FAILING = "the provider fails and is left alone"
#: While commands take longer than their slots are open, whoever is asked.
SLOW = "slots end before commands are ready"


class _Waiting(NamedTuple):
    campaign: str
    reason: str
    waits: Waits


def board(look: Look, width: int, height: int) -> Group:
    """The whole board, at most `height` lines of at most `width` columns."""
    campaigns, waiting = look.summary.campaigns, _waiting(look.summary.campaigns)
    undone = [
        f"{todo.failing} of {todo.waiting} of {name} have failed so far"
        for name, todo in sorted(look.actions.items())
        if todo.failing
    ]
    room = shares(height - FIXED - bool(look.halts) - bool(undone), (len(campaigns), max(1, len(waiting)), len(look.lines)), LEAST)
    parts: list[Text | Table] = [
        _head(look),
        *([_listed("halted", [words(halt) for halt in look.halts], width, "bold red")] if look.halts else ()),
        campaigns_table(campaigns, look.placed, width, room[0]),
        Text(""),
        _reasons(waiting, look, width, room[1]),
        Text(""),
        _lines(look.lines, width, room[2]),
        _late(look.lateness, width),
        Text(""),
        _listed("closings", _counts(c.calls for c in campaigns), width),
        _listed("exits", _counts(c.exits for c in campaigns), width),
        *([_listed("actions", undone, width, "bold red")] if undone else ()),
        _lag(look, width),
    ]
    return Group(*parts)


def shares(room: int, wanted: tuple[int, ...], least: tuple[int, ...]) -> tuple[int, ...]:
    """Lines for each part: what it wants, if there is room for all; else its least and what others leave, in turn."""
    given = [min(want, few) for want, few in zip(wanted, least, strict=True)]
    left = room - sum(given)
    while left > 0 and any(g < w for g, w in zip(given, wanted, strict=True)):
        for i, want in enumerate(wanted):
            if given[i] < want and left > 0:
                given[i] += 1
                left -= 1
    return tuple(given)


def span(ms: float) -> str:
    """A length of time in two or three characters and a unit: 850 ms, 12.3 s, 4 min, 3 h, 2 d."""
    for unit, size, below in (("ms", 1, SECOND), ("s", SECOND, MINUTE), ("min", MINUTE, HOUR), ("h", HOUR, 48 * HOUR)):
        if ms < below:
            value = ms / size
            return f"{value:.1f} {unit}" if unit == "s" and value < 10 else f"{value:.0f} {unit}"
    return f"{ms / (24 * HOUR):.0f} d"


# --- parts ------------------------------------------------------------------------------------------------------------------------


def _head(look: Look) -> Text:
    """When, how fast, who works: red if nothing can move or nothing can be read."""
    clock = "" if look.rate == 1 else f" x{look.rate:g}"
    workers = f"{look.group.workers} worker{'' if look.group.workers == 1 else 's'}"
    text = Text.assemble(
        ("outdial ", "bold"), (f"{_instant(look.at)} UTC{clock}", "bold cyan"), "  ", no_wrap=True, overflow="ellipsis"
    )
    text.append(workers if look.group.workers else "no worker: run `outdial worker`", "green" if look.group.workers else "bold red")
    text.append(f"  broker {look.broker.state}")
    if look.failing is not None:
        text.append(f"  {FAILING}", "bold red")
    if look.slow is not None:
        text.append(f"  {SLOW}", "bold red")
    if look.asking:
        text.append(f"  counting {look.asking} more", "yellow")
    if look.trouble:
        text = Text(f"{_instant(look.at)} UTC  {look.trouble}", "bold red", no_wrap=True, overflow="ellipsis")
    return text


def campaigns_table(campaigns: tuple[CampaignSummary, ...], placed: dict[str, float], width: int, room: int) -> Table:
    """People by state, a line for each campaign, at most `room`: those with most people inside first."""
    # "awaiting" is short for awaiting contact: the table fits a terminal of 80 columns.
    titles = ("campaign", "", "people", *(state.partition("_")[0] for state in State), "calls/s")

    def row(one: CampaignSummary) -> Row:
        name = f"{one.campaign}@{one.version}" if one.version else one.campaign
        counts = (_n(one.states[state]) for state in State)
        return name, one.state, _n(one.people), *counts, f"{placed.get(one.campaign, 0.0):.1f}"

    by_size = sorted(campaigns, key=lambda c: (-(c.people - c.states[State.EXITED]), c.campaign))
    return _table(titles, _rows(by_size, row, room), width)


def _reasons(waiting: list[_Waiting], look: Look, width: int, room: int) -> Table:
    """Why people wait, the most first."""

    def row(one: _Waiting) -> Row:
        return one.reason, _n(one.waits.count), _when(one.waits, look), one.campaign

    return _table(("waiting", "people", "", ""), _rows(waiting, row, room) or [("nobody", "", "", "")], width, gives=3)


def _lines(lines: tuple[LineUse, ...], width: int, room: int) -> Table:
    """How much of each line is used."""

    def row(one: LineUse) -> Row:
        allowed = "any" if one.allowed is None else f"{one.allowed:g}"
        most = "any" if one.most is None else _n(one.most)
        use = "" if one.use is None else f"{one.use:.0%}"
        return one.line, f"{one.placed:.1f}", allowed, _n(one.in_flight), most, _n(one.ready), use, _bar(one.use)

    titles = ("line", "calls/s", "allowed", "in flight", "allowed", "ready", "use", "")
    return _table(titles, _rows(sorted(lines, key=lambda use: (-(use.use or 0), use.line)), row, room), width)


def _late(late: Lateness | None, width: int) -> Text:
    if late is None:
        return _listed("late", ["nobody was issued a command in the last minute"], width)
    spans = [
        f"median {span(late.median)}",
        f"99 % {span(late.p99)}",
        f"worst {span(late.worst)}",
        f"of {_n(late.count)} in a minute",
    ]
    return _listed("late", spans, width)


def _lag(look: Look, width: int) -> Text:
    behind = [f"{topic} {'not read yet' if n < 0 else _n(n)}" for topic, n in look.group.lag.items() if n]
    text = _listed("lag", behind or ["none on any topic"], width)
    text.stylize("yellow" if behind else "")
    return text


# --- words ------------------------------------------------------------------------------------------------------------------------


def _waiting(campaigns: Iterable[CampaignSummary]) -> list[_Waiting]:
    found = (_Waiting(c.campaign, reason, waits) for c in campaigns for reason, waits in c.waiting.items())
    return sorted(found, key=lambda w: (-w.waits.count, w.campaign, w.reason))


def _when(waits: Waits, look: Look) -> str:
    if waits.until is not None:
        return f"first at {_instant(waits.until, look.at)}"
    if waits.since is not None:
        return f"for up to {span((look.at - waits.since) / look.rate)}"
    return ""


def _instant(at: Instant, now: Instant | None = None) -> str:
    """UTC; without its date if that is the date of `now`."""
    found = datetime.fromtimestamp(at / 1000, UTC)
    today = now is not None and datetime.fromtimestamp(now / 1000, UTC).date() == found.date()
    return found.strftime("%H:%M:%S" if today else "%a %Y-%m-%d %H:%M:%S")


def _counts(counted: Iterable[Counter[str]]) -> list[str]:
    total: Counter[str] = Counter()
    for each in counted:
        total.update(each)
    return [f"{_n(n)} {name}" for name, n in sorted(total.items(), key=lambda item: (-item[1], item[0]))] or ["none yet"]


def _listed(title: str, parts: list[str], width: int, style: str = "") -> Text:
    """One line; what has no room is counted."""
    line, rest = f"{title:<9}{parts[0]}", parts[1:]
    while rest and len(line) + len(rest[0]) + len(more := f", ... {len(rest) - 1} more") + 2 <= width + (len(rest) == 1) * len(
        more
    ):
        line, rest = f"{line}, {rest[0]}", rest[1:]
    return Text(_cut(f"{line}, ... {len(rest)} more" if rest else line, width), style, no_wrap=True)


def _bar(use: float | None, cells: int = 10) -> Text:
    if use is None:
        return Text("")
    full = min(cells, round(use * cells))
    return Text("█" * full + "·" * (cells - full), "red" if use >= 0.95 else "green")


def _n(n: int) -> str:
    return f"{n:,}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _rows(found: Sequence[T], row: Callable[[T], Row], room: int) -> list[Row]:
    """As many as there is room for; the last one counts the others."""
    shown = found if len(found) <= room else found[: max(0, room - 1)]
    left = len(found) - len(shown)
    return [row(each) for each in shown] + ([(f"+{left} more",)] if left else [])


def _table(titles: tuple[str, ...], rows: list[Row], width: int, gives: int = 0) -> Table:
    """The first column and those without a title stand left, figures right. Too wide: column `gives` is cut, figures never are."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for i, title in enumerate(titles):
        table.add_column(title, justify="right" if i and title else "left", no_wrap=True)
    wide = [max(len(line[i]) for line in (titles, *rows) if i < len(line)) for i in range(len(titles))]
    left = max(len(titles[gives]), 8, width - sum(wide) - len(wide) + 1 + wide[gives])
    for row in rows:
        table.add_row(*(_cut(cell, left) if i == gives and isinstance(cell, str) else cell for i, cell in enumerate(row)))
    return table
