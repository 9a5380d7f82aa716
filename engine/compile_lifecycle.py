"""The keys of a campaign file about its life: what a pause means, and when it pauses itself. Read, and checked, here alone."""

import re

from engine.alarms import Limits
from engine.checking import Check
from engine.complaints import nearest
from engine.delays import length_of
from engine.lifecycle import Resume
from engine.time import DAY
from schemas.campaign import CampaignFile, ExpirePart

_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)
_CALLS = re.compile(r"(\d+)(?:\s*calls?)?", re.ASCII)
#: Calls that a rate may be of: fewer say nothing, more would be remembered for nothing.
_FEWEST, _MOST = 10, 100_000


def resume_of(file: CampaignFile) -> Resume:
    ramp = parse_ramp(file.ramp) if file.ramp else 0
    if isinstance(file.resume, ExpirePart):
        return Resume("expire", length_of(file.resume.expire), ramp)
    return Resume(file.resume, ramp=ramp)


def limits_of(file: CampaignFile) -> Limits | None:
    part = file.pause_when
    if part is None:
        return None
    opt_outs = parse_share(part.opt_out_rate) if part.opt_out_rate else None
    answered = parse_share(part.answer_rate_below) if part.answer_rate_below else None
    return Limits(part.config_errors, opt_outs, answered, parse_calls(part.over))


def parse_share(text: str) -> float:
    """`5%` as 0.05. Raises ValueError, a sentence."""
    match = _SHARE.fullmatch(str(text).strip())
    if match is None or not 0 < float(match[1]) <= 100:
        raise ValueError(f"{text!r} is no share: write a percentage above 0% and up to 100%, such as 5%")
    return float(match[1]) / 100


def parse_calls(text: str) -> int:
    """`200 calls` as 200. Raises ValueError, a sentence."""
    match = _CALLS.fullmatch(str(text).strip())
    if match is None or not _FEWEST <= int(match[1]) <= _MOST:
        raise ValueError(f"{text!r} is no number of calls: write {_FEWEST} calls to {_MOST} calls, such as 200 calls")
    return int(match[1])


def parse_policy(text: str) -> tuple[str, int]:
    """`hold`, `shift` or `expire:24h` as a policy and ms. Raises ValueError, a sentence."""
    name, _, length = text.partition(":")
    if name == "expire" and length:
        return name, length_of(length)
    if text in ("hold", "shift"):
        return text, 0
    raise ValueError(f"--policy {text!r} is none: write hold, shift or expire:24h{nearest(name, ('hold', 'shift', 'expire:24h'))}")


def parse_ramp(text: str) -> int:
    """`10m` in ms, `0` for none. Raises ValueError, a sentence."""
    ramp = 0 if text.strip() == "0" else length_of(text)
    if ramp > DAY:
        raise ValueError(f"{text!r} is too long: at most 24h")
    return ramp


def check_lifecycle(check: Check) -> None:
    """What the types of these keys do not show."""
    check.read(length_of, "resume", "expire")
    check.read(parse_ramp, "ramp")
    part = check.get(dict, "pause_when")
    if part is None:
        return
    rates = [key for key in ("opt_out_rate", "answer_rate_below") if part.get(key) is not None]
    for key in rates:
        check.read(parse_share, "pause_when", key)
    check.read(parse_calls, "pause_when", "over")
    if not rates and part.get("config_errors") is None:
        check.add(("pause_when",), "names nothing to pause for: write config_errors, opt_out_rate or answer_rate_below")
    elif not rates and part.get("over") is not None:
        check.add(("pause_when", "over"), "belongs to a rate, and there is none: add opt_out_rate or answer_rate_below")
