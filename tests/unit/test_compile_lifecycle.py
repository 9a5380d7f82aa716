"""The keys about a campaign's life: what they become, and what is said of wrong ones."""

from typing import Any

import pytest

from engine.alarms import Limits
from engine.compile import compile_plan, faults
from engine.compile_lifecycle import parse_policy, parse_ramp
from engine.lifecycle import Resume
from engine.time import HOUR, MINUTE

FILE: dict[str, Any] = {
    "id": "spring",
    "agent": "robin",
    "numbers": {"list": ["+12125550101"]},
    "line": "main",
    "rules": "none",
    "window": {"weekly": {"mon-sun": ["00:00-24:00"]}, "timezone": {"use": "fixed", "zone": "Etc/UTC"}},
    "flow": [{"id": "call", "call": {}}],
}


@pytest.mark.parametrize(
    ("keys", "resume"),
    [
        ({}, Resume("hold")),
        ({"resume": "shift"}, Resume("shift")),
        ({"resume": {"expire": "24h"}, "ramp": "10m"}, Resume("expire", 24 * HOUR, 10 * MINUTE)),
        ({"resume": {"expire": "2 days"}}, Resume("expire", 48 * HOUR)),
    ],
)
def test_how_it_is_resumed(keys: dict[str, Any], resume: Resume) -> None:
    assert compile_plan(FILE | keys, 1).resume == resume


def test_when_it_pauses_itself() -> None:
    assert compile_plan(FILE, 1).pause_when is None
    part = {"config_errors": 3, "opt_out_rate": "5%", "answer_rate_below": "12.5 %", "over": "100 calls"}
    assert compile_plan(FILE | {"pause_when": part}, 1).pause_when == Limits(3, 0.05, 0.125, 100)
    assert compile_plan(FILE | {"pause_when": {"config_errors": 3}}, 1).pause_when == Limits(3)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"resume": "shfit"}, "resume: 'shfit' is not allowed: write hold or shift. Did you mean shift?"),
        ({"resume": {"expire": "soon"}}, "resume.expire: 'soon' is not a duration"),
        ({"resume": {"expires": "24h"}}, "resume.expires: is not a key here: there are expire. Did you mean expire?"),
        ({"resume": {}}, "resume.expire: is missing"),
        ({"ramp": "2 days"}, "ramp: '2 days' is too long: at most 24h"),
        ({"ramp": 10}, "ramp: must be text, not 10"),
        ({"pause_when": {}}, "pause_when: names nothing to pause for: write config_errors, opt_out_rate or answer_rate_below"),
        ({"pause_when": {"config_errors": 0}}, "pause_when.config_errors: must be at least 1, not 0"),
        ({"pause_when": {"opt_out_rate": "5"}}, "pause_when.opt_out_rate: '5' is no share: write a percentage"),
        ({"pause_when": {"opt_out_rate": "0%"}}, "pause_when.opt_out_rate: '0%' is no share"),
        ({"pause_when": {"answer_rate_below": "5%", "over": "5 calls"}}, "pause_when.over: '5 calls' is no number of calls"),
        ({"pause_when": {"config_errors": 1, "over": "50 calls"}}, "pause_when.over: belongs to a rate, and there is none"),
        ({"pause_when": {"answer_rate": "5%"}}, "pause_when.answer_rate: is not a key here"),
    ],
)
def test_faults(keys: dict[str, Any], fault: str) -> None:
    told = [str(each) for each in faults(FILE | keys)]
    assert any(each.startswith(fault) for each in told), told


def test_options_of_the_command() -> None:
    assert parse_policy("hold") == ("hold", 0)
    assert parse_policy("expire:2h") == ("expire", 2 * HOUR)
    assert (parse_ramp("0"), parse_ramp("10m")) == (0, 10 * MINUTE)
    for text, sentence in (
        ("shft", "Did you mean shift"),
        ("expire", "write hold, shift or expire:24h"),
        ("expire:x", "not a duration"),
    ):
        with pytest.raises(ValueError, match=sentence):
            parse_policy(text)
