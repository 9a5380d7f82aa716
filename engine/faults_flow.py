"""What is wrong with the flow of a campaign file: its steps, their ways, and what they refer to.

A flow must end. Where ways lead back, some step on each round must limit its visits: a flow in which every such step is used up,
so that only its `otherwise` is left, must have no round at all.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import parseaddr
from typing import Any

from engine.checking import Check
from engine.complaints import listed, nearest
from engine.conditions import compile_condition, contact_names
from engine.delays import length_of, parse_delay, parse_ms
from engine.mentions import condition_slips, contact_slips, template_slips
from engine.phone import canonical_address
from engine.plan import END
from engine.resources import ResourceIndex
from engine.retries import DISPOSITIONS
from engine.templates import names
from engine.time import DAY, MINUTE
from engine.weekly import parse_time

KINDS = ("call", "sms", "email", "wait", "exit")
#: Texts with variables, by kind of step.
TEMPLATES = (("sms", "template"), ("email", "subject"), ("email", "template"))
#: A retry of which the last is due later than this would be no retry any more.
LONGEST_RETRY = 31 * DAY


def check_flow(check: Check) -> None:
    """Adds every fault of the flow, and of what the whole campaign says of it."""
    _dispositions(check)
    _lengths(check)
    steps = check.get(list, "flow") or []
    ids = _ids(check, steps)
    for i, step in enumerate(steps):
        if isinstance(step, dict):
            _step(check, i, step, ids)
    _ends(check, steps)


def _ids(check: Check, steps: list[Any]) -> list[str | None]:
    """The steps' ids, None for one that has none; each needs its own."""
    ids = [check.get(str, "flow", i, "id") for i in range(len(steps))]
    times = Counter(ids)
    for i, name in enumerate(ids):
        if name is not None and times[name] > 1 and name in ids[:i]:
            check.add(("flow", i, "id"), f"{name!r} is the id of an earlier step: each step needs its own")
        if name == END:
            check.add(("flow", i, "id"), f"{END!r} is no id for a step: `then: {END}` leaves the flow")
    return ids


def _step(check: Check, i: int, step: dict[str, Any], ids: list[str | None]) -> None:
    kinds = [kind for kind in KINDS if step.get(kind) is not None]
    if len(kinds) != 1:
        empty = " (a call without options is written call: {})" if "call" in step and not kinds else ""
        have = f"has {' and '.join(kinds)}" if kinds else f"has none of {', '.join(KINDS[:-1])} and {KINDS[-1]}"
        check.add(("flow", i), f"{have}: a step has exactly one of them{empty}")
    check.read(compile_condition, "flow", i, "when")
    check.read(parse_delay, "flow", i, "wait")
    for kind, text in TEMPLATES:
        check.read(names, "flow", i, kind, text)
    check.read(sender_of, "flow", i, "email", "from")
    _ways(check, i, kinds, ids)
    if check.resources is not None:
        _mentions(check, i, ids)
    if kinds == ["call"]:
        _agent(check, i)
    _time(check, i, kinds)
    _retry(check, i, kinds)


def sender_of(text: str) -> str:
    """The address in `ana@example.com` or `Ana <ana@example.com>`. Raises RecordError, a sentence."""
    return canonical_address("email", parseaddr(text)[1] or text)


def _ways(check: Check, i: int, kinds: list[str], ids: list[str | None]) -> None:
    """Where `then` and `otherwise` lead."""
    there = [*(name for name in ids if name), END]
    for key in ("then", "otherwise"):
        name = check.get(str, "flow", i, key)
        if name is not None and name not in there:
            check.add(("flow", i, key), f"there is no step {name!r}: write {listed(there)}{nearest(name, there)}")
    if kinds == ["exit"] and check.get(str, "flow", i, "then") is not None:
        check.add(("flow", i, "then"), "whoever comes to an exit leaves: write otherwise for those who do not")
    if kinds in (["wait"], ["exit"]) and check.get(str, "flow", i, "otherwise") is not None and not _may_fail(check, i):
        check.add(("flow", i, "otherwise"), f"is never the way: this {kinds[0]} has neither when nor max_visits")


def _may_fail(check: Check, i: int) -> bool:
    """Whether a step that contacts nobody can be passed over."""
    return check.get(str, "flow", i, "when") is not None or check.get(int, "flow", i, "max_visits") is not None


def _mentions(check: Check, i: int, ids: list[str | None]) -> None:
    """What texts of a step refer to. Asked when a file is applied, as for resources: an old version stays readable."""
    listed_names = check.get(list, "variables")
    declared = None if listed_names is None else [name for name in listed_names if isinstance(name, str)]
    for kind, text in TEMPLATES:
        _slips(check, lambda text: template_slips(text, declared), "flow", i, kind, text)
    _slips(check, lambda text: contact_slips(contact_names(text), declared), "flow", i, "when")
    waits = [check.get(str, "flow", n, "wait") or check.get(str, "flow", n, "exit") for n in range(len(ids))]
    before = _before(check, i, [name or "" for name in ids])
    contacts = [name for name, wait in zip(ids, waits, strict=True) if name and wait is None and name in before]
    _slips(check, lambda text: condition_slips(text, contacts, {name for name in ids if name}), "flow", i, "when")


def _before(check: Check, i: int, ids: list[str]) -> set[str]:
    """The steps from which a way leads to step i, over others."""
    ways = [_following(check, n, ids) for n in range(len(ids))]
    found: set[int] = set()
    todo = [i]
    while todo:
        at = todo.pop()
        for n, following in enumerate(ways):
            if at in following and n not in found:
                found.add(n)
                todo.append(n)
    return {ids[n] for n in found}


def _slips(check: Check, find: Callable[[str], Iterator[str]], *place: str | int) -> None:
    text = check.get(str, *place)
    if text is not None and place not in (found for found, _ in check.found):
        check.found += [(place, slip) for slip in find(text)]


def _agent(check: Check, i: int) -> None:
    check.declared("agent", (check.resources or ResourceIndex()).agents, "flow", i, "call", "agent")
    call = check.get(dict, "flow", i, "call")
    if call is not None and call.get("agent") is None and check.data.get("agent") is None:
        check.add(("flow", i, "call"), "names no agent, and the campaign has none: write agent: ... here or at the top")


def _time(check: Check, i: int, kinds: list[str]) -> None:
    timing = check.get(dict, "flow", i, "timing")
    if timing is not None and not timing.keys() & {"window", "at"}:
        check.add(
            ("flow", i, "timing"), 'needs a window, a time, or both: write {at: "10:00"} or {window: {mon-fri: ["10:00-12:00"]}}'
        )
    check.read(parse_time, "flow", i, "timing", "at")
    check.read(length_of, "flow", i, "late", "after")
    for key in ("timing", "late", "max_attempts"):
        if check.get(object, "flow", i, key) is not None and kinds in (["wait"], ["exit"]):
            check.add(("flow", i, key), "says nothing of a step that contacts nobody: move it to a call or a message")


def _retry(check: Check, i: int, kinds: list[str]) -> None:
    retry = check.get(dict, "flow", i, "retry") or {}
    if retry and kinds in (["wait"], ["exit"]):
        kind = "a wait" if kinds == ["wait"] else "an exit"
        check.add(("flow", i, "retry"), f"{kind} has no outcome that could be retried: move it to a call")
        return
    own = check.get(dict, "dispositions") or {}
    known = [str(name) for name, effect in DISPOSITIONS.items() if effect.retryable]
    for name in retry:
        if name not in known and name not in own:
            why = "is never retried" if name in DISPOSITIONS else "is not a disposition"
            check.add(("flow", i, "retry", name), f"{name!r} {why}: write {listed(known)}{nearest(name, known)}")
        check.read(parse_delay, "flow", i, "retry", name, "after")
        check.read(parse_ms, "flow", i, "retry", name, "another_time")
        _retries_end(check, "flow", i, "retry", name)


def _retries_end(check: Check, *place: str | int) -> None:
    """A retry whose back-off grows beyond a month is none."""
    times, factor = check.get(int, *place, "max"), check.get(object, *place, "backoff")
    try:
        delay = parse_delay(check.get(str, *place, "after") or "1s")
    except ValueError:
        return
    first = delay.length
    if times and isinstance(factor, int | float) and first * float(factor) ** (times - 1) > LONGEST_RETRY:
        hours = first * float(factor) ** (times - 1) / (60 * MINUTE)
        told = f"the last of {times} retries would come {hours:,.0f}h after the one before: at most 744h, which are 31 days"
        check.add((*place, "backoff"), told)


def _dispositions(check: Check) -> None:
    """What never rang may be tried without end, and what nobody knows never again: neither may be meant by, or mean, another."""
    known = [str(name) for name, effect in DISPOSITIONS.items() if effect.rang and name != "unknown"]
    for name, meaning in (check.get(dict, "dispositions") or {}).items():
        if name in DISPOSITIONS and name not in known:
            told = f"{name!r} always means what it says: only {listed(known)}, or one of a provider's own, may mean another"
            check.add(("dispositions", name), told)
        if isinstance(meaning, str) and meaning not in known:
            told = f"{meaning!r} is nothing that a call can be taken for: write {listed(known)}{nearest(meaning, known)}"
            check.add(("dispositions", name), told)


def _lengths(check: Check) -> None:
    check.read(parse_ms, "max_call")
    check.read(parse_delay, "reentry", "after")


# --- whether it ends --------------------------------------------------------------------------------------------------------------


def _ends(check: Check, steps: list[Any]) -> None:
    """A fault for the first way back that nothing limits."""
    ids = [check.get(str, "flow", i, "id") or "" for i in range(len(steps))]
    ways = [_following(check, i, ids, used_up=True) for i in range(len(steps))]
    if (at := _round(ways)) is not None:
        key = next((key for key in ("then", "otherwise") if check.get(str, "flow", at, key) is not None), "then")
        back = f"leads back to {check.get(str, 'flow', at, key)!r} without end"
        check.add(("flow", at, key), f"{back}: give a step on this way max_visits: 3, or as often as you mean")


def _following(check: Check, i: int, ids: list[str], used_up: bool = False) -> list[int]:
    """Where ways lead from step i; `used_up`: once its visits are, if they are limited."""
    last = i + 1 if i + 1 < len(ids) else None
    then = _target(check.get(str, "flow", i, "then"), ids, last)
    otherwise = _target(check.get(str, "flow", i, "otherwise"), ids, last)
    if used_up and check.get(int, "flow", i, "max_visits") is not None:
        found = [otherwise]
    elif check.get(str, "flow", i, "exit") is not None:
        found = [otherwise] if check.get(str, "flow", i, "when") is not None else []
    else:
        found = [then, otherwise]
    return list(dict.fromkeys(n for n in found if n is not None))


def _target(name: str | None, ids: list[str], default: int | None) -> int | None:
    if name is None:
        return default
    return ids.index(name) if name in ids else None


def _round(ways: list[list[int]]) -> int | None:
    """The step whose way closes a round; None if there is none."""
    done: set[int] = set()

    def visit(at: int, path: set[int]) -> int | None:
        for following in ways[at]:
            if following in path:
                return at
            if following not in done and (found := visit(following, path | {following})) is not None:
                return found
        done.add(at)
        return None

    return next((found for i in range(len(ways)) if i not in done and (found := visit(i, {i})) is not None), None)
