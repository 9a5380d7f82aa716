"""The kill switch: which halts mean which line and which people, and how halts are named and told."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import FIRST, NOW, NY, PLAN, plan_of

from cli.halt import known_line, of
from cli.read import Snapshot
from engine.answers import When
from engine.errors import UsageError
from engine.gate import Facts, decide
from engine.halts import halted, words
from engine.resources import ResourceIndex
from schemas.campaign import CampaignState
from schemas.resources import Halt, Line

ALL = Halt(id="all", at=NOW)
MAIN = Halt(id="line/main", line="main", at=NOW)
US = Halt(id="country/US", country="US", at=NOW)
TEXAS = Halt(id="state/US-TX", country="US", state="US-TX", at=NOW)
PUERTO_RICO = Halt(id="state/US-PR", country="US", state="US-PR", at=NOW)
MAIN_TEXAS = Halt(id="line/main+state/US-TX", line="main", country="US", state="US-TX", at=NOW)

#: (halt, line, all jurisdictions that are possible, whether it means them)
MEANT: list[tuple[Halt, str, tuple[str, ...], bool]] = [
    (ALL, "main", ("US-TX",), True),
    (ALL, "other", (), True),
    (ALL, "other", ("GB",), True),
    (MAIN, "main", ("GB",), True),
    (MAIN, "main", (), True),
    (MAIN, "other", ("US-TX",), False),
    (MAIN, "other", (), False),
    (US, "main", ("US-TX",), True),
    (US, "main", ("US",), True),
    (US, "main", ("US-PR",), True),
    (US, "main", ("GB",), False),
    (US, "main", ("GB", "US-NY"), True),
    (US, "main", (), True),  # of whom nothing is known may be anywhere
    (TEXAS, "main", ("US-TX",), True),
    (TEXAS, "main", ("US-NY",), False),
    (TEXAS, "main", ("US-NY", "US-TX"), True),  # an address of New York, a number of Texas
    (TEXAS, "main", ("US",), True),  # some state, which may be Texas
    (TEXAS, "main", ("US", "US-NY"), True),
    (TEXAS, "main", ("GB",), False),
    (TEXAS, "main", (), True),
    (PUERTO_RICO, "main", ("US-PR",), True),
    (PUERTO_RICO, "main", ("US-NY",), False),
    (MAIN_TEXAS, "main", ("US-TX",), True),
    (MAIN_TEXAS, "main", ("US-NY",), False),
    (MAIN_TEXAS, "other", ("US-TX",), False),
    (MAIN_TEXAS, "other", (), False),
]
PLACES = st.lists(st.sampled_from(["US", "US-TX", "US-NY", "US-PR", "GB", "CA"]), unique=True).map(tuple)
HALTS = (ALL, MAIN, US, TEXAS, PUERTO_RICO, MAIN_TEXAS)


@pytest.mark.parametrize(("halt", "line", "places", "meant"), MEANT)
def test_whom_a_halt_means(halt: Halt, line: str, places: tuple[str, ...], meant: bool) -> None:
    answer = halted((halt,), line, places)
    assert answer.ok is not meant
    if meant:
        assert (answer.until, answer.detail) == (When("halt_lifted"), words(halt))


@pytest.mark.parametrize("pair", list(combinations(HALTS, 2)))
@given(line=st.sampled_from(["main", "other"]), places=PLACES)
def test_of_several_one_is_enough(pair: tuple[Halt, Halt], line: str, places: tuple[str, ...]) -> None:
    assert halted(pair, line, places).ok is all(halted((each,), line, places).ok for each in pair)


@given(halt=st.sampled_from(HALTS), line=st.sampled_from(["main", "other"]), places=PLACES, more=PLACES)
def test_one_more_place_that_is_possible_never_lets_anybody_through(
    halt: Halt, line: str, places: tuple[str, ...], more: tuple[str, ...]
) -> None:
    if places and not halted((halt,), line, places).ok:
        assert not halted((halt,), line, (*places, *more)).ok


def test_the_gate_says_no_until_it_is_lifted() -> None:
    facts = Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST, jurisdictions=("US-TX",), halts=(TEXAS,))
    verdict = decide(facts, NOW)
    assert (verdict.ok, verdict.reason, verdict.until) == (False, "halt", When("halt_lifted"))
    assert decide(Facts(PLAN, CampaignState.RUNNING, (NY,), FIRST, jurisdictions=("US-NY",), halts=(TEXAS,)), NOW).ok
    assert decide(Facts(plan_of(line="other"), CampaignState.RUNNING, (NY,), FIRST, halts=(MAIN,)), NOW).ok


#: (line, country, state) as given -> (id, country, state)
NAMED = [
    ((None, None, None), ("all", None, None)),
    (("main", None, None), ("line/main", None, None)),
    ((None, "us", None), ("country/US", "US", None)),
    ((None, "United Kingdom", None), ("country/GB", "GB", None)),
    ((None, None, "TX"), ("state/US-TX", "US", "US-TX")),
    ((None, None, "texas"), ("state/US-TX", "US", "US-TX")),
    ((None, None, "us-tx"), ("state/US-TX", "US", "US-TX")),
    ((None, "US", "TX"), ("state/US-TX", "US", "US-TX")),
    ((None, "PR", None), ("state/US-PR", "US", "US-PR")),
    ((None, "Puerto Rico", None), ("state/US-PR", "US", "US-PR")),
    (("main", "GB", None), ("line/main+country/GB", "GB", None)),
    (("main", None, "TX"), ("line/main+state/US-TX", "US", "US-TX")),
]


@pytest.mark.parametrize(("given", "found"), NAMED)
def test_what_options_name(given: tuple[str | None, str | None, str | None], found: tuple[str, str | None, str | None]) -> None:
    one = of(*given, reason="storm", now=NOW)
    assert (one.id, one.country, one.state) == found
    assert (one.line, one.reason, one.at) == (given[0], "storm", NOW)


@pytest.mark.parametrize(
    ("country", "state", "complaint"),
    [
        ("Atlantis", None, "--country 'Atlantis' is no country"),
        (None, "Atlantis", "--state 'Atlantis' is no state of the US"),
        ("GB", "TX", "--state 'TX' is no state of the US"),
        (None, "MX-CO", "--state 'MX-CO' is no state of the US"),  # Coahuila, not Colorado
        (None, "", "--state '' is no state of the US"),
        (None, "US-", "--state 'US-' is no state of the US"),
    ],
)
def test_a_place_that_nobody_knows_is_refused(country: str | None, state: str | None, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        of(None, country, state, None, NOW)


def test_an_empty_name_never_means_everything() -> None:
    """A script whose variable is empty must not lift, or set, more than it names."""
    with pytest.raises(UsageError, match="--line '' names no line"):
        of("", None, "TX", None, NOW)


def test_a_line_that_is_not_declared_is_refused() -> None:
    snapshot = Snapshot({}, {}, ResourceIndex.of([Line(id="main"), Line(id="night")]), {})
    known_line("main", snapshot)
    with pytest.raises(UsageError, match=r"--line 'mian' is not declared \(declared: main, night\)"):
        known_line("mian", snapshot)


def test_its_words() -> None:
    assert words(ALL) == "contacts are halted since 2026-11-24 15:00Z"
    assert words(MAIN_TEXAS) == "contacts by line main to US-TX are halted since 2026-11-24 15:00Z"
    assert words(US.model_copy(update={"reason": "storm"})) == "contacts to US are halted since 2026-11-24 15:00Z: storm"
