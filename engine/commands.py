"""The dial command that a row names: the very same each time, for a step of the flow as for a message that follows a call."""

from typing import Any

from engine.plan import Contacting, Plan
from schemas import ids
from schemas.command import Dial
from schemas.rows import ActionRow, EnrollmentRow, Profile


def dial(
    row: EnrollmentRow | ActionRow,
    step: Contacting,
    plan: Plan,
    profile: Profile,
    *,
    cause: str,
    seq: int,
    texts: tuple[str | None, str | None],
    variables: dict[str, Any],
    action: str | None = None,
) -> Dial:
    """The row's open command, with the facts that the gate asks for. `texts`: subject and text. Raises ValueError without one."""
    opened = row.open
    if opened is None:
        raise ValueError(f"{row.key} has no open command")
    subject, text = texts
    return Dial(
        event_id=ids.event_id(opened.dial_id, "dial", row.enrollment_id),
        cause=cause,
        dial_id=opened.dial_id,
        enrollment_id=row.enrollment_id,
        contact_id=row.contact_id,
        campaign=row.campaign,
        version=row.version,
        entry=row.entry,
        step=step.id,
        seq=seq,
        channel=opened.channel,
        address=opened.address,
        caller=opened.caller,
        zones=plan.zones(profile.zones),
        jurisdictions=profile.jurisdictions,
        consents=profile.consents,
        slot=opened.slot,
        agent=step.agent,
        sender=step.sender,
        subject=subject,
        text=text,
        variables=variables,
        at=opened.at,
        action=action,
    )
