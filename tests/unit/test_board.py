from collections import Counter

import pytest
from rich.console import Console

from cli.activity import Lateness, LineUse
from cli.board import board, shares, span
from cli.group import GroupState
from cli.status import as_dict, page
from cli.summary import CampaignSummary, Summary, Waits
from cli.watch import Look
from deploy.broker import BrokerStatus
from engine.time import DAY, HOUR, MINUTE, SECOND, Instant
from schemas.resources import Halt
from tests.unit.towns import NOW

BROKER = BrokerStatus(state="running", bootstrap="127.0.0.1:19092")


def campaign_of(name: str, people: int = 1_000_000) -> CampaignSummary:
    waiting = {
        "window": Waits(400_000, Instant(NOW + HOUR)),
        "pacing": Waits(12_345, None, Instant(NOW - 4 * SECOND)),
        "due later": Waits(99, Instant(NOW + DAY)),
    }
    exits = Counter({"answered": 1_234, "unreachable": 7, "opted_out": 3})
    calls = Counter({f"disposition_{i}": 1_000 + i for i in range(12)})
    states = Counter({"waiting": people - 1_244, "exited": 1_244})
    return CampaignSummary(name, "running", 3, people, states, waiting, exits, 5_000, calls)


def line_of(name: str, **fields: object) -> LineUse:
    known = {"placed": 47.5, "allowed": 50.0, "in_flight": 30, "most": 60, "ready": 12_345}
    return LineUse(name, **(known | fields))  # type: ignore[arg-type]


def look(campaigns: int, line_count: int, **fields: object) -> Look:
    found = tuple(campaign_of(f"campaign-with-a-long-name-{i}") for i in range(campaigns))
    lag = {f"topic-number-{i}": 1_000 * i for i in range(9)}
    known = {
        "summary": Summary(NOW, found),
        "lines": tuple(line_of(f"line-{i}") for i in range(line_count)),
        "placed": {"campaign-with-a-long-name-0": 12.3},
        "lateness": Lateness(3_210, 120, 2_400, 61_000),
        "group": GroupState(2, lag),
        "broker": BROKER,
        "rate": 1.0,
    }
    return Look(**(known | fields))  # type: ignore[arg-type]


def drawn(shown: Look, width: int = 80, height: int = 24) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(board(shown, width, height))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("campaigns", [0, 1, 3, 12])
@pytest.mark.parametrize("line_count", [0, 1, 9])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (132, 50)])
def test_it_fits(campaigns: int, line_count: int, width: int, height: int) -> None:
    shown = drawn(look(campaigns, line_count), width, height)
    assert len(shown) <= height
    assert max(map(len, shown)) <= width


def test_what_is_halted_is_told_above_all_else() -> None:
    storm = Halt(id="state/US-TX", country="US", state="US-TX", reason="storm", at=NOW)
    told = "contacts to US-TX are halted since 2026-11-26 13:33Z: storm"
    halted = look(12, 9, halts=(storm, Halt(id="line/main", line="main", at=NOW)))
    shown = drawn(halted)
    assert len(shown) <= 24
    assert shown[1] == f"halted   {told}, ... 1 more"
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(page(halted, 120))
    assert told in capture.get().splitlines()
    assert as_dict(halted)["halts"][0]["id"] == "state/US-TX"


def test_commands_that_miss_their_slots_are_told_of_with_what_to_look_at() -> None:
    slow = look(1, 1, slow=915)
    assert "slots end before commands are ready" in drawn(slow, width=132)[0]
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(page(slow, 200))
    assert "are ready, which takes 915 ms: hardly anybody is called. Is the broker slow to acknowledge" in capture.get()
    assert as_dict(slow)["ready_after_ms"] == 915
    assert "ready_after_ms" not in as_dict(look(1, 1))


def test_every_figure_has_its_place() -> None:
    shown = drawn(look(1, 1))
    assert shown[0] == "outdial Thu 2026-11-26 13:33:20 UTC  2 workers  broker running"
    assert shown[2].split() == ["campaign-with-…", "running", "1,000,000", "0", "998,756", "0", "0", "1,244", "12.3"]
    assert shown[5].split()[:5] == ["window", "400,000", "first", "at", "14:33:20"]
    assert "pacing     12,345 for up to 4.0 s" in shown[6]
    assert shown[10].split() == ["line-0", "47.5", "50", "30", "60", "12,345", "95%", "██████████"]
    assert shown[11] == "late     median 120 ms, 99 % 2.4 s, worst 1 min, of 3,210 in a minute"
    assert shown[13].startswith("closings 1,011 disposition_11, 1,010 disposition_10, ")
    assert shown[13].endswith(" more")
    assert shown[14] == "exits    1,234 answered, 7 unreachable, 3 opted_out"


def test_what_has_no_room_is_counted() -> None:
    shown = drawn(look(12, 9))
    assert [line for line in shown if line.startswith("+")] == ["+8 more", "+32 more", "+7 more"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"group": GroupState(0, {})}, "no worker: run `outdial worker`"),
        ({"group": GroupState(1, {})}, "lag      none on any topic"),
        ({"group": GroupState(1, {"contacts": -1})}, "lag      contacts not read yet"),
        ({"trouble": "the broker does not tell"}, "UTC  the broker does not tell"),
        ({"rate": 120.0}, "UTC x120"),
        ({"asking": 7}, "counting 7 more"),
        ({"lateness": None}, "late     nobody was issued a command in the last minute"),
        ({"lines": (line_of("open", allowed=None, most=None),)}, "any"),
    ],
)
def test_what_else_there_is_to_say(fields: dict[str, object], words: str) -> None:
    assert words in "\n".join(drawn(look(1, 1, **fields)))


@pytest.mark.parametrize(
    ("room", "wanted", "given"),
    [
        (13, (3, 3, 1), (3, 3, 1)),
        (13, (12, 36, 9), (5, 5, 3)),
        (13, (1, 36, 1), (1, 11, 1)),
        (4, (5, 5, 5), (2, 3, 1)),
        (13, (0, 1, 0), (0, 1, 0)),
    ],
)
def test_lines_are_shared(room: int, wanted: tuple[int, ...], given: tuple[int, ...]) -> None:
    assert shares(room, wanted, (2, 3, 1)) == given


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0 ms"), (999, "999 ms"), (4_000, "4.0 s"), (12_345, "12 s"), (MINUTE, "1 min"), (3 * HOUR, "3 h"), (3 * DAY, "3 d")],
)
def test_lengths_of_time_are_short(ms: int, words: str) -> None:
    assert span(ms) == words
