"""Rule packs: each row by an instant inside and one outside, from which day on it holds, what holds for several places."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samples import FIRST, plan_of

from engine.hours import closers
from engine.layers import day_of
from engine.rulepack import KINDS, Pack, Rule, load_pack, packs
from engine.rules import Rules, common, covers, name_of, said_of, strictest
from engine.time import DAY, HOUR, Instant
from engine.weekly import parse_weekly
from engine.windows import Window, is_open

US, GB = load_pack("us", "2026-11"), load_pack("uk", "2026-11")
EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"

#: Rule -> a zone of the place, instants inside, instants outside that the country's own hours would allow.
#: 30 November 2026 is a Monday, 5 and 6 December are the weekend.
HOURS = {
    "us-fl-hours": (EASTERN, ["Mon 08:00", "Sun 19:59:59.999"], ["Mon 20:00", "Sat 20:59:59.999"]),
    "us-ok-hours": (CENTRAL, ["Mon 08:00", "Sun 19:59:59.999"], ["Mon 20:00", "Sun 20:00"]),
    "us-al-hours": (CENTRAL, ["Mon 08:00", "Sat 19:59:59.999"], ["Mon 20:00", "Sun 12:00"]),
    "us-la-hours": (CENTRAL, ["Tue 08:00", "Sat 19:59:59.999"], ["Sat 20:00", "Sun 08:00"]),
    "us-ms-hours": (CENTRAL, ["Mon 08:00", "Sat 19:59:59.999"], ["Wed 20:00", "Sun 15:00"]),
    "us-ct-hours": (EASTERN, ["Mon 09:00", "Sun 19:59:59.999"], ["Mon 08:59:59.999", "Sun 20:00"]),
    "us-ky-hours": (EASTERN, ["Mon 10:00", "Sun 20:59:59.999"], ["Mon 09:59:59.999", "Sun 08:00"]),
    "us-md-hours": (EASTERN, ["Mon 08:00", "Sun 19:59:59.999"], ["Mon 20:00", "Sun 20:30"]),
    "us-ma-hours": (EASTERN, ["Mon 08:00", "Sun 19:59:59.999"], ["Thu 20:00", "Sun 20:30"]),
    "us-mi-hours": (EASTERN, ["Mon 09:00", "Sun 20:59:59.999"], ["Mon 08:59:59.999", "Sun 08:00"]),
    "us-mn-hours": (CENTRAL, ["Mon 09:00", "Sun 20:59:59.999"], ["Mon 08:59:59.999", "Sun 08:00"]),
    "us-nm-hours": (MOUNTAIN, ["Mon 09:00", "Sun 20:59:59.999"], ["Fri 08:59:59.999", "Sun 08:00"]),
    "us-nv-hours": (PACIFIC, ["Mon 09:00", "Sun 19:59:59.999"], ["Mon 08:59:59.999", "Sun 20:00"]),
    "us-pa-hours": (EASTERN, ["Fri 20:59:59.999", "Sat 11:59:59.999", "Sun 08:00"], ["Sat 12:00", "Sat 20:00"]),
    "us-ri-hours": (EASTERN, ["Mon 09:00", "Fri 17:59:59.999"], ["Mon 08:59:59.999", "Fri 18:00", "Sat 12:00", "Sun 12:00"]),
}
#: Rules that are no stricter than the country's, which closes what lies outside.
AS_THE_COUNTRY = {
    "us-hours": ("us", "US-FL", EASTERN, ["Mon 08:00"], ["Mon 07:59:59.999", "Mon 21:00", "Sun 23:00"]),
    "us-il-hours": ("us", "US-IL", CENTRAL, ["Mon 08:00", "Sun 20:59:59.999"], ["Mon 07:59:59.999", "Sun 21:00"]),
    "gb-hours": ("uk", "GB", "Europe/London", ["Mon 08:00", "Sat 20:59:59.999"], ["Mon 07:59:59.999", "Sat 21:00", "Sun 12:00"]),
}
ATTEMPTS = {"us-fl-attempts": ("US-FL", 3, 24 * HOUR), "us-ok-attempts": ("US-OK", 3, 24 * HOUR)}
CONSENT = {
    "us-consent-ai-voice": {"marketing": "express_written", "informational": "express", "collections": "express"},
    "gb-consent": {"marketing": "express"},
}
PLACES = ("US", "GB", "DE", "US-PR", "US-TX", *sorted({rule.jurisdiction for rule in US.rules}))
ZONES = (EASTERN, CENTRAL, MOUNTAIN, PACIFIC, "Pacific/Honolulu")
RULES = Rules(US, "marketing")


def at(text: str, zone: str) -> Instant:
    """`Sat 11:59:59.999` of the week that begins on 30 November 2026, or `2021-06-30 20:30`, by the clock of a zone."""
    day, clock = text.split(" ")
    week = {"Mon": 30, "Tue": 31, "Wed": 32, "Thu": 33, "Fri": 34, "Sat": 35, "Sun": 36}
    when = date(2026, 11, 1) + timedelta(days=week[day] - 1) if day in week else date.fromisoformat(day)
    local = datetime.fromisoformat(f"{when} {clock}").replace(tzinfo=ZoneInfo(zone))
    return Instant(round(local.timestamp() * 1000))


def allowed(rules: Rules, places: tuple[str, ...], zone: str, text: str) -> bool:
    return is_open(Window(rules.hours(places), 0), (zone,), at(text, zone))


@pytest.mark.parametrize("rule", HOURS)
def test_the_hours_of_each_state(rule: str) -> None:
    place = next(each.jurisdiction for each in US.rules if each.id == rule)
    zone, inside, outside = HOURS[rule]
    assert [allowed(RULES, (place,), zone, text) for text in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)
    for text in outside:  # it is this rule that closes, and its name says where it is written
        shut = closers(Window(RULES.hours((place,)), 0), (zone,), at(text, zone))
        assert [each.check for each in shut] == ["law"]
        assert shut[0].name.startswith(f"law {place} ")


@pytest.mark.parametrize("rule", AS_THE_COUNTRY)
def test_hours_that_are_the_countrys(rule: str) -> None:
    pack, place, zone, inside, outside = AS_THE_COUNTRY[rule]
    rules = Rules(load_pack(pack, "2026-11"), "marketing")
    assert [allowed(rules, (place,), zone, text) for text in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)


@pytest.mark.parametrize("rule", ATTEMPTS)
def test_the_limits_of_each_state(rule: str) -> None:
    place, most, per = ATTEMPTS[rule]
    (cap,) = RULES.caps((place,))
    assert (cap.max, cap.per, cap.everywhere, cap.counted) == (most, per, True, None)
    assert place in cap.name
    assert cap.since == day_of(next(each for each in US.rules if each.id == rule).since.isoformat()) * DAY


def test_a_state_whose_hours_are_known_and_that_limits_nothing_has_no_limit() -> None:
    assert RULES.caps(("US-CT",)) == ()


@pytest.mark.parametrize(
    ("pack", "place", "purpose", "kind"),
    [
        *[("us", "US-NY", purpose, kind) for purpose, kind in CONSENT["us-consent-ai-voice"].items()],
        ("uk", "GB", "marketing", "express"),
        ("uk", "GB", "informational", None),
        ("uk", "GB", "collections", None),
    ],
)
def test_the_consent_that_is_needed(pack: str, place: str, purpose: str, kind: str | None) -> None:
    needed = Rules(load_pack(pack, "2026-11"), purpose).consent((place,))  # type: ignore[arg-type]
    assert [each.kind for each in needed] == ([kind] if kind else [])
    assert all(each.source for each in needed)


def test_every_rule_of_every_pack_has_its_case_here() -> None:
    known = {*HOURS, *AS_THE_COUNTRY, *ATTEMPTS, *CONSENT}
    assert {rule.id for name, versions in packs().items() for v in versions for rule in load_pack(name, v).rules} == known


# --- from when on, and by which clock ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [rule for rule in (*US.rules, *GB.rules) if rule.hours], ids=lambda rule: rule.id)
def test_hours_hold_from_their_day_on(rule: Rule) -> None:
    pack = US if rule in US.rules else GB
    place = "US-IL" if rule.jurisdiction == "US" else rule.jurisdiction
    (layer,) = [each for each in Rules(pack, "marketing").hours((place,)) if each.name == name_of(rule)]
    assert layer.since == day_of(rule.since.isoformat())
    assert layer.intervals(layer.since - 1) == ((0, 1440),)
    assert all(layer.intervals(layer.since + n) != ((0, 1440),) for n in range(7))


def test_florida_before_and_after_its_law() -> None:
    assert allowed(RULES, ("US-FL",), EASTERN, "2021-06-30 20:30")
    assert not allowed(RULES, ("US-FL",), EASTERN, "2021-07-01 20:30")


def test_mississippi_goes_by_central_time_wherever_the_persons_clock_is() -> None:
    """A person of Mississippi whose number is of New York: the law's 08:00 is 09:00 there; the country's 21:00 is New York's."""
    told = {text: allowed(RULES, ("US-MS",), EASTERN, text) for text in ("Mon 08:30", "Mon 09:00", "Mon 20:30", "Mon 21:00")}
    assert told == {"Mon 08:30": False, "Mon 09:00": True, "Mon 20:30": True, "Mon 21:00": False}


def test_pennsylvania_is_closed_on_its_holidays() -> None:
    shut = closers(Window(RULES.hours(("US-PA",)), 0), (EASTERN,), at("2026-11-26 12:00", EASTERN))
    assert [(each.check, each.name) for each in shut] == [("law", "Thanksgiving Day (US-PA)")]


# --- where the pack has no row ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [("US-TX",), ("US",), (), ("GB",), ("US-PR",), ("US-FL", "US-TX"), ("US", "US-FL")])
def test_the_strictest_hours_hold_where_the_pack_has_none(places: tuple[str, ...]) -> None:
    texts = ["Mon 09:59:59.999", "Mon 10:00", "Fri 17:59:59.999", "Fri 18:00", "Sat 11:00", "Sun 11:00"]
    assert [allowed(RULES, places, CENTRAL, text) for text in texts] == [False, True, True, False, False, False]
    assert any("the strictest hours of pack us 2026-11" in layer.name for layer in RULES.hours(places))
    assert {(cap.max, cap.per) for cap in RULES.caps(places)} == {(3, 24 * HOUR)}  # it may be Florida


@pytest.mark.parametrize(("name", "version"), [(name, version) for name, versions in packs().items() for version in versions])
def test_the_strictest_hours_leave_every_weekday_some(name: str, version: str) -> None:
    pack = load_pack(name, version)
    assert (pack.pack, pack.version) == (name, version)
    assert {0, 1, 2, 3, 4} <= {day for day, _, _ in strictest(pack)[-1].weekly}


def test_the_strictest_hours_become_less_as_laws_begin() -> None:
    layers = strictest(US)
    assert [layer.since for layer in layers] == [day_of(day) for day in ("1992-12-20", "2021-07-01", "2025-11-01")]
    assert layers[-1].weekly == parse_weekly({"mon-fri": ["10:00-18:00"]})
    assert layers[-1].holidays == ("US-PA",)
    shut = closers(Window(RULES.hours(("US-TX",)), 0), (CENTRAL,), at("Mon 09:00", CENTRAL))
    assert [each.detail.partition(";")[0] for each in shut] == ["outside the strictest hours of pack us 2026-11: Mon 10:00-18:00"]


@pytest.mark.parametrize(
    ("hours", "left"),
    [
        ([{"mon-fri": ["09:00-17:00"]}], {"mon-fri": ["09:00-17:00"]}),
        ([{"mon-sun": ["09:00-17:00"]}, {"mon-fri": ["10:00-18:00"], "sun": ["10:00-18:00"]}], {"mon-fri,sun": ["10:00-17:00"]}),
        ([{"mon": ["22:00-02:00"]}], {"mon": ["22:00-24:00"], "tue": ["00:00-02:00"]}),
        ([{"sun": ["22:00-02:00"]}, {"mon": ["00:00-24:00"]}], {"mon": ["00:00-02:00"]}),
        ([{"mon": ["09:00-10:00"]}, {"tue": ["09:00-10:00"]}], None),
        ([], {"mon-sun": ["00:00-24:00"]}),
    ],
)
def test_what_several_weeks_have_in_common(hours: list[dict[str, list[str]]], left: dict[str, list[str]] | None) -> None:
    assert common(map(parse_weekly, hours)) == (parse_weekly(left) if left else ())


def test_what_a_pack_covers() -> None:
    assert [covers(US, place) for place in ("US-FL", "US-IL", "US-TX", "US", "US-PR", "GB")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert [covers(GB, place) for place in ("GB", "JE", "US-FL")] == [True, False, False]


# --- several places ---------------------------------------------------------------------------------------------------------------


def test_a_mobile_of_another_state_adds_that_states_hours() -> None:
    """Lives in Kentucky, kept a number of Connecticut: 10:00 to 20:00 on both clocks' terms."""
    texts = ["Mon 09:30", "Mon 10:00", "Mon 19:59:59.999", "Mon 20:00"]
    assert [allowed(RULES, ("US-CT", "US-KY"), EASTERN, text) for text in texts] == [False, True, True, False]


places_of = st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True).map(lambda found: tuple(sorted(found)))


@settings(deadline=None, max_examples=300)
@given(places_of, st.sampled_from(PLACES), st.sampled_from(ZONES), st.integers(0, 14 * 24 * 4))
def test_one_more_jurisdiction_never_opens_anything(places: tuple[str, ...], more: str, zone: str, quarter: int) -> None:
    wider = tuple(sorted({*places, more}))
    instant = Instant(at("Mon 00:00", "UTC") + quarter * HOUR // 4)
    before, after = (is_open(Window(RULES.hours(each), 0), (zone,), instant) for each in (places, wider))
    assert before or not after
    for cap in RULES.caps(places):
        assert any((each.max, each.per) == (cap.max, cap.per) and each.since <= cap.since for each in RULES.caps(wider))
    assert set(RULES.consent(places)) <= set(RULES.consent(wider))


def test_places_that_say_the_same_share_their_window() -> None:
    plan = plan_of(FIRST, purpose="marketing", rules=RULES)
    assert plan.terms(FIRST, ("US-TX",)).window is plan.terms(FIRST, ("US-CA", "US-FL")).window
    assert plan.terms(FIRST, ("US-FL",)).window is not plan.terms(FIRST, ("US-OK",)).window
    assert len(plan.terms(FIRST, ("US-MS", "US-TX")).window.layers) == len(plan.terms(FIRST, ("US-TX",)).window.layers) + 1


# --- as a file --------------------------------------------------------------------------------------------------------------------

PACK = """
{pack: x, version: "1", country: US, divisions: true, notice: none, rules: [
  {id: all, jurisdiction: US, from: 2020-01-01, reviewed: true, source: a law, hours: {mon-sun: ["08:00-21:00"]}}, %s]}
"""
RULE = "{id: one, jurisdiction: US-FL, from: 2020-01-01, reviewed: true, source: a law, %s}"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULE % "zone: UTC", "exactly one of hours, attempts and consent"),
        (RULE % "attempts: {max: 1, per: 1h}, hours: {mon: ['08:00-09:00']}", "exactly one of hours, attempts and consent"),
        (RULE % "attempts: {max: 1, per: 1h}, zone: America/Chicago", "holidays and zone belong to hours"),
        (RULE % "attempts: {max: 1, per: 40d}", "40d"),
        (RULE % "attempts: {max: 1, per: 800h}", "attempts are kept for 31 days"),
        (RULE % "attempts: {max: 0, per: 1h}", "greater than or equal to 1"),
        (RULE % "hours: {mon: ['8-9']}", "is not a pair of times"),
        (RULE % "hours: {mon: ['08:00-09:00']}, holidays: [US-FLA]", "is not a set of holidays"),
        (RULE % "hours: {mon: ['08:00-09:00']}, zone: America/Gotham", "America/Gotham"),
        (RULE % "consent: {marketing: written}", "'express_written'"),
        (RULE.replace("one", "all") % "consent: {marketing: express}", "two rules have one id"),
        (RULE.replace("US-FL", "GB") % "consent: {marketing: express}", "rules of other countries than US: one"),
        (RULE.replace("US-FL", "Florida") % "consent: {marketing: express}", "jurisdiction"),
        (RULE.replace("a law", "''") % "consent: {marketing: express}", "source"),
        (RULE.replace("reviewed: true, ", "") % "consent: {marketing: express}", "reviewed"),
    ],
)
def test_a_pack_that_is_not_sound_is_refused(rule: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        Pack.model_validate(yaml.safe_load(PACK % rule))


def test_a_pack_needs_hours_of_its_country() -> None:
    with pytest.raises(ValidationError, match="needs hours of the whole country GB"):
        Pack.model_validate(yaml.safe_load((PACK % "").replace("US", "GB").replace("jurisdiction: GB", "jurisdiction: GB-ENG")))


@pytest.mark.parametrize(
    ("pack", "version", "words"),
    [
        ("usa", "2026-11", "there is no rule pack 'usa': there are uk or us. Did you mean us?"),
        ("us", "2026-1", "rule pack us has no version '2026-1': there are 2026-11. Did you mean 2026-11?"),
    ],
)
def test_an_unknown_pack_is_told_with_those_there_are(pack: str, version: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        load_pack(pack, version)


def test_kinds_are_ordered_and_rules_say_what_they_mean() -> None:
    assert KINDS == ("none", "express", "express_written")
    said = {rule.id: said_of(rule) for rule in US.rules}
    assert said["us-ms-hours"] == "mon-sat 08:00-20:00, America/Chicago"
    assert said["us-pa-hours"].endswith("sun 08:00-21:00; closed on US-PA holidays")
    assert said["us-fl-attempts"] == "3 attempts per 24h"
    assert said["us-consent-ai-voice"].startswith("marketing: express written, ")


def test_a_weaker_consent_that_begins_earlier_is_asked_for_until_the_stronger_begins() -> None:
    two = "{id: a, jurisdiction: US, from: 2020-01-01, reviewed: true, source: a, consent: {marketing: express}},"
    two += "{id: b, jurisdiction: US, from: 2027-01-01, reviewed: true, source: b, consent: {marketing: express_written}}"
    needed = Rules(Pack.model_validate(yaml.safe_load(PACK % two)), "marketing").consent(("US-FL",))
    assert [(each.kind, each.since) for each in needed] == [
        ("express", day_of("2020-01-01") * DAY),
        ("express_written", day_of("2027-01-01") * DAY),
    ]
