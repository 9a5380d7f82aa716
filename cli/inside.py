"""How many people are in a campaign, and on which version: counted from the rows, without their profiles or reasons."""

from collections import Counter
from collections.abc import Container

import msgspec

from cli.read import read_records
from outdial.settings import Settings
from schemas.rows import Stamp, State
from schemas.topics import STEP_TIMERS


class _Row(msgspec.Struct):
    """What is looked at of a row; of one that is not an enrollment's nothing is there."""

    stamp: Stamp = (0, 0)
    campaign: str = ""
    version: int = 0
    state: str = ""


_DECODE = msgspec.json.Decoder(_Row).decode


def people_inside(settings: Settings, campaigns: Container[str]) -> Counter[tuple[str, int]]:
    """(campaign, version) -> people who have not exited."""
    newest: dict[str, _Row] = {}
    for raw in read_records(settings, STEP_TIMERS):
        _take(newest, raw.key or "", raw.value, campaigns)
    return Counter((row.campaign, row.version) for row in newest.values() if row.state != State.EXITED)


def _take(newest: dict[str, _Row], key: str, value: bytes | None, campaigns: Container[str]) -> None:
    """One record: the greatest stamp of a key holds, and a tombstone removes what came before it."""
    if value is None:
        newest.pop(key, None)
        return
    try:
        row = _DECODE(value)
    except msgspec.DecodeError:
        return
    known = newest.get(key)
    if row.campaign in campaigns and (known is None or known.stamp <= row.stamp):
        newest[key] = row
