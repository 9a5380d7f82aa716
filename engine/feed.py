"""Events as the feed has them: of an enrollment; and of a campaign as a whole, which have no contact and are keyed by it."""

from typing import Any

from engine.alarms import Alarm
from schemas import ids
from schemas.campaign import CampaignHead, Pause
from schemas.event import Event, EventKind
from schemas.outcome import Outcome
from schemas.rows import ActionRow, EnrollmentRow


def told_of(
    about: EnrollmentRow | Outcome | ActionRow, kind: str, cause: str, at: int, data: dict[str, Any], step: str | None = None
) -> Event:
    """What happened to an enrollment, at an instant (campaign ms), because of `cause`: the same cause, the same event_id."""
    return Event(
        event_id=ids.event_id(cause, kind, about.enrollment_id),
        cause=cause,
        kind=kind,
        contact_id=about.contact_id,
        enrollment_id=about.enrollment_id,
        campaign=about.campaign,
        version=about.version,
        entry=about.entry,
        at=at,
        step=step,
        data=data,
    )


def told_paused(head: CampaignHead, by: str, reason: str | None) -> Event:
    """The campaign was paused by this head."""
    return _event(head, EventKind.PAUSED, {"by": by} | ({"reason": reason} if reason else {}))


def told_resumed(head: CampaignHead, pause: Pause) -> Event:
    """The campaign was resumed by this head; `pause`: the one that is over."""
    how: dict[str, Any] = {"by": "cli", "policy": pause.policy, "paused_at": pause.begin}
    how |= {name: value for name, value in (("older", pause.older), ("ramp", pause.ramp)) if value}
    return _event(head, EventKind.RESUMED, how)


def told_alarm(head: CampaignHead, alarm: Alarm) -> Event:
    """A worker paused the campaign by this head."""
    data = {"what": alarm.what, "value": round(alarm.value, 4), "limit": alarm.limit}
    return _event(head, EventKind.ALERT, data | ({"over": alarm.over} if alarm.over else {}))


def _event(head: CampaignHead, kind: EventKind, data: dict[str, Any]) -> Event:
    cause = head.event_id or head.id
    return Event(
        event_id=ids.event_id(cause, kind, head.id),
        cause=cause,
        kind=kind,
        contact_id="",
        enrollment_id="",
        campaign=head.id,
        version=head.version,
        entry=0,
        at=head.at,
        data=data,
    )
