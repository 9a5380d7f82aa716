"""engine/compile.py and engine/faults.py: a plan, or every fault at once with its place."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compile import ResourceIndex, compile_plan, faults
from engine.errors import OutdialError
from engine.places import Place, line
from engine.plan import Channel, Contacting, Retry, Waiting
from engine.quotas import Budget, Quota
from engine.time import HOUR, MINUTE, Delay, Instant
from schemas.campaign import CampaignFile
from schemas.resources import Agent, Line, Number

RESOURCES = ResourceIndex.of(
    [
        Agent.model_validate({"id": "renewals-agent"}),
        Agent.model_validate({"id": "other-agent"}),
        Number(number="+13125550103", tags=["sales-us"]),
        Number(number="+12125550101", tags=["sales-us", "east"]),
        Number(number="+14155550105"),
        Line.model_validate({"id": "main", "calls_per_second": 50}),
    ]
)

FILE: dict[str, Any] = {
    "id": "spring-renewals",
    "agent": "renewals-agent",
    "numbers": {"tag": "sales-us"},
    "line": "main",
    "window": {
        "weekly": {"mon-fri": ["09:00-12:00", "13:00-19:00"], "sat": ["10:00-14:00"]},
        "timezone": {"use": "contact", "fallback": "america/new_york"},
    },
    "rules": "none",
    "flow": [
        {"id": "first-call", "call": {}, "timing": "earliest", "retry": {"busy": {"after": "15m", "max": 2}}},
        {"id": "pause", "wait": "1 day"},
        {"id": "second-call", "call": {"agent": "other-agent"}},
        {"id": "text", "when": 'last.disposition == "voicemail"', "sms": {"template": "Hi {{first_name}}"}},
    ],
    "exit": ["answered", "opted_out"],
}
REMOVED = object()


def changed(*place: str | int, to: Any) -> dict[str, Any]:
    """The file with another value in one place, or without it."""
    data = copy.deepcopy(FILE)
    inside: Any = data
    for part in place[:-1]:
        inside = inside[part]
    if to is REMOVED:
        del inside[place[-1]]
    else:
        inside[place[-1]] = to
    return data


def test_a_plan() -> None:
    plan = compile_plan(FILE, 3, RESOURCES)
    assert (plan.campaign, plan.version, plan.line) == ("spring-renewals", 3, "main")
    assert plan.exits == frozenset({"answered", "opted_out"})
    assert (plan.window.ring_cut, plan.window.layers[0].weekly[:2]) == (30_000, ((0, 540, 720), (0, 780, 1140)))
    assert (plan.fallback_zone, plan.fixed_zone) == ("America/New_York", None)
    first, pause, second, text = plan.steps
    assert first == Contacting("first-call", Channel.CALL, agent="renewals-agent", retry={"busy": Retry(Delay(ms=15 * MINUTE), 2)})
    assert pause == Waiting("pause", Delay(days=1))
    assert isinstance(second, Contacting)
    assert second.agent == "other-agent"
    assert isinstance(text, Contacting)
    assert text.template == "Hi {{first_name}}"
    assert text.when is not None
    assert not text.when.holds({"last": None})


def test_a_plan_with_one_zone_and_listed_numbers() -> None:
    data = changed("window", "timezone", to={"use": "fixed", "zone": "Europe/London"})
    data |= {"numbers": {"list": ["+1 415 555 0105", "+12125550101"]}}
    plan = compile_plan(CampaignFile.model_validate(data), 1, RESOURCES)
    assert plan.zones(("America/Denver",)) == ("Europe/London",)
    assert plan.numbers_list == ("+12125550101", "+14155550105")


def test_numbers_of_a_plan() -> None:
    assert RESOURCES.numbers_for(compile_plan(FILE, 1)) == ("+12125550101", "+13125550103")
    listed = compile_plan(changed("numbers", to={"list": ["+14155550105", "+13035550104"]}), 1)
    assert RESOURCES.numbers_for(listed) == ("+14155550105",)  # the other is not declared any more


@pytest.mark.parametrize(
    ("keys", "quota"),
    [
        ({}, Quota()),
        ({"weight": 3, "priority": "high", "concurrency": 12}, Quota(30.0, 12)),
        ({"priority": "low"}, Quota(0.1)),
        ({"budget": {"calls": 500, "money": 20.005}}, Quota(budget=Budget(500, 20_005_000, "America/New_York"))),
    ],
)
def test_the_part_of_a_line(keys: dict[str, Any], quota: Quota) -> None:
    assert compile_plan(FILE | keys, 1).quota == quota


@pytest.mark.parametrize(
    ("place", "to", "path", "message"),
    [
        # types
        (("id",), "Spring!", "id", "'Spring!' is no id: small letters, digits, - and _, at most 64, a letter or"),
        (("line",), REMOVED, "line", "is missing: a line of the resources: its rate and concurrency hold, such as main"),
        (("window", "weekly"), REMOVED, "window.weekly", "is missing: days to hours; 22:00-02:00 crosses midnight, 24:00 may"),
        (("purpose",), "sales", "purpose", "'sales' is not allowed: write marketing, informational or collections"),
        (("exit",), ["answerd"], "exit[0]", "'answerd' is not allowed: write answered, opted_out or"),
        (("flow", 1, "wiat"), "1h", "flow[1].wiat", "is not a key here: there are id, when, call, sms, email,"),
        (("flow", 0, "retry", "busy", "max"), 99, "flow[0].retry.busy.max", "must be at most 20, not 99"),
        (("flow", 0, "call"), "renewals-agent", "flow[0].call", "must be keys with values, not 'renewals-agent': there are agent"),
        (("flow", 0, "retry", "busy", "mx"), 1, "flow[0].retry.busy.mx", "is not a key here: there are after, max, backoff or"),
        (("window", "timezone", "zon"), "x", "window.timezone.zon", "is not a key here: there are use, fallback or zone. Did"),
        (("window", "ring_timeout"), 30, "window.ring_timeout", "must be text, not 30: put it in quotes"),
        (("flow",), [], "flow", "is empty"),
        # its part of the line
        (("weight",), 101, "weight", "must be at most 100, not 101"),
        (("weight",), 0, "weight", "must be at least 1, not 0"),
        (("priority",), "hihg", "priority", "'hihg' is not allowed: write high, normal or low. Did you mean high?"),
        (("concurrency",), 0, "concurrency", "must be at least 1, not 0"),
        (("budget",), {}, "budget", "limits nothing: write {calls: 500}, {money: 20.00}, or both"),
        (("budget",), {"money": 0}, "budget.money", "must be at least 0.01, not 0"),
        (("budget",), {"dollars": 20}, "budget.dollars", "is not a key here: there are calls or money"),
        # references
        (("agent",), "renewal-agent", "agent", "no agent 'renewal-agent' in the resources (declared:"),
        (("flow", 2, "call", "agent"), "x", "flow[2].call.agent", "no agent 'x' in the resources (declared:"),
        (("agent",), REMOVED, "flow[0].call", "names no agent, and the campaign has none: write agent: ... here"),
        (("line",), "mian", "line", "no line 'mian' in the resources (declared: main). Did you mean main?"),
        (("numbers",), {"tag": "west"}, "numbers.tag", "no number has the tag 'west' in the resources"),
        (("numbers",), {"list": ["+13035550104"]}, "numbers.list[0]", "number +13035550104 is not declared in the resources. Did"),
        (("numbers",), {"list": []}, "numbers.list", "is empty"),
        (("numbers",), {}, "numbers", 'needs either a tag or a list: write {tag: ...} or {list: ["+1..."]}'),
        # window
        (("window", "weekly"), {"mon": ["9-12"]}, "window.weekly.mon[0]", "'9-12' is not a pair of times: write"),
        (("window", "weekly"), {"mond": ["09:00-12:00"]}, "window.weekly.mond", "'mond' is not a day: days are"),
        (("window", "weekly"), {"mon": []}, "window.weekly.mon", "has no hours: leave the day out"),
        (("window", "weekly"), {}, "window.weekly", "has no days, so nobody could ever be contacted"),
        (("window", "ring_timeout"), "24h", "window.weekly", "is never open: no interval is longer than the"),
        (("window", "ring_timeout"), "1 day", "window.ring_timeout", "'1 day' is in calendar days: write an"),
        (("window", "timezone", "fallback"), REMOVED, "window.timezone", "use: contact needs a fallback, the"),
        (("window", "timezone", "fallback"), "EST", "window.timezone.fallback", "'EST' is not an IANA time zone"),
        (("window", "timezone", "zone"), "Europe/London", "window.timezone.zone", "has no effect with use:"),
        (("window", "weekly"), {"mon": ["9am-5pm"]}, "window.weekly.mon[0]", "'9am-5pm' is not a pair of times: write HH:MM-HH:MM"),
        (
            ("window", "timezone", "fallback"),
            "Chicago",
            "window.timezone.fallback",
            "'Chicago' is not an IANA time zone of a place: ",
        ),
        (("window", "holidays"), ["us-federl"], "window.holidays[0]", "'us-federl' is not a set of holidays: write us-federal, or"),
        (("window", "holidays"), ["US-ZZ"], "window.holidays[0]", "'US-ZZ' is not a set of holidays"),
        (("window", "blackout"), ["2026-02-30"], "window.blackout[0]", "'2026-02-30' is not a date: day is out of range"),
        (("window", "blackout"), ["24.12."], "window.blackout[0]", "'24.12.' is not a date: write YYYY-MM-DD, such as"),
        (
            ("window", "blackout"),
            ["2026-12-31..2026-12-28"],
            "window.blackout[0]",
            "'2026-12-31..2026-12-28' ends before it begins",
        ),
        (("window", "overrides"), {"2026-11-7": []}, "window.overrides.2026-11-7", "'2026-11-7' is not a date: write YYYY-MM-DD"),
        (("window", "overrides"), {"2026-11-27": ["10-13"]}, "window.overrides.2026-11-27[0]", "'10-13' is not a pair of times"),
        (("flow", 2, "timing"), {"window": {"mon": ["9-12"]}}, "flow[2].timing.window.mon[0]", "'9-12' is not a pair of times"),
        (("flow", 2, "timing"), {"window": {}}, "flow[2].timing.window", "has no days, so nobody could ever be contacted"),
        (
            ("flow", 2, "timing"),
            {"window": {"sun": ["09:00-10:00"]}},
            "flow[2].timing.window",
            "is never open while the campaign's",
        ),
        (
            ("flow", 2, "timing"),
            {"windo": {}, "window": {"mon": ["10:00-11:00"]}},
            "flow[2].timing.windo",
            "is not a key here: there are window",
        ),
        (("flow", 2, "timing"), "latest", "flow[2].timing", "'latest' is not allowed: write earliest"),
        # law
        (
            ("rules",),
            REMOVED,
            "rules",
            "is missing: name the legal rules that hold, such as {pack: us, version: 2026-11}, or write",
        ),
        (("rules",), "non", "rules", "'non' is not allowed: write none"),
        (
            ("rules",),
            {"pack": "uss", "version": "2026-11"},
            "rules.pack",
            "there is no rule pack 'uss': there are uk or us. Did you",
        ),
        (
            ("rules",),
            {"pack": "us", "version": "2026-1"},
            "rules.version",
            "rule pack us has no version '2026-1': there are 2026-11.",
        ),
        # variables
        (("variables",), ["plan", "1x"], "variables[1]", "'1x' is no name for a variable: letters, digits and _, no digit"),
        (("variables",), ["phone"], "variables[0]", "'phone' is a field of contacts that is not passed to templates"),
        (
            ("flow", 3, "sms", "template"),
            "Hi {{fistname}}",
            "flow[3].sms.template",
            "{{fistname}} is no field of contacts. Did you",
        ),
        (("flow", 3, "when"), 'last.step == "frist-call"', "flow[3].when", "there is no step 'frist-call' that last.step could"),
        (("flow", 3, "when"), 'last.step == "pause"', "flow[3].when", "last.step is never 'pause' here, which waits or comes"),
        (("flow", 3, "when"), 'last.disposition == "busi"', "flow[3].when", "'busi' is no disposition: there are answered,"),
        # flow
        (("flow", 2, "id"), "first-call", "flow[2].id", "'first-call' is the id of an earlier step: each step"),
        (("flow", 1, "call"), {}, "flow[1]", "has call and wait: a step has exactly one of them"),
        (("flow", 0, "call"), None, "flow[0]", "has none of call, sms, email, wait and exit: a step has exactly"),
        (("flow", 1, "retry"), {"busy": {"after": "1m", "max": 1}}, "flow[1].retry", "a wait has no outcome"),
        (("flow", 0, "retry", "busy", "after"), "15x", "flow[0].retry.busy.after", "'15x' is not a duration:"),
        (("flow", 3, "when"), "last.foo == 1", "flow[3].when", "'last.foo == 1' names last.foo: last has"),
        (("flow", 3, "sms", "template"), "Hi {{name", "flow[3].sms.template", "'{{name' is not a variable:"),
    ],
)
def test_one_fault(place: tuple[str | int, ...], to: Any, path: str, message: str) -> None:
    """The message begins so; only what is said of one place, once."""
    (found,) = faults(changed(*place, to=to), RESOURCES)
    assert (found.path, found.message[: len(message)]) == (path, message)


def test_countries_that_may_be_contacted() -> None:
    plan = compile_plan(FILE | {"countries": ["CA", "GB"]}, 1, RESOURCES)
    numbers = ("+14165550101", "+442079460123", "+12125550101", "+18005550101", "+1", None)
    assert [plan.abroad(number) for number in numbers] == [False, False, True, True, True, None]
    assert compile_plan(FILE, 1, RESOURCES).abroad("+12125550101") is None


def test_dispositions_that_are_not_retried() -> None:
    rule = {"after": "1m", "max": 1}
    found = faults(changed("flow", 0, "retry", to={"bussy": rule, "answered": rule}), RESOURCES)
    assert [fault.path for fault in found] == ["flow[0].retry.bussy", "flow[0].retry.answered"]
    assert found[0].message.startswith("'bussy' is not a disposition: write ")
    assert found[0].message.endswith("Did you mean busy?")
    assert found[1].message.startswith("'answered' is never retried: write ")


def test_all_faults_at_once_in_the_order_of_the_lines() -> None:
    data = changed("line", to="mian") | {"rules": "nun", "id": "X"}
    data["flow"][1]["wait"] = "1d"
    lines: dict[Place, int] = {("flow",): 9, ("flow", 1): 11, ("line",): 4, ("rules",): 20, ("id",): 1}
    found = faults(data, RESOURCES, lines)
    assert [(fault.path, fault.line) for fault in found] == [("id", 1), ("line", 4), ("flow[1].wait", 11), ("rules", 20)]
    assert line(("nowhere",), lines) is None
    with pytest.raises(OutdialError, match=r"^campaign 'X' cannot be used: .*mian.*1d") as error:
        compile_plan(data, 1, RESOURCES)
    assert "rules: 'nun' is not allowed" in str(error.value)


def test_rules_need_a_purpose_since_consent_depends_on_it() -> None:
    (found,) = faults(changed("rules", to={"pack": "us", "version": "2026-11"}), RESOURCES)
    assert (found.path, found.message[:46]) == ("purpose", "is missing: what consent the rules need depend")
    plan = compile_plan(changed("rules", to={"pack": "us", "version": "2026-11"}) | {"purpose": "marketing"}, 1, RESOURCES)
    assert plan.rules is not None
    assert plan.rules.pack.version == "2026-11"
    assert compile_plan({k: v for k, v in FILE.items() if k != "rules"}, 1).rules is None  # a version of before stays readable


def test_a_window_that_never_opens_again_is_told_when_it_is_applied() -> None:
    data = changed("window", "blackout", to=["2026-01-01..2030-12-31"])
    (found,) = faults(data, RESOURCES, now=Instant(1_795_532_400_000))
    assert (found.path, found.message) == (
        "window",
        "does not open in the next 400 days: blackout, holidays and overrides close it",
    )
    assert faults(data, RESOURCES) == []


def test_a_window_that_the_law_never_allows_is_told_when_it_is_applied() -> None:
    data = changed("window", "weekly", to={"mon-fri": ["21:00-23:00"]}) | {"rules": {"pack": "us", "version": "2026-11"}}
    data |= {"purpose": "informational"}
    (found,) = faults(data, RESOURCES, now=Instant(1_795_532_400_000))
    assert found.path == "window.weekly"
    assert found.message.startswith("is never open while law US ")
    assert faults(data, RESOURCES) == faults(data | {"rules": "none"}, RESOURCES, now=Instant(1_795_532_400_000)) == []


def test_a_step_that_the_law_never_allows_is_told_when_it_is_applied() -> None:
    data = changed("window", "weekly", to={"mon-fri": ["08:00-23:00"]}) | {"rules": {"pack": "us", "version": "2026-11"}}
    data["flow"][0]["timing"] = {"window": {"mon-fri": ["21:30-22:30"]}}
    (found,) = faults(data | {"purpose": "informational"}, RESOURCES, now=Instant(1_795_532_400_000))
    assert found.path == "flow[0].timing.window"
    assert found.message == "is never open while the campaign's window and the law's are: let them overlap"


def test_declared_variables_are_all_that_templates_may_use_beside_fields() -> None:
    data = changed("flow", 3, "sms", "template", to="{{plan}} {{first_name}} {{plna}}")
    assert faults(data, RESOURCES) == []
    (found,) = faults(data | {"variables": ["plan"]}, RESOURCES)
    assert found.message.startswith("{{plna}} is neither a field of contacts nor one of `variables`")
    assert faults(data | {"variables": ["plan"]}) == []  # only asked when it is applied: a version stays readable
    assert faults(data | {"variables": ["plan", "plna"]}, RESOURCES) == []


def test_a_version_stays_readable_when_its_resources_are_gone() -> None:
    assert faults(FILE, ResourceIndex()) != []
    assert compile_plan(FILE, 1).line == "main"


PLACES: list[Place] = [("flow", i) for i in range(4)]
PLACES += [(key,) for key in (*FILE, "name", "purpose", "rules", "variables")]
PLACES += [("numbers", "tag"), ("numbers", "list"), ("window", "weekly"), ("window", "weekly", "mon"), ("window", "timezone")]
PLACES += [("window", "timezone", key) for key in ("use", "fallback", "zone")] + [("window", "ring_timeout")]
PLACES += [("flow", i, key) for i in range(4) for key in ("id", "when", "call", "sms", "wait", "timing", "retry", "email")]
PLACES += [("flow", 0, "retry", "busy"), ("flow", 0, "retry", "busy", "after"), ("flow", 2, "call", "agent")]
WORDS = st.sampled_from(
    ["main", "1h", "2 days", "09:00-10:00", "fixed", "Europe/London", "true", "last.at > 1", "+12125550101", "x"]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.floats(allow_nan=False) | WORDS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "call", "wait", "mon", "tag", "list", "after", "max", "busy", "zone", "agent"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=600)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ANY), min_size=1, max_size=4), st.booleans())
def test_any_file_has_faults_or_a_plan(changes: list[tuple[Place, Any]], known: bool) -> None:
    data: Any = copy.deepcopy(FILE)
    for place, value in changes:
        inside = data
        try:
            for part in place[:-1]:
                inside = inside[part]
            inside[place[-1]] = value
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took the place away
    resources = RESOURCES if known else None
    found = faults(data, resources)
    if found:
        with pytest.raises(OutdialError):
            compile_plan(data, 1, resources)
    else:
        plan = compile_plan(data, 1, resources)
        assert len(plan.steps) == len(data["flow"])
        assert plan.zones(()) != ()
        assert plan.window.ring_cut < 7 * 24 * HOUR


MAIL = {"from": "Ana <Ana@Example.com>", "subject": "Hi {{first_name|there}}", "template": "Hi"}


def only_emails(**email: Any) -> dict[str, Any]:
    return {key: FILE[key] for key in FILE if key not in ("numbers", "agent")} | {"flow": [{"id": "mail", "email": MAIL | email}]}


def test_who_only_sends_emails_needs_no_numbers() -> None:
    plan = compile_plan(only_emails(), 1, RESOURCES)
    (step,) = plan.steps
    assert isinstance(step, Contacting)
    assert (step.sender, step.subject, plan.channels) == (MAIL["from"], MAIL["subject"], {Channel.EMAIL})
    assert RESOURCES.numbers_for(plan) == ()


@pytest.mark.parametrize("kind", [{"call": {}}, {"sms": {"template": "Hi"}}])
def test_who_calls_or_texts_needs_numbers(kind: dict[str, Any]) -> None:
    data = {key: FILE[key] for key in FILE if key != "numbers"} | {"flow": [{"id": "one"} | kind, {"id": "mail", "email": MAIL}]}
    assert [(f.path, f.message) for f in faults(data, RESOURCES)] == [
        ("numbers", "is missing: the caller IDs, such as {tag: sales-us}")
    ]


def test_an_action_that_texts_needs_numbers_and_one_that_writes_does_not() -> None:
    def action(**what: Any) -> dict[str, Any]:
        return only_emails() | {"actions": [{"id": "thanks", "on": ["sent"]} | what]}

    assert [fault.path for fault in faults(action(sms={"template": "Thanks"}), RESOURCES)] == ["numbers"]
    assert not faults(action(email=MAIL), RESOURCES)
    assert compile_plan(action(email=MAIL), 1).actions[0].step == Contacting(
        "@thanks", Channel.EMAIL, sender=MAIL["from"], subject=MAIL["subject"], template=MAIL["template"]
    )
    (fault,) = faults(action(email=MAIL | {"from": "Ana"}), RESOURCES)
    assert fault.path == "actions[0].email.from"


@pytest.mark.parametrize(
    ("email", "place", "sentence"),
    [
        ({"from": "Ana"}, "flow[0].email.from", "email 'Ana' is not an address such as ana@example.com"),
        ({"subject": "{{fist_name|you}}"}, "flow[0].email.subject", "{{fist_name}} is no field of contacts"),
        ({"template": "{{first_name|a|b}}"}, "flow[0].email.template", "is not a variable"),
    ],
)
def test_what_is_wrong_with_an_email(email: dict[str, Any], place: str, sentence: str) -> None:
    (fault,) = faults(only_emails(**email), RESOURCES)
    assert fault.path == place
    assert sentence in fault.message
