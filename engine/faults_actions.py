"""What is wrong with the `actions` of a campaign file that types do not show."""

from collections import Counter
from ipaddress import ip_address
from urllib.parse import urlsplit

from engine.checking import Check
from engine.complaints import listed, nearest
from engine.faults_flow import sender_of
from engine.mentions import template_slips
from engine.retries import DISPOSITIONS, EXIT_PRECEDENCE
from engine.templates import names

KINDS = ("webhook", "sms", "email", "event", "suppress")
#: What outcomes ask for, beside how they ended.
REQUESTS = ("opt_out", "callback")
#: Dispositions that close no command: `not_dialed` is no outcome, the others come later and move nothing.
_NO_CLOSING = ("not_dialed", "delivered", "undelivered")
#: Exits after which the gate refuses every message of the campaign.
_SILENT = frozenset({"exited:opted_out", "exited:erased", "exited:suppressed", "exited:campaign_ended"})
_TEXTS = (("sms", "template"), ("email", "subject"), ("email", "template"))


def check_actions(check: Check) -> None:
    """Adds every fault of the actions."""
    parts = check.get(list, "actions") or []
    ids = [check.get(str, "actions", i, "id") for i in range(len(parts))]
    times = Counter(ids)
    for i, part in enumerate(parts):
        if not isinstance(part, dict):
            continue
        if times[ids[i]] > 1 and ids[i] in ids[:i]:
            check.add(("actions", i, "id"), f"{ids[i]!r} is the id of an earlier action: each action needs its own")
        _kind(check, i, part)
        _on(check, i)
        _url(check, i)
        _texts(check, i)
        check.read(sender_of, "actions", i, "email", "from")


def _kind(check: Check, i: int, part: dict[str, object]) -> None:
    kinds = [kind for kind in KINDS if part.get(kind) is not None]
    if len(kinds) != 1:
        have = f"has {' and '.join(kinds)}" if kinds else f"has none of {', '.join(KINDS[:-1])} and {KINDS[-1]}"
        check.add(("actions", i), f"{have}: an action does exactly one of them")


def _message(check: Check, i: int) -> str | None:
    """Whether the action writes to the person, and how."""
    return next((kind for kind in ("sms", "email") if check.get(dict, "actions", i, kind) is not None), None)


def _on(check: Check, i: int) -> None:
    """What an action follows: something that can happen."""
    own = check.get(dict, "dispositions") or {}
    known = [*(str(name) for name in DISPOSITIONS if name not in _NO_CLOSING), *own, *REQUESTS]
    exits = [f"exited:{reason}" for reason in EXIT_PRECEDENCE if reason != "callback"]  # which only ranks
    for n in range(len(check.get(list, "actions", i, "on") or ())):
        word = check.get(str, "actions", i, "on", n)
        place = ("actions", i, "on", n)
        if word in _SILENT and (kind := _message(check, i)):
            check.add(place, f"nobody gets an {kind} any more after {word}: use webhook or event, or leave it out")
        if word is None or word in known or word in exits:
            continue
        if word.startswith("exited"):
            check.add(place, f"{word!r} is no exit: write {listed(exits)}{nearest(word, exits)}")
        elif word in _NO_CLOSING:
            check.add(place, f"{word!r} ends no call or message: write {listed(known)}, or exited:<reason>")
        else:
            told = f"{word!r} is nothing that an outcome says: write {listed(known)}, or exited:<reason>"
            check.add(place, f"{told}{nearest(word, [*known, *exits])}")


def _url(check: Check, i: int) -> None:
    url = check.get(str, "actions", i, "webhook", "url")
    if url is not None and (why := unfit(url)):
        check.add(("actions", i, "webhook", "url"), why if "@" in url else f"{url!r} {why}")  # which may be a password


def unfit(url: str) -> str | None:
    """Why a webhook is not sent there; None if it may be: https, or http to this machine, without a name and password in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL: write it as https://host/path"
    if parts.scheme not in ("https", "http") or not host or any(c.isspace() for c in url):
        return "is no URL of a web server: write it as https://host/path"
    if parts.scheme == "http" and not _loopback(host):
        return f"would send what people said unencrypted: write https://{parts.netloc}{parts.path}"
    if parts.username is not None or parts.password is not None:
        return "holds a name or a password, which anybody who reads the file would know: requests are signed instead"
    return None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _texts(check: Check, i: int) -> None:
    """Templates, as those of steps (engine/faults_flow.py)."""
    listed_names = check.get(list, "variables")
    declared = None if listed_names is None else [name for name in listed_names if isinstance(name, str)]
    for kind, text in _TEXTS:
        place = ("actions", i, kind, text)
        check.read(names, *place)
        template = check.get(str, *place)
        if check.resources is not None and template is not None and place not in (found for found, _ in check.found):
            check.found += [(place, slip) for slip in template_slips(template, declared)]
