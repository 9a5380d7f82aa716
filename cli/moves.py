"""`outdial campaign start|pause|resume|stop`: writes the head that engine/lifecycle.py says, and tells the feed of pauses.

Commands are not serialised: of two that change one campaign at the same moment, the one whose head is written last counts, but for
`stop`, which always does.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.inside import people_inside
from cli.preview import preview
from cli.publish import Publisher
from cli.read import Snapshot, read_heads
from cli.summary import iso
from engine import lifecycle
from engine.compile import faults
from engine.compile_lifecycle import parse_policy, parse_ramp
from engine.errors import OutdialError, UsageError
from engine.feed import told_paused, told_resumed
from engine.lifecycle import Resume
from engine.time import Instant
from engine.windows import instant_of
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.campaign import CampaignHead, CampaignState
from schemas.event import Event
from schemas.topics import CAMPAIGN_EVENTS, CAMPAIGNS

Id = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

#: From a head, at an instant, to the one that follows.
Move = Callable[[CampaignHead, Instant], CampaignHead]


def start(
    campaign: Id,
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="2026-12-01T09:00 by its own zone's clock, or 2026-12-01T14:00Z."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start a campaign that is a draft, now or at an instant to come. What is scheduled can be scheduled anew, or started now.

    Example: outdial campaign start spring --at 2026-12-01T09:00
    """
    settings = Settings()
    snapshot = read_heads(settings)
    when = None if at is None else _instant(at, campaign, snapshot)
    head = _write(settings, snapshot, campaign, lambda head, now: lifecycle.started(head, now, when))
    _say(head, "started" if when is None else f"will start at {iso(when)}", as_json)


def pause(
    campaign: Id,
    reason: Annotated[str | None, typer.Option(help="Why; `campaign list` and the feed tell it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pause a campaign: calls in progress end as they will, no further one is placed, everybody keeps their place.

    Example: outdial campaign pause spring --reason "wrong script"
    """
    settings = Settings()
    head = _write(settings, read_heads(settings), campaign, lambda head, now: lifecycle.paused(head, now, reason), _paused)
    _say(head, "paused", as_json)


def resume(
    campaign: Id,
    policy: Annotated[
        str | None,
        typer.Option(metavar="POLICY", help="hold, shift or expire:24h, and not what the file says."),
    ] = None,
    ramp: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Let the overdue out over 10m; 0: at once."),
    ] = None,
    show: Annotated[bool, typer.Option("--preview", help="Change nothing, print what the first hour would bring.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a paused campaign run on.

    Example: outdial campaign resume spring --policy shift --preview
    """
    settings = Settings()
    snapshot = read_heads(settings)
    how = _how(snapshot, campaign, policy, ramp)
    if show:
        preview(settings, snapshot, lifecycle.resumed(snapshot.head(campaign), clock_from(settings).now(), how), as_json)
        return
    head = _write(settings, snapshot, campaign, lambda head, now: lifecycle.resumed(head, now, how), _resumed)
    _say(head, f"resumed ({how.words()})", as_json, policy=how.policy, older=how.older, ramp=how.ramp)


def stop(
    campaign: Id,
    drain: Annotated[bool, typer.Option("--drain", help="Admit nobody new; who is inside goes on.")] = False,
    as_json: AsJson = False,
) -> None:
    """End a campaign, for ever: everybody who is still in it exits; calls that go on are waited for. Or --drain it.

    Example: outdial campaign stop spring --drain
    """
    settings = Settings()
    head = _write(settings, read_heads(settings), campaign, lifecycle.drained if drain else lifecycle.stopped)
    if not drain:
        _say(head, "stopped", as_json)
        return
    left = people_inside(settings, {campaign}).total()
    _say(head, f"admits nobody new, {left:,} still in it", as_json, left=left)


# --- what they share --------------------------------------------------------------------------------------------------------------


def _write(
    settings: Settings, snapshot: Snapshot, campaign: str, move: Move, tell: Callable[[CampaignHead], Event] | None = None
) -> CampaignHead:
    """The head after a move, acknowledged; then its event. Raises OutdialError if the state, or what is declared, forbids it."""
    head = move(snapshot.head(campaign), clock_from(settings).now())
    if head.state in lifecycle.ALIVE:
        _check_still_whole(snapshot, head)
    with Publisher(settings, CAMPAIGNS, CAMPAIGN_EVENTS) as publisher:
        publisher.send(CAMPAIGNS, head.key, head)
        publisher.flush()
        if tell is not None:
            event = tell(head)
            publisher.send(CAMPAIGN_EVENTS, event.key, event)
    return head


def _paused(head: CampaignHead) -> Event:
    return told_paused(head, "cli", head.pauses[-1].reason)


def _resumed(head: CampaignHead) -> Event:
    return told_resumed(head, head.pauses[-1])


def _how(snapshot: Snapshot, campaign: str, policy: str | None, ramp: str | None) -> Resume:
    """The file's way to resume, but for what the options say. Raises UsageError."""
    head = snapshot.head(campaign)
    found = snapshot.plan(campaign, head.version).resume
    try:
        how, older = (found.policy, found.older) if policy is None else parse_policy(policy)
        return Resume(how, older, found.ramp if ramp is None else parse_ramp(ramp))
    except ValueError as error:
        raise UsageError(str(error)) from None


def _instant(text: str, campaign: str, snapshot: Snapshot) -> Instant:
    """An instant as it is written for --at; without an offset by the clock of the campaign's own zone. Raises UsageError."""
    plan = snapshot.plan(campaign, snapshot.head(campaign).version)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text!r} is no instant: write 2026-12-01T09:00 or 2026-12-01T14:00Z") from None
    if found.tzinfo is not None:
        return Instant(int(found.astimezone(UTC).timestamp() * 1000))
    zone = plan.fixed_zone or plan.fallback_zone
    if zone is None:
        raise UsageError(f"--at {text!r} has no offset, and the campaign names no zone of its own: write it as 2026-12-01T14:00Z")
    return instant_of(found, zone)


def _check_still_whole(snapshot: Snapshot, head: CampaignHead) -> None:
    """Resources may have gone since the file was applied: a campaign without caller IDs must not start."""
    found = faults(snapshot.version(head.id, head.version).file, snapshot.resources)
    if found:
        what = "; ".join(str(fault) for fault in found)
        raise OutdialError(f"campaign {head.id!r} cannot run, {what}: apply the resources it needs, or another version of it")


def _say(head: CampaignHead, what: str, as_json: bool, **more: Any) -> None:
    if as_json:
        starts = {"starts_at": iso(head.starts_at)} if head.state is CampaignState.SCHEDULED else {}
        about = {"id": head.id, "version": head.version, "state": head.state.value, "action": what.split()[0]}
        print(json.dumps(about | starts | more))
    else:
        print(f"{head.id}@{head.version} {what}: {head.state.value}")
