"""Workers that are killed, stopped, drained and joined: nothing is lost, and others take over."""

import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outdial.settings import Settings
from tests.acceptance.quota import writes_held_back
from tests.streams.lanes import Lanes, lanes
from tests.wait import until

NUMBERS = itertools.count()
SESSION_S = 6.0


@pytest.fixture
def lane(broker: Settings, tmp_path: Path) -> Iterator[Lanes]:
    """Topics and a group of this test's own; no worker yet."""
    yield from lanes(broker, f"crash{next(NUMBERS)}", tmp_path)


def many(count: int, tag: str) -> list[dict[str, str]]:
    return [{"id": f"{tag}-{n}", "key": f"{tag}-{n % 500}", "do": "count"} for n in range(count)]


def ids(records: list[dict[str, Any]]) -> set[str]:
    return {record["id"] for record in records}


def nothing_is_lost(lane: Lanes, sent: list[dict[str, str]]) -> None:
    """Every record has its output, the table has counted each once, and what follows a durable count was sent for the counted."""
    expected: dict[str, int] = {}
    for record in sent:
        expected[record["key"]] = expected.get(record["key"], 0) + 1
    assert ids(lane.said("out")) == ids(sent)
    assert lane.folded() == expected


def test_a_worker_killed_in_mid_run_loses_nothing_and_comes_back_under_its_name(lane: Lanes) -> None:
    sent = []
    lane.start("one")
    lane.ready("one")
    for round_ in range(3):
        batch = many(6_000, f"r{round_}")
        sent += batch
        before = lane.end("out")
        lane.send(batch)
        until(lambda b=before: lane.end("out") > b + 500, every=0.005)  # type: ignore[misc]
        lane.workers["one"].send_signal(signal.SIGKILL)
        lane.workers["one"].wait()
        began = time.monotonic()
        lane.start("one")
        lane.ready("one", lane.settings.partitions)
        assert time.monotonic() - began < 10
    lane.all_committed()
    nothing_is_lost(lane, sent)


def test_what_is_fetched_while_recovery_ends_is_not_lost(lane: Lanes) -> None:
    sent = many(2_000, "early")
    lane.send(sent)
    lane.start("one", LINGER="1")
    lane.ready("one")
    late = many(2_000, "late")
    lane.send(late)
    lane.all_committed()
    nothing_is_lost(lane, sent + late)


def test_a_recovered_table_is_what_its_changelog_folds_to(lane: Lanes) -> None:
    lane.start("one")
    lane.ready("one")
    sent = many(4_000, "t")  # more than a stage has room for: a changelog has no stage
    lane.send(sent)
    lane.send([{"id": f"d-{n}", "key": f"t-{n}", "do": "delete"} for n in range(0, 500, 3)])
    lane.send([{"id": f"again-{n}", "key": f"t-{n}", "do": "count"} for n in range(0, 500, 6)])
    lane.all_committed()
    folded = lane.folded()
    assert len(folded) == 500 - 167 + 84
    lane.workers["one"].send_signal(signal.SIGKILL)
    lane.workers["one"].wait()
    lane.start("one")
    assert lane.ready("one", lane.settings.partitions)["recovered"] == folded


def test_two_workers_share_and_one_takes_over_from_a_killed_one(lane: Lanes) -> None:
    lane.start("one")
    lane.ready("one", 8)
    lane.start("two")
    shares = [lane.ready(name, 4)["active"] for name in ("one", "two")]
    assert sorted(shares[0] + shares[1]) == list(range(8))
    sent = many(3_000, "a")
    lane.send(sent)
    until(lambda: lane.end("out") > 500, every=0.005)
    lane.workers["two"].send_signal(signal.SIGKILL)
    lane.ready("one", 8)
    sent += (more := many(1_000, "b"))
    lane.send(more)
    lane.all_committed()
    nothing_is_lost(lane, sent)


def test_a_draining_worker_hands_over_at_once(lane: Lanes) -> None:
    lane.start("one")
    lane.ready("one", 8)
    lane.start("two")
    lane.ready("two", 4)
    lane.ready("one", 4)
    sent = many(2_000, "a")
    lane.send(sent)
    began = time.monotonic()
    lane.workers["two"].send_signal(signal.SIGTERM)
    lane.ready("one", 8)
    assert time.monotonic() - began < SESSION_S
    assert lane.workers["two"].wait(timeout=10) == 0
    lane.all_committed()
    nothing_is_lost(lane, sent)
    assert len(lane.said("out")) == len(sent)  # not even a repeat


def test_a_worker_that_stood_still_past_its_session_writes_nothing_as_a_zombie(lane: Lanes) -> None:
    lane.start("one")
    lane.ready("one", 8)
    lane.workers["one"].send_signal(signal.SIGSTOP)
    lane.start("two")
    lane.ready("two", 8)
    sent = many(500, "a")
    lane.send(sent)
    lane.all_committed()
    lane.workers["one"].send_signal(signal.SIGCONT)
    lane.ready("two", 4)
    until(lambda: lane.status("one")["active"] and set(lane.status("one")["active"]).isdisjoint(lane.status("two")["active"]))
    sent += (more := many(500, "b"))
    lane.send(more)
    lane.all_committed()
    nothing_is_lost(lane, sent)
    assert {said["by"] for said in lane.said("out") if said["id"].startswith("a-")} == {"two"}
    assert lane.status("two")["gaps"] == 0


def test_topics_with_other_partition_counts_are_refused(broker: Settings, lane: Lanes) -> None:
    lane.settings = broker.model_copy(update={"partitions": 4, "bootstrap": broker.bootstrap_servers()})
    worker = lane.start("one")
    assert worker.wait(timeout=30) == 1
    assert "has 8 partitions, not 4: run `outdial topics apply`" in lane.log("one")
    lane.settings = broker


def test_without_the_order_a_kill_shows(lane: Lanes) -> None:
    """The check above can fail: with outputs, rows and offsets sent in one go, a kill loses what was committed and not written."""
    sent = [many(10, f"x{n}") for n in range(3)]
    lane.start("hasty", ABLATE="one-flush")
    lane.ready("hasty", 8)
    with writes_held_back(lane.settings.bootstrap_servers(), "outdial-hasty"):  # from the second write on
        for batch in sent:
            lane.send(batch)
            lane.all_committed()
        lane.workers["hasty"].kill()
        lane.workers["hasty"].wait()
    lane.start("hasty", ABLATE="one-flush")
    lane.ready("hasty", 8)
    lane.send(more := many(10, "y"))
    until(lambda: ids(lane.said("out")) >= ids(more))
    assert ids(lane.said("out")).isdisjoint(ids(sent[-1]))
