"""engine/numbers.py and engine/callers.py: which number a person is called from, and when there is none."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import NOW, plan_of

from engine.answers import At, When
from engine.callers import Caller, caller_of, slips
from engine.daily_caps import Account, Made, share
from engine.days import Day, day_of
from engine.numbers import NextFree, Person, choose, no_number, none_left, unusable
from engine.pools import Pool
from engine.resources import ResourceIndex
from engine.time import DAY, HOUR, MINUTE, NEVER, Instant
from schemas.resources import Number

NEW_YORK, BROOKLYN, BUFFALO, DENVER, TORONTO, LONDON = (
    "+12125550101",
    "+17185550101",
    "+17165550101",
    "+13035550101",
    "+14165550101",
    "+442079460101",
)
MIDNIGHT = Instant(NOW + 14 * HOUR)  # in New York
NOBODY = Account(0, 1, lambda _number, _day: Made(0, 0), reach=0)


def number(e164: str = NEW_YORK, **fields: Any) -> Number:
    return Number(number=e164, **fields)


def pool(*numbers: Number | str, presence: str = "any", rotate: str = "person") -> Pool:
    declared = [number(each) if isinstance(each, str) else each for each in numbers]
    return Pool([caller_of(each) for each in declared], presence, rotate)


def person(contact: str = "c7", address: str = "+12125550199", places: tuple[str, ...] = ("US-NY",), seq: int = 1) -> Person:
    return Person(contact, address, places, seq)


def used(partitions: int = 1, partition: int = 0, reach: int = 0, under_way: int = 0, **calls: int) -> Account:
    """An account by which a number (`_1212...`) has had so many calls each day."""
    return Account(partition, partitions, lambda e164, _day: Made(calls.get(f"_{e164[1:]}", 0), under_way), reach)


# --- what a number tells ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "area", "state", "country", "zone"),
    [
        (number(), "+1212", "US-NY", "US", "America/New_York"),
        (number(state="California"), "+1212", "US-CA", "US", "America/New_York"),
        (number(TORONTO), "+1416", None, "CA", "America/Toronto"),
        (number(TORONTO, state="ON"), "+1416", "CA-ON", "CA", "America/Toronto"),
        (number(LONDON), "+4420", None, "GB", "Europe/London"),
        (number("+447700900123"), None, None, "GB", "Europe/London"),  # a mobile, of no area
        (number("+18005550199"), "+1800", None, "US", "UTC"),
        (number("+18005550199", country="US", state="WA"), "+1800", "US-WA", "US", "America/Los_Angeles"),
        (number("+18505550101"), "+1850", "US-FL", "US", "America/Chicago"),  # of two zones the first
    ],
)
def test_what_a_number_tells_and_what_is_declared_of_it(
    declared: Number, area: str | None, state: str | None, country: str | None, zone: str
) -> None:
    found = caller_of(declared)
    assert (found.area, found.state, found.country, found.zone) == (area, state, country, zone)


def test_resting_is_for_good_or_until_the_beginning_of_a_day_where_the_number_is() -> None:
    assert caller_of(number()).rests_until == 0
    assert caller_of(number(resting=True)).rests_until == NEVER
    assert caller_of(number(resting="2026-11-25")).rests_until == MIDNIGHT


@pytest.mark.parametrize(
    ("declared", "key", "sentence"),
    [
        (number("+12125550"), "number", "phone '+12125550' lacks its area code for US"),
        (number(country="Atlantis"), "country", "'Atlantis' is no country with phone numbers: write its code of two letters"),
        (number(state="Ontario"), "state", "'Ontario' is no state of US: write its code of two letters, such as NY"),
        (
            number(LONDON, state="Kent"),
            "state",
            "'Kent' is no use: states are told apart in US, CA, AU only, and the number is of GB",
        ),
        (number(resting="soon"), "resting", "'soon' is no date: write the day on which it may be used again, such as 2026-12-01"),
        (number(resting="2026-13-01"), "resting", "'2026-13-01' is no date"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(declared: Number, key: str, sentence: str) -> None:
    ((where, found),) = slips(declared)
    assert where == key
    assert found.startswith(sentence)


def test_a_campaign_has_the_numbers_of_its_tag_and_its_own_way_to_choose() -> None:
    index = ResourceIndex.of([number(tags=["sales"]), number(DENVER, tags=["service"]), number(BUFFALO, tags=["sales", "east"])])
    found = index.pool_for(plan_of(presence="local", rotate="call"))
    assert [caller.e164 for caller in found.callers] == [NEW_YORK, BUFFALO]
    assert (found.local, found.rotates) == (True, True)


# --- the same number for the same person ------------------------------------------------------------------------------------------

MANY = [f"+1212555{n:04d}" for n in range(100, 120)]
PEOPLE = [f"contact-{n}" for n in range(4_000)]


def test_a_person_keeps_the_number_and_people_are_spread() -> None:
    numbers = pool(*MANY)
    found = {who: choose(numbers, person(who), NOBODY, NOW) for who in PEOPLE}
    assert found == {who: choose(pool(*reversed(MANY)), person(who, seq=9), NOBODY, Instant(NOW + DAY)) for who in PEOPLE}
    assert set(found.values()) == set(MANY)
    assert max(Counter(found.values()).values()) < 1.4 * len(PEOPLE) / len(MANY)


def test_a_number_that_goes_moves_only_the_people_who_had_it() -> None:
    before = {who: choose(pool(*MANY), person(who), NOBODY, NOW) for who in PEOPLE}
    after = {who: choose(pool(*MANY[1:]), person(who), NOBODY, NOW) for who in PEOPLE}
    assert {who for who in PEOPLE if before[who] != after[who]} == {who for who in PEOPLE if before[who] == MANY[0]}
    assert len(set(after.values())) == len(MANY) - 1  # and these are spread over all others


def test_a_campaign_may_want_another_number_with_each_attempt() -> None:
    numbers = pool(*MANY[:4], rotate="call")
    first = [choose(numbers, person(seq=seq), NOBODY, NOW) for seq in range(1, 9)]
    assert sorted(map(str, first[:4])) == MANY[:4]
    assert first[:4] == first[4:]


# --- near the person --------------------------------------------------------------------------------------------------------------

EVERYWHERE = (NEW_YORK, BROOKLYN, BUFFALO, DENVER, TORONTO, LONDON)


@pytest.mark.parametrize(
    ("who", "numbers", "expected"),
    [
        (person(), EVERYWHERE, {NEW_YORK}),  # the area code
        (person(), EVERYWHERE[1:], {BROOKLYN, BUFFALO}),  # the state
        (person(address="+13035550199"), EVERYWHERE, {DENVER}),  # the area code before the state where the person lives
        (person(address="+13035550199"), (BUFFALO, LONDON, NEW_YORK), {BUFFALO, NEW_YORK}),
        (person(places=("US-FL", "US-NY")), (BUFFALO, DENVER), {BUFFALO}),  # one of the states that may be the person's
        (person(places=("US",)), (DENVER, LONDON, TORONTO), {DENVER}),  # the country
        (person(address="+14165550199", places=("CA",)), EVERYWHERE, {TORONTO}),
        (person(address="+442079460199", places=("GB",)), EVERYWHERE, {LONDON}),
        (person(address="+447700900199", places=("GB",)), EVERYWHERE, {LONDON}),
        (person(address="+4930123456", places=("DE",)), (NEW_YORK, LONDON), {NEW_YORK, LONDON}),  # any
        (person(address="+18005550199", places=()), (NEW_YORK, DENVER), {NEW_YORK, DENVER}),
    ],
)
def test_local_presence(who: Person, numbers: tuple[str, ...], expected: set[str]) -> None:
    near = pool(*numbers, presence="local")
    found = {choose(near, who._replace(contact_id=contact), NOBODY, NOW) for contact in PEOPLE[:200]}
    assert found == expected


def test_a_declared_state_is_where_a_number_counts_as_local() -> None:
    near = pool(number("+18005550199", country="US", state="NY"), DENVER, presence="local")
    assert choose(near, person(), NOBODY, NOW) == "+18005550199"


def test_a_near_number_without_calls_left_gives_way_to_the_next_nearest() -> None:
    near = pool(number(daily_cap=2), number(BROOKLYN, daily_cap=2), DENVER, presence="local")
    assert choose(near, person(), used(_12125550101=2), NOW) == BROOKLYN
    assert choose(near, person(), used(_12125550101=2, _17185550101=2), NOW) == DENVER


# --- rest -------------------------------------------------------------------------------------------------------------------------


def test_a_number_that_rests_is_not_used_until_its_day() -> None:
    numbers = pool(number(resting="2026-11-25"), number(BUFFALO, resting=True), DENVER)
    before = {choose(numbers, person(who), NOBODY, Instant(MIDNIGHT - 1)) for who in PEOPLE[:100]}
    after = {choose(numbers, person(who), NOBODY, MIDNIGHT) for who in PEOPLE[:100]}
    assert (before, after) == ({DENVER}, {DENVER, NEW_YORK})


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((), NextFree(None, "none of the campaign's numbers is declared")),
        ((number(resting=True),), NextFree(None, "the campaign's number is resting")),
        (
            (number(resting=True), number(BUFFALO, resting="2026-11-25")),
            NextFree(MIDNIGHT, "all 2 numbers of the campaign are resting"),
        ),
    ],
)
def test_none_left_if_all_rest(numbers: tuple[Number, ...], expected: NextFree) -> None:
    resting = pool(*numbers)
    assert choose(resting, person(), NOBODY, NOW) == none_left(resting, NOBODY, NOW) == expected
    assert none_left(resting, NOBODY, NOW, calls=False) == expected
    until = no_number(expected).until
    assert until == (When("number") if expected.at is None else At(expected.at))


def test_a_chosen_number_that_has_gone_to_rest_is_refused_and_another_chosen_at_once() -> None:
    numbers = pool(NEW_YORK, number(BUFFALO, resting=True))
    assert unusable(numbers, NEW_YORK, NOW) is None
    assert unusable(numbers, BUFFALO, NOW) == NextFree(NOW, "+17165550101 is resting")
    assert unusable(numbers, DENVER, NOW) == NextFree(NOW, "+13035550101 is not one of the campaign's numbers")
    assert unusable(numbers, None, NOW) == NextFree(NOW, "none was chosen")
    assert unusable(pool(number(resting="2026-11-25")), NEW_YORK, NOW) == NextFree(MIDNIGHT, "+12125550101 is resting")
    assert unusable(pool(), NEW_YORK, NOW) == NextFree(None, "+12125550101 is not one of the campaign's numbers")


# --- daily caps -------------------------------------------------------------------------------------------------------------------


def test_a_number_that_has_had_its_calls_gives_way_and_comes_back() -> None:
    numbers = pool(*(number(each, daily_cap=5) for each in MANY[:3]))
    mine = choose(numbers, person(), NOBODY, NOW)
    full = used(**{f"_{str(mine)[1:]}": 5})
    assert choose(numbers, person(), full, NOW) not in (mine, None)
    assert choose(numbers, person(), NOBODY, MIDNIGHT) == mine


def test_none_left_until_the_next_midnight_of_the_number_that_has_it_first() -> None:
    numbers = pool(number(daily_cap=5), number(LONDON, daily_cap=5))
    full = used(_12125550101=5, _442079460101=7)
    expected = NextFree(Instant(NOW + 9 * HOUR), "all 2 numbers have had their calls of the day")  # in London
    assert choose(numbers, person(), full, NOW) == none_left(numbers, full, NOW) == expected


def test_none_left_until_one_has_rested_or_another_has_a_new_day() -> None:
    numbers = pool(number(daily_cap=5), number(LONDON, resting="2026-11-25"))
    why = "1 of 2 numbers is resting, the others have had their calls of the day"
    assert none_left(numbers, used(_12125550101=5), NOW) == NextFree(Instant(NOW + 9 * HOUR), why)


def test_text_messages_are_not_counted_but_come_from_no_number_that_rests() -> None:
    numbers = pool(number(daily_cap=5), number(BUFFALO, resting=True))
    assert choose(numbers, person(), used(_12125550101=5), NOW, calls=False) == NEW_YORK
    assert none_left(numbers, used(_12125550101=5), NOW, calls=False) is None


def test_what_is_under_way_counts_but_may_come_to_nothing() -> None:
    full = used(_12125550101=3, under_way=2)
    found = choose(pool(number(daily_cap=5)), person(), full, NOW)
    assert NOW % (15 * MINUTE) == 0
    assert found == NextFree(Instant(NOW + 15 * MINUTE), "the number has had its calls of the day")
    assert choose(pool(number(daily_cap=5)), person(), full, Instant(NOW + 1)) == found


def test_a_command_right_before_midnight_needs_a_call_in_both_days() -> None:
    today = day_of("America/New_York", NOW)

    def made(_number: str, day: Day) -> Made:
        return Made(5 if day.number > today.number else 0, 0)

    late = Instant(MIDNIGHT - 1_000)
    numbers = pool(number(daily_cap=5))
    assert choose(numbers, person(), Account(0, 1, made, reach=1_000), Instant(late - 1)) == NEW_YORK
    found = choose(numbers, person(), Account(0, 1, made, reach=1_000), late)
    assert isinstance(found, NextFree)
    assert found.at == MIDNIGHT


@given(st.integers(1, 400), st.integers(1, 64), st.integers(20_000, 30_000))
def test_the_shares_of_a_cap_are_the_cap_and_grow_with_it(cap: int, partitions: int, day: int) -> None:
    shares = [share(cap, NEW_YORK, day, p, partitions) for p in range(partitions)]
    assert sum(shares) == cap
    assert max(shares) - min(shares) <= 1
    assert all(share(cap + 1, NEW_YORK, day, p, partitions) >= each for p, each in enumerate(shares))


def test_the_remainder_of_a_cap_goes_round() -> None:
    today = day_of("America/New_York", NOW).number
    for first in range(today, today + 100):  # in any fortnight everybody has a turn
        assert len({p for day in range(first, first + 14) for p in range(16) if share(3, NEW_YORK, day, p, 16)}) == 16


def test_a_partition_without_a_share_waits_for_the_day_on_which_it_has_one() -> None:
    numbers, today = pool(number(daily_cap=1)), day_of("America/New_York", NOW).number
    poor = next(p for p in range(16) if not share(1, NEW_YORK, today, p, 16))
    found = choose(numbers, person(), used(16, poor), NOW)
    assert isinstance(found, NextFree)
    assert found.at is not None
    assert share(1, NEW_YORK, day_of("America/New_York", found.at).number, poor, 16) == 1
    assert choose(numbers, person(), used(16, poor), found.at) == NEW_YORK


CALLERS = st.lists(
    st.builds(
        Caller,
        st.sampled_from(EVERYWHERE),
        cap=st.none() | st.integers(1, 3),
        zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
        rests_until=st.sampled_from([Instant(0), Instant(NOW + HOUR), NEVER]),
    ),
    unique_by=lambda caller: caller.e164,
)


@given(CALLERS, st.dictionaries(st.sampled_from(EVERYWHERE), st.integers(0, 3)), st.sampled_from(["any", "local"]), st.booleans())
def test_whoever_is_refused_waits_for_the_same_as_all_and_whoever_is_not_has_a_number_with_room(
    callers: list[Caller], calls: dict[str, int], presence: str, rotates: bool
) -> None:
    numbers = Pool(callers, presence, "call" if rotates else "person")
    today = {caller.e164: day_of(caller.zone, NOW).number for caller in callers}
    account = Account(0, 1, lambda e164, day: Made(calls.get(e164, 0) if day.number == today[e164] else 0, 0), 0)
    found = choose(numbers, person(), account, NOW)
    none = none_left(numbers, account, NOW)
    if isinstance(found, NextFree):
        assert found == none
        assert found.at is None or (found.at > NOW and none_left(numbers, account, found.at) is None)
        return
    assert none is None
    chosen = next(caller for caller in callers if caller.e164 == found)
    assert chosen.rests_until <= NOW
    assert chosen.cap is None or calls.get(found or "", 0) < chosen.cap
    assert not numbers.free or choose(numbers, person(seq=5), account, NOW) == found or rotates
