"""One worker on a real broker: a record's way through, refusals, steps that are taken back, holds, what others can see."""

import base64
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import ConsumerGroupState

from outdial.settings import Settings
from schemas.topics import DEAD_LETTERS
from tests.streams.lanes import Lanes, lanes
from tests.wait import until


@pytest.fixture(scope="module")
def lane(broker: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lanes]:
    """One worker for the tests of this file; each uses keys of its own."""
    for made in lanes(broker, "lane", tmp_path_factory.mktemp("lane")):
        made.start("one")
        made.ready("one", broker.partitions)
        yield made


def asked(key: str, number: int = 0, do: str = "count") -> dict[str, str]:
    return {"id": f"{key}-{number}", "key": key, "do": do}


def about(found: list[dict[str, object]], key: str) -> list[object]:
    return [said["id"] for said in found if said["key"] == key]


def test_a_record_goes_through_within_a_fraction_of_a_second(lane: Lanes) -> None:
    took = []
    for number in range(5):
        assert about(lane.said("out"), "single") == [f"single-{n}" for n in range(number)]  # the tail is at the end
        began = time.monotonic()
        lane.send([asked("single", number)])
        until(lambda n=number: len(about(lane.said("out"), "single")) > n, every=0.002)  # type: ignore[misc]
        took.append(time.monotonic() - began)
    assert min(took) < 0.5, took  # some 10 ms on an idle machine
    lane.all_committed()
    assert about(lane.said("after"), "single") == [f"single-{n}" for n in range(5)]
    assert lane.folded()["single"] == 5


def test_outputs_are_appended_before_rows_and_rows_before_what_follows_them(lane: Lanes) -> None:
    for number in range(5):
        lane.send([asked("order", number)])
        until(lambda n=number: f"order-{n}" in about(lane.said("after"), "order"))  # type: ignore[misc]
    at = {}
    for part in ("out", "table", "after"):
        at[part] = [message.timestamp()[1] for message in lane.read(part) if message.key() == b"order"]
        assert len(at[part]) == 5
    assert all(out <= row <= after for out, row, after in zip(at["out"], at["table"], at["after"], strict=True))


def test_what_cannot_be_read_goes_to_the_dead_letters_untouched_and_the_next_record_is_handled(lane: Lanes) -> None:
    garbage = b'{"id": \xff\x00'
    lane.send([garbage], key="garbage")
    lane.send([asked("garbage", 1)])
    lane.all_committed()
    (letter,) = [one for one in lane.dead_letters() if base64.b64decode(one["key_base64"]) == b"garbage"]
    assert base64.b64decode(letter["value_base64"]) == garbage
    assert letter["error"] == "DecodeError"
    assert about(lane.said("out"), "garbage") == ["garbage-1"]


def test_a_stage_that_fails_after_writing_has_written_nothing(lane: Lanes) -> None:
    lane.send([asked("half", 1), asked("half", 2, "fail"), asked("half", 3)])
    lane.all_committed()
    assert about(lane.said("out"), "half") == ["half-1", "half-3"]
    assert lane.folded()["half"] == 2
    (letter,) = [one for one in lane.dead_letters() if base64.b64decode(one["key_base64"]) == b"half"]
    assert letter["reason"] == "ValueError: the stage failed after it had written"
    until(lambda: lane.status("one")["rows"].get("half") == 2)


def test_a_refused_record_says_why(lane: Lanes) -> None:
    lane.send([asked("refused", 1, "refuse")])
    lane.all_committed()
    (letter,) = [one for one in lane.dead_letters() if base64.b64decode(one["key_base64"]) == b"refused"]
    assert (letter["reason"], letter["error"]) == ("the record asked to be refused", "RecordError")


def test_a_held_record_keeps_its_offset_from_being_committed(lane: Lanes) -> None:
    lane.all_committed()
    before = lane.committed()
    lane.send([asked("held", 1, "hold"), asked("held", 2)])
    until(lambda: about(lane.said("after"), "held") == ["held-1", "held-2"])
    assert lane.committed() == before
    lane.send([asked("held", 3, "release")])
    lane.all_committed()


def test_a_closed_fence_keeps_everything_back(lane: Lanes) -> None:
    worker = lane.workers["one"]
    lane.all_committed()
    worker.send_signal(signal.SIGUSR1)
    handled, ends = lane.status("one")["records"], [lane.end(part) for part in ("out", "table")]
    lane.send([asked("fenced")])
    seen = until(lambda: (status := lane.status("one"))["records"] > handled and status)
    until(lambda: lane.status("one") != seen or lane.status("one")["unflushed"])
    assert [lane.end(part) for part in ("out", "table")] == ends
    assert lane.committed() < lane.end()
    worker.send_signal(signal.SIGUSR2)
    lane.all_committed()
    assert about(lane.said("out"), "fenced") == ["fenced-0"]


def test_a_foreign_row_is_found_and_answered_with_ours(lane: Lanes) -> None:
    lane.send([asked("mine", 1), asked("mine", 2), asked("gone", 1), asked("gone", 2, "delete")])
    lane.all_committed()
    partition = {message.key(): message.partition() for message in lane.read("table")}
    from outdial.kafka import producer

    zombie = producer(lane.settings)
    zombie.produce("lane-table", b'{"row":"count","key":"mine","n":99,"stamp":[1,1]}', b"mine", partition=partition[b"mine"])
    zombie.produce("lane-table", b'{"row":"count","key":"gone","n":99,"stamp":[1,1]}', b"gone", partition=partition[b"gone"])
    zombie.flush()
    assert lane.folded()["mine"] == 99
    lane.send([asked("mine", 3), asked("gone", 4), asked("gone", 5, "delete")])  # our next append in those partitions finds the gap
    until(lambda: lane.folded().get("mine") == 3 and "gone" not in lane.folded())
    until(lambda: lane.status("one")["gaps"] >= 1)
    assert lane.status("one")["rows"]["mine"] == 3


def test_the_group_is_faust_s_and_can_be_described(lane: Lanes) -> None:
    described = lane.admin.describe_consumer_groups(["lane"])["lane"].result()
    assert described.state == ConsumerGroupState.STABLE
    assert described.partition_assignor == "faust"
    (member,) = described.members
    assert member.group_instance_id == "one"
    mine = {(tp.topic, tp.partition) for tp in member.assignment.topic_partitions}
    assert {("lane-in", p) for p in range(lane.settings.partitions)} | {("lane-table", 0)} <= mine


def test_an_idle_worker_takes_next_to_nothing(lane: Lanes) -> None:
    lane.all_committed()
    process = psutil.Process(lane.workers["one"].pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    until(lambda: time.monotonic() - began > 5, every=0.5)
    share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    assert share < 0.03, f"{share:.1%} of a core"


def test_a_topic_of_nothing_but_garbage_stops_the_worker(broker: Settings, tmp_path: Path) -> None:
    for lane in lanes(broker, "hopeless", tmp_path):
        worker = lane.start("one")
        lane.ready("one")
        lane.send([b"garbage"] * 300)
        assert worker.wait(timeout=20) == 1
        assert "200 of the last 200 records of hopeless-in could not be used" in lane.log("one")
        assert DEAD_LETTERS.name in lane.admin.list_topics(timeout=10).topics
        assert lane.committed() < lane.end()
