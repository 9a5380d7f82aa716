"""Which dead letters may be published again, and where."""

import base64

import pytest

from cli.dead_letters import named, outside
from engine.errors import OutdialError
from schemas.deadletter import DeadLetter
from schemas.topics import CONTACTS, ENROLLMENTS
from streams.records import KEPT_BYTES


def letter(topic: str, offset: int = 7, name: str | None = None, value: bytes = b"{}") -> DeadLetter:
    kept = base64.b64encode(value).decode()
    return DeadLetter(topic=topic, partition=3, offset=offset, name=name, reason="no", error="RecordError", value_base64=kept)


LETTERS = [letter("contacts"), letter("contacts", 8), letter("enrollments", -1, "a1"), letter("enrollments", -1, "a2")]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("contacts/3/8", ["contacts/3/8"]),
        ("contacts", ["contacts/3/7", "contacts/3/8"]),
        ("enrollments/3/a2", ["enrollments/3/a2"]),
    ],
)
def test_a_place_names_one_a_topic_all_of_it(place: str, found: list[str]) -> None:
    assert [one.key for one in named(LETTERS, place)] == found


@pytest.mark.parametrize("place", ["contacts/3/9", "contact", "enrollments/3/-1", ""])
def test_a_place_without_a_letter_is_told(place: str) -> None:
    with pytest.raises(OutdialError, match=r"no dead letter from .*`outdial dead-letters list`"):
        named(LETTERS, place)


def test_what_others_wrote_may_come_again() -> None:
    assert (outside(LETTERS[0]), outside(LETTERS[2])) == (CONTACTS, ENROLLMENTS)


@pytest.mark.parametrize("topic", ["call-outcomes", "dial-commands", "unheard-of"])
def test_what_outdial_wrote_may_not(topic: str) -> None:
    with pytest.raises(OutdialError, match="only what others wrote can be replayed"):
        outside(letter(topic))


def test_half_a_record_is_not_published() -> None:
    with pytest.raises(OutdialError, match="kept in part only"):
        outside(letter("contacts", value=b"x" * KEPT_BYTES))
