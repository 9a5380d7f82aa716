"""`outdial suppress delays`: how long opt-outs took, from when the broker had the provider's word until the last step was ended.

Both ends are the broker's own time stamps, so no worker's clock has a part in it.
"""

import json
from collections import defaultdict
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cli.gather import read_each
from engine.errors import OutdialError
from outdial.settings import Settings
from schemas.event import Event, EventKind
from schemas.receipt import Receipt
from schemas.topics import CAMPAIGN_EVENTS, DIAL_RECEIPTS, OPT_OUTS

#: The aim (design rule): real ms from the outcome to the last pending step ended, of 99 in 100.
AIM_MS = 500


class Delays(msgspec.Struct, frozen=True):
    """Of so many opt-outs that ended something. Real ms."""

    opt_outs: int
    p50: float
    p99: float
    greatest: float


def delays(
    last: Annotated[int, typer.Option(min=1, help="Of so many opt-outs, the newest.")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how soon opt-outs by calls and messages have ended the last pending step of those they concern.

    Example: outdial suppress delays --json
    """
    found = measured(Settings(), last)
    if found is None:
        raise OutdialError("no opt-out by a call or a message has ended anything, as far back as topics go")
    if as_json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        Console(highlight=False).print(
            f"{found.opt_outs} opt-outs: half within {found.p50:.0f} ms, 99 of 100 within {found.p99:.0f} ms (aim: {AIM_MS} ms), "
            f"all within {found.greatest:.0f} ms"
        )


class _HandedOn(msgspec.Struct):
    """What is looked at of an opt-out that the dialer handed to a contact."""

    event_id: str
    cause: str


def measured(settings: Settings, last: int) -> Delays | None:
    """From the topics; None if there is nothing to measure."""
    said = {receipt.event_id: raw.timestamp for raw, receipt in read_each(settings, DIAL_RECEIPTS, Receipt) if receipt.opt_out}
    handed = {record.event_id: record.cause for _, record in read_each(settings, OPT_OUTS, _HandedOn)}
    ended: dict[str, int] = defaultdict(int)
    for raw, event in read_each(settings, CAMPAIGN_EVENTS, Event):
        if event.kind == EventKind.EXITED and event.data.get("reason") == "opted_out":
            origin = handed.get(event.cause, event.cause)
            ended[origin] = max(ended[origin], raw.timestamp)
    return summary(said, ended, last)


def summary(said: dict[str, int], ended: dict[str, int], last: int) -> Delays | None:
    """said, ended: real ms by the event_id of the provider's word."""
    both = sorted((at, ended[cause] - at) for cause, at in said.items() if cause in ended)[-last:]
    lengths = sorted(length for _, length in both)
    if not lengths:
        return None
    p99 = lengths[min(len(lengths) - 1, int(len(lengths) * 0.99))]
    return Delays(len(lengths), lengths[len(lengths) // 2], p99, lengths[-1])
