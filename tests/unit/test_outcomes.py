"""The person's attempts: entered with each closing, once, whatever became of the enrollment meanwhile."""

from types import SimpleNamespace
from typing import Any

import pytest
from samples import NOW, PROFILE, outcome_of, row_of

from engine.caps import LONGEST
from engine.errors import RecordError
from engine.time import MINUTE, NEVER
from schemas.base import encode
from schemas.outcome import Outcome
from schemas.rows import Attempt, EnrollmentRow, Profile, State
from streams.flows import Flows
from streams.outcomes import Outcomes

AT = NOW - 3 * MINUTE
BUSY = outcome_of("busy", attempt_at=AT)
TAKEN = Attempt(AT, "spring", "call", BUSY.dial_id)


class Person:
    """One person and one enrollment, as the stage sees them."""

    def __init__(self, row: EnrollmentRow | None, profile: Profile | None = PROFILE) -> None:
        self.profile, self.fed, self.written, self.looked_at = profile, 0, 0, 0
        self.flows: Any = SimpleNamespace(
            row=lambda _p, key: row if row is not None and row.key == key else None,
            profiles=SimpleNamespace(get=lambda _p, _contact: self.profile),
            lane=SimpleNamespace(put=self._put),
            feed=self._feed,
            look_again=self._look_again,
        )
        self.led: list[str] = []  # dial_ids that actions heard of
        self.closed: list[str] = []  # messages that were actions
        self.actions: Any = SimpleNamespace(
            on_outcome=lambda _p, outcome, _now: self.led.append(outcome.dial_id),
            on_closing=lambda _p, outcome, _now: self.closed.append(outcome.action),
        )

    def close(self, outcome: Outcome = BUSY) -> "Person":
        Outcomes(self.flows, self.actions).on_outcome(0, SimpleNamespace(value=encode(outcome)), NOW)  # type: ignore[arg-type]
        return self

    def _put(self, _table: Any, _p: int, contact: str, profile: Profile) -> None:
        assert contact == profile.contact_id == "c7"
        self.profile, self.written = profile, self.written + 1

    def _feed(self, *_: Any) -> None:
        self.fed += 1

    def _look_again(self, _p: int, contact: str) -> None:
        assert contact == "c7"
        self.looked_at += 1

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.profile.attempts if self.profile else ()


def test_a_closing_enters_its_attempt_and_moves_the_row() -> None:
    person = Person(row_of(State.ISSUED)).close()
    assert (person.attempts, person.fed, person.looked_at) == ((TAKEN,), 1, 0)
    assert person.profile is not None
    assert (person.profile.phone, person.profile.variables) == (PROFILE.phone, PROFILE.variables)


@pytest.mark.parametrize("state", [State.WAITING, State.EXITING, State.EXITED])
def test_a_row_that_has_moved_on_already_is_no_reason_to_lose_it(state: State) -> None:
    """A crash came between the row and the profile, or the enrollment has exited. Whoever was found ready is asked again."""
    person = Person(row_of(state)).close()
    assert (person.attempts, person.fed, person.looked_at) == ((TAKEN,), 1, 1)


def test_a_repeat_changes_nothing() -> None:
    other = outcome_of("busy", 2, attempt_at=AT)
    person = Person(row_of(State.ISSUED)).close().close(other).close(outcome_of("busy", attempt_at=AT + 1))
    assert (person.attempts, person.written) == ((TAKEN, Attempt(AT, "spring", "call", other.dial_id)), 2)


@pytest.mark.parametrize("attempt_at", [None, NOW - LONGEST])
def test_what_does_not_count_writes_nothing(attempt_at: int | None) -> None:
    person = Person(row_of(State.ISSUED)).close(outcome_of("provider_error", attempt_at=attempt_at))
    assert (person.attempts, person.written, person.fed) == ((), 0, 1)


def test_a_person_without_a_profile_has_attempts_all_the_same() -> None:
    """They are there when the contact comes."""
    person = Person(row_of(State.ISSUED), None).close()
    assert person.profile == Profile(contact_id="c7", known=False, attempts=(TAKEN,))


def test_who_was_found_ready_is_asked_again() -> None:
    """Of all that the person waits for; other people stay where they are."""
    woken: list[int] = []
    nothing: Any = SimpleNamespace(observers=[], rate=1.0)
    flows = Flows(nothing, nothing, nothing, nothing, nothing)
    flows.wake = woken.append
    index = flows.index[0]
    index.by_contact["c7"] = {"c7/spring/1", "c7/autumn/1"}
    for key in ("c7/spring/1", "c8/spring/1"):
        index.ready.add(key, "main", "spring", NOW, NEVER, (("first", 1, 0), NEVER))
    flows.look_again(0, "c7")
    assert (len(index.ready), sorted(index.todo), woken) == (1, ["c7/autumn/1", "c7/spring/1"], [0])


def test_an_enrollment_that_nobody_knows_is_refused_whole() -> None:
    person = Person(None)
    with pytest.raises(RecordError, match="c7 has no enrollment 1 in spring"):
        person.close()
    assert person.written == 0


def test_actions_hear_of_an_outcome_before_the_row_moves_and_on_each_repeat() -> None:
    """A crash may have come between the enrollment's row and theirs: they know by its id what they have."""
    person = Person(row_of(State.ISSUED)).close().close()
    assert person.led == [BUSY.dial_id] * 2


@pytest.mark.parametrize("row", [row_of(State.ISSUED), None])
def test_the_closing_of_an_action_counts_and_moves_no_enrollment(row: EnrollmentRow | None) -> None:
    """Whether the enrollment is still there or not."""
    sent = outcome_of("sent", 0, channel="sms", attempt_at=AT, action="a1")
    person = Person(row).close(sent)
    assert (person.closed, person.led, person.fed) == (["a1"], [], 0)
    assert person.attempts == (Attempt(AT, "spring", "sms", sent.dial_id),)
    assert person.looked_at == 1  # what waits was found ready without this attempt
