"""Draws a campaign's report. matplotlib is not among the dependencies: who wants pictures installs `outdial[plot]`."""

from pathlib import Path
from typing import Any

from cli.files import whole
from cli.funnel import Funnel, Rate, hours
from engine.errors import OutdialError, UsageError

FORMATS = ("png", "svg", "pdf")
WIDTH, HEIGHT, DPI = 11.0, 7.5, 120
BARS, LINE = "#b8c4d6", "#1f5fa8"


def check(target: Path) -> None:
    """Raises UsageError for a file of no known format, OutdialError without the library: before anything is read."""
    if target.suffix.lstrip(".").lower() not in FORMATS:
        raise UsageError(f"--plot {target}: no known format: name a file that ends in .{', .'.join(FORMATS)}")
    _figure()


def plot(funnel: Funnel, target: Path) -> None:
    """Writes the picture: how far people got, how they left, answer rates by hour and by attempt."""
    figure = _figure()(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    figure.suptitle(f"{funnel.people.campaign} ({funnel.people.state})")
    (stages, exits), (by_hour, by_attempt) = figure.subplots(2, 2)
    _counts(stages, "people who got as far as", {name: n for name, n in funnel.stages.items() if name != "exited"})
    _counts(exits, "exits", dict(sorted(funnel.people.exits.items(), key=lambda item: -item[1])))
    named = [("no zone" if hour is None else f"{hour:02}", rate) for hour, rate in hours(funnel)]
    _rates(by_hour, "answer rate by hour of the contact's local time", named)
    _rates(by_attempt, "answer rate by attempt", [(str(n), rate) for n, rate in sorted(funnel.by_attempt.items())])
    with whole(target, "--plot") as draft:
        figure.savefig(draft)


def _figure() -> Any:
    """matplotlib's Figure. Without pyplot: no display is asked for, none is needed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OutdialError("--plot needs matplotlib, which is not installed: pip install 'outdial[plot]'") from error
    return Figure


def _counts(axes: Any, title: str, counts: dict[str, int]) -> None:
    """Horizontal bars, the first on top, each with its figure."""
    bars = axes.barh(list(counts), list(counts.values()), color=BARS)
    axes.bar_label(bars, labels=[f"{n:,}" for n in counts.values()], padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title(title)


def _rates(axes: Any, title: str, rates: list[tuple[str, Rate]]) -> None:
    """Calls as bars, the share that was answered as a line above them: a rate of few calls is seen to be one."""
    names = [name for name, _ in rates]
    axes.bar(names, [rate.calls for _, rate in rates], color=BARS)
    axes.set_ylabel("calls")
    axes.set_title(title)
    share = axes.twinx()
    share.plot(names, [100 * (rate.rate or 0.0) for _, rate in rates], color=LINE, marker="o")
    share.set_ylim(0, 100)
    share.set_ylabel("answered, %", color=LINE)
