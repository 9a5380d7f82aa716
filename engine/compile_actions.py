"""Turns the `actions` of a campaign file into what the engine runs on."""

from typing import Any

from engine.plan import Action, Channel, Contacting
from schemas.campaign import ActionPart, EmailPart

#: In front of an action's id, where it stands for a step: no step of a flow may be called so.
MARK = "@"


def compile_action(part: ActionPart, campaign: str) -> Action:
    """The action of its part. The part has no faults (engine/faults_actions.py)."""
    on = frozenset(part.on)
    if part.webhook is not None:
        return Action(part.id, on, "webhook", url=part.webhook.url, secret_env=part.webhook.secret_env)
    if part.event is not None:
        return Action(part.id, on, "event", name=part.event.name)
    if part.suppress is not None:
        return Action(part.id, on, "suppress", scope=_scope(part.suppress.scope, campaign))
    step = _message(part)
    return Action(part.id, on, str(step.channel), step=step)


def _message(part: ActionPart) -> Contacting:
    name = MARK + part.id
    if part.sms is not None:
        return Contacting(name, Channel.SMS, template=part.sms.template)
    assert part.email is not None
    return Contacting(name, Channel.EMAIL, **email_of(part.email))


def email_of(part: EmailPart) -> dict[str, Any]:
    """The fields of a step that sends this email."""
    return {"sender": part.sender, "subject": part.subject, "template": part.template}


def _scope(word: str, campaign: str) -> str:
    """The scope of a suppression, as records have it."""
    match word:
        case "all":
            return "all"
        case "campaign":
            return f"campaign:{campaign}"
        case _:
            return f"channel:{word}"
