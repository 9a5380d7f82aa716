"""An independent witness: was anybody called outside their hours, twice, or after they had asked to be left alone?

It imports nothing of the product. What it compares comes from outside: the simulator's own log of requests it took, the campaign
files and contact lists as people wrote them, tables of its own of area codes and ZIP codes, and zoneinfo. Only one thing is asked
of Outdial, which campaign and contact a dial_id belongs to: `outdial calls --all --json`.

    python -m tests.acceptance.witness --log LOG --calls CALLS --contacts CSV --campaign YAML [--campaign YAML ...] [--json]

A zone that was written stands alone. Else address and number both count: where they differ, the person must be inside the window in
all of their zones. A number of an area code with several zones says no more than that, and has all of them.
"""

import argparse
import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.acceptance.places import Addresses, Where, read_addresses

AREA_CODES = Path(__file__).with_name("area_codes.csv")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE, DAY = 60_000, 1_440
UNITS = {"ms": 1, "s": 1_000, "m": MINUTE, "h": 60 * MINUTE}

#: Real ms in which an opt-out travels from the end of a call to whoever dials next.
TRAVEL = 2_000

#: What people write for a zone that is none, and mean.
MEANT = {"EST": "America/New_York", "CST": "America/Chicago", "MST": "America/Denver", "PST": "America/Los_Angeles"}

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Hours:
    """The hours of one campaign: intervals (minute of the day, minute; above 1440: the next day) by weekday."""

    days: tuple[tuple[tuple[int, int], ...], ...]
    ring: int  # ms
    fixed: str | None
    fallback: str | None

    def open_at(self, instant: int, zone: str) -> bool:
        """Whether the wall clock of `zone` reads inside."""
        local = datetime.fromtimestamp(instant / 1000, UTC).astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        today, yesterday = self.days[local.weekday()], self.days[local.weekday() - 1]
        return any(s <= minute < e for s, e in today) or any(s <= minute + DAY < e for s, e in yesterday)

    def covers(self, instant: int, channel: str, zone: str) -> bool:
        """Whether it is open at the instant and, for a call, for as long as the phone may ring. Hours change at whole minutes."""
        last = instant + self.ring if channel == "call" else instant
        between = range(instant - instant % MINUTE + MINUTE, last, MINUTE)
        return all(self.open_at(at, zone) for at in (instant, *between, last))


@dataclass(frozen=True)
class Problem:
    """One thing that must not have happened."""

    kind: str  # outside | repeated | opted_out | unknown | number
    dial_id: str
    text: str


@dataclass
class Report:
    """What the witness saw. `zones` counts requests by how many zones the person has."""

    requests: int = 0
    people: int = 0
    opt_outs: int = 0
    zones: Counter[int] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, request: Json, text: str) -> None:
        self.problems.append(Problem(kind, str(request["dial_id"]), f"{request['number']}: {text}"))

    def summary(self) -> str:
        kinds = Counter(problem.kind for problem in self.problems)
        found = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "no problems"
        return f"{self.requests} requests to {self.people} numbers, {self.opt_outs} opt-outs seen: {found}"


class People:
    """The contact lists, by id and by number: who has which zones."""

    def __init__(self, rows: Iterable[Json], area_codes: Mapping[str, tuple[str, ...]], addresses: Addresses) -> None:
        self._area_codes, self._addresses = area_codes, addresses
        self._by_id: dict[str, Json] = {}
        self._by_number: dict[str, Json] = {}
        for row in rows:
            self._by_id[str(row.get("id") or row.get("contact_id") or "")] = row
            self._by_number[digits(str(row.get("phone") or ""))] = row

    def where(self, contact_id: str, number: str) -> Where:
        """An explicit zone alone, else address and area code together; nowhere: the campaign's fallback has to do."""
        row = self._by_id.get(contact_id) or self._by_number.get(digits(number)) or {}
        written = str(row.get("timezone") or "").strip()
        if zone := civil(written):
            return Where((zone,))
        of_number = self._area_codes.get(digits(number)[:3], ()) if number.startswith("+1") else ()
        return self._addresses.where(row).and_also(of_number)


def witness(log: Iterable[Json], calls: Iterable[Json], people: People, campaigns: Mapping[str, Hours]) -> Report:
    """Goes through the requests in the order in which they arrived."""
    report, of, seen = Report(), {str(call["dial_id"]): call for call in calls}, Counter[str]()
    requests = sorted(log, key=lambda line: line["received_real_us"])
    rate = clock_rate(requests)
    quiet: dict[str, int] = {}  # number -> campaign ms from which on nobody may call
    for request in requests:
        seen[request["dial_id"]] += 1
        if seen[request["dial_id"]] == 2:
            report.add("repeated", request, f"{request['dial_id']} was requested twice")
        _check_quiet(request, quiet, report)
        _check_hours(request, of.get(request["dial_id"]), people, campaigns, report)
        if request.get("opt_out"):
            ended = request["received_campaign_ms"] + request.get("ring_ms", 0) + request.get("talk_ms", 0)
            quiet.setdefault(request["number"], int(ended + TRAVEL * rate))
    report.requests, report.people = len(requests), len({request["number"] for request in requests})
    report.opt_outs = len(quiet)
    return report


def _check_quiet(request: Json, quiet: Mapping[str, int], report: Report) -> None:
    since = quiet.get(request["number"])
    if since is not None and request["received_campaign_ms"] > since:
        report.add("opted_out", request, "requested after the person had opted out in an earlier call")


def _check_hours(request: Json, call: Json | None, people: People, campaigns: Mapping[str, Hours], report: Report) -> None:
    if call is None or call["campaign"] not in campaigns:
        report.add("unknown", request, f"{request['dial_id']} is in no list of calls, or its campaign file was not given")
        return
    if call["address"] != request["number"]:
        report.add("number", request, f"{request['dial_id']} was for {call['address']}")
    hours = campaigns[call["campaign"]]
    where = Where((hours.fixed,)) if hours.fixed else people.where(call["contact_id"], request["number"])
    where = where or Where((hours.fallback,) if hours.fallback else ())
    report.zones[len(where.surely) + len(where.one_of)] += 1
    at, channel = request["received_campaign_ms"], request["channel"]
    closed = [zone for zone in where.surely if not hours.covers(at, channel, zone)]
    closed += where.one_of if not any(hours.covers(at, channel, zone) for zone in where.one_of) else ()
    if closed or not where:
        shown = ", ".join(f"{datetime.fromtimestamp(at / 1000, ZoneInfo(zone)):%a %H:%M:%S} {zone}" for zone in closed)
        report.add("outside", request, f"{call['contact_id']} in {call['campaign']}: {shown or 'no zone is known'}")


# --- reading ----------------------------------------------------------------------------------------------------------------------


def clock_rate(requests: list[Json]) -> float:
    """Campaign ms in a real ms, as the log itself shows."""
    if len(requests) < 2:
        return 1.0
    first, last = requests[0], requests[-1]
    real = (last["received_real_us"] - first["received_real_us"]) / 1000
    return max(1.0, (last["received_campaign_ms"] - first["received_campaign_ms"]) / real) if real else 1.0


def read_campaign(path: Path) -> tuple[str, Hours]:
    """(id, hours) of a campaign file. Everything is read as text: 09:00 is no number here."""
    return campaign(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))


def campaign(file: Json) -> tuple[str, Hours]:
    """(id, hours) of a campaign file's data."""
    window = file["window"]
    unknown = window.keys() - {"weekly", "timezone", "ring_timeout"}
    if unknown:
        raise ValueError(f"the witness does not know {', '.join(sorted(unknown))}: teach it first")
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for names, intervals in window["weekly"].items():
        for day in weekdays(names):
            days[day] += [interval(text) for text in intervals]
    zone = window["timezone"]
    fixed = zone.get("zone") if zone.get("use") == "fixed" else None
    ring = duration(str(window.get("ring_timeout", "30s")))
    return file["id"], Hours(tuple(map(tuple, days)), ring, fixed, zone.get("fallback"))


def weekdays(text: str) -> Iterator[int]:
    """`mon-fri`, `sat,sun`, `fri-mon`."""
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        day, end = DAYS.index(first), DAYS.index(last or first)
        yield day
        while day != end:
            day = (day + 1) % 7
            yield day


def interval(text: str) -> tuple[int, int]:
    start, end = (int(part.split(":")[0]) * 60 + int(part.split(":")[1]) for part in text.replace(" ", "").split("-"))
    return start, end if end > start else end + DAY


def duration(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*(ms|s|m|h)", text)
    if not found:
        raise ValueError(f"the witness cannot read the duration {text!r}")
    return int(found[1]) * UNITS[found[2]]


def digits(phone: str) -> str:
    """The national number of the US and its neighbours: the last ten digits."""
    return re.sub(r"\D", "", phone)[-10:]


@cache
def civil(zone: str) -> str | None:
    """The zone that was written, or meant; None if it is none."""
    try:
        return ZoneInfo(MEANT.get(zone, zone)).key if zone else None
    except (KeyError, ValueError, OSError):
        return None


def read_area_codes(path: Path = AREA_CODES) -> dict[str, tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["area_code"]: tuple(row["zones"].split()) for row in csv.DictReader(file)}


def read_contacts(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines; a last line without its end is still being written."""
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def main(arguments: list[str] | None = None) -> int:
    """Prints a summary, and the problems. Exit status 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True, help="the simulator's log")
    parser.add_argument("--calls", type=Path, required=True, help="what `outdial calls --all --json` printed")
    parser.add_argument("--contacts", type=Path, required=True, action="append", help="the list that was imported")
    parser.add_argument("--campaign", type=Path, required=True, action="append", help="a campaign file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(arguments)
    people = People([row for path in asked.contacts for row in read_contacts(path)], read_area_codes(), read_addresses())
    hours = dict(read_campaign(path) for path in asked.campaign)
    report = witness(read_lines(asked.log), read_lines(asked.calls), people, hours)
    if asked.json:
        print(json.dumps({"summary": report.summary(), "problems": [asdict(problem) for problem in report.problems]}))
    else:
        print("\n".join([*(f"{p.kind}: {p.text}" for p in report.problems), report.summary()]))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
